//! Why a key cannot be had.

use std::io;
use std::path::PathBuf;

use bailiwick_guard::HostError;
use bailiwick_policy::{Code, KeyName};

use super::KeyAlgorithm;
use crate::private::PrivateError;
use crate::vault::VaultError;

/// Why a key cannot be had, or kept. Guests see a code; the text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("key store `{folder}` cannot be used: {error}; it must be a folder that this user can read and write")]
    Folder { folder: PathBuf, error: io::Error },
    #[error("there is no key `{key}`; make it, or let its ring make keys with `create` in the host's configuration")]
    Missing { key: KeyName },
    #[error("key `{key}` has no version {version}")]
    NoVersion { key: KeyName, version: u32 },
    #[error(
        "key `{key}` exists already; `bailiwick key rotate {key}` makes its next version, and `bailiwick key import --next` \
         takes one from elsewhere"
    )]
    Exists { key: KeyName },
    #[error("key `{key}`: {error}")]
    Io { key: KeyName, error: io::Error },
    #[error("the file of key `{key}`, version {version}, cannot be used: {reason}")]
    File { key: KeyName, version: u32, reason: String },
    #[error("key `{key}`, version {version}: {error}")]
    Sealed { key: KeyName, version: u32, error: VaultError },
    #[error("key `{key}`, version {version}, is damaged or does not fit its algorithm; restore it from a backup")]
    Malformed { key: KeyName, version: u32 },
    #[error("key `{key}` cannot be made: the random source failed")]
    Random { key: KeyName },
    #[error("key `{key}` is for `{algorithm}`, which has no public key")]
    NoPublicKey { key: KeyName, algorithm: KeyAlgorithm },
    #[error("key `{key}` is for `{algorithm}`, which serves something else")]
    Use { key: KeyName, algorithm: KeyAlgorithm },
    #[error(
        "the newest version of key `{key}` is too old or was used too often; `bailiwick key rotate {key}` makes the next one"
    )]
    Expired { key: KeyName },
    #[error(
        "key `{key}` is a public key, whose next version its owner makes; keep that with `bailiwick key import {key} FILE --next`"
    )]
    PublicKey { key: KeyName },
    #[error(
        "a key for `{algorithm}` is not replaced, because what was derived from it would be lost; make another key"
    )]
    NoRotation { algorithm: KeyAlgorithm },
    #[error("key `{key}` is for `{kept}`, and a version of it cannot be for `{given}`")]
    OtherAlgorithm { key: KeyName, kept: KeyAlgorithm, given: KeyAlgorithm },
    #[error(
        "version {version} of key `{key}` is its newest; make the next one first, so that no older one signs again"
    )]
    Newest { key: KeyName, version: u32 },
    #[error(
        "key `{key}` is kept in the clear, by an older version of this program, beside a sealed one that differs; remove \
         the one of `{key}.json` and `{key}/` that is not wanted"
    )]
    Ambiguous { key: KeyName },
}

impl From<KeyError> for HostError {
    /// What a guest is told.
    fn from(error: KeyError) -> HostError {
        match &error {
            KeyError::Missing { .. } | KeyError::NoVersion { .. } => HostError::Failed(Code::NoKey),
            KeyError::Use { .. } => HostError::Denied(Code::KeyUse),
            KeyError::Expired { .. } => HostError::Failed(Code::KeyExpired),
            KeyError::Io { error, .. } | KeyError::Folder { error, .. } if is_full(error) => {
                HostError::Failed(Code::NoSpace)
            }
            KeyError::Random { .. } => HostError::Failed(Code::Internal),
            _ => HostError::Failed(Code::KeyStore),
        }
    }
}

impl KeyError {
    pub(super) fn io(key: &KeyName, error: io::Error) -> KeyError {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => KeyError::Missing { key: key.clone() },
            _ => KeyError::Io { key: key.clone(), error },
        }
    }

    pub(super) fn private(key: &KeyName, version: u32, error: PrivateError) -> KeyError {
        match error {
            // Between looking and opening it was removed.
            PrivateError::Io(error) => KeyError::io(key, error),
            other => KeyError::File { key: key.clone(), version, reason: other.to_string() },
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
