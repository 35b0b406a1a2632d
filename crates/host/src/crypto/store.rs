//! The host's keys: rings of keys, keys of versions, each version sealed in a file of its own.
//!
//! The newest version signs, encrypts and authenticates, for as long as its ring says; all of them verify and decrypt. The
//! files are looked at for every use, so that what another process made or removed is known at once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_policy::KeyName;
use cap_std::fs::Dir;
use zeroize::Zeroizing;

use super::algorithm::Use;
use super::folder::{KeyFolder, Listing};
use super::key::{Half, Key};
use super::record::{Origin, Record};
use super::rings::Ring;
use super::version::Version;
use super::{Imported, KeyAlgorithm, KeyError, PublicKey, Rings};
use crate::ambient;
use crate::vault::Vault;

/// Most versions, the newest ones, that a signature or tag is tried with: it does not say which one made it.
pub const MAX_TRIED: usize = 100;
/// Most keys that are held in memory.
const MAX_HELD: usize = 1024;
/// What key records are sealed for.
const PURPOSE: &str = "key";
/// How often a use is begun anew because another process changed the key meanwhile.
const ATTEMPTS: usize = 8;

/// The host's keys. Shared by all runs.
#[derive(Debug)]
pub struct KeyStore {
    pub(super) folder: PathBuf,
    pub(super) dir: Dir,
    rings: Rings,
    pub(super) vault: Arc<Vault>,
    held: Mutex<HashMap<KeyName, Arc<Held>>>,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    pub name: KeyName,
    pub algorithm: KeyAlgorithm,
    /// The newest first, never empty.
    pub versions: Vec<VersionInfo>,
    /// Until when the newest version signs, encrypts or authenticates, in Unix seconds; `None` when for ever.
    pub not_after: Option<u64>,
}

/// What is known of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionInfo {
    pub number: u32,
    /// Unix seconds.
    pub created: u64,
    pub imported: bool,
    /// A public key alone, which verifies and does not sign.
    pub public: bool,
}

/// A key as it was when its folder was looked at.
#[derive(Debug)]
pub(super) struct Held {
    listing: Listing,
    versions: Mutex<HashMap<u32, Arc<Version>>>,
}

impl KeyStore {
    /// Opens the folder, and makes it for the owner alone if it is missing. `vault` seals what is in it.
    ///
    /// # Errors
    /// [`KeyError::Folder`].
    pub fn open(folder: &Path, rings: Rings, vault: Arc<Vault>) -> Result<KeyStore, KeyError> {
        let dir =
            ambient::open_private_dir(folder).map_err(|error| KeyError::Folder { folder: folder.to_owned(), error })?;
        Ok(KeyStore { folder: folder.to_owned(), dir, rings, vault, held: Mutex::default() })
    }

    /// Makes a new key. `now` in Unix seconds, here and below.
    ///
    /// # Errors
    /// [`KeyError::Exists`], also when another process makes it at the same moment; what keeps it from being written.
    pub fn create(&self, name: &KeyName, algorithm: KeyAlgorithm, now: u64) -> Result<(), KeyError> {
        if self.held(name)?.is_some() {
            return Err(KeyError::Exists { key: name.clone() });
        }
        self.make(name, algorithm, 1, now)
    }

    /// Keeps a key that was made elsewhere.
    ///
    /// # Errors
    /// As [`KeyStore::create`].
    pub fn import(&self, name: &KeyName, imported: &Imported, now: u64) -> Result<(), KeyError> {
        if self.held(name)?.is_some() {
            return Err(KeyError::Exists { key: name.clone() });
        }
        self.keep(name, imported, 1, now)
    }

    /// Keeps a key that was made elsewhere as the next version of one that is here, and tells its number.
    ///
    /// # Errors
    /// [`KeyError::Missing`]; [`KeyError::OtherAlgorithm`]; [`KeyError::NoRotation`]; [`KeyError::Exists`] when another process
    /// makes the next version at the same moment.
    pub fn import_next(&self, name: &KeyName, imported: &Imported, now: u64) -> Result<u32, KeyError> {
        let newest = self.newest(name)?;
        let (kept, given) = (newest.key.algorithm(), imported.algorithm);
        if kept != given {
            return Err(KeyError::OtherAlgorithm { key: name.clone(), kept, given });
        }
        let next = next_after(name, &newest)?;
        self.keep(name, imported, next, now)?;
        Ok(next)
    }

