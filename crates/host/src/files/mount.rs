//! Mounts: directories of the host, opened once, below which everything stays.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bailiwick_guard::HostError;
use bailiwick_policy::{Code, GuestPath};
use cap_fs_ext::DirExt;
use cap_std::fs::{Dir, Metadata};

use super::Reached;
use super::link;
use crate::ambient;

/// The mounts of one run.
///
/// Defaults: none; a guest whose run has no mounts has no files.
#[derive(Debug, Default)]
pub struct Mounts {
    by_name: BTreeMap<String, Dir>,
}

/// A mount that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    #[error("mount `{name}`: `{path}` cannot be opened as a directory: {error}; create it or correct `[mounts]`")]
    Open { name: String, path: PathBuf, error: io::Error },
    #[error("`{name}` is no name for a mount: it must be a single path segment")]
    Name { name: String },
    #[error("mount `{name}` is named twice")]
    Twice { name: String },
}

/// The file capability of one run.
#[derive(Clone, Debug, Default)]
pub struct Files {
    mounts: Arc<Mounts>,
}

/// The last component of a path, in a directory that was reached without a link.
pub(super) struct Spot<'p> {
    pub(super) parent: Dir,
    pub(super) name: &'p str,
    path: &'p GuestPath,
}

impl Mounts {
    /// Opens the directories `(name, path)`. The handles stay open, so that replacing a directory later changes nothing.
    ///
    /// # Errors
    /// [`MountError`] for the first one that is no directory, or whose name no guest could write.
    pub fn open<'a>(mounts: impl IntoIterator<Item = (&'a str, &'a Path)>) -> Result<Mounts, MountError> {
        let mut by_name = BTreeMap::new();
        for (name, path) in mounts {
            let named =
                GuestPath::parse(name).is_ok_and(|parsed| parsed.mount() == name && parsed.segments().is_empty());
            if !named {
                return Err(MountError::Name { name: name.to_owned() });
            }
            let dir = ambient::open_dir(path).map_err(|error| MountError::Open {
                name: name.to_owned(),
                path: path.to_owned(),
                error,
            })?;
            if by_name.insert(name.to_owned(), dir).is_some() {
                return Err(MountError::Twice { name: name.to_owned() });
            }
        }
        Ok(Mounts { by_name })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The directory that `path` names.
    pub(super) fn dir(&self, path: &GuestPath) -> Result<Reached<Dir>, HostError> {
        self.enter(path, path.segments().len())
    }

    /// The directory that holds `path`. A mount itself has none here: what is asked of it is asked of [`Mounts::dir`].
    ///
    /// # Errors
    /// `failed.is_directory` for a mount and for the root.
    pub(super) fn spot<'p>(&self, path: &'p GuestPath) -> Result<Reached<Spot<'p>>, HostError> {
        let Some((name, parents)) = path.segments().split_last() else {
            return Err(HostError::Failed(Code::IsDirectory));
        };
        self.enter(path, parents.len())?.then(|parent| Ok(Spot { parent, name, path }))
    }

    /// Walks down the first `depth` segments, one at a time and never through a link.
    fn enter(&self, path: &GuestPath, depth: usize) -> Result<Reached<Dir>, HostError> {
        let mount = self.by_name.get(path.mount()).ok_or(HostError::Failed(Code::NotFound))?;
        let mut dir = mount.try_clone().map_err(|error| failure(&error))?;
        for (at, name) in path.segments().iter().take(depth).enumerate() {
            match dir.open_dir_nofollow(name) {
                Ok(next) => dir = next,
                Err(error) => {
                    return match followed(&dir, path, at, name)? {
                        Some(to) => Ok(Reached::Link(to)),
                        None => Err(failure(&error)),
                    };
                }
            }
        }
        Ok(Reached::Here(dir))
    }
}

impl Files {
    pub fn new(mounts: Mounts) -> Files {
        Files { mounts: Arc::new(mounts) }
    }

    pub fn mounts(&self) -> &Mounts {
        &self.mounts
    }

    /// Runs `work` on a thread for blocking work.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Mounts) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        let mounts = Arc::clone(&self.mounts);
        blocking(move || work(&mounts)).await
    }
}

impl Spot<'_> {
    /// What stands here, the link itself if it is one. `None` when nothing does.
    pub(super) fn look(&self) -> Result<Option<Metadata>, HostError> {
        match self.parent.symlink_metadata(self.name) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }

    /// Where the link that stands here leads; `None` when it is no link.
    pub(super) fn link(&self) -> Result<Option<GuestPath>, HostError> {
        followed(&self.parent, self.path, self.path.segments().len().saturating_sub(1), self.name)
    }
}

/// Runs `work` on a thread for blocking work.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HostError> + Send + 'static,
) -> Result<T, HostError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(HostError::Failed(Code::Internal)))
}

fn followed(dir: &Dir, path: &GuestPath, depth: usize, name: &str) -> Result<Option<GuestPath>, HostError> {
    match dir.read_link_contents(name) {
        Ok(target) => link::resolve(path, depth, &target).map(Some),
        Err(_no_link) => Ok(None),
    }
}

/// The code of an error of the operating system. The guest gets no more than this.
pub(super) fn failure(error: &io::Error) -> HostError {
    use io::ErrorKind::*;
    let code = match error.kind() {
        NotFound => Code::NotFound,
        AlreadyExists => Code::Exists,
        NotADirectory => Code::NotDirectory,
        IsADirectory => Code::IsDirectory,
        DirectoryNotEmpty => Code::NotEmpty,
        // cap-std's own refusal carries no error number of the system.
        PermissionDenied if error.raw_os_error().is_none() => return HostError::Denied(Code::OutsideMount),
        CrossesDevices => return HostError::Denied(Code::OutsideMount),
        PermissionDenied | ReadOnlyFilesystem => Code::HostPermission,
        _ => Code::Io,
    };
    HostError::Failed(code)
}
