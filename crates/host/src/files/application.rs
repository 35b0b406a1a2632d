//! The staged changes of one mount on their way into it: checked, brought near, and put in their places (`apply.rs`).

use std::collections::BTreeSet;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bailiwick_guard::HostError;
use bailiwick_policy::{Code, GuestPath};
use cap_std::fs::{Dir, MetadataExt, OpenOptions, Permissions, PermissionsExt};
use rustix::fs::{AtFlags, RenameFlags};

use super::FileKind;
use super::folder::{Folder, Spot, failure};
use super::link::Reached;
use super::overlay::{Change, Now, Overlay, Print, State};
use super::staging::Shelf;

/// The changes of one mount on their way into it.
pub(super) struct Application<'a> {
    below: &'a Folder,
    state: &'a State,
    mount: &'a str,
    /// Files that were copied to the mount's own file system, because the staging folder is on another.
    near: BTreeSet<u64>,
    done: &'a AtomicU64,
    stuck: &'a OnceLock<GuestPath>,
    gone: &'a AtomicBool,
}

type Keyed<'a> = (&'a Vec<String>, &'a Change);

impl<'a> Application<'a> {
    pub(super) fn new(overlay: &'a Overlay, state: &'a State, mount: &'a str, gone: &'a AtomicBool) -> Application<'a> {
        Application {
            below: &overlay.below,
            state,
            mount,
            near: BTreeSet::new(),
            done: &overlay.applied,
            stuck: &overlay.stuck,
            gone,
        }
    }

    /// Everything that can be known before the first step.
    pub(super) fn check(&self) -> Result<(), HostError> {
        let mut changes = self.changes().filter(|(key, _)| !self.is_below_new_directory(key));
        changes.try_for_each(|(key, change)| self.check_one(key, change).inspect_err(|_| self.ended_at(key)))
    }

    fn check_one(&self, key: &[String], change: &Change) -> Result<(), HostError> {
        let path = path_of(self.mount, key)?;
        let spot = self.spot(&path)?;
        let found = spot.look()?.as_ref().map(Print::of);
        if found != change.base {
            return Err(HostError::Failed(Code::Conflict));
        }
        if kind(change) == Some(FileKind::Directory) && change.now != Now::Directory {
            self.check_emptied(&path)?;
        }
        if change.is_step() {
            let may = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
            rustix::fs::accessat(&spot.parent, ".", may, AtFlags::EACCESS).map_err(|error| failure(&error.into()))?;
        }
        Ok(())
    }

    /// Remembers where it ended; the first time counts.
    fn ended_at(&self, key: &[String]) {
        if let Ok(path) = path_of(self.mount, key) {
            let _ = self.stuck.set(path);
        }
    }

    /// Whether all that is in a directory that goes is what the run removed from it.
    fn check_emptied(&self, path: &GuestPath) -> Result<(), HostError> {
        let entries = match self.below.list(path)? {
            Reached::Here(entries) => entries,
            Reached::Link(_) => return Err(HostError::Failed(Code::Conflict)),
        };
        let mut key = path.segments().to_vec();
        for entry in entries {
            key.push(entry.name);
            if self.state.changes.get(&key).map(|change| change.now) != Some(Now::Gone) {
                self.ended_at(&key);
                return Err(HostError::Failed(Code::Conflict));
            }
            key.pop();
        }
        Ok(())
    }

    /// Files get the mode of what they replace, and onto the disk; a full one is noticed here.
    pub(super) fn bring_near(&mut self) -> Result<(), HostError> {
        let Some(shelf) = &self.state.shelf else { return Ok(()) };
        let is_far = self.is_far(shelf).map_err(|error| failure(&error))?;
        for (key, change) in &self.state.changes {
            let Now::File(number) = change.now else { continue };
            still_waited_for(self.gone)?;
            self.bring_one_near(shelf, is_far, number, self.mode_of(key, change))
                .map_err(|error| failure(&error))
                .inspect_err(|_| self.ended_at(key))?;
            if is_far {
                self.near.insert(number);
            }
        }
        Ok(())
    }

    fn is_far(&self, shelf: &Shelf) -> io::Result<bool> {
        Ok(shelf.dir().dir_metadata()?.dev() != self.below.root().dir_metadata()?.dev())
    }

    fn bring_one_near(&self, shelf: &Shelf, is_far: bool, number: u64, mode: Option<u32>) -> io::Result<()> {
        let staged = shelf.open(number)?;
        if let Some(mode) = mode {
            staged.set_permissions(Permissions::from_mode(mode))?;
        }
        if is_far {
            copy_to(shelf.dir(), &number.to_string(), self.below.root(), &near_name(shelf.name(), number))
        } else {
            staged.sync_all()
        }
    }

    /// Of the file that is replaced, without what lets a program run as somebody else.
    fn mode_of(&self, key: &[String], change: &Change) -> Option<u32> {
        change.base.filter(|base| base.kind == FileKind::File)?;
        let path = path_of(self.mount, key).ok()?;
        let about = self.spot(&path).ok()?.look().ok()??;
        Some(about.permissions().mode() & 0o777)
    }

    /// The steps themselves: what makes room, what is put in its place, and then what goes.
    pub(super) fn act(&self) -> Result<(), HostError> {
        // A file in the place of a directory, or the other way round: what was there must go first.
        let is_first = |key: &[String], change: &Change| change.swaps_kind() || self.is_below_swapped(key);
        for (key, change) in self.changes().rev().filter(|(key, change)| is_first(key, change)) {
            if change.now == Now::Gone || change.swaps_kind() {
                self.remove(key, change).inspect_err(|_| self.ended_at(key))?;
            }
        }
        let mut parents = BTreeSet::new();
        for (key, change) in self.changes() {
            match change.now {
                Now::File(number) => self.put(key, change, number),
                Now::Directory if change.is_step() => self.make(key, change),
                Now::Directory | Now::Gone => continue,
            }
            .inspect_err(|_| self.ended_at(key))?;
            parents.insert(key.split_last().map(|(_, parents)| parents.to_vec()).unwrap_or_default());
        }
        for (key, change) in self.changes().rev().filter(|(key, change)| !is_first(key, change)) {
            if change.now == Now::Gone {
                self.remove(key, change).inspect_err(|_| self.ended_at(key))?;
            }
        }
        for parent in parents {
            let path = path_of(self.mount, &parent)?;
            if let Reached::Here(dir) = self.below.enter(&path, parent.len())? {
                // The changes are made; that they are on the disk now and not in a few seconds is all that is left to want.
                let _ = rustix::fs::fsync(&dir);
            }
        }
        Ok(())
    }

    /// One file, in one step.
    fn put(&self, key: &[String], change: &Change, number: u64) -> Result<(), HostError> {
        let shelf = self.state.shelf()?;
        let path = path_of(self.mount, key)?;
        let spot = self.spot(&path)?;
        let base = if change.swaps_kind() { None } else { change.base };
        // Once more, right before it: what is checked and replaced here can only be changed in this moment.
        if spot.look()?.as_ref().map(Print::of) != base {
            return Err(HostError::Failed(Code::Conflict));
        }
        let (from, name) = match self.near.contains(&number) {
            true => (self.below.root(), near_name(shelf.name(), number)),
            false => (shelf.dir(), number.to_string()),
        };
        still_waited_for(self.gone)?;
        let moved = match move_to(from, &name, &spot, base.is_none()) {
            // Another file system is mounted below the mount.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let near = near_name(shelf.name(), number);
                copy_to(from, &name, &spot.parent, &near)
                    .and_then(|()| move_to(&spot.parent, &near, &spot, base.is_none()))
                    .inspect_err(|_| drop(spot.parent.remove_file(&near)))
            }
            moved => moved,
        };
        moved.map_err(|error| conflict_or(&error))?;
        self.count_put(change);
        Ok(())
    }

    fn make(&self, key: &[String], change: &Change) -> Result<(), HostError> {
        let path = path_of(self.mount, key)?;
        let spot = self.spot(&path)?;
        still_waited_for(self.gone)?;
        spot.parent.create_dir(spot.name).map_err(|error| conflict_or(&error))?;
        self.count_put(change);
        Ok(())
    }

    fn remove(&self, key: &[String], change: &Change) -> Result<(), HostError> {
        let path = path_of(self.mount, key)?;
        let spot = self.spot(&path)?;
        if spot.look()?.as_ref().map(Print::of) != change.base {
            return Err(HostError::Failed(Code::Conflict));
        }
        still_waited_for(self.gone)?;
        let removed = match kind(change) {
            Some(FileKind::Directory) => spot.parent.remove_dir(spot.name),
            _ => spot.parent.remove_file(spot.name),
        };
        removed.map_err(|error| conflict_or(&error))?;
        self.count();
        Ok(())
    }

    fn changes(&self) -> impl DoubleEndedIterator<Item = Keyed<'_>> {
        self.state.changes.iter()
    }

    fn spot<'p>(&self, path: &'p GuestPath) -> Result<Spot<'p>, HostError> {
        match self.below.spot(path) {
            Ok(Reached::Here(spot)) => Ok(spot),
            // A directory on the way is no longer one.
            Ok(Reached::Link(_))
            | Err(HostError::Denied(_) | HostError::Failed(Code::NotFound | Code::NotDirectory)) => {
                Err(HostError::Failed(Code::Conflict))
            }
            Err(error) => Err(error),
        }
    }

    fn above(&self, key: &[String], is: impl Fn(&Change) -> bool) -> bool {
        let depths = 1..key.len();
        depths.filter_map(|depth| self.state.changes.get(key.get(..depth)?)).any(is)
    }

    fn is_below_new_directory(&self, key: &[String]) -> bool {
        self.above(key, |change| change.now == Now::Directory && change.is_step())
    }

    fn is_below_swapped(&self, key: &[String]) -> bool {
        self.above(key, Change::swaps_kind)
    }

    /// What took the place of another kind was counted when that was removed: from then on the mount is changed.
    fn count_put(&self, change: &Change) {
        if !change.swaps_kind() {
            self.count();
        }
    }

    fn count(&self) {
        self.done.fetch_add(1, Ordering::AcqRel);
    }
}