    /// Makes the next version of a key, and tells its number. Older ones verify and decrypt on.
    ///
    /// # Errors
    /// [`KeyError::Missing`]; [`KeyError::NoRotation`]; [`KeyError::PublicKey`], whose next version its owner makes;
    /// [`KeyError::Exists`] when another process makes it at the same moment.
    pub fn rotate(&self, name: &KeyName, now: u64) -> Result<u32, KeyError> {
        let newest = self.newest(name)?;
        let algorithm = newest.key.algorithm();
        if newest.key.is_public() {
            return Err(KeyError::PublicKey { key: name.clone() });
        }
        let next = next_after(name, &newest)?;
        self.make(name, algorithm, next, now)?;
        Ok(next)
    }

    /// Removes a key with all its versions, at once and for ever.
    ///
    /// # Errors
    /// [`KeyError::Missing`], [`KeyError::Io`].
    pub fn delete(&self, name: &KeyName) -> Result<(), KeyError> {
        let failed = |error| KeyError::io(name, error);
        let ring = self.dir.open_dir(name.ring()).map_err(failed)?;
        let mut unique = [0; 8];
        aws_lc_rs::rand::fill(&mut unique).map_err(|_| KeyError::Random { key: name.clone() })?;
        // Moved away first, so that nobody sees a part of its versions. No key's name starts with a dot.
        let aside = format!(".{}.deleted", data_encoding::HEXLOWER.encode(&unique));
        ring.rename(name.key(), &ring, &aside).map_err(failed)?;
        ring.remove_dir_all(&aside).map_err(failed)?;
        rustix::fs::fsync(ring.open(".").map_err(failed)?).map_err(|error| failed(error.into()))
    }

    /// Removes an older version of a key: what it signed or encrypted is lost.
    ///
    /// # Errors
    /// [`KeyError::Newest`]; [`KeyError::NoVersion`]; [`KeyError::Missing`]; [`KeyError::Io`].
    pub fn delete_version(&self, name: &KeyName, version: u32) -> Result<(), KeyError> {
        let held = self.held(name)?.ok_or_else(|| KeyError::Missing { key: name.clone() })?;
        match held.listing.numbers.first() {
            Some(newest) if *newest == version => Err(KeyError::Newest { key: name.clone(), version }),
            _ if !held.listing.numbers.contains(&version) => Err(KeyError::NoVersion { key: name.clone(), version }),
            _ => {
                let failed = |error| KeyError::io(name, error);
                KeyFolder::open(&self.dir, name).map_err(failed)?.remove(version).map_err(failed)
            }
        }
    }

    /// Seals every version anew that another master key than the vault's first one sealed, and tells how many those were. Done
    /// again after an interruption it does the rest. The caller must keep others from changing the store meanwhile: a version that
    /// is removed between reading and writing would be back.
    ///
    /// # Errors
    /// The first version that cannot be opened or written; the others before it are done.
    pub fn reseal(&self) -> Result<usize, KeyError> {
        let mut count = 0;
        for name in self.names(true)? {
            let failed = |error| KeyError::io(&name, error);
            let folder = KeyFolder::open(&self.dir, &name).map_err(failed)?;
            for number in folder.list().map_err(failed)?.map(|listing| listing.numbers).unwrap_or_default() {
                let sealed = folder.read(number).map_err(|error| KeyError::private(&name, number, error))?;
                let bad = |error| KeyError::Sealed { key: name.clone(), version: number, error };
                if !self.vault.is_current(&sealed).map_err(bad)? {
                    let text = self.vault.open(PURPOSE, &record_name(&name, number), &sealed).map_err(bad)?;
                    let sealed = self.vault.seal(PURPOSE, &record_name(&name, number), &text).map_err(bad)?;
                    folder.replace(number, &sealed).map_err(failed)?;
                    count += 1;
                }
            }
        }
        Ok(count)
    }

    /// All keys, sorted. Files and folders that are no keys are passed over.
    ///
    /// # Errors
    /// [`KeyError::Folder`]; the errors of opening any of the versions.
    pub fn list(&self) -> Result<Vec<KeyInfo>, KeyError> {
        self.names(true)?.into_iter().map(|name| self.info(&name)).collect()
    }

    /// What is known of one key.
    ///
    /// # Errors
    /// [`KeyError::Missing`]; the errors of opening any of its versions.
    pub fn info(&self, name: &KeyName) -> Result<KeyInfo, KeyError> {
        let versions = self.versions(name, usize::MAX)?;
        let newest = versions.first().ok_or_else(|| KeyError::Missing { key: name.clone() })?;
        let algorithm = newest.key.algorithm();
        let not_after = algorithm.rotates().then(|| self.ring(name).rotate.not_after(newest.created)).flatten();
        let info = |version: &Arc<Version>| VersionInfo {
            number: version.number,
            created: version.created,
            imported: version.origin == Origin::Imported,
            public: version.key.is_public(),
        };
        Ok(KeyInfo { name: name.clone(), algorithm, versions: versions.iter().map(info).collect(), not_after })
    }

