//! The key that all others hang from, and where it comes from.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use linux_keyutils::{KeyError as KeyringError, KeyRing, KeyRingIdentifier};
use zeroize::Zeroizing;

use super::record;
use crate::ambient;
use crate::private::{self, PrivateError};

/// Bytes of a master key.
const LEN: usize = 32;
/// Most bytes of the text that holds master keys.
const MAX_TEXT: usize = 1 << 10;

/// 32 secret bytes. Cleared when dropped; `Debug` shows nothing.
pub struct MasterKey(Zeroizing<[u8; LEN]>);

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    #[error("the master key's file `{file}` cannot be used: {reason}")]
    File { file: PathBuf, reason: String },
    #[error("{place} is no master key; it must be 32 bytes as base64 (44 characters) or as hex (64)")]
    Malformed { place: String },
    #[error(
        "the kernel's key ring has no key `{description}`; put one there with `head -c 32 /dev/urandom | base64 -w0 | \
         keyctl padd user {description} @u`, keep a copy where it survives a restart, and see that the session has the \
         user's ring (`keyctl link @u @s`)"
    )]
    NotInKeyring { description: String },
    #[error("the kernel's key ring cannot be asked for `{description}`: {reason}")]
    Keyring { description: String, reason: String },
    #[error("the random source failed")]
    Random,
}

impl MasterKey {
    pub fn from_bytes(bytes: [u8; LEN]) -> MasterKey {
        MasterKey(Zeroizing::new(bytes))
    }

    /// A new one.
    ///
    /// # Errors
    /// [`MasterKeyError::Random`].
    pub fn generate() -> Result<MasterKey, MasterKeyError> {
        let mut bytes = Zeroizing::new([0; LEN]);
        rand::fill(&mut *bytes).map_err(|_| MasterKeyError::Random)?;
        Ok(MasterKey(bytes))
    }

    /// The keys in a text, separated by white space: the first seals, all of them open. `place` names it in errors.
    ///
    /// # Errors
    /// [`MasterKeyError::Malformed`], also when there is none.
    pub fn parse(text: &str, place: &str) -> Result<Vec<MasterKey>, MasterKeyError> {
        let malformed = || MasterKeyError::Malformed { place: place.to_owned() };
        let keys = text.split_ascii_whitespace().map(|word| MasterKey::parse_one(word).ok_or_else(malformed));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(malformed()) } else { Ok(keys) }
    }

    fn parse_one(word: &str) -> Option<MasterKey> {
        let decoded = match word.len() {
            64 => HEXLOWER_PERMISSIVE.decode(word.as_bytes()),
            44 => BASE64.decode(word.as_bytes()),
            _ => return None,
        };
        let decoded = Zeroizing::new(decoded.ok()?);
        let mut bytes = Zeroizing::new([0; LEN]);
        if decoded.len() != LEN {
            return None;
        }
        bytes.copy_from_slice(&decoded);
        Some(MasterKey(bytes))
    }

    /// The keys in a file. If it is not there, it is made, for the owner alone; of several who make it, all get the first.
    ///
    /// # Errors
    /// [`MasterKeyError::File`], also for a file that others can read or that another user owns.
    pub fn file(path: &Path) -> Result<Vec<MasterKey>, MasterKeyError> {
        if let Some(keys) = MasterKey::existing_file(path)? {
            return Ok(keys);
        }
        let (dir, name) = place(path)?;
        match private::create(&dir, &name, MasterKey::generate()?.text().as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(path, &error)),
            _ => {}
        }
        MasterKey::existing_file(path)?.ok_or_else(|| failed(path, &"it was removed a moment after it was made"))
    }

    /// The same, but a file that is not there is none.
    ///
    /// # Errors
    /// The same.
    pub fn existing_file(path: &Path) -> Result<Option<Vec<MasterKey>>, MasterKeyError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let dir = match ambient::open_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| failed(path, &error))?,
        };
        let name = file_name(path)?;
        let text = match private::read(&dir, &name, u64::try_from(MAX_TEXT).unwrap_or(u64::MAX)) {
            Err(PrivateError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| failed(path, &error))?,
        };
        let place = format!("the content of `{}`", path.display());
        let text = std::str::from_utf8(&text).map_err(|_| MasterKeyError::Malformed { place: place.clone() })?;
        MasterKey::parse(text, &place).map(Some)
    }

    /// Writes a file of master keys whole or not at all, in place of the one that may be there. The first one seals.
    ///
    /// # Errors
    /// [`MasterKeyError::File`]; the old file is then still there.
    pub fn replace_file(path: &Path, keys: &[&MasterKey]) -> Result<(), MasterKeyError> {
        let (dir, name) = place(path)?;
        let mut text = Zeroizing::new(String::with_capacity(MAX_TEXT));
        for key in keys {
            text.push_str(&key.text());
        }
        // What is not read back must not be written.
        if keys.is_empty() || text.len() > MAX_TEXT {
            return Err(failed(path, &format!("it has one key at least, and at most {}", MAX_TEXT / (2 * LEN + 1))));
        }
        private::replace(&dir, &name, text.as_bytes()).map_err(|error| failed(path, &error))
    }

    /// The keys in the kernel's key ring, below the session's or the user's ring, as the text of a `user` key.
    ///
    /// # Errors
    /// [`MasterKeyError::NotInKeyring`], [`MasterKeyError::Malformed`], or the kernel's reason.
    pub fn keyring(description: &str) -> Result<Vec<MasterKey>, MasterKeyError> {
        let failed = |error: KeyringError| match error {
            KeyringError::KeyDoesNotExist | KeyringError::AccessDenied | KeyringError::KeyExpired => {
                MasterKeyError::NotInKeyring { description: description.to_owned() }
            }
            other => MasterKeyError::Keyring { description: description.to_owned(), reason: other.to_string() },
        };
        let rings = [KeyRingIdentifier::Session, KeyRingIdentifier::User];
        let find = |ring| KeyRing::from_special_id(ring, false).and_then(|ring| ring.search(description));
        let read = |key: linux_keyutils::Key| {
            let mut text = Zeroizing::new([0; MAX_TEXT]);
            let len = key.read(&mut *text)?;
            Ok((text, len))
        };
        let mut outcome = Err(KeyringError::KeyDoesNotExist);
        for ring in rings {
            outcome = find(ring).and_then(read);
            if outcome.is_ok() {
                break;
            }
        }
        let (text, len) = outcome.map_err(failed)?;
        let place = format!("key `{description}` of the kernel's key ring");
        let text = text.get(..len).and_then(|text| std::str::from_utf8(text).ok());
        MasterKey::parse(text.ok_or_else(|| MasterKeyError::Malformed { place: place.clone() })?, &place)
    }

    /// What names the key in sealed records and messages, without telling anything about it.
    pub fn id(&self) -> String {
        record::id(self)
    }

    pub(super) fn bytes(&self) -> &[u8; LEN] {
        &self.0
    }

    /// One line, as files hold it.
    fn text(&self) -> Zeroizing<String> {
        let mut line = Zeroizing::new(String::with_capacity(2 * LEN + 1));
        HEXLOWER.encode_append(self.bytes(), &mut line);
        line.push('\n');
        line
    }
}

