//! Operations on paths. Each is an action through the guard, or a refusal that is on record.

use std::sync::Arc;

use bailiwick_guard::{Attempt, CallError, HandleSlot, Perform};
use bailiwick_host::files::{
    self, Create, FileKind, FileStat, Files, Follow, Links, ListDir, MakeDir, OpenDir, Opening, Removal, Remove,
    SetTimes, Stat, Times, reach,
};
use bailiwick_policy::{ActionName, Code, GuestPath, Kind};
use wasmtime::component::Resource;

use super::types::{DescriptorFlags, MetadataHashValue, OpenFlags, PathFlags};
use super::{Descriptor, ErrorCode, Filesystem, FsError, Listing, convert};
use crate::ops;
use crate::run::Door;

impl Filesystem<'_> {
    pub(super) async fn open_path(
        &mut self,
        base: &Resource<Descriptor>,
        text: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Descriptor, FsError> {
        let synchronous = DescriptorFlags::FILE_INTEGRITY_SYNC
            | DescriptorFlags::DATA_INTEGRITY_SYNC
            | DescriptorFlags::REQUESTED_WRITE_SYNC;
        if flags.intersects(synchronous) {
            return Err(ErrorCode::Unsupported.into());
        }
        if open.contains(OpenFlags::DIRECTORY) || text.ends_with('/') {
            if open.intersects(OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE) {
                return Err(ErrorCode::Invalid.into());
            }
            let path = self.resolve_dir(base, ActionName::List, text)?;
            return open_dir(&self.door, path).await;
        }
        let how = opening(open, flags);
        let action = if how == Opening::Read { ActionName::Read } else { ActionName::Write };
        let path = self.resolve(base, action, text)?;
        if path.is_root() && how == Opening::Read {
            return Ok(Descriptor::root());
        }
        let door = &self.door;
        match files::open(door.guard(), &door.host().files, path.clone(), how).await {
            Ok(handle) => Ok(Descriptor::File(Arc::new(handle))),
            // Programs may open a directory like a file, to read its entries: a decision of its own.
            Err(CallError::Failed(Code::IsDirectory)) if how == Opening::Read => open_dir(door, path).await,
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn stat_path(
        &mut self,
        base: &Resource<Descriptor>,
        follow: PathFlags,
        text: &str,
    ) -> Result<FileStat, FsError> {
        let path = self.resolve_dir(base, ActionName::Read, text)?;
        let links = if follow.contains(PathFlags::SYMLINK_FOLLOW) { Links::Follow } else { Links::Show };
        if path.is_root() {
            return Ok(FileStat::directory());
        }
        let stat = ask(&self.door, Stat { path, links }).await?;
        if text.ends_with('/') && stat.kind != FileKind::Directory {
            return Err(ErrorCode::NotDirectory.into());
        }
        Ok(stat)
    }

    pub(super) async fn list_directory(&mut self, fd: &Resource<Descriptor>) -> Result<Listing, FsError> {
        let path = self.table.get(fd)?.directory()?.clone();
        let slot = self.slot()?;
        let entries =
            if path.is_root() { ops::list_root(&self.door) } else { ask(&self.door, ListDir { path }).await? };
        let entries: Vec<_> = entries.into_iter().map(convert::entry).collect();
        Ok(Listing { entries: entries.into_iter(), _slot: slot })
    }

    pub(super) async fn make_directory(&mut self, base: &Resource<Descriptor>, text: &str) -> Result<(), FsError> {
        let path = self.resolve_dir(base, ActionName::Write, text)?;
        ask(&self.door, MakeDir { path }).await
    }

    pub(super) async fn remove_file(&mut self, base: &Resource<Descriptor>, text: &str) -> Result<(), FsError> {
        let path = self.resolve(base, ActionName::Delete, text)?;
        ask(&self.door, Remove { path, what: Removal::File }).await
    }

    pub(super) async fn remove_directory(&mut self, base: &Resource<Descriptor>, text: &str) -> Result<(), FsError> {
        let path = self.resolve_dir(base, ActionName::Delete, text)?;
        ask(&self.door, Remove { path, what: Removal::EmptyDirectory }).await
    }

    pub(super) async fn rename(
        &mut self,
        old_base: &Resource<Descriptor>,
        old: &str,
        new_base: &Resource<Descriptor>,
        new: &str,
    ) -> Result<(), FsError> {
        let from = self.resolve(old_base, ActionName::Delete, old)?;
        let to = self.resolve(new_base, ActionName::Write, new)?;
        Ok(files::rename(self.door.guard(), &self.door.host().files, from, to).await?)
    }

    pub(super) async fn set_path_times(
        &mut self,
        base: &Resource<Descriptor>,
        text: &str,
        times: Times,
    ) -> Result<(), FsError> {
        let path = self.resolve_dir(base, ActionName::Write, text)?;
        ask(&self.door, SetTimes { path, times }).await
    }

    /// Identity is that of the path, also of one that nobody could open.
    pub(super) fn identity_at(&self, base: &Resource<Descriptor>, text: &str) -> Result<MetadataHashValue, FsError> {
        let base = self.table.get(base)?.directory()?;
        let path = base.join_dir(text).map_or_else(|_| below(base, text), |path| path.to_string());
        Ok(convert::identity(&path))
    }

    /// Records a call that no manifest can allow.
    pub(super) fn unsupported(&self, base: &Resource<Descriptor>, action: ActionName, text: &str) -> FsError {
        match self.table.get(base).map_err(FsError::from).and_then(Descriptor::directory) {
            Ok(base) => self.refuse(action, &below(base, text), Code::Unsupported),
            Err(error) => error,
        }
    }

    /// A place among the run's open handles: streams and lists take one too.
    pub(super) fn slot(&self) -> Result<HandleSlot, FsError> {
        Ok(self.door.guard().meter().open_handle()?)
    }

    fn resolve(&self, base: &Resource<Descriptor>, action: ActionName, text: &str) -> Result<GuestPath, FsError> {
        let base = self.table.get(base)?.directory()?;
        base.join(text).map_err(|error| self.refuse(action, &below(base, text), error.code()))
    }

    /// For what may be a directory: one slash at the end is allowed.
    fn resolve_dir(&self, base: &Resource<Descriptor>, action: ActionName, text: &str) -> Result<GuestPath, FsError> {
        let base = self.table.get(base)?.directory()?;
        base.join_dir(text).map_err(|error| self.refuse(action, &below(base, text), error.code()))
    }

    fn refuse(&self, action: ActionName, resource: &str, code: Code) -> FsError {
        self.door.refuse(Attempt { kind: Kind::File, action, resource, code }).into()
    }
}

/// Calls an action, and once more for each link on the way.
pub(super) async fn ask<A: Follow>(door: &Door, action: A) -> Result<A::Found, FsError>
where
    Files: Perform<A>,
{
    Ok(reach(door.guard(), &door.host().files, action).await?)
}

async fn open_dir(door: &Door, path: GuestPath) -> Result<Descriptor, FsError> {
    if path.is_root() { Ok(Descriptor::root()) } else { ask(door, OpenDir { path }).await.map(Descriptor::Directory) }
}

/// What the guest meant by a text that is no path, as a record shows it.
fn below(base: &GuestPath, text: &str) -> String {
    match base {
        _ if text.starts_with('/') => text.to_owned(),
        root if root.is_root() => format!("/{text}"),
        base => format!("{base}/{text}"),
    }
}

/// What must be decided for an open. Creating and truncating are writing, whatever the descriptor is for.
fn opening(open: OpenFlags, flags: DescriptorFlags) -> Opening {
    let create = match (open.contains(OpenFlags::CREATE), open.contains(OpenFlags::EXCLUSIVE)) {
        (true, true) => Create::New,
        (true, false) => Create::IfMissing,
        (false, _) => Create::Never,
    };
    let truncate = open.contains(OpenFlags::TRUNCATE);
    let write = flags.contains(DescriptorFlags::WRITE);
    let read = flags.contains(DescriptorFlags::READ) || !write;
    match (read, write || truncate || create != Create::Never) {
        (true, true) => Opening::ReadWrite { create, truncate },
        (false, _) => Opening::Write { create, truncate },
        (true, false) => Opening::Read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_asks_for_what_it_does() {
        const READ: DescriptorFlags = DescriptorFlags::READ;
        const WRITE: DescriptorFlags = DescriptorFlags::WRITE;
        let none = OpenFlags::empty();
        let made = OpenFlags::CREATE;
        let fresh = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        let cut = OpenFlags::TRUNCATE;
        for (open, flags, how) in [
            (none, READ, Opening::Read),
            (none, DescriptorFlags::empty(), Opening::Read),
            (OpenFlags::EXCLUSIVE, READ, Opening::Read),
            (none, WRITE, Opening::Write { create: Create::Never, truncate: false }),
            (made | cut, WRITE, Opening::Write { create: Create::IfMissing, truncate: true }),
            (fresh, WRITE, Opening::Write { create: Create::New, truncate: false }),
            (none, READ | WRITE, Opening::ReadWrite { create: Create::Never, truncate: false }),
            (cut, READ, Opening::ReadWrite { create: Create::Never, truncate: true }),
            (made, READ, Opening::ReadWrite { create: Create::IfMissing, truncate: false }),
        ] {
            assert_eq!(opening(open, flags), how, "{open:?} {flags:?}");
        }
    }

    #[test]
    fn a_record_shows_what_was_meant() {
        let mount = GuestPath::parse("/m/a").unwrap();
        assert_eq!(below(&mount, "../b"), "/m/a/../b");
        assert_eq!(below(&mount, "/etc/passwd"), "/etc/passwd");
        assert_eq!(below(&GuestPath::root(), "../b"), "/../b");
    }
}
