//! The folder of one key: a file for each version, and how often it was used.
//!
//! ```text
//! keys/RING/KEY/1.key        a version, sealed under the name `RING/KEY/1`
//! keys/RING/KEY/1.messages   how many messages it may have encrypted
//! ```
//!
//! INVARIANT: a version's file is linked into place once and never holds another key, so that of several processes that make
//! the next version one succeeds, and a crash loses nothing.

use std::io;
use std::path::Path;

use bailiwick_policy::KeyName;
use cap_std::fs::{Dir, MetadataExt, OpenOptions, OpenOptionsExt};
use zeroize::Zeroizing;

use crate::ambient;
use crate::private::{self, PrivateError};

/// Most bytes in a version's file.
const MAX_FILE: u64 = 16 << 10;
/// Bytes of a number in decimal.
const MAX_NUMBER: u64 = 20;
/// Most entries that are looked at.
const MAX_ENTRIES: usize = 100_000;

pub(super) struct KeyFolder {
    dir: Dir,
}

/// What is in the folder. Equal when nothing changed: a key that was removed and made anew has a newest file of another time,
/// even where it has the same numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listing {
    device: u64,
    inode: u64,
    changed: (i64, i64),
    /// The newest first, never empty.
    pub(super) numbers: Vec<u32>,
}

impl KeyFolder {
    /// `NotFound` when it is not there.
    pub(super) fn open(store: &Dir, name: &KeyName) -> io::Result<KeyFolder> {
        Ok(KeyFolder { dir: store.open_dir(name.ring())?.open_dir(name.key())? })
    }

    /// Opens it, and makes it for the owner alone if it is missing.
    pub(super) fn make(store: &Dir, name: &KeyName) -> io::Result<KeyFolder> {
        ambient::make_private_dir(store, Path::new(name.ring()))?;
        let ring = store.open_dir(name.ring())?;
        ambient::make_private_dir(&ring, Path::new(name.key()))?;
        rustix::fs::fsync(ring.open(".")?)?;
        KeyFolder::open(store, name)
    }

    /// `None` when there is no version. An error when there is more than is looked at: the newest might be among the rest.
    pub(super) fn list(&self) -> io::Result<Option<Listing>> {
        self.list_up_to(MAX_ENTRIES)
    }

    fn list_up_to(&self, most: usize) -> io::Result<Option<Listing>> {
        let mut numbers = Vec::new();
        for (seen, entry) in self.dir.entries()?.enumerate() {
            if seen >= most {
                return Err(io::Error::other(format!(
                    "its folder has more than {most} files; remove what is no version of it, or old versions with `bailiwick key \
                     delete --only`"
                )));
            }
            let name = entry?.file_name();
            // `1.key`, not `01.key` or `+1.key`.
            let number = name
                .to_str()
                .and_then(|name| name.strip_suffix(".key"))
                .and_then(|stem| stem.parse::<u32>().ok().filter(|number| *number > 0 && number.to_string() == stem));
            numbers.extend(number);
        }
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        let Some(newest) = numbers.first() else { return Ok(None) };
        let found = self.dir.symlink_metadata(format!("{newest}.key"))?;
        let changed = (found.ctime(), found.ctime_nsec());
        Ok(Some(Listing { device: found.dev(), inode: found.ino(), changed, numbers }))
    }

    /// The sealed record of a version.
    pub(super) fn read(&self, number: u32) -> Result<Zeroizing<Vec<u8>>, PrivateError> {
        private::read(&self.dir, &format!("{number}.key"), MAX_FILE)
    }

    /// Writes a new version whole or not at all; `AlreadyExists` when there is one of that number.
    pub(super) fn create(&self, number: u32, sealed: &[u8]) -> io::Result<()> {
        private::create(&self.dir, &format!("{number}.key"), sealed)
    }

    /// Writes the same version, sealed anew.
    pub(super) fn replace(&self, number: u32, sealed: &[u8]) -> io::Result<()> {
        private::replace(&self.dir, &format!("{number}.key"), sealed)
    }

    pub(super) fn remove(&self, number: u32) -> io::Result<()> {
        self.dir.remove_file(format!("{number}.key"))?;
        match self.dir.remove_file(format!("{number}.messages")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => rustix::fs::fsync(self.dir.open(".")?).map_err(io::Error::from),
        }
    }

    /// Takes up to `wanted` of the messages that a version may still encrypt, among all processes. What was taken and not
    /// used is lost. 0 when none are left.
    pub(super) fn reserve(&self, number: u32, wanted: u64, most: u64) -> Result<u64, PrivateError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        // Given up when the file is dropped.
        let lock = self.dir.open_with(".lock", &options)?.into_std();
        lock.lock()?;
        let name = format!("{number}.messages");
        let used = match private::read(&self.dir, &name, MAX_NUMBER) {
            Err(PrivateError::Io(error)) if error.kind() == io::ErrorKind::NotFound => 0,
            read => std::str::from_utf8(&read?).ok().and_then(|text| text.parse().ok()).unwrap_or(most),
        };
        let granted = most.saturating_sub(used).min(wanted);
        if granted > 0 {
            private::replace(&self.dir, &name, used.saturating_add(granted).to_string().as_bytes())?;
        }
        Ok(granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_too_many_files_is_an_error_and_hides_no_version() {
        let temporary = tempfile::tempdir().unwrap();
        let store = ambient::open_private_dir(temporary.path()).unwrap();
        let folder = KeyFolder::make(&store, &KeyName::parse("r/k").unwrap()).unwrap();
        assert_eq!(folder.list_up_to(0).unwrap(), None);
        for number in 1..=3 {
            folder.create(number, b"sealed").unwrap();
        }
        assert_eq!(folder.list_up_to(3).unwrap().unwrap().numbers, [3, 2, 1]);
        drop(folder.dir.create("other").unwrap());
        let refused = folder.list_up_to(3).unwrap_err().to_string();
        assert!(refused.starts_with("its folder has more than 3 files"), "{refused}");
        assert_eq!(folder.list_up_to(4).unwrap().unwrap().numbers, [3, 2, 1]);
    }
}
