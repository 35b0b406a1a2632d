//! Mounts: what guests see below `/`, one directory each.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bailiwick_guard::{HostError, Meter};
use bailiwick_policy::{Code, GuestPath};

use super::content::Content;
use super::folder::{Folder, How, is_kernel};
use super::memory::Tree;
use super::overlay::Overlay;
use super::place::Place;
use super::staging::Staging;
use super::{DirEntry, FileStat, Links, Reached, Removal, Renamed, Times};
use crate::ambient;
use crate::sql::DatabaseError;

/// The mounts of one run.
///
/// Defaults: none; a guest whose run has no mounts has no files.
#[derive(Debug, Default)]
pub struct Mounts {
    by_name: BTreeMap<String, Mount>,
}

/// What stands behind a name.
#[derive(Debug)]
pub(super) enum Mount {
    Direct(Folder, Place),
    Staged(Overlay, Place),
    Memory(Tree, Remains),
}

/// What becomes of files in memory at the end of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remains {
    Nothing,
    Report,
}

/// What a mount is made of, for [`Mounts::open_all`].
#[derive(Clone, Copy, Debug)]
pub enum MountSource<'a> {
    /// A directory of the host, whose changes are seen at once.
    Folder(&'a Path),
    /// A directory of the host, whose changes are applied when the run has finished.
    Staged(&'a Path),
    /// Files in the memory of the run.
    Memory,
    /// The same; they come back in the run's report.
    Report,
}

/// A mount that is not opened.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    #[error("mount `{name}`: `{path}` cannot be opened as a directory: {error}; create it or correct `[mounts]`")]
    Open { name: String, path: PathBuf, error: io::Error },
    #[error("`{name}` is no name for a mount: it must be a single path segment")]
    Name { name: String },
    #[error(
        "mount `{name}` has staged writes, and this host has no folder to stage them in; write `direct`, or give the host one"
    )]
    NoStaging { name: String },
    #[error("the folder for staged writes, `{path}`, cannot be used: {error}; correct its permissions")]
    Staging { path: PathBuf, error: io::Error },
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

impl Mounts {
    /// Opens the directories `(name, path)`, for direct writes. The handles stay open, so that replacing a directory later
    /// changes nothing.
    ///
    /// # Errors
    /// [`MountError`] for the first one that is no directory, whose name no guest could write, that is `/` or on a file
    /// system of the kernel, or that contains another one, is another one, or lies in it.
    pub fn open<'a>(mounts: impl IntoIterator<Item = (&'a str, &'a Path)>) -> Result<Mounts, MountError> {
        Mounts::open_all(mounts.into_iter().map(|(name, path)| (name, MountSource::Folder(path))), None)
    }

    /// Opens mounts of all sorts. What is staged waits in the folder `staging`.
    ///
    /// # Errors
    /// As [`Mounts::open`]; when there are staged writes and no folder for them, or it cannot be used.
    pub fn open_all<'a>(
        mounts: impl IntoIterator<Item = (&'a str, MountSource<'a>)>,
        staging: Option<&Path>,
    ) -> Result<Mounts, MountError> {
        let mut opened = Mounts::default();
        let mut shared: Option<Arc<Staging>> = None;
        for (name, source) in mounts {
            opened.check_name(name)?;
            let mount = match source {
                MountSource::Folder(path) => {
                    let (folder, place) = opened.open_folder(name, path)?;
                    Mount::Direct(folder, place)
                }
                MountSource::Staged(path) => {
                    let (folder, place) = opened.open_folder(name, path)?;
                    let staging = match &shared {
                        Some(staging) => Arc::clone(staging),
                        None => {
                            let path = staging.ok_or_else(|| MountError::NoStaging { name: name.to_owned() })?;
                            let failed = |error| MountError::Staging { path: path.to_owned(), error };
                            Arc::clone(shared.insert(Arc::new(Staging::open(path).map_err(failed)?)))
                        }
                    };
                    Mount::Staged(Overlay::new(folder, staging), place)
                }
                MountSource::Memory => Mount::Memory(Tree::default(), Remains::Nothing),
                MountSource::Report => Mount::Memory(Tree::default(), Remains::Report),
            };
            opened.by_name.insert(name.to_owned(), mount);
        }
        Ok(opened)
    }

    fn check_name(&self, name: &str) -> Result<(), MountError> {
        let named = GuestPath::parse(name).is_ok_and(|parsed| parsed.mount() == name && parsed.segments().is_empty());
        if !named {
            return Err(MountError::Name { name: name.to_owned() });
        }
        if self.by_name.contains_key(name) { Err(MountError::Twice { name: name.to_owned() }) } else { Ok(()) }
    }

    fn open_folder(&self, name: &str, path: &Path) -> Result<(Folder, Place), MountError> {
        let failed = |error| MountError::Open { name: name.to_owned(), path: path.to_owned(), error };
        let place = Place::find(path).map_err(failed)?;
        let dir = ambient::open_dir(place.path()).map_err(failed)?;
        if place.is_root() {
            return Err(MountError::Root { name: name.to_owned(), path: path.to_owned() });
        }
        if is_kernel(&dir).map_err(failed)? {
            return Err(MountError::Kernel { name: name.to_owned(), path: path.to_owned() });
        }
        if let Some((other, there)) = self.places().find(|(_, there)| there.overlaps(&place)) {
            return Err(MountError::Overlap {
                name: name.to_owned(),
                path: place.path().to_owned(),
                other: other.to_owned(),
                other_path: there.path().to_owned(),
            });
        }
        Ok((Folder::new(dir), place))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Where the mounts that are folders are.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.by_name.iter().filter_map(|(name, mount)| match mount {
            Mount::Direct(_, place) | Mount::Staged(_, place) => Some((name.as_str(), place)),
            Mount::Memory(..) => None,
        })
    }

    pub(super) fn staged(&self) -> impl Iterator<Item = (&str, &Overlay)> {
        self.by_name.iter().filter_map(|(name, mount)| match mount {
            Mount::Staged(overlay, _) => Some((name.as_str(), overlay)),
            Mount::Direct(..) | Mount::Memory(..) => None,
        })
    }

    /// How many staged changes of that mount were applied.
    pub(super) fn applied(&self, mount: &str) -> u64 {
        let overlay = self.staged().find(|(name, _)| *name == mount);
        overlay.map_or(0, |(_, overlay)| overlay.applied.load(Ordering::Acquire))
    }

    /// Where applying staged changes ended before its end.
    pub(super) fn stuck(&self) -> Option<&GuestPath> {
        self.staged().find_map(|(_, overlay)| overlay.stuck.get())
    }

    pub(super) fn reported(&self) -> impl Iterator<Item = (&str, &Tree)> {
        self.by_name.iter().filter_map(|(name, mount)| match mount {
            Mount::Memory(tree, Remains::Report) => Some((name.as_str(), tree)),
            _ => None,
        })
    }

    /// The mount of a path.
    pub(super) fn at(&self, path: &GuestPath) -> Result<&Mount, HostError> {
        self.by_name.get(path.mount()).ok_or(HostError::Failed(Code::NotFound))
    }
}