    /// The public halves of a key's versions, the newest first.
    ///
    /// # Errors
    /// [`KeyError::Missing`] and the errors of opening it; [`KeyError::NoPublicKey`] for a symmetric key.
    pub fn public(&self, name: &KeyName) -> Result<Vec<PublicKey>, KeyError> {
        let versions = self.versions(name, usize::MAX)?;
        let public = |version: &Arc<Version>| {
            let algorithm = version.key.algorithm();
            PublicKey::of(&version.key, version.number, version.created)
                .ok_or_else(|| KeyError::NoPublicKey { key: name.clone(), algorithm })
        };
        versions.iter().map(public).collect()
    }

    /// The version that is to be used for something new. A ring that makes keys makes a missing one, and the next version of
    /// one that the host made and that is too old or used up.
    pub(super) fn newest_for(&self, name: &KeyName, wanted: Use, now: u64) -> Result<Arc<Version>, KeyError> {
        let ring = self.ring(name);
        for _ in 0..ATTEMPTS {
            let newest = match (self.newest(name), ring.create) {
                (Err(KeyError::Missing { .. }), Some(algorithm)) => {
                    if !algorithm.serves(wanted) {
                        return Err(KeyError::Use { key: name.clone(), algorithm });
                    }
                    self.make_unless_made(name, algorithm, 1, now)?;
                    continue;
                }
                (found, _) => found?,
            };
            let algorithm = newest.key.algorithm();
            if !algorithm.serves(wanted) || newest.key.is_public() {
                return Err(KeyError::Use { key: name.clone(), algorithm });
            }
            let old = algorithm.rotates() && ring.rotate.not_after(newest.created).is_some_and(|end| now >= end);
            if !old && (wanted != Use::Encrypt || self.take_message(name, &newest)?) {
                return Ok(newest);
            }
            if ring.create.is_none() || newest.origin == Origin::Imported {
                break;
            }
            self.make_unless_made(name, algorithm, next_after(name, &newest)?, now)?;
        }
        Err(KeyError::Expired { key: name.clone() })
    }

    /// Whether a key serves what is to be done with something that was made before. A missing one stays missing.
    pub(super) fn serving(&self, name: &KeyName, wanted: Use) -> Result<(), KeyError> {
        let algorithm = self.newest(name)?.key.algorithm();
        if algorithm.serves(wanted) { Ok(()) } else { Err(KeyError::Use { key: name.clone(), algorithm }) }
    }

    /// The versions of a key, the newest first, at most that many.
    pub(super) fn versions(&self, name: &KeyName, most: usize) -> Result<Vec<Arc<Version>>, KeyError> {
        let held = self.held(name)?.ok_or_else(|| KeyError::Missing { key: name.clone() })?;
        held.listing.numbers.iter().take(most).map(|number| self.version(name, &held, *number)).collect()
    }

    /// One version of a key; `None` when there is no such.
    pub(super) fn numbered(&self, name: &KeyName, number: u32) -> Result<Option<Arc<Version>>, KeyError> {
        let held = self.held(name)?.ok_or_else(|| KeyError::Missing { key: name.clone() })?;
        held.listing.numbers.contains(&number).then(|| self.version(name, &held, number)).transpose()
    }