fn place(path: &Path) -> Result<(cap_std::fs::Dir, String), MasterKeyError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let dir = ambient::open_private_dir(folder).map_err(|error| failed(path, &error))?;
    Ok((dir, file_name(path)?))
}

fn file_name(path: &Path) -> Result<String, MasterKeyError> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| failed(path, &"it is no name of a file"))
}

fn failed(path: &Path, reason: &dyn fmt::Display) -> MasterKeyError {
    MasterKeyError::File { file: path.to_owned(), reason: reason.to_string() }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn base64_and_hex_and_nothing_else() {
        let keys = MasterKey::parse(&format!("{}\n{}\n", "ab".repeat(32), BASE64.encode(&[7; 32])), "x").unwrap();
        assert_eq!(keys.iter().map(|key| *key.bytes()).collect::<Vec<_>>(), [[0xab; 32], [7; 32]]);
        let line = MasterKey::from_bytes([9; 32]).text();
        assert_eq!(MasterKey::parse(&line, "x").unwrap()[0].bytes(), &[9; 32]);
        for bad in ["", " \n", "short", &"zz".repeat(32), &"ab".repeat(31), &BASE64.encode(&[7; 31]), &"ab".repeat(33)]
        {
            let error = MasterKey::parse(bad, "it").unwrap_err().to_string();
            assert!(error.starts_with("it is no master key") && !error.contains("zz"), "{bad}: {error}");
        }
        assert_eq!(format!("{:?}", MasterKey::from_bytes([9; 32])), "MasterKey { .. }");
    }

    #[test]
    fn a_file_is_made_once_and_refused_when_others_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/master.key");
        assert!(MasterKey::existing_file(&path).unwrap().is_none());
        let made = MasterKey::file(&path).unwrap();
        assert_eq!(MasterKey::file(&path).unwrap()[0].bytes(), made[0].bytes());
        assert_ne!(made[0].bytes(), &[0; 32]);
        let other = MasterKey::generate().unwrap();
        MasterKey::replace_file(&path, &[&other, &made[0]]).unwrap();
        let both = MasterKey::existing_file(&path).unwrap().unwrap();
        assert_eq!([both[0].bytes(), both[1].bytes()], [other.bytes(), made[0].bytes()]);
        // No more than can be read again, and none is no file of keys.
        let many: Vec<&MasterKey> = std::iter::repeat_n(&other, 16).collect();
        for wrong in [&many[..], &[]] {
            let error = MasterKey::replace_file(&path, wrong).unwrap_err().to_string();
            assert!(error.contains("at most 15"), "{error}");
        }
        MasterKey::replace_file(&path, &many[..15]).unwrap();
        assert_eq!(MasterKey::existing_file(&path).unwrap().unwrap().len(), 15);
        for mode in [0o640, 0o604] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = MasterKey::file(&path).unwrap_err().to_string();
            assert!(error.contains("others can read"), "{error}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let (dir, name) = place(&path).unwrap();
        private::replace(&dir, &name, b"no key").unwrap();
        assert!(matches!(MasterKey::file(&path), Err(MasterKeyError::Malformed { .. })));
    }

    #[test]
    fn of_many_who_make_the_file_all_get_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = &folder.path().join("master.key");
        let barrier = &std::sync::Barrier::new(8);
        let keys: Vec<[u8; LEN]> = std::thread::scope(|scope| {
            let make = || {
                barrier.wait();
                *MasterKey::file(path).unwrap()[0].bytes()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn the_kernel_keeps_a_key() {
        let description = format!("bailiwick-test-{}", std::process::id());
        assert!(matches!(MasterKey::keyring(&description), Err(MasterKeyError::NotInKeyring { .. })));
        let ring = KeyRing::from_special_id(KeyRingIdentifier::Session, true).unwrap();
        let key = ring.add_key(&description, &BASE64.encode(&[5; 32])).unwrap();
        let found = MasterKey::keyring(&description).unwrap();
        assert_eq!(found[0].bytes(), &[5; 32]);
        key.update(b"no key").unwrap();
        assert!(matches!(MasterKey::keyring(&description), Err(MasterKeyError::Malformed { .. })));
        ring.unlink_key(key).unwrap();
    }
}
