//! The folder with this installation's keys, registry, audit log, journals and cache.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bailiwick_host::private;
use cap_std::ambient_authority;
use cap_std::fs::Dir;

use crate::failure::Failure;
use crate::terminal::Untrusted;

/// The folders in it that we use.
const SUBFOLDERS: [&str; 11] = [
    "issuer",
    "keys",
    "audit",
    "cache",
    "cache/artifacts",
    "cache/issuers",
    "journals",
    "languages",
    "secrets",
    "staging",
    "tools",
];

/// In the folder of the audit logs.
const SIGNING_KEY: &str = "signing.key";

/// Where it is. Nothing is made before something has to be kept.
#[derive(Clone, Debug)]
pub(crate) struct StateFolder {
    path: PathBuf,
}

impl StateFolder {
    pub(crate) fn at(path: PathBuf) -> StateFolder {
        StateFolder { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the folder, and makes it (mode 0700) when it is not there.
    ///
    /// # Errors
    /// When it cannot be made or opened, or somebody else may write in it or in what we keep there.
    pub(crate) fn open(&self) -> Result<Dir, Failure> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.path);
        made.map_err(|error| self.failed("make", &error))?;
        self.open_existing()?.ok_or_else(|| self.failed("open", &io::ErrorKind::NotFound.into()))
    }

    /// Opens the folder when it is there.
    ///
    /// # Errors
    /// When it cannot be opened, or somebody else may write in it or in what we keep there.
    pub(crate) fn open_existing(&self) -> Result<Option<Dir>, Failure> {
        if !self.is_ours(&self.path)? {
            return Ok(None);
        }
        for name in SUBFOLDERS {
            self.is_ours(&self.path.join(name))?;
        }
        // The power over this folder enters here.
        let dir =
            Dir::open_ambient_dir(&self.path, ambient_authority()).map_err(|error| self.failed("open", &error))?;
        Ok(Some(dir))
    }

    /// The path of a folder below, made (mode 0700) when it is not there.
    ///
    /// # Errors
    /// As [`open`](StateFolder::open).
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        self.open()?;
        let path = self.path.join(name);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|error| self.failed("make a folder in", &error))?;
        Ok(path)
    }

    /// Where compiled guests are kept, and the key that seals them.
    ///
    /// # Errors
    /// When either cannot be made or read, or others can read the key.
    pub(crate) fn artifacts(&self) -> Result<(Dir, [u8; 32]), Failure> {
        let path = self.folder("cache/artifacts")?;
        let dir = Dir::open_ambient_dir(&path, ambient_authority())
            .map_err(|error| self.failed("open a folder in", &error))?;
        let key = seal_key(&self.path.join("cache"), "seal.key")
            .map_err(|error| self.failed("use cache/seal.key in", &error))?;
        Ok((dir, key))
    }

    /// The folder of the audit logs, and the secret that their checkpoints are signed with; both are made at first use.
    ///
    /// # Errors
    /// When either cannot be made or read, or others can read the key.
    pub(crate) fn audit(&self) -> Result<(PathBuf, [u8; 32]), Failure> {
        let path = self.folder("audit")?;
        let key = seal_key(&path, SIGNING_KEY).map_err(|error| self.failed("use audit/signing.key in", &error))?;
        Ok((path, key))
    }

    /// The same, when there is such a key already.
    ///
    /// # Errors
    /// As [`audit`](StateFolder::audit).
    pub(crate) fn existing_audit(&self) -> Result<Option<(PathBuf, [u8; 32])>, Failure> {
        if self.open_existing()?.is_none() || !self.path.join("audit").join(SIGNING_KEY).exists() {
            return Ok(None);
        }
        self.audit().map(Some)
    }

    /// Where the keys that issuers published are remembered, once there is a state folder.
    ///
    /// # Errors
    /// As [`open`](StateFolder::open).
    pub(crate) fn issuers(&self) -> Result<Option<Dir>, Failure> {
        if self.open_existing()?.is_none() {
            return Ok(None);
        }
        let path = self.folder("cache/issuers")?;
        let opened = Dir::open_ambient_dir(&path, ambient_authority());
        opened.map(Some).map_err(|error| self.failed("open a folder in", &error))
    }

    /// Whether the folder is there; and then it is this user's, and nobody else may write in it.
    fn is_ours(&self, path: &Path) -> Result<bool, Failure> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.failed("open", &error)),
        };
        let name = path.display().to_string();
        let name = Untrusted(&name);
        let what = if path == self.path { "the state folder" } else { "the folder" };
        if !metadata.is_dir() {
            return Err(Failure::internal(format!("{what} `{name}` is not a folder"))
                .help("name a folder with --state DIR or BAILIWICK_STATE"));
        }
        let user = rustix::process::geteuid().as_raw();
        if metadata.uid() != user {
            let message = format!("{what} `{name}` belongs to another user ({}, you are {user})", metadata.uid());
            return Err(Failure::internal(message)
                .help("run as that user, or name a folder of your own with --state DIR or BAILIWICK_STATE"));
        }
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o022 != 0 {
            let message = format!("others may write in {what} `{name}` (mode {mode:o})");
            return Err(Failure::internal(message)
                .help(format!("run `chmod 700 {name}`, and look whether what is in it is still yours")));
        }
        Ok(true)
    }

    /// What could not be done with the folder, and why.
    pub(crate) fn failed(&self, verb: &str, error: &io::Error) -> Failure {
        let name = self.path.display().to_string();
        Failure::internal(format!("cannot {verb} the state folder `{}`: {error}", Untrusted(&name)))
            .help("name another with --state DIR or BAILIWICK_STATE")
    }
}

