//! The key store of this installation.

use std::sync::Arc;

use bailiwick_host::crypto::{KeyAlgorithm, KeyError, KeyStore};
use bailiwick_host::vault::Vault;
use bailiwick_policy::KeyName;

use crate::administration::Act;
use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::terminal::{self, NOTE, Untrusted};
use crate::vault;

/// Opens the key store of the state folder. Keys that an earlier version left in the clear are sealed, which is told.
///
/// # Errors
/// When it or the master key cannot be used.
pub(crate) fn open(host: &Configuration) -> Result<KeyStore, Failure> {
    open_with(host, Arc::new(vault::open(host)?))
}

/// The same, with a vault at hand.
///
/// # Errors
/// When it cannot be used.
pub(crate) fn open_with(host: &Configuration, vault: Arc<Vault>) -> Result<KeyStore, Failure> {
    let store = KeyStore::open(&host.state.folder("keys")?, host.rings.clone(), vault);
    let store = store.map_err(Failure::internal)?;
    for name in store.seal_clear().map_err(Failure::internal)? {
        terminal::err(&format!(
            "{NOTE}note{NOTE:#}: key `{name}` was kept in the clear by an earlier version; it is sealed now. Who could read its \
             file may have it\n"
        ));
    }
    Ok(store)
}

/// A key's name that was typed.
pub(crate) fn name(text: &str) -> Result<KeyName, Failure> {
    KeyName::parse(text).map_err(|error| {
        Failure::usage(format!("`{}`: {error}", Untrusted(text))).help("write ring and key, such as `release/2026`")
    })
}

/// An algorithm that was typed.
pub(crate) fn algorithm(text: &str) -> Result<KeyAlgorithm, Failure> {
    KeyAlgorithm::parse(text).ok_or_else(|| {
        Failure::usage(format!("--algorithm: `{}` is not known", Untrusted(text)))
            .help(format!("choose one of {}", KeyAlgorithm::ALL.map(KeyAlgorithm::as_str).join(", ")))
    })
}

/// Records what an administrator does to a key, does it, and records if it failed.
pub(crate) fn on_record<T>(
    name: &'static str,
    target: String,
    host: &Configuration,
    act: impl FnOnce() -> Result<T, KeyError>,
) -> Result<T, Failure> {
    Act { name, target, reason: None, tightens: false }.carry_out(host, || act().map_err(refused))
}

/// What the versions of a key are good for: the newest, and those before it.
///
/// # Errors
/// When the key cannot be looked at.
pub(crate) fn service(store: &KeyStore, name: &KeyName) -> Result<String, Failure> {
    let key = store.info(name).map_err(refused)?;
    if key.versions.first().is_some_and(|newest| newest.public) {
        return Ok("a public key, it verifies".to_owned());
    }
    let (new, old) = match key.algorithm {
        KeyAlgorithm::Ed25519 | KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::RsaPssSha256 => {
            ("signs", "verify")
        }
        KeyAlgorithm::HmacSha256 | KeyAlgorithm::HmacSha384 | KeyAlgorithm::HmacSha512 => ("authenticates", "verify"),
        KeyAlgorithm::Aes256Gcm | KeyAlgorithm::ChaCha20Poly1305 => ("encrypts", "decrypt"),
        KeyAlgorithm::HkdfSha256 => return Ok("it derives".to_owned()),
    };
    let until = if key.not_after.is_some() { ", until when `bailiwick key list` says" } else { "" };
    let old = if key.versions.len() > 1 { format!("; older ones {old}") } else { String::new() };
    Ok(format!("it {new}{until}{old}"))
}

/// Which errors are those of who typed the command.
pub(crate) fn refused(error: KeyError) -> Failure {
    match error {
        KeyError::Missing { .. }
        | KeyError::NoVersion { .. }
        | KeyError::Exists { .. }
        | KeyError::NoPublicKey { .. }
        | KeyError::NoRotation { .. }
        | KeyError::OtherAlgorithm { .. }
        | KeyError::PublicKey { .. }
        | KeyError::Use { .. }
        | KeyError::Newest { .. } => Failure::usage(error),
        other => Failure::internal(other),
    }
}
