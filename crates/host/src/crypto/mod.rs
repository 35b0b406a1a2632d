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
//! | [`Sign`] | `ed25519`, `p256` | signature (RFC 8032; `r ‖ s` of FIPS 186-5 over SHA-256) |
//! | [`Verify`] | the above | whether it verifies, compared in constant time |
//! | [`Encrypt`], [`Decrypt`] | `aes-256-gcm`, `chacha20-poly1305` | `nonce ‖ ciphertext ‖ tag`; plaintext |
//! | [`Derive`] | `hkdf-sha256` | at most 64 bytes; never the key itself |
//!
//! Primitives come from aws-lc-rs and blake3. No input is longer than [`MAX_INPUT`] bytes.

mod algorithm;
mod key;
mod keyless;
mod mac;
mod seal;
mod sign;
mod store;

use std::sync::Arc;

use bailiwick_guard::HostError;
use bailiwick_policy::{Code, KeyName};

pub use algorithm::{HashAlgorithm, KeyAlgorithm};
pub use key::PublicKey;
pub use keyless::{Hash, MAX_RANDOM, Random};
pub use mac::{Derive, Hmac, MAX_DERIVED};
pub use seal::{Decrypt, Encrypt, NONCE_LEN, TAG_LEN};
pub use sign::{Sign, Verify};
pub use store::{KeyError, KeyStore, Rings};

use key::Key;

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

    /// The key of that name; a ring may make it if it is missing.
    async fn key(&self, name: &KeyName) -> Result<Arc<Key>, HostError> {
        self.find(name, KeyStore::key).await
    }

    /// The key of that name, for operations on what another made: a key that is missing stays missing.
    async fn existing_key(&self, name: &KeyName) -> Result<Arc<Key>, HostError> {
        self.find(name, KeyStore::existing).await
    }

    async fn find(
        &self,
        name: &KeyName,
        look: fn(&KeyStore, &KeyName) -> Result<Arc<Key>, KeyError>,
    ) -> Result<Arc<Key>, HostError> {
        let keys = self.keys.as_ref().ok_or(HostError::Failed(Code::NoKey))?;
        if let Some(key) = keys.cached(name) {
            return Ok(key);
        }
        let (keys, name) = (Arc::clone(keys), name.clone());
        match tokio::task::spawn_blocking(move || look(&keys, &name)).await {
            Ok(Ok(key)) => Ok(key),
            Ok(Err(KeyError::Missing { .. })) => Err(HostError::Failed(Code::NoKey)),
            Ok(Err(_)) | Err(_) => Err(HostError::Failed(Code::Internal)),
        }
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
