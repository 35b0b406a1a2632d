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
use super::place::Place;
use crate::ambient;
use crate::sql::DatabaseError;

/// The mounts of one run.
///
/// Defaults: none; a guest whose run has no mounts has no files.
#[derive(Debug, Default)]
pub struct Mounts {
    by_name: BTreeMap<String, Mount>,
}

#[derive(Debug)]
struct Mount {
    dir: Dir,
    place: Place,
}

/// A mount that is not opened.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    #[error("mount `{name}`: `{path}` cannot be opened as a directory: {error}; create it or correct `[mounts]`")]
    Open { name: String, path: PathBuf, error: io::Error },
    #[error("`{name}` is no name for a mount: it must be a single path segment")]
    Name { name: String },
    #[error("mount `{name}` is named twice")]
    Twice { name: String },
    #[error(
        "mounts `{name}` and `{other}` overlap (`{path}`, `{other_path}`), so that a rule for one would not hold for the \
         other; choose separate folders, or make them one mount"
    )]
    Overlap { name: String, path: PathBuf, other: String, other_path: PathBuf },
    #[error("mount `{name}` is the whole file system (`{path}`); choose the folder that the guest needs")]
    Root { name: String, path: PathBuf },
    #[error(
        "mount `{name}`: `{path}` shows the kernel and its processes, not files (procfs, sysfs or the like); choose \
         another folder for the mount"
    )]
    Kernel { name: String, path: PathBuf },
    #[error(
        "mount `{name}`: `{path}` contains, or lies in, `{protected}`, which holds the host's own secrets; choose another \
         folder for the mount, or move `{protected}`"
    )]
    Secret { name: String, path: PathBuf, protected: PathBuf },
    #[error(
        "mount `{name}`: `{path}` contains `{protected}`, which decides what guests may do, and a rule lets them write or \
         delete there; choose another folder for the mount, move `{protected}`, or allow only `read` and `list`"
    )]
    Integrity { name: String, path: PathBuf, protected: PathBuf },
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(
        "whether a mount contains `{path}`, which is protected, cannot be told: {error}; correct the path or its permissions"
    )]
    Unknown { path: PathBuf, error: io::Error },
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
    /// [`MountError`] for the first one that is no directory, whose name no guest could write, that is `/` or on a file
    /// system of the kernel, or that contains another one, is another one, or lies in it.
    pub fn open<'a>(mounts: impl IntoIterator<Item = (&'a str, &'a Path)>) -> Result<Mounts, MountError> {
        let mut by_name: BTreeMap<String, Mount> = BTreeMap::new();
        for (name, path) in mounts {
            let named =
                GuestPath::parse(name).is_ok_and(|parsed| parsed.mount() == name && parsed.segments().is_empty());
            if !named {
                return Err(MountError::Name { name: name.to_owned() });
            }
            let failed = |error| MountError::Open { name: name.to_owned(), path: path.to_owned(), error };
            let place = Place::find(path).map_err(failed)?;
            let dir = ambient::open_dir(place.path()).map_err(failed)?;
            if place.is_root() {
                return Err(MountError::Root { name: name.to_owned(), path: path.to_owned() });
            }
            if is_kernel(&dir).map_err(failed)? {
                return Err(MountError::Kernel { name: name.to_owned(), path: path.to_owned() });
            }
            if by_name.contains_key(name) {
                return Err(MountError::Twice { name: name.to_owned() });
            }
            if let Some((other, mount)) = by_name.iter().find(|(_, mount)| mount.place.overlaps(&place)) {
                return Err(MountError::Overlap {
                    name: name.to_owned(),
                    path: place.path().to_owned(),
                    other: other.clone(),
                    other_path: mount.place.path().to_owned(),
                });
            }
            by_name.insert(name.to_owned(), Mount { dir, place });
        }
        Ok(Mounts { by_name })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.by_name.iter().map(|(name, mount)| (name.as_str(), &mount.place))
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
        let mut dir = mount.dir.try_clone().map_err(|error| failure(&error))?;
        for (at, name) in path.segments().iter().take(depth).enumerate() {
            match dir.open_dir_nofollow(name) {
                // Something of the kernel's may be mounted below a mount, too.
                Ok(next) if is_kernel(&next).map_err(|error| failure(&error))? => {
                    return Err(HostError::Denied(Code::SpecialFile));
                }
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

/// Whether a directory is on a file system whose files are controls of the kernel: writing to one is no writing of data,
/// and reading one tells about other processes, this one included.
fn is_kernel(dir: &Dir) -> io::Result<bool> {
    // `statfs(2)`: procfs, sysfs, debugfs, tracefs, securityfs, configfs, cgroup, cgroup2, devpts. A device in an ordinary
    // file system, as in `/dev`, is refused by itself.
    Ok(matches!(
        rustix::fs::fstatfs(dir)?.f_type,
        0x9fa0
            | 0x6265_6572
            | 0x6462_6720
            | 0x7472_6163
            | 0x7363_6673
            | 0x6265_6570
            | 0x0027_e0eb
            | 0x6367_7270
            | 0x1cd1
    ))
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
        StorageFull | QuotaExceeded => Code::NoSpace,
        _ => Code::Io,
    };
    HostError::Failed(code)
}