impl Drop for Application<'_> {
    /// Takes out what was copied near and is in no place.
    fn drop(&mut self) {
        let Some(shelf) = &self.state.shelf else { return };
        for number in std::mem::take(&mut self.near) {
            let _ = self.below.root().remove_file(near_name(shelf.name(), number));
        }
    }
}

impl Change {
    /// Whether something must be done for it: a directory that was removed and made again is as it was.
    pub(super) fn is_step(&self) -> bool {
        self.now != Now::Directory || kind(self) != Some(FileKind::Directory)
    }

    /// A file where a directory was, or the other way round.
    fn swaps_kind(&self) -> bool {
        let was_directory = kind(self).map(|kind| kind == FileKind::Directory);
        match self.now {
            Now::File(_) => was_directory == Some(true),
            Now::Directory => was_directory == Some(false),
            Now::Gone => false,
        }
    }
}

fn kind(change: &Change) -> Option<FileKind> {
    change.base.map(|base| base.kind)
}

pub(super) fn path_of(mount: &str, key: &[String]) -> Result<GuestPath, HostError> {
    let text = std::iter::once(mount).chain(key.iter().map(String::as_str)).collect::<Vec<_>>().join("/");
    GuestPath::parse(&text).map_err(|error| HostError::Denied(error.code()))
}

