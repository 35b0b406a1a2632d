//! Keys of the older format, `keys/RING/KEY.json`, which were not encrypted.

use std::io;

use bailiwick_policy::KeyName;
use cap_std::fs::{Dir, MetadataExt};
use data_encoding::BASE64;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::folder::KeyFolder;
use super::key::{Half, Key};
use super::record::{Origin, Record};
use super::{KeyAlgorithm, KeyError, KeyStore};
use crate::private;

/// Most bytes in such a file.
const MAX_FILE: u64 = 16 << 10;
/// The version that such a key becomes.
const FIRST: u32 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clear<'a> {
    version: u32,
    algorithm: &'a str,
    key: &'a str,
}

impl KeyStore {
    /// Seals the keys that an older version of this program left in the clear, removes the clear files, and tells which they
    /// were. Each becomes version 1, as old as its file. Interrupted, it is done again.
    ///
    /// # Errors
    /// A file that cannot be read or is no key; [`KeyError::Ambiguous`] when a sealed key of that name is another one.
    pub fn seal_clear(&self) -> Result<Vec<KeyName>, KeyError> {
        let names = self.names(false)?;
        for name in &names {
            self.seal_one(name)?;
        }
        Ok(names)
    }

    fn seal_one(&self, name: &KeyName) -> Result<(), KeyError> {
        let failed = |error| KeyError::Io { key: name.clone(), error };
        let ring = self.dir.open_dir(name.ring()).map_err(failed)?;
        let file = format!("{}.json", name.key());
        let Some(record) = read(&ring, name, &file)? else { return Ok(()) };
        match self.write(name, FIRST, &record) {
            Err(KeyError::Exists { .. }) => {
                let folder = KeyFolder::open(&self.dir, name).map_err(failed)?;
                let sealed = folder.read(FIRST).map_err(|error| KeyError::private(name, FIRST, error))?;
                if self.unseal(name, FIRST, &sealed)?.material != record.material {
                    return Err(KeyError::Ambiguous { key: name.clone() });
                }
            }
            written => written?,
        }
        match ring.remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => rustix::fs::fsync(ring.open(".").map_err(failed)?).map_err(|error| failed(error.into())),
        }
    }
}

/// `None` when it is gone: another process sealed it.
fn read(ring: &Dir, name: &KeyName, file: &str) -> Result<Option<Record>, KeyError> {
    let text = match private::read(ring, file, MAX_FILE) {
        Err(private::PrivateError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| KeyError::private(name, FIRST, error))?,
    };
    let metadata = ring.metadata(file).map_err(|error| KeyError::Io { key: name.clone(), error })?;
    let created = u64::try_from(metadata.mtime()).unwrap_or_default();
    let parse = || {
        let clear: Clear<'_> = serde_json::from_slice(&text).ok()?;
        let algorithm = KeyAlgorithm::parse(clear.algorithm).filter(|_| clear.version == 1)?;
        let material = Zeroizing::new(BASE64.decode(clear.key.as_bytes()).ok()?);
        Key::from_material(algorithm, Half::Whole, &material).ok()?;
        Some(Record { algorithm, half: Half::Whole, origin: Origin::Made, created, material })
    };
    parse().map(Some).ok_or_else(|| KeyError::Malformed { key: name.clone(), version: FIRST })
}
