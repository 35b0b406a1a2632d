//! Secrets at rest: one sealed file each, in a folder that only the owner can read.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bailiwick_policy::SecretName;
use cap_std::fs::Dir;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{MAX_SECRET, MIN_SECRET, SecretSource, SourceError};
use crate::ambient;
use crate::private::{self, PrivateError};
use crate::vault::{Vault, VaultError};

/// Most bytes in a secret's file.
const MAX_FILE: u64 = 2 * MAX_SECRET as u64;
/// The version of the file format.
const VERSION: u32 = 1;
/// What the vault seals them for.
const PURPOSE: &str = "secret";

/// The folder of sealed secrets. What needs no value needs no vault.
#[derive(Debug)]
pub struct SecretStore {
    folder: PathBuf,
    dir: Dir,
}

/// A store with the vault that opens it: the source of a host's own secrets.
#[derive(Clone)]
pub struct SealedSecrets {
    store: Arc<SecretStore>,
    vault: Arc<Vault>,
}

/// What may be told of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretInfo {
    pub name: SecretName,
    /// When this value was set, in seconds since the Unix epoch.
    pub set: u64,
}

/// Why a secret cannot be kept or had. The text is for the operator and has nothing of the value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the folder of secrets, `{folder}`, cannot be opened: {error}")]
    Folder { folder: PathBuf, error: io::Error },
    #[error("secret `{name}`: {reason}")]
    File { name: SecretName, reason: String },
    #[error("the file of secret `{name}` is damaged; set the secret again")]
    Malformed { name: SecretName },
    #[error("secret `{name}` cannot be opened: {error}")]
    Sealed { name: SecretName, error: VaultError },
    #[error("a secret has at most {MAX_SECRET} bytes; this one has more")]
    TooLong,
    #[error(
        "a secret has at least {MIN_SECRET} bytes, not counting white space around it, and this one has {len}: a guest could \
         guess it; have a longer one made, at random"
    )]
    TooShort { len: usize },
    #[error("a secret is UTF-8 text without NUL; encode it, in base64 for example")]
    NotText,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    /// Seconds since the Unix epoch. Sealed as part of the name.
    set: u64,
    /// Base64.
    sealed: String,
}

impl SecretStore {
    /// Opens the folder, and makes it for the owner alone if it is missing.
    ///
    /// # Errors
    /// [`SecretError::Folder`].
    pub fn open(folder: &Path) -> Result<SecretStore, SecretError> {
        let opened = ambient::open_private_dir(folder);
        let dir = opened.map_err(|error| SecretError::Folder { folder: folder.to_owned(), error })?;
        Ok(SecretStore { folder: folder.to_owned(), dir })
    }

    /// Keeps a value, in place of the one that may be there. `now` is in seconds since the Unix epoch.
    ///
    /// # Errors
    /// A value that cannot be used; the old one stays when the new one cannot be written.
    pub fn set(&self, vault: &Vault, name: &SecretName, value: &[u8], now: u64) -> Result<(), SecretError> {
        check(value)?;
        self.keep(vault, name, value, now)
    }

    fn keep(&self, vault: &Vault, name: &SecretName, value: &[u8], now: u64) -> Result<(), SecretError> {
        let sealed = vault.seal(PURPOSE, &sealed_name(name, now), value);
        let sealed = sealed.map_err(|error| SecretError::Sealed { name: name.clone(), error })?;
        let stored = Stored { version: VERSION, set: now, sealed: BASE64.encode(&sealed) };
        let text = serde_json::to_vec(&stored).map_err(|_| SecretError::Malformed { name: name.clone() })?;
        private::replace(&self.dir, name.as_str(), &text).map_err(|error| file(name, &error))
    }

    /// Forgets a secret, and says whether there was one.
    ///
    /// # Errors
    /// [`SecretError::File`].
    pub fn delete(&self, name: &SecretName) -> Result<bool, SecretError> {
        match self.dir.remove_file(name.as_str()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(file(name, &error)),
        }
    }

