//! The folder of installations: one folder for each, which is there whole or not at all.
//!
//! What is under way has a name that begins with a dot. Whoever holds the lock may delete all of that.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::LanguageError;

pub(crate) const COMPONENT: &str = "component.wasm";
pub(crate) const RUNTIME: &str = "runtime.json";
const LOCK: &str = ".lock";
const UNDER_WAY: [&str; 2] = [".build-", ".gone-"];

/// The folder.
#[derive(Clone, Debug)]
pub(crate) struct Installations {
    path: PathBuf,
}

/// Held by the one process that changes something in the folder.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// A folder in which something is being made. It is deleted with the value.
#[derive(Debug)]
pub(crate) struct Workshop {
    path: PathBuf,
}

impl Installations {
    pub(crate) fn at(path: PathBuf) -> Installations {
        Installations { path }
    }

    pub(crate) fn of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The names of all installations, in order.
    pub(crate) fn names(&self) -> Result<Vec<String>, LanguageError> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| failed("read", &self.path, error))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| failed("read", &self.path, error))?.file_name();
            names.extend(name.into_string().ok().filter(|name| !name.starts_with('.')));
        }
        names.sort();
        Ok(names)
    }

    /// The lock, when nobody else holds it.
    pub(crate) fn try_lock(&self) -> Result<Option<Lock>, LanguageError> {
        let file = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed("lock", &self.of(LOCK), error)),
        }
    }

    /// The lock, after whoever holds it is done. Blocks.
    pub(crate) fn lock(&self) -> Result<Lock, LanguageError> {
        let file = self.lock_file()?;
        file.lock().map_err(|error| failed("lock", &self.of(LOCK), error))?;
        Ok(Lock { _file: file })
    }

    fn lock_file(&self) -> Result<File, LanguageError> {
        make(&self.path)?;
        let path = self.of(LOCK);
        let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        opened.map_err(|error| failed("open", &path, error))
    }

    /// A folder for making something. Deletes what interrupted processes left.
    pub(crate) fn workshop(&self, _lock: &Lock) -> Result<Workshop, LanguageError> {
        self.clean()?;
        let path = self.of(&unique(".build-"));
        make(&path)?;
        Ok(Workshop { path })
    }

    /// Puts `made`, a folder within a workshop, in the place of the installation `name`.
    pub(crate) fn publish(&self, _lock: &Lock, made: &Path, name: &str) -> Result<(), LanguageError> {
        self.take_away(name)?;
        let path = self.of(name);
        fs::rename(made, &path).map_err(|error| failed("write", &path, error))
    }

    /// Deletes an installation.
    pub(crate) fn remove(&self, _lock: &Lock, name: &str) -> Result<(), LanguageError> {
        self.take_away(name)?;
        self.clean()
    }

    /// An interrupted deletion leaves nothing that looks like an installation.
    fn take_away(&self, name: &str) -> Result<(), LanguageError> {
        let (path, gone) = (self.of(name), self.of(&unique(".gone-")));
        match fs::rename(&path, &gone) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => renamed.map_err(|error| failed("delete", &path, error)),
        }
    }

    fn clean(&self) -> Result<(), LanguageError> {
        let entries = fs::read_dir(&self.path).map_err(|error| failed("read", &self.path, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| failed("read", &self.path, error))?;
            let name = entry.file_name();
            if UNDER_WAY.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                delete(&entry.path())?;
            }
        }
        Ok(())
    }
}

impl Workshop {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a folder in it, which is made.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, LanguageError> {
        let path = self.path.join(name);
        make(&path)?;
        Ok(path)
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // What stays is deleted by the next installation.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Reads a file of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut content)?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has more than {limit} bytes")));
    }
    Ok(content)
}

/// Writes a new file, private, with its folders.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), LanguageError> {
    make(path.parent().unwrap_or(path))?;
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened.and_then(|mut file| file.write_all(content)).map_err(|error| failed("write", path, error))
}

/// Makes a private folder, unless it is there.
fn make(path: &Path) -> Result<(), LanguageError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| failed("make the folder", path, error))
}

fn delete(path: &Path) -> Result<(), LanguageError> {
    let is_folder = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    let deleted = if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    deleted.map_err(|error| failed("delete", path, error))
}

fn unique(prefix: &str) -> String {
    format!("{prefix}{}", uuid::Uuid::now_v7().simple())
}

pub(crate) fn failed(verb: &'static str, path: &Path, source: io::Error) -> LanguageError {
    LanguageError::Files { verb, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn an_installation_appears_whole_and_replaces_another() {
        let folder = tempfile::tempdir().unwrap();
        let all = Installations::at(folder.path().join("languages"));
        assert!(all.names().unwrap().is_empty());
        let lock = all.lock().unwrap();
        for text in ["one", "two"] {
            let workshop = all.workshop(&lock).unwrap();
            let made = workshop.folder("made").unwrap();
            write(&made.join("file"), text.as_bytes()).unwrap();
            assert_eq!(all.names().unwrap().is_empty(), text == "one", "a workshop is no installation");
            all.publish(&lock, &made, "python-1").unwrap();
            assert_eq!(read(&all.of("python-1").join("file"), 9).unwrap(), text.as_bytes());
        }
        assert_eq!(all.names().unwrap(), ["python-1"]);
        all.remove(&lock, "python-1").unwrap();
        all.remove(&lock, "python-1").unwrap();
        assert_eq!(names(&folder.path().join("languages")), [".lock"]);
    }

    #[test]
    fn what_an_interrupted_process_left_is_cleaned_up() {
        let folder = tempfile::tempdir().unwrap();
        let all = Installations::at(folder.path().to_owned());
        for left in [".build-x/runner/deep", ".gone-y/z", "python-1"] {
            fs::create_dir_all(folder.path().join(left)).unwrap();
        }
        let lock = all.lock().unwrap();
        let workshop = all.workshop(&lock).unwrap();
        let own = workshop.path().file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(names(folder.path()), [own.as_str(), ".lock", "python-1"]);
        drop(workshop);
        assert_eq!(names(folder.path()), [".lock", "python-1"]);
    }

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let all = Installations::at(folder.path().to_owned());
        let lock = all.try_lock().unwrap().unwrap();
        assert!(all.try_lock().unwrap().is_none());
        let waiter = std::thread::spawn({
            let all = all.clone();
            move || all.lock().map(drop)
        });
        drop(lock);
        waiter.join().unwrap().unwrap();
        assert!(all.try_lock().unwrap().is_some());
    }

    #[test]
    fn too_much_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
