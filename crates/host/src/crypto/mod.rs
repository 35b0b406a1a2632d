//! Cryptography with keys that never leave the host.
//!
//! A guest names a key (`ring/key`) and gets results; key bytes exist only in the host's memory and its [`KeyStore`].
//! The key's own algorithm decides what is done: a guest cannot choose a weaker one, and an operation that the algorithm
//! does not serve is refused with `deny.crypto.key_use`.
//!
//! | action | keys | result |
//! |---|---|---|
//! | [`Hash`], [`Random`] | none | digest; random bytes |
//! | [`Hmac`] | `hmac-sha256`, `hmac-sha384`, `hmac-sha512` | tag |
//! | [`Sign`] | `ed25519`, `p256`, `p384`, `rsa-pss-sha256` | signature (RFC 8032; `r ‖ s` of FIPS 186-5; RFC 8017) |
//! | [`Verify`] | the above | whether it verifies, compared in constant time |
//! | [`Encrypt`], [`Decrypt`] | `aes-256-gcm`, `chacha20-poly1305` | `version ‖ nonce ‖ ciphertext ‖ tag`; plaintext |
//! | [`Derive`] | `hkdf-sha256` | at most 64 bytes; never the key itself |
//!
//! A key has versions: the newest one makes what is new, each of them verifies and decrypts. Keys are sealed at rest by the
//! host's [`vault`](crate::vault). Primitives come from aws-lc-rs and blake3. No input is longer than [`MAX_INPUT`] bytes.

mod algorithm;
mod clear;
mod error;
mod folder;
mod import;
mod key;
mod keyless;
mod mac;
mod public;
mod record;
mod rings;
mod seal;
mod sign;
mod store;
#[cfg(test)]
mod vectors;
mod version;

use std::sync::{Arc, Weak};

use bailiwick_guard::HostError;
use bailiwick_policy::Code;

pub use algorithm::{HashAlgorithm, KeyAlgorithm};
pub use error::KeyError;
pub use import::{ImportError, Imported, MAX_IMPORT};
pub use keyless::{Hash, MAX_RANDOM, Random};
pub use mac::{Derive, Hmac, MAX_DERIVED};
pub use public::PublicKey;
pub use rings::{Ring, Rings, Rotate};
pub use seal::{Decrypt, Encrypt, NONCE_LEN, TAG_LEN, VERSION_LEN};
pub use sign::{Sign, Verify};
pub use store::{KeyInfo, KeyStore, MAX_TRIED, VersionInfo};

/// Most bytes of all inputs of one operation together.
pub const MAX_INPUT: usize = 16 << 20;

/// Above this many bytes an operation runs on a thread for blocking work, so that it does not hold up other runs.
const INLINE: usize = 64 << 10;

/// The cryptographic capability of one run.
///
/// Defaults: without a key store no key exists, and every operation with one fails with `failed.no_key`.
#[derive(Clone, Debug, Default)]
pub struct Crypto {
    keys: Option<Arc<KeyStore>>,
}

impl Crypto {
    pub fn new(keys: Option<Arc<KeyStore>>) -> Crypto {
        Crypto { keys }
    }

    /// Runs an operation with keys, on inputs of `len` bytes: on a thread for blocking work, because it reads files. The
    /// operation is told whether somebody still waits for it.
    async fn with_keys<T: Send + 'static>(
        &self,
        len: usize,
        work: impl FnOnce(&KeyStore, &Waiting) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        if len > MAX_INPUT {
            return Err(HostError::Limit(Code::ArgumentBytes));
        }
        let keys = Arc::clone(self.keys.as_ref().ok_or(HostError::Failed(Code::NoKey))?);
        let asked = Arc::new(());
        let waiting = Waiting(Arc::downgrade(&asked));
        let done = tokio::task::spawn_blocking(move || work(&keys, &waiting)).await;
        drop(asked);
        done.unwrap_or(Err(HostError::Failed(Code::Internal)))
    }
}

/// Whether the call that asked for an operation is still there: it is not when its run was stopped.
struct Waiting(Weak<()>);

impl Waiting {
    fn is_over(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// Runs an operation on inputs of `len` bytes where it belongs.
async fn compute<T: Send + 'static>(
    len: usize,
    work: impl FnOnce() -> Result<T, HostError> + Send + 'static,
) -> Result<T, HostError> {
    if len > MAX_INPUT {
        return Err(HostError::Limit(Code::ArgumentBytes));
    }
    if len <= INLINE {
        return work();
    }
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(HostError::Failed(Code::Internal)))
}

/// A failure inside the library that no input explains.
fn internal<E>(_unspecified: E) -> HostError {
    HostError::Failed(Code::Internal)
}

const WRONG_USE: HostError = HostError::Denied(Code::KeyUse);
