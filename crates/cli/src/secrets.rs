//! The secrets of this installation.

use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;

use bailiwick_host::secrets::{MAX_SECRET, SealedSecrets, SecretError, SecretStore, check};
use bailiwick_policy::{Manifest, SecretName};
use zeroize::Zeroizing;

use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::terminal::{self, Untrusted, WARN};
use crate::vault;

/// The folder of secrets in the state folder.
const FOLDER: &str = "secrets";

/// The store of the state folder.
///
/// # Errors
/// When it cannot be made or opened.
pub(crate) fn open(host: &Configuration) -> Result<SecretStore, Failure> {
    SecretStore::open(&host.state.folder(FOLDER)?).map_err(Failure::internal)
}

/// The secrets that a manifest names, for its runs; `None` if it names none. Each is looked at: one that is damaged or was
/// sealed with another master key is better known now than by what a guest makes of it.
///
/// # Errors
/// A secret, or the master key, that is there and cannot be used.
pub(crate) fn of(manifest: &Manifest, host: &Configuration) -> Result<Option<SealedSecrets>, Failure> {
    let names = manifest.secrets();
    if names.is_empty() {
        return Ok(None);
    }
    let (store, vault) = (open(host)?, vault::open(host)?);
    for name in names {
        match store.value(&vault, name).map_err(refused)? {
            Some(value) => check(&value).map_err(|error| {
                let again = format!("set the secret again with `bailiwick secret set {name}`");
                Failure::internal(format!("secret `{name}` cannot be used: {error}")).help(again)
            })?,
            None => terminal::err(&format!(
                "{WARN}warning{WARN:#}: there is no secret `{name}`, which the manifest names; `bailiwick secret set {name}` keeps it\n"
            )),
        }
    }
    Ok(Some(SealedSecrets::new(Arc::new(store), Arc::new(vault))))
}

/// The value of one secret, for the host's own use. Makes no master key.
///
/// # Errors
/// A secret, or the master key, that is there and cannot be used.
pub(crate) fn value(name: &SecretName, host: &Configuration) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    match vault::open_existing(host)? {
        Some(vault) => open(host)?.value(&vault, name).map_err(refused),
        None => Ok(None),
    }
}

/// A secret's name that was typed.
///
/// # Errors
/// When it is none.
pub(crate) fn name(text: &str) -> Result<SecretName, Failure> {
    SecretName::parse(text).map_err(|error| {
        Failure::usage(format!("`{}`: {error}", Untrusted(text))).help("a secret has a name such as `bank-token`")
    })
}

/// Reads a value from a file, from standard input, or from whoever sits at the terminal.
///
/// # Errors
/// When nothing can be read, or more than a secret may have.
pub(crate) fn read(file: Option<&Path>, name: &SecretName) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |error: io::Error| Failure::usage(format!("the value of secret `{name}` cannot be read: {error}"));
    let mut value = match file.filter(|path| *path != Path::new("-")) {
        Some(path) => whole(std::fs::File::open(path).map_err(failed)?).map_err(failed)?,
        None if io::stdin().is_terminal() => {
            let typed =
                rpassword::prompt_password(format!("value of secret `{name}` (not shown): ")).map_err(failed)?;
            Zeroizing::new(typed.into_bytes())
        }
        None => whole(io::stdin().lock()).map_err(failed)?,
    };
    for end in [b'\n', b'\r'] {
        if value.last() == Some(&end) {
            value.pop();
        }
    }
    Ok(value)
}

/// With room for all of it: a vector that grows leaves copies behind.
fn whole(source: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let most = MAX_SECRET + 3; // a line break, and what tells that it is too long
    let mut value = Zeroizing::new(Vec::with_capacity(most + 1));
    source.take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_end(&mut value)?;
    Ok(value)
}

/// A problem with a secret, for a person.
pub(crate) fn refused(error: SecretError) -> Failure {
    match error {
        SecretError::TooShort { .. } | SecretError::TooLong | SecretError::NotText => Failure::usage(error),
        SecretError::Sealed { .. } | SecretError::Malformed { .. } => {
            Failure::internal(error).help("set the secret again with `bailiwick secret set`, or restore its file")
        }
        other => Failure::internal(other),
    }
}
