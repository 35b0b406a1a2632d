//! Directories: their names, and handles to them.

use bailiwick_guard::{Action, Effect, HandleSlot, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, GuestPath, Resource};

use super::link::{Follow, Reached};
use super::mount::failure;
use super::{FileKind, Files};

/// Most entries of a directory; one that has more is not listed at all.
pub const MAX_ENTRIES: usize = 10_000;
/// Most bytes of the names of all entries of a directory; one that has more is not listed at all.
pub const MAX_NAME_BYTES: usize = 512 << 10;

/// Lists a directory.
#[derive(Clone, Debug)]
pub struct ListDir {
    pub path: GuestPath,
}

/// Opens a directory, so that paths can be resolved against it. It gives no right to anything below.
#[derive(Clone, Debug)]
pub struct OpenDir {
    pub path: GuestPath,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    pub name: String,
    pub kind: FileKind,
}

/// An open directory: its path, and a place among the run's open handles.
#[derive(Debug)]
pub struct DirHandle {
    path: GuestPath,
    _slot: HandleSlot,
}

impl DirHandle {
    /// The path that was decided on, behind all links.
    pub fn path(&self) -> &GuestPath {
        &self.path
    }
}

impl Action for ListDir {
    const NAME: ActionName = ActionName::List;
    const EFFECT: Effect = Effect::Read;
    /// By name. Names that are not UTF-8 are left out: no guest could say them.
    type Output = Reached<Vec<DirEntry>>;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }
}

impl Follow for ListDir {
    type Found = Vec<DirEntry>;

    fn at(self, path: GuestPath) -> ListDir {
        ListDir { path }
    }
}

impl Perform<ListDir> for Files {
    async fn perform(&self, permit: Permit<'_, ListDir>) -> Result<Reached<Vec<DirEntry>>, HostError> {
        let path = permit.action().path.clone();
        if path.is_root() {
            let mounts = self.mounts().names();
            let entries = mounts.map(|name| DirEntry { name: name.to_owned(), kind: FileKind::Directory }).collect();
            return Ok(Reached::Here(entries));
        }
        self.blocking(move |mounts| {
            mounts.dir(&path)?.then(|dir| {
                let (mut found, mut bytes) = (Vec::new(), 0_usize);
                for (seen, entry) in dir.entries().map_err(|error| failure(&error))?.enumerate() {
                    if seen >= MAX_ENTRIES {
                        return Err(HostError::Limit(Code::ResponseBytes));
                    }
                    let entry = entry.map_err(|error| failure(&error))?;
                    let name = entry.file_name();
                    bytes = bytes.saturating_add(name.len());
                    if bytes > MAX_NAME_BYTES {
                        return Err(HostError::Limit(Code::ResponseBytes));
                    }
                    let kind = FileKind::of(entry.file_type().map_err(|error| failure(&error))?);
                    if let Ok(name) = name.into_string() {
                        found.push(DirEntry { name, kind });
                    }
                }
                found.sort_unstable();
                Ok(found)
            })
        })
        .await
    }
}

impl Action for OpenDir {
    const NAME: ActionName = ActionName::List;
    const EFFECT: Effect = Effect::Read;
    type Output = Reached<DirHandle>;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }
}

impl Follow for OpenDir {
    type Found = DirHandle;

    fn at(self, path: GuestPath) -> OpenDir {
        OpenDir { path }
    }
}

impl Perform<OpenDir> for Files {
    async fn perform(&self, permit: Permit<'_, OpenDir>) -> Result<Reached<DirHandle>, HostError> {
        let slot = permit.meter().open_handle()?;
        let path = permit.action().path.clone();
        if path.is_root() {
            return Ok(Reached::Here(DirHandle { path, _slot: slot }));
        }
        self.blocking(move |mounts| {
            let reached = mounts.dir(&path)?;
            reached.then(|_exists| Ok(DirHandle { path, _slot: slot }))
        })
        .await
    }
}