impl Mount {
    pub(super) fn is_memory(&self) -> bool {
        matches!(self, Mount::Memory(..))
    }

    pub(super) fn open(&self, path: &GuestPath, how: How, meter: &Meter) -> Result<Reached<Content>, HostError> {
        match self {
            Mount::Direct(folder, _) => folder.open(path, how, meter)?.then(|file| Ok(Content::Disk(Arc::new(file)))),
            Mount::Staged(overlay, _) => overlay.open(path, how, meter),
            Mount::Memory(tree, _) => tree.open(path, how, meter).map(Content::Memory).map(Reached::Here),
        }
    }

    pub(super) fn list(&self, path: &GuestPath) -> Result<Reached<Vec<DirEntry>>, HostError> {
        match self {
            Mount::Direct(folder, _) => folder.list(path),
            Mount::Staged(overlay, _) => overlay.list(path),
            Mount::Memory(tree, _) => tree.list(path).map(Reached::Here),
        }
    }

    pub(super) fn find_dir(&self, path: &GuestPath) -> Result<Reached<()>, HostError> {
        match self {
            Mount::Direct(folder, _) => folder.enter(path, path.segments().len())?.then(|_exists| Ok(())),
            Mount::Staged(overlay, _) => overlay.find_dir(path),
            Mount::Memory(tree, _) => tree.find_dir(path).map(Reached::Here),
        }
    }

    pub(super) fn stat(&self, path: &GuestPath, links: Links) -> Result<Reached<FileStat>, HostError> {
        match self {
            Mount::Direct(folder, _) => folder.stat(path, links),
            Mount::Staged(overlay, _) => overlay.stat(path, links),
            Mount::Memory(tree, _) => tree.stat(path).map(Reached::Here),
        }
    }

    pub(super) fn make_dir(&self, path: &GuestPath, meter: &Meter) -> Result<Reached<()>, HostError> {
        match self {
            Mount::Direct(folder, _) => folder.make_dir(path, meter),
            Mount::Staged(overlay, _) => overlay.make_dir(path, meter),
            Mount::Memory(tree, _) => tree.make_dir(path, meter).map(Reached::Here),
        }
    }

    pub(super) fn remove(&self, path: &GuestPath, what: Removal) -> Result<Reached<()>, HostError> {
        match self {
            Mount::Direct(folder, _) => folder.remove(path, what),
            Mount::Staged(overlay, _) => overlay.remove(path, what),
            Mount::Memory(tree, _) => tree.remove(path, what).map(Reached::Here),
        }
    }

    pub(super) fn set_times(&self, path: &GuestPath, times: Times, meter: &Meter) -> Result<Reached<()>, HostError> {
        match self {
            Mount::Direct(folder, _) => folder.set_times(path, times),
            Mount::Staged(overlay, _) => overlay.set_times(path, times, meter),
            Mount::Memory(tree, _) => tree.set_times(path, times, meter).map(Reached::Here),
        }
    }

    /// Both paths are of this mount.
    pub(super) fn rename(&self, from: &GuestPath, to: &GuestPath, meter: &Meter) -> Result<Renamed, HostError> {
        match self {
            Mount::Direct(folder, _) => folder.rename(from, to),
            Mount::Staged(overlay, _) => overlay.rename(from, to, meter),
            Mount::Memory(tree, _) => tree.rename(from, to, meter).map(|()| Renamed::Done),
        }
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

/// Runs `work` on a thread for blocking work.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HostError> + Send + 'static,
) -> Result<T, HostError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(HostError::Failed(Code::Internal)))
}