/// The 32 bytes in a private file, made at first use.
fn seal_key(folder: &Path, name: &str) -> io::Result<[u8; 32]> {
    let path = folder.join(name);
    if !path.exists() {
        let mut fresh = [0; 32];
        rustix::rand::getrandom(&mut fresh, rustix::rand::GetRandomFlags::empty())?;
        let dir = Dir::open_ambient_dir(folder, ambient_authority())?;
        match private::create(&dir, name, &fresh) {
            // Two first uses at once: the first file stays, and both read it.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let mut file = OpenOptions::new().read(true).open(&path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        return Err(io::Error::other("others can read it; whatever it has sealed or signed may be theirs"));
    }
    let mut key = [0; 32];
    file.read_exact(&mut key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_private_and_refused_when_others_may_write() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::at(folder.path().join("a/b"));
        assert!(state.open_existing().unwrap().is_none());
        state.open().unwrap();
        assert_eq!(fs::metadata(state.path()).unwrap().permissions().mode() & 0o777, 0o700);
        for name in SUBFOLDERS {
            let path = state.folder(name).unwrap();
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
        }
        for name in [""].into_iter().chain(SUBFOLDERS) {
            for mode in [0o770, 0o702, 0o1777] {
                let path = if name.is_empty() { state.path().to_owned() } else { state.path().join(name) };
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
                for refused in [state.open().unwrap_err(), state.open_existing().unwrap_err()] {
                    assert_eq!(refused.exit(), crate::exit::Exit::Internal);
                    assert!(
                        refused.advice().unwrap().contains(&format!("chmod 700 {}", path.display())),
                        "{refused:?}"
                    );
                }
                fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
            }
        }
        let (_, key) = state.artifacts().unwrap();
        assert_eq!(state.artifacts().unwrap().1, key);
        assert_ne!(key, [0; 32]);
        fs::set_permissions(state.path().join("cache/seal.key"), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(state.artifacts().is_err());
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(StateFolder::at(folder.path().join("file")).open().is_err());
    }

    #[test]
    fn somebody_elses_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        // The root folder is root's; who runs these tests as root has none of somebody else's at hand but a made one.
        let path = if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(folder.path(), Some(65534), None).unwrap();
            folder.path()
        } else {
            Path::new("/")
        };
        let refused = StateFolder::at(path.to_owned()).open_existing().unwrap_err();
        assert!(refused.message().contains("belongs to another user"), "{}", refused.message());
        assert!(refused.advice().unwrap().contains("--state"));
    }
}