    /// What is there, by name. What is no secret's file is passed over.
    ///
    /// # Errors
    /// [`SecretError::Folder`]; a file that cannot be read.
    pub fn list(&self) -> Result<Vec<SecretInfo>, SecretError> {
        let failed = |error| SecretError::Folder { folder: self.folder.clone(), error };
        let mut found = Vec::new();
        for entry in self.dir.entries().map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let Some(name) = name.to_str().and_then(|name| SecretName::parse(name).ok()) else { continue };
            if let Some(stored) = self.read(&name)? {
                found.push(SecretInfo { name, set: stored.set });
            }
        }
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// The value; `None` if there is no such secret.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub fn value(&self, vault: &Vault, name: &SecretName) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        let Some(stored) = self.read(name)? else { return Ok(None) };
        let value = vault.open(PURPOSE, &sealed_name(name, stored.set), &stored.sealed(name)?);
        value.map(Some).map_err(|error| SecretError::Sealed { name: name.clone(), error })
    }

    /// Seals again whatever was not sealed with the vault's first key, and says how many that were. Stopped in the middle,
    /// it can be started again: the vault opens both.
    ///
    /// The caller must keep others from changing the store meanwhile: a value that is set between reading and writing would be
    /// replaced by the one before it, and a secret that is deleted then would be back.
    ///
    /// # Errors
    /// The first secret that cannot be opened or written.
    pub fn reseal(&self, vault: &Vault) -> Result<usize, SecretError> {
        let mut resealed = 0;
        for SecretInfo { name, .. } in self.list()? {
            // Read once: the time belongs to this value.
            let Some(stored) = self.read(&name)? else { continue };
            let sealed = stored.sealed(&name)?;
            let bad = |error| SecretError::Sealed { name: name.clone(), error };
            if !vault.is_current(&sealed).map_err(bad)? {
                let value = vault.open(PURPOSE, &sealed_name(&name, stored.set), &sealed).map_err(bad)?;
                self.keep(vault, &name, &value, stored.set)?;
                resealed += 1;
            }
        }
        Ok(resealed)
    }

    fn read(&self, name: &SecretName) -> Result<Option<Stored>, SecretError> {
        let text = match private::read(&self.dir, name.as_str(), MAX_FILE) {
            Err(PrivateError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| file(name, &error))?,
        };
        let stored: Stored =
            serde_json::from_slice(&text).map_err(|_| SecretError::Malformed { name: name.clone() })?;
        if stored.version != VERSION {
            return Err(SecretError::Malformed { name: name.clone() });
        }
        Ok(Some(stored))
    }
}

impl Stored {
    fn sealed(&self, name: &SecretName) -> Result<Vec<u8>, SecretError> {
        BASE64.decode(self.sealed.as_bytes()).map_err(|_| SecretError::Malformed { name: name.clone() })
    }
}

impl SealedSecrets {
    pub fn new(store: Arc<SecretStore>, vault: Arc<Vault>) -> SealedSecrets {
        SealedSecrets { store, vault }
    }
}

impl SecretSource for SealedSecrets {
    fn secret(&self, name: &SecretName) -> Result<Option<Zeroizing<Vec<u8>>>, SourceError> {
        self.store.value(&self.vault, name).map_err(|_| SourceError)
    }
}

/// Whether a value can be a secret.
///
/// # Errors
/// Why it cannot.
pub fn check(value: &[u8]) -> Result<(), SecretError> {
    let len = value.trim_ascii().len();
    if len < MIN_SECRET {
        return Err(SecretError::TooShort { len });
    }
    if value.len() > MAX_SECRET {
        return Err(SecretError::TooLong);
    }
    match std::str::from_utf8(value) {
        Ok(text) if !text.contains('\0') => Ok(()),
        _ => Err(SecretError::NotText),
    }
}

/// A name has no space, so that no two pairs of name and time read alike.
fn sealed_name(name: &SecretName, set: u64) -> String {
    format!("{name} {set}")
}

fn file(name: &SecretName, reason: &dyn fmt::Display) -> SecretError {
    SecretError::File { name: name.clone(), reason: reason.to_string() }
}

