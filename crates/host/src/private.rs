//! Small files that are the owner's alone: read only if they are, written whole or not at all.

use std::io::{self, Read, Write};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, MetadataExt, OpenOptions, OpenOptionsExt};
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

/// Why a file that should be private cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrivateError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("others can read or write it (mode {0:o}); take it as disclosed, or `chmod 600` it")]
    Exposed(u32),
    #[error("it belongs to another user ({0})")]
    Foreign(u32),
    #[error("it is longer than {0} bytes")]
    TooLong(u64),
}

/// Reads a file that nobody else can read or write, without following a link.
pub(crate) fn read(dir: &Dir, name: &str, limit: u64) -> Result<Zeroizing<Vec<u8>>, PrivateError> {
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No);
    let file = dir.open_with(name, &options)?;
    let found = file.metadata()?;
    let mode = found.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(PrivateError::Exposed(mode));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(PrivateError::Foreign(found.uid()));
    }
    // With room for all of it: a vector that grows leaves copies behind.
    let room = usize::try_from(found.len().min(limit)).unwrap_or_default().saturating_add(1);
    let mut content = Zeroizing::new(Vec::with_capacity(room));
    file.take(limit.saturating_add(1)).read_to_end(&mut content)?;
    if u64::try_from(content.len()).is_ok_and(|len| len > limit) {
        return Err(PrivateError::TooLong(limit));
    }
    Ok(content)
}

/// Writes a new file, whole or not at all; one that exists stays as it is. What was written is on the disk.
///
/// # Errors
/// `AlreadyExists`, or what the system says.
pub fn create(dir: &Dir, name: &str, content: &[u8]) -> io::Result<()> {
    write(dir, content, |temporary| dir.hard_link(temporary, dir, name))
}

/// Writes a file, whole or not at all, in place of the one that may be there. What was written is on the disk.
///
/// # Errors
/// What the system says; the old file is then still there.
pub fn replace(dir: &Dir, name: &str, content: &[u8]) -> io::Result<()> {
    write(dir, content, |temporary| dir.rename(temporary, dir, name))
}

fn write(dir: &Dir, content: &[u8], place: impl FnOnce(&str) -> io::Result<()>) -> io::Result<()> {
    let mut unique = [0; 8];
    aws_lc_rs::rand::fill(&mut unique).map_err(|_| io::ErrorKind::Other)?;
    // A name that starts with a dot is no name of ours.
    let temporary = format!(".{}.tmp", HEXLOWER.encode(&unique));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = dir.open_with(&temporary, &options).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()?;
        place(&temporary)
    });
    match dir.remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return written.and(Err(error)),
        _ => written?,
    }
    rustix::fs::fsync(dir.open(".")?).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use cap_std::fs::{Permissions, PermissionsExt};

    use super::*;

    #[test]
    fn whole_private_and_nothing_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let dir = crate::ambient::open_private_dir(folder.path()).unwrap();
        create(&dir, "a", b"one").unwrap();
        assert_eq!(create(&dir, "a", b"two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read(&dir, "a", 3).unwrap().as_slice(), b"one");
        replace(&dir, "a", b"three").unwrap();
        assert_eq!(read(&dir, "a", 5).unwrap().as_slice(), b"three");
        assert!(matches!(read(&dir, "a", 4), Err(PrivateError::TooLong(4))));
        assert_eq!(dir.metadata("a").unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(dir.entries().unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_private_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let dir = crate::ambient::open_private_dir(folder.path()).unwrap();
        create(&dir, "a", b"one").unwrap();
        for mode in [0o640, 0o604, 0o620, 0o601] {
            dir.set_permissions("a", Permissions::from_mode(mode)).unwrap();
            assert!(matches!(read(&dir, "a", 9), Err(PrivateError::Exposed(found)) if found == mode), "{mode:o}");
        }
        dir.set_permissions("a", Permissions::from_mode(0o600)).unwrap();
        dir.symlink("a", "link").unwrap();
        assert!(matches!(read(&dir, "link", 9), Err(PrivateError::Io(_))));
        assert!(matches!(read(&dir, "b", 9), Err(PrivateError::Io(error)) if error.kind() == io::ErrorKind::NotFound));
    }

    #[test]
    fn somebody_elses_file_is_not_read() {
        if !rustix::process::geteuid().is_root() {
            return; // only root can make a file of somebody else's
        }
        let folder = tempfile::tempdir().unwrap();
        let dir = crate::ambient::open_private_dir(folder.path()).unwrap();
        create(&dir, "a", b"one").unwrap();
        std::os::unix::fs::chown(folder.path().join("a"), Some(65534), None).unwrap();
        assert!(matches!(read(&dir, "a", 9), Err(PrivateError::Foreign(65534))));
    }
}
