//! Private files in the state folder: readable by their owner only, replaced whole or not at all.

use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions, OpenOptionsExt};
use uuid::{NoContext, Timestamp, Uuid};

/// The state folder does not hold what it should.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("cannot {verb} `{file}` in the state folder: {source}")]
    Io { verb: &'static str, file: String, source: io::Error },
    #[error(
        "`{file}` in the state folder can be read or written by others (mode {mode:o}); run `chmod go= {file}` there"
    )]
    Permissions { file: String, mode: u32 },
    #[error("`{file}` in the state folder is not a regular file")]
    NotAFile { file: String },
    #[error("`{file}` in the state folder is longer than {limit} bytes")]
    TooLarge { file: String, limit: u64 },
}

/// What to do when the file is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    Keep,
    Replace,
}

/// The content of a private file, or `None` when there is none. Symbolic links are not followed.
pub(crate) fn read(dir: &Dir, file: &str, limit: u64) -> Result<Option<Vec<u8>>, StateError> {
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No).nonblock(true);
    let opened = match dir.open_with(file, &options) {
        Ok(opened) => opened.into_std(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("open", file, error)),
    };
    let metadata = opened.metadata().map_err(|error| failed("read", file, error))?;
    if !metadata.is_file() {
        return Err(StateError::NotAFile { file: file.to_owned() });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(StateError::Permissions { file: file.to_owned(), mode });
    }
    let mut content = Vec::new();
    opened.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(|error| failed("read", file, error))?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > limit {
        return Err(StateError::TooLarge { file: file.to_owned(), limit });
    }
    Ok(Some(content))
}

/// Writes a file of mode 0600 under another name, makes it durable, and only then gives it its name. With
/// [`Existing::Keep`], whoever comes first wins.
pub(crate) fn write(dir: &Dir, file: &str, content: &[u8], existing: Existing) -> Result<(), StateError> {
    let temporary = format!(".{file}.{}", Uuid::new_v7(Timestamp::from_unix(NoContext, 0, 0)).simple());
    let written = write_temporary(dir, &temporary, content).and_then(|()| match existing {
        Existing::Replace => dir.rename(&temporary, dir, file),
        Existing::Keep => match dir.hard_link(&temporary, dir, file) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        },
    });
    if written.is_err() || existing == Existing::Keep {
        // Nothing depends on the temporary name; a leftover is harmless and private.
        let _ = dir.remove_file(&temporary);
    }
    written.and_then(|()| dir.open(".")?.sync_all()).map_err(|error| failed("write", file, error))
}

/// A folder of mode 0700 below `dir`, made when it is not there.
pub(crate) fn subfolder(dir: &Dir, name: &str) -> Result<Dir, StateError> {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    match dir.create_dir_with(name, &builder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed("make", name, error)),
        _ => {}
    }
    dir.open_dir_nofollow(name).map_err(|error| failed("open", name, error))
}

fn write_temporary(dir: &Dir, temporary: &str, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut opened = dir.open_with(temporary, &options)?;
    opened.write_all(content)?;
    opened.sync_all()
}

fn failed(verb: &'static str, file: &str, source: io::Error) -> StateError {
    StateError::Io { verb, file: file.to_owned(), source }
}
