//! Where keys are kept: one file each, `<ring>/<key>.json`, in a folder that only the owner can read.
//!
//! Keys are **not encrypted at rest** yet: whoever can read the folder has the keys. Folders have mode 0700 and files
//! 0600; a file that others can read is not used.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use bailiwick_policy::KeyName;
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt, PermissionsExt};
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::key::Key;
use super::{KeyAlgorithm, PublicKey};
use crate::ambient;

/// Most bytes in a key file.
const MAX_FILE: u64 = 16 << 10;
/// The version of the file format.
const VERSION: u32 = 1;

/// The rings that make a missing key at first use, and which algorithm it gets. Default: none.
pub type Rings = BTreeMap<String, KeyAlgorithm>;

/// The host's keys. Shared by all runs; each key is read once and then kept in memory.
#[derive(Debug)]
pub struct KeyStore {
    folder: PathBuf,
    dir: Dir,
    rings: Rings,
    keys: RwLock<HashMap<KeyName, Arc<Key>>>,
}

/// Why a key cannot be had. Guests see `failed.no_key` or `failed.internal`; the text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("key store `{folder}` cannot be opened: {error}; it must be a folder that this user can read and write")]
    Folder { folder: PathBuf, error: io::Error },
    #[error("there is no key `{key}`; make it, or let its ring make keys with `create` in the host's configuration")]
    Missing { key: KeyName },
    #[error("key `{key}` exists already; a key is never replaced")]
    Exists { key: KeyName },
    #[error("key `{key}`: {error}")]
    Io { key: KeyName, error: io::Error },
    #[error("the file of key `{key}` is damaged or does not fit its algorithm; restore it from a backup")]
    Malformed { key: KeyName },
    #[error("the file of key `{key}` can be read by others; take it as disclosed, or `chmod 600` it")]
    Exposed { key: KeyName },
    #[error("key `{key}` cannot be made: the random source failed")]
    Random { key: KeyName },
    #[error("key `{key}` is for `{algorithm}`, which has no public key")]
    NoPublicKey { key: KeyName, algorithm: KeyAlgorithm },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    version: u32,
    algorithm: String,
    /// Base64.
    key: String,
}

impl KeyStore {
    /// Opens the folder, and makes it for the owner alone if it is missing. Rings in `rings` make missing keys.
    ///
    /// # Errors
    /// [`KeyError::Folder`].
    pub fn open(folder: &Path, rings: Rings) -> Result<KeyStore, KeyError> {
        let dir =
            ambient::open_private_dir(folder).map_err(|error| KeyError::Folder { folder: folder.to_owned(), error })?;
        Ok(KeyStore { folder: folder.to_owned(), dir, rings, keys: RwLock::default() })
    }

    /// Makes a new key.
    ///
    /// # Errors
    /// [`KeyError::Exists`], also when another process makes it at the same moment.
    pub fn create(&self, name: &KeyName, algorithm: KeyAlgorithm) -> Result<(), KeyError> {
        let material = Key::generate(algorithm).map_err(|_| KeyError::Random { key: name.clone() })?;
        self.import(name, algorithm, &material)
    }