/// # Errors
/// `failed.io` when nobody waits any more; nobody sees it.
pub(super) fn still_waited_for(gone: &AtomicBool) -> Result<(), HostError> {
    if gone.load(Ordering::Acquire) { Err(HostError::Failed(Code::Io)) } else { Ok(()) }
}

fn near_name(shelf: &str, number: u64) -> String {
    format!(".bailiwick-{shelf}-{number}")
}

fn copy_to(from: &Dir, name: &str, to: &Dir, near: &str) -> io::Result<()> {
    let mut source = from.open(name)?;
    let mut copy = to.open_with(near, OpenOptions::new().write(true).create_new(true))?;
    let copied = io::copy(&mut source, &mut copy)
        .and_then(|_| copy.set_permissions(source.metadata()?.permissions()))
        .and_then(|()| copy.sync_all());
    copied.inspect_err(|_| drop(to.remove_file(near)))
}

/// Renames; with `is_new` only if nothing stands there.
fn move_to(from: &Dir, name: &str, spot: &Spot<'_>, is_new: bool) -> io::Result<()> {
    let flags = if is_new { RenameFlags::NOREPLACE } else { RenameFlags::empty() };
    match rustix::fs::renameat_with(from, name, &spot.parent, spot.name, flags) {
        // A file system that does not know the flag: somebody may then be overwritten who came in this very moment.
        Err(rustix::io::Errno::INVAL) if is_new => from.rename(name, &spot.parent, spot.name),
        moved => Ok(moved?),
    }
}

/// What came in between is a conflict.
fn conflict_or(error: &io::Error) -> HostError {
    match failure(error) {
        HostError::Failed(Code::NotFound | Code::Exists | Code::NotDirectory | Code::IsDirectory | Code::NotEmpty) => {
            HostError::Failed(Code::Conflict)
        }
        other => other,
    }
}
