//! Files by path.

use bailiwick_guard::{Attempt, CallError};
use bailiwick_host::files::{
    DirEntry, FileKind, FileStat, Links, ListDir, MAX_FILE_READ, MAX_FILE_WRITE, MakeDir, ReadFile, Removal, Remove,
    Stat, WriteFile, WriteMode, reach,
};
use bailiwick_policy::{ActionName, Code, GuestPath, Kind, MountPoint};
use bytes::Bytes;

use crate::run::Door;

/// Reads up to `length` bytes from `offset` on, at most [`MAX_FILE_READ`]; none at the end of the file.
pub(crate) async fn read_file(door: &Door, path: &str, offset: u64, length: u64) -> Result<Bytes, CallError> {
    let path = parse_path(door, ActionName::Read, path)?;
    let max = usize::try_from(length).unwrap_or(usize::MAX).min(MAX_FILE_READ);
    reach(door.guard(), &door.host().files, ReadFile { path, offset, max }).await
}

/// Writes at most [`MAX_FILE_WRITE`] bytes.
pub(crate) async fn write_file(door: &Door, path: &str, bytes: Bytes, mode: WriteMode) -> Result<(), CallError> {
    let path = parse_path(door, ActionName::Write, path)?;
    if bytes.len() > MAX_FILE_WRITE {
        return Err(CallError::Limit(Code::ArgumentBytes));
    }
    reach(door.guard(), &door.host().files, WriteFile { path, bytes, mode }).await
}

/// Lists a directory. The root needs no decision; see [`list_root`].
pub(crate) async fn list(door: &Door, path: &str) -> Result<Vec<DirEntry>, CallError> {
    let path = parse_path(door, ActionName::List, path)?;
    if path.is_root() { Ok(list_root(door)) } else { reach(door.guard(), &door.host().files, ListDir { path }).await }
}

/// What stands at a path, behind links.
pub(crate) async fn stat(door: &Door, path: &str) -> Result<FileStat, CallError> {
    let path = parse_path(door, ActionName::Read, path)?;
    if path.is_root() {
        return Ok(FileStat::directory());
    }
    reach(door.guard(), &door.host().files, Stat { path, links: Links::Follow }).await
}

/// Removes a file or an empty directory.
pub(crate) async fn delete(door: &Door, path: &str, what: Removal) -> Result<(), CallError> {
    let path = parse_path(door, ActionName::Delete, path)?;
    reach(door.guard(), &door.host().files, Remove { path, what }).await
}

/// Makes a directory.
pub(crate) async fn make_directory(door: &Door, path: &str) -> Result<(), CallError> {
    let path = parse_path(door, ActionName::Write, path)?;
    reach(door.guard(), &door.host().files, MakeDir { path }).await
}

/// Moves a regular file within its mount.
pub(crate) async fn rename(door: &Door, from: &str, to: &str) -> Result<(), CallError> {
    let from = parse_path(door, ActionName::Delete, from)?;
    let to = parse_path(door, ActionName::Write, to)?;
    bailiwick_host::files::rename(door.guard(), &door.host().files, from, to).await
}

/// The entries of the root: the mounts that an allow rule of the manifest names.
///
/// The root is no resource, and reading it is no call: it is not in the world, and says nothing but these names, which
/// the manifest's author chose to show to the guest.
pub(crate) fn list_root(door: &Door) -> Vec<DirEntry> {
    let manifest = door.guard().grant().manifest();
    let scopes = manifest.scopes();
    let is_named = |mount: &str| {
        let names = |text: String| text.split('/').next() == Some(mount);
        scopes.iter().any(|scope| scope.kind() == Kind::File && names(scope.resource().to_string()))
    };
    let mounts = manifest.mounts().iter().map(MountPoint::name).filter(|name| is_named(name));
    mounts.map(|name| DirEntry { name: name.to_owned(), kind: FileKind::Directory }).collect()
}

/// The path that `text` says, or a recorded refusal of doing `action` to it.
fn parse_path(door: &Door, action: ActionName, text: &str) -> Result<GuestPath, CallError> {
    GuestPath::parse(text)
        .map_err(|error| door.refuse(Attempt { kind: Kind::File, action, resource: text, code: error.code() }))
}