    /// The names of keys, sorted: those that have a folder, or those that have a file of the older format.
    pub(super) fn names(&self, sealed: bool) -> Result<Vec<KeyName>, KeyError> {
        let failed = |error| KeyError::Folder { folder: self.folder.clone(), error };
        let mut found = Vec::new();
        for ring in self.dir.entries().map_err(failed)? {
            let ring = ring.map_err(failed)?;
            if !ring.file_type().map_err(failed)?.is_dir() {
                continue;
            }
            for entry in ring.open_dir().and_then(|ring| ring.entries()).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let (ring, file) = (ring.file_name(), entry.file_name());
                let is_dir = entry.file_type().map_err(failed)?.is_dir();
                let key = file.to_str().filter(|_| is_dir == sealed);
                let key = if sealed { key } else { key.and_then(|file| file.strip_suffix(".json")) };
                let name = ring.to_str().zip(key).and_then(|(ring, key)| KeyName::parse(&format!("{ring}/{key}")).ok());
                // A folder whose first version was never written is no key.
                found.extend(name.filter(|name| !sealed || !matches!(self.held(name), Ok(None))));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    fn ring(&self, name: &KeyName) -> Ring {
        self.rings.get(name.ring()).copied().unwrap_or_default()
    }

    fn newest(&self, name: &KeyName) -> Result<Arc<Version>, KeyError> {
        let held = self.held(name)?;
        let missing = || KeyError::Missing { key: name.clone() };
        let held = held.ok_or_else(missing)?;
        let number = held.listing.numbers.first().ok_or_else(missing)?;
        self.version(name, &held, *number)
    }

    /// What is in the key's folder now; `None` when there is no key.
    fn held(&self, name: &KeyName) -> Result<Option<Arc<Held>>, KeyError> {
        let listing = match KeyFolder::open(&self.dir, name).and_then(|folder| folder.list()) {
            Ok(listing) => listing,
            Err(error) => match KeyError::io(name, error) {
                KeyError::Missing { .. } => None,
                other => return Err(other),
            },
        };
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(listing) = listing else {
            all.remove(name);
            return Ok(None);
        };
        if let Some(held) = all.get(name).filter(|held| held.listing == listing) {
            return Ok(Some(Arc::clone(held)));
        }
        if all.len() >= MAX_HELD {
            all.clear();
        }
        let held = Arc::new(Held { listing, versions: Mutex::default() });
        all.insert(name.clone(), Arc::clone(&held));
        Ok(Some(held))
    }

    fn version(&self, name: &KeyName, held: &Held, number: u32) -> Result<Arc<Version>, KeyError> {
        if let Some(version) = held.versions.lock().unwrap_or_else(PoisonError::into_inner).get(&number) {
            return Ok(Arc::clone(version));
        }
        let folder = KeyFolder::open(&self.dir, name).map_err(|error| KeyError::io(name, error))?;
        let sealed = folder.read(number).map_err(|error| KeyError::private(name, number, error))?;
        let record = self.unseal(name, number, &sealed)?;
        let malformed = || KeyError::Malformed { key: name.clone(), version: number };
        let key = Key::from_material(record.algorithm, record.half, &record.material).map_err(|_| malformed())?;
        let version = Arc::new(Version::new(number, &record, key));
        let mut versions = held.versions.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(versions.entry(number).or_insert(version)))
    }

    fn take_message(&self, name: &KeyName, version: &Version) -> Result<bool, KeyError> {
        version.take_message(|wanted, most| {
            let folder = KeyFolder::open(&self.dir, name).map_err(|error| KeyError::io(name, error))?;
            folder.reserve(version.number, wanted, most).map_err(|error| KeyError::private(name, version.number, error))
        })
    }

    /// Of several who make a version, all get the first.
    fn make_unless_made(
        &self,
        name: &KeyName,
        algorithm: KeyAlgorithm,
        version: u32,
        now: u64,
    ) -> Result<(), KeyError> {
        match self.make(name, algorithm, version, now) {
            Err(KeyError::Exists { .. }) => Ok(()),
            made => made,
        }
    }

    fn make(&self, name: &KeyName, algorithm: KeyAlgorithm, version: u32, now: u64) -> Result<(), KeyError> {
        let material = Key::generate(algorithm).map_err(|_| KeyError::Random { key: name.clone() })?;
        self.write(
            name,
            version,
            &Record { algorithm, half: Half::Whole, origin: Origin::Made, created: now, material },
        )
    }

    fn keep(&self, name: &KeyName, imported: &Imported, version: u32, now: u64) -> Result<(), KeyError> {
        let Imported { algorithm, half, ref material } = *imported;
        let material = Zeroizing::new(material.to_vec());
        self.write(name, version, &Record { algorithm, half, origin: Origin::Imported, created: now, material })
    }

    pub(super) fn write(&self, name: &KeyName, version: u32, record: &Record) -> Result<(), KeyError> {
        let text = record.encode().ok_or_else(|| KeyError::Malformed { key: name.clone(), version })?;
        let sealed = self.vault.seal(PURPOSE, &record_name(name, version), &text);
        let sealed = sealed.map_err(|error| KeyError::Sealed { key: name.clone(), version, error })?;
        let written = KeyFolder::make(&self.dir, name).and_then(|folder| folder.create(version, &sealed));
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => KeyError::Exists { key: name.clone() },
            _ => KeyError::Io { key: name.clone(), error },
        })
    }

    pub(super) fn unseal(&self, name: &KeyName, version: u32, sealed: &[u8]) -> Result<Record, KeyError> {
        let text = self.vault.open(PURPOSE, &record_name(name, version), sealed);
        let text = text.map_err(|error| KeyError::Sealed { key: name.clone(), version, error })?;
        Record::decode(&text).ok_or_else(|| KeyError::Malformed { key: name.clone(), version })
    }
}

fn record_name(name: &KeyName, version: u32) -> String {
    format!("{name}/{version}")
}

fn next_after(name: &KeyName, newest: &Version) -> Result<u32, KeyError> {
    let algorithm = newest.key.algorithm();
    if !algorithm.rotates() {
        return Err(KeyError::NoRotation { algorithm });
    }
    newest.number.checked_add(1).ok_or_else(|| KeyError::Expired { key: name.clone() })
}