impl fmt::Debug for SealedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSecrets").field("store", &self.store).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use cap_std::fs::{Permissions, PermissionsExt};

    use super::*;
    use crate::vault::MasterKey;

    fn vault(byte: u8) -> Vault {
        Vault::new(MasterKey::from_bytes([byte; 32]))
    }

    fn name(text: &str) -> SecretName {
        SecretName::parse(text).unwrap()
    }

    #[test]
    fn kept_sealed_replaced_listed_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = SecretStore::open(&folder.path().join("secrets")).unwrap();
        assert!(store.value(&vault(1), &name("bank")).unwrap().is_none());
        store.set(&vault(1), &name("bank"), b"the first value!", 10).unwrap();
        store.set(&vault(1), &name("bank"), b"the second value", 20).unwrap();
        store.set(&vault(1), &name("api"), b"the third value!", 30).unwrap();
        assert_eq!(store.value(&vault(1), &name("bank")).unwrap().unwrap().as_slice(), b"the second value");
        let listed: Vec<_> = store.list().unwrap().into_iter().map(|info| (info.name.to_string(), info.set)).collect();
        assert_eq!(listed, [("api".to_owned(), 30), ("bank".to_owned(), 20)]);
        let raw = store.dir.read("bank").unwrap();
        assert!(!raw.windows(6).any(|window| window == b"second"));
        assert_eq!(store.dir.metadata("bank").unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(store.delete(&name("bank")).unwrap() && !store.delete(&name("bank")).unwrap());
        assert!(store.value(&vault(1), &name("bank")).unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_is_said_and_nothing_of_the_value() {
        let folder = tempfile::tempdir().unwrap();
        let store = SecretStore::open(folder.path()).unwrap();
        store.set(&vault(1), &name("bank"), b"hunter2-hunter2-hunter2", 10).unwrap();
        let error = |store: &SecretStore, byte| store.value(&vault(byte), &name("bank")).unwrap_err().to_string();
        assert!(error(&store, 2).contains("another master key"));
        let good = store.dir.read_to_string("bank").unwrap();
        for (damaged, expected) in [
            (good.replace("\"set\":10", "\"set\":11"), "damaged"),
            (good.replace("Yn", "Yo"), "sealed"),
            (good.replace("version\":1", "version\":2"), "damaged"),
            ("{}".to_owned(), "damaged"),
            (good.replace('}', ",\"x\":1}"), "damaged"),
        ] {
            private::replace(&store.dir, "bank", damaged.as_bytes()).unwrap();
            let error = error(&store, 1);
            assert!(error.contains(expected) && !error.contains("hunter2"), "{damaged}: {error}");
        }
        // One secret in the place of another does not open.
        store.set(&vault(1), &name("bank"), b"hunter2-hunter2-hunter2", 10).unwrap();
        store.dir.copy("bank", &store.dir, "other").unwrap();
        assert!(store.value(&vault(1), &name("other")).unwrap_err().to_string().contains("another name"));
        store.dir.set_permissions("bank", Permissions::from_mode(0o644)).unwrap();
        assert!(error(&store, 1).contains("others can read"));
    }

    #[test]
    fn a_value_is_text_of_some_length() {
        let folder = tempfile::tempdir().unwrap();
        let store = SecretStore::open(folder.path()).unwrap();
        let set = |value: &[u8]| store.set(&vault(1), &name("x"), value, 0);
        assert!(matches!(set(b"fifteen-letters"), Err(SecretError::TooShort { len: 15 })));
        assert!(matches!(set(b"  fifteen-letters\t\n"), Err(SecretError::TooShort { len: 15 })));
        assert!(matches!(set(&[b'a'; MAX_SECRET + 1]), Err(SecretError::TooLong)));
        assert!(matches!(set(&[0xff; 16]), Err(SecretError::NotText)));
        assert!(matches!(set(b"with\0a-nul-inside"), Err(SecretError::NotText)));
        assert!(set(b"of-sixteen-bytes").is_ok());
        assert!(set("-----BEGIN KEY-----\nä\n".as_bytes()).is_ok());
        assert!(set(&[b'a'; MAX_SECRET]).is_ok());
        assert_eq!(store.value(&vault(1), &name("x")).unwrap().unwrap().len(), MAX_SECRET);
    }

    #[test]
    fn sealing_again_leaves_nothing_to_the_old_key() {
        let folder = tempfile::tempdir().unwrap();
        let store = SecretStore::open(folder.path()).unwrap();
        for at in ["a", "b"] {
            store.set(&vault(1), &name(at), b"some value or other", 5).unwrap();
        }
        let both = Vault::with_keys(vec![MasterKey::from_bytes([2; 32]), MasterKey::from_bytes([1; 32])]).unwrap();
        assert_eq!((store.reseal(&both).unwrap(), store.reseal(&both).unwrap()), (2, 0));
        assert_eq!(store.value(&vault(2), &name("a")).unwrap().unwrap().as_slice(), b"some value or other");
        assert_eq!(store.list().unwrap()[0].set, 5);
        assert!(store.value(&vault(1), &name("a")).is_err());
    }
}
