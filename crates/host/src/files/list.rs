//! Directories: their names, and handles to them.

use std::ffi::OsString;

use bailiwick_guard::journal::{Crossed, Fingerprint, Handle, Place, Unwritable, join, split};
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, GuestPath, Resource};
use serde::{Deserialize, Serialize};

use super::link::{Follow, Reached};
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DirEntry {
    pub name: String,
    pub kind: FileKind,
}

/// An open directory: its path, and a place among the run's open handles.
#[derive(Debug)]
pub struct DirHandle {
    path: GuestPath,
    handle: Handle,
}

impl DirHandle {
    /// The path that was decided on, behind all links.
    pub fn path(&self) -> &GuestPath {
        &self.path
    }
}

/// Made again it is the same: a path, and a place.
impl Crossed for DirHandle {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        join(self.handle.write()?, &self.path.to_string())
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<DirHandle> {
        let (handle, path): (_, String) = split(bytes)?;
        Some(DirHandle { path: GuestPath::parse(&path).ok()?, handle: Handle::read(handle, place)? })
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

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("list-dir");
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
            mounts.at(&path)?.list(&path)?.then(|mut found| {
                found.sort_unstable();
                Ok(found)
            })
        })
        .await
    }
}

/// Entries as they come in, bounded.
#[derive(Default)]
pub(super) struct Listed {
    entries: Vec<DirEntry>,
    seen: usize,
    bytes: usize,
}

impl Listed {
    /// # Errors
    /// `limit.response_bytes`.
    pub(super) fn add(&mut self, name: OsString, kind: FileKind) -> Result<(), HostError> {
        self.seen = self.seen.saturating_add(1);
        self.bytes = self.bytes.saturating_add(name.len());
        if self.seen > MAX_ENTRIES || self.bytes > MAX_NAME_BYTES {
            return Err(HostError::Limit(Code::ResponseBytes));
        }
        // A name that is not UTF-8 is left out: no guest could say it.
        if let Ok(name) = name.into_string() {
            self.entries.push(DirEntry { name, kind });
        }
        Ok(())
    }

    pub(super) fn entries(self) -> Vec<DirEntry> {
        self.entries
    }
}

impl Action for OpenDir {
    const NAME: ActionName = ActionName::List;
    const EFFECT: Effect = Effect::Read;
    type Output = Reached<DirHandle>;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("open-dir");
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
        let handle = Handle::open(permit.place())?;
        let path = permit.action().path.clone();
        if path.is_root() {
            return Ok(Reached::Here(DirHandle { path, handle }));
        }
        self.blocking(move |mounts| {
            let reached = mounts.at(&path)?.find_dir(&path)?;
            reached.then(|()| Ok(DirHandle { path, handle }))
        })
        .await
    }
}