    /// Keeps a key that was made elsewhere: Ed25519 as its 32-byte seed, P-256 as PKCS#8, all others as they are.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] when it does not fit the algorithm, [`KeyError::Exists`].
    pub fn import(&self, name: &KeyName, algorithm: KeyAlgorithm, material: &[u8]) -> Result<(), KeyError> {
        Key::from_material(algorithm, material).map_err(|_| KeyError::Malformed { key: name.clone() })?;
        let algorithm = algorithm.to_string();
        let file = Zeroed(KeyFile { version: VERSION, algorithm, key: BASE64.encode(material) });
        let text = serde_json::to_vec(&file.0).map(Zeroizing::new);
        let text = text.map_err(|_| KeyError::Malformed { key: name.clone() })?;
        self.write_new(name, &text).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists { key: name.clone() },
            _ => KeyError::Io { key: name.clone(), error },
        })
    }

    /// The names and algorithms of all keys, sorted. Files that are no keys are passed over.
    ///
    /// # Errors
    /// [`KeyError::Folder`]; the errors of reading any of the keys.
    pub fn list(&self) -> Result<Vec<(KeyName, KeyAlgorithm)>, KeyError> {
        let failed = |error| KeyError::Folder { folder: self.folder.clone(), error };
        let mut found = Vec::new();
        for ring in self.dir.entries().map_err(failed)? {
            let ring = ring.map_err(failed)?;
            if !ring.file_type().map_err(failed)?.is_dir() {
                continue;
            }
            for file in ring.open_dir().and_then(|ring| ring.entries()).map_err(failed)? {
                let (ring, file) = (ring.file_name(), file.map_err(failed)?.file_name());
                let stem = file.to_str().and_then(|file| file.strip_suffix(".json"));
                let name =
                    ring.to_str().zip(stem).and_then(|(ring, key)| KeyName::parse(&format!("{ring}/{key}")).ok());
                if let Some(name) = name {
                    let algorithm = self.read(&name)?.algorithm();
                    found.push((name, algorithm));
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The public half of a key.
    ///
    /// # Errors
    /// [`KeyError::Missing`] and the errors of reading it; [`KeyError::NoPublicKey`] for a symmetric key.
    pub fn public(&self, name: &KeyName) -> Result<PublicKey, KeyError> {
        let key = self.existing(name)?;
        key.public().ok_or_else(|| KeyError::NoPublicKey { key: name.clone(), algorithm: key.algorithm() })
    }

    /// The key, if it is in memory.
    pub(super) fn cached(&self, name: &KeyName) -> Option<Arc<Key>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The key; if it is missing and its ring makes keys, a new one. Of several who make it, all get the first.
    pub(super) fn key(&self, name: &KeyName) -> Result<Arc<Key>, KeyError> {
        match (self.existing(name), self.rings.get(name.ring())) {
            (Err(KeyError::Missing { .. }), Some(algorithm)) => match self.create(name, *algorithm) {
                Ok(()) | Err(KeyError::Exists { .. }) => self.existing(name),
                Err(error) => Err(error),
            },
            (found, _) => found,
        }
    }

    pub(super) fn existing(&self, name: &KeyName) -> Result<Arc<Key>, KeyError> {
        if let Some(key) = self.cached(name) {
            return Ok(key);
        }
        let key = Arc::new(self.read(name)?);
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(keys.entry(name.clone()).or_insert(key)))
    }

    fn read(&self, name: &KeyName) -> Result<Key, KeyError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => KeyError::Missing { key: name.clone() },
            _ => KeyError::Io { key: name.clone(), error },
        };
        let malformed = || KeyError::Malformed { key: name.clone() };
        let mut options = OpenOptions::new();
        options.read(true).follow(FollowSymlinks::No);
        let ring = self.dir.open_dir(name.ring()).map_err(failed)?;
        let file = ring.open_with(file_name(name), &options).map_err(failed)?;
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Exposed { key: name.clone() });
        }
        let mut text = Zeroizing::new(Vec::new());
        file.take(MAX_FILE).read_to_end(&mut text).map_err(failed)?;
        let file = serde_json::from_slice(&text).map(Zeroed).map_err(|_| malformed())?;
        let algorithm = KeyAlgorithm::parse(&file.0.algorithm).filter(|_| file.0.version == VERSION);
        let material = BASE64.decode(file.0.key.as_bytes()).map(Zeroizing::new).map_err(|_| malformed())?;
        Key::from_material(algorithm.ok_or_else(malformed)?, &material).map_err(|_| malformed())
    }

    /// Writes the file whole or not at all, and never over another.
    fn write_new(&self, name: &KeyName, text: &[u8]) -> io::Result<()> {
        ambient::make_private_dir(&self.dir, Path::new(name.ring()))?;
        let ring = self.dir.open_dir(name.ring())?;
        let mut unique = [0; 8];
        aws_lc_rs::rand::fill(&mut unique).map_err(|_| io::ErrorKind::Other)?;
        // The name starts with a dot, which no key's does.
        let temporary = format!(".{}.tmp", HEXLOWER.encode(&unique));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let written = ring.open_with(&temporary, &options).and_then(|mut file| {
            file.write_all(text)?;
            file.sync_all()?;
            ring.hard_link(&temporary, &ring, file_name(name))
        });
        let removed = ring.remove_file(&temporary);
        written.and(removed)?;
        rustix::fs::fsync(ring.open(".")?).map_err(io::Error::from)
    }
}

fn file_name(name: &KeyName) -> String {
    format!("{}.json", name.key())
}

/// Clears the key's text when it goes.
struct Zeroed(KeyFile);

impl Drop for Zeroed {
    fn drop(&mut self) {
        self.0.key.zeroize();
    }
}
