//! A folder whose changes are staged: the guest sees them at once, the world when they are applied (`apply.rs`).
//!
//! The changes of a run are a list by path: a file with its content in the staging folder, a directory that was made, or
//! nothing where something stood. What the list does not name is read from the folder itself. Nothing below the folder is
//! written before the changes are applied.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bailiwick_guard::{HostError, Meter};
use bailiwick_policy::{Code, GuestPath};
use cap_std::fs::{File, Metadata, MetadataExt};

use super::content::{Content, Gate};
use super::folder::{Folder, How, failure, only_regular};
use super::link::Reached;
use super::list::Listed;
use super::staging::{Shelf, Staging};
use super::{Access, Create, DirEntry, FileKind, FileStat, Links, Removal, Renamed, Times};

/// A mount whose writes are staged.
#[derive(Debug)]
pub(super) struct Overlay {
    pub(super) below: Folder,
    pub(super) staging: Arc<Staging>,
    pub(super) gate: Gate,
    /// Steps that were done when the changes were applied.
    pub(super) applied: AtomicU64,
    /// The path at which applying them ended before its end.
    pub(super) stuck: OnceLock<GuestPath>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Made with the first change.
    pub(super) shelf: Option<Shelf>,
    /// By path below the mount.
    pub(super) changes: BTreeMap<Vec<String>, Change>,
    /// How files were when the guest first read them, so that it does not overwrite what it has not seen.
    seen: BTreeMap<Vec<String>, Print>,
}

/// What the run made of a path.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// What stood there before; `None` for nothing.
    pub(super) base: Option<Print>,
    pub(super) now: Now,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Now {
    /// A file, by its number in the staging folder.
    File(u64),
    /// A directory. Nothing of the folder is seen below it.
    Directory,
    Gone,
}

/// What tells whether somebody else changed a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) kind: FileKind,
    device: u64,
    inode: u64,
    /// Length and times of modification and change; of a directory they say nothing about the directory itself.
    rest: Option<(u64, i64, i64, i64, i64)>,
}

/// What a guest finds at a path.
enum Found {
    Nothing,
    Staged(u64),
    Made,
    /// Of the folder, unchanged; it may be a link.
    Below(Metadata),
}

impl Overlay {
    pub(super) fn new(below: Folder, staging: Arc<Staging>) -> Overlay {
        let (gate, applied, stuck) = (Gate::default(), AtomicU64::new(0), OnceLock::new());
        Overlay { below, staging, gate, applied, stuck, state: Mutex::default() }
    }

    pub(super) fn open(&self, path: &GuestPath, how: How, meter: &Meter) -> Result<Reached<Content>, HostError> {
        let mut state = self.state();
        let found = match self.find(&state, path)? {
            Reached::Here(found) => found,
            Reached::Link(to) => return Ok(Reached::Link(to)),
        };
        match found {
            Found::Staged(_) | Found::Made | Found::Below(_) if how.create == Create::New => {
                Err(HostError::Failed(Code::Exists))
            }
            Found::Made => Err(HostError::Failed(Code::IsDirectory)),
            Found::Below(about) if about.is_symlink() => self.link(path),
            Found::Below(about) => {
                only_regular(&about)?;
                if how.access.writes() {
                    self.change(&mut state, path, how, meter)
                } else {
                    self.read(&mut state, path, how, meter)
                }
            }
            Found::Nothing if how.create == Create::Never => Err(HostError::Failed(Code::NotFound)),
            Found::Nothing => {
                let _pass = self.gate.pass()?;
                meter.take_file()?;
                meter.take_disk(how.bytes)?;
                let (number, file) = self.make(&mut state)?;
                state.put(path, None, Now::File(number));
                Ok(Reached::Here(self.staged(file)))
            }
            Found::Staged(number) => {
                let _pass = self.gate.pass()?;
                meter.take_disk(how.bytes)?;
                let file = state.shelf()?.open(number).map_err(|error| failure(&error))?;
                if how.truncate {
                    file.set_len(0).map_err(|error| failure(&error))?;
                }
                Ok(Reached::Here(self.staged(file)))
            }
        }
    }

    pub(super) fn list(&self, path: &GuestPath) -> Result<Reached<Vec<DirEntry>>, HostError> {
        self.list_in(&self.state(), path)
    }

    fn list_in(&self, state: &State, path: &GuestPath) -> Result<Reached<Vec<DirEntry>>, HostError> {
        let is_made = if path.segments().is_empty() {
            false
        } else {
            match self.find(state, path)? {
                Reached::Link(to) => return Ok(Reached::Link(to)),
                Reached::Here(Found::Nothing) => return Err(HostError::Failed(Code::NotFound)),
                Reached::Here(Found::Staged(_)) => return Err(HostError::Failed(Code::NotDirectory)),
                Reached::Here(Found::Made) => true,
                Reached::Here(Found::Below(_)) => false,
            }
        };
        let below = if is_made { Reached::Here(Vec::new()) } else { self.below.list(path)? };
        below.then(|entries| {
            let mut entries: BTreeMap<String, FileKind> =
                entries.into_iter().map(|entry| (entry.name, entry.kind)).collect();
            for (name, now) in state.children(path.segments()) {
                match now {
                    Now::File(_) => entries.insert(name.to_owned(), FileKind::File),
                    Now::Directory => entries.insert(name.to_owned(), FileKind::Directory),
                    Now::Gone => entries.remove(name),
                };
            }
            let mut listed = Listed::default();
            for (name, kind) in entries {
                listed.add(name.into(), kind)?;
            }
            Ok(listed.entries())
        })
    }

    pub(super) fn find_dir(&self, path: &GuestPath) -> Result<Reached<()>, HostError> {
        if path.segments().is_empty() {
            return Ok(Reached::Here(()));
        }
        match self.find(&self.state(), path)? {
            Reached::Link(to) => Ok(Reached::Link(to)),
            Reached::Here(Found::Made) => Ok(Reached::Here(())),
            Reached::Here(Found::Nothing) => Err(HostError::Failed(Code::NotFound)),
            Reached::Here(Found::Staged(_)) => Err(HostError::Failed(Code::NotDirectory)),
            Reached::Here(Found::Below(_)) => self.below.enter(path, path.segments().len())?.then(|_exists| Ok(())),
        }
    }

    pub(super) fn stat(&self, path: &GuestPath, links: Links) -> Result<Reached<FileStat>, HostError> {
        if path.segments().is_empty() {
            return self.below.stat(path, links);
        }
        let state = self.state();
        match self.find(&state, path)? {
            Reached::Link(to) => Ok(Reached::Link(to)),
            Reached::Here(Found::Nothing) => Err(HostError::Failed(Code::NotFound)),
            Reached::Here(Found::Made) => Ok(Reached::Here(FileStat::directory())),
            Reached::Here(Found::Below(about)) if about.is_symlink() && links == Links::Follow => self.link(path),
            Reached::Here(Found::Below(about)) => Ok(Reached::Here(FileStat::of(&about))),
            Reached::Here(Found::Staged(number)) => {
                let about = state.shelf()?.dir().symlink_metadata(number.to_string());
                Ok(Reached::Here(FileStat::of(&about.map_err(|error| failure(&error))?)))
            }
        }
    }

    pub(super) fn make_dir(&self, path: &GuestPath, meter: &Meter) -> Result<Reached<()>, HostError> {
        let mut state = self.state();
        self.find(&state, path)?.then(|found| match found {
            Found::Nothing => {
                let _pass = self.gate.pass()?;
                meter.take_file()?;
                state.put(path, None, Now::Directory);
                Ok(())
            }
            _ => Err(HostError::Failed(Code::Exists)),
        })
    }

    pub(super) fn remove(&self, path: &GuestPath, what: Removal) -> Result<Reached<()>, HostError> {
        let mut state = self.state();
        let found = match self.find(&state, path)? {
            Reached::Here(found) => found,
            Reached::Link(to) => return Ok(Reached::Link(to)),
        };
        let is_dir = match &found {
            Found::Nothing => return Err(HostError::Failed(Code::NotFound)),
            Found::Staged(_) => false,
            Found::Made => true,
            Found::Below(about) => about.is_dir(),
        };
        match (is_dir, what) {
            (true, Removal::File) => return Err(HostError::Failed(Code::IsDirectory)),
            (false, Removal::EmptyDirectory) => return Err(HostError::Failed(Code::NotDirectory)),
            (true, Removal::EmptyDirectory) => match self.list_in(&state, path)? {
                Reached::Here(entries) if entries.is_empty() => {}
                Reached::Here(_) => return Err(HostError::Failed(Code::NotEmpty)),
                Reached::Link(to) => return Ok(Reached::Link(to)),
            },
            (false, Removal::File) => {}
        }
        let _pass = self.gate.pass()?;
        let base = match &found {
            Found::Below(about) => Some(state.first_seen(path, about)),
            _ => None,
        };
        state.remove(path, base)?;
        Ok(Reached::Here(()))
    }

    /// Of a file. The times of a directory are not staged.
    pub(super) fn set_times(&self, path: &GuestPath, times: Times, meter: &Meter) -> Result<Reached<()>, HostError> {
        let how = How { access: Access::Write, create: Create::Never, truncate: false, bytes: 0 };
        match self.open(path, how, meter) {
            Ok(reached) => reached.then(|content| content.set_times(times, meter.now())),
            Err(HostError::Failed(Code::IsDirectory)) => Err(HostError::Failed(Code::HostPermission)),
            Err(error) => Err(error),
        }
    }

    pub(super) fn rename(&self, from: &GuestPath, to: &GuestPath, meter: &Meter) -> Result<Renamed, HostError> {
        let mut state = self.state();
        let (source, target) = match (self.find(&state, from)?, self.find(&state, to)?) {
            (Reached::Here(source), Reached::Here(target)) => (source, target),
            (source, target) => return Ok(Renamed::Link { from: source.or(from), to: target.or(to) }),
        };
        match &target {
            Found::Made => return Err(HostError::Failed(Code::IsDirectory)),
            Found::Below(about) => only_regular(about)?,
            Found::Nothing | Found::Staged(_) => {}
        }
        match &source {
            Found::Nothing => return Err(HostError::Failed(Code::NotFound)),
            Found::Made => return Err(HostError::Failed(Code::IsDirectory)),
            Found::Below(about) => only_regular(about)?,
            Found::Staged(_) => {}
        }
        if from == to {
            return Ok(Renamed::Done);
        }
        if matches!(source, Found::Below(_)) {
            let how = How { access: Access::ReadWrite, create: Create::Never, truncate: false, bytes: 0 };
            if let Reached::Link(link) = self.change(&mut state, from, how, meter)? {
                return Ok(Renamed::Link { from: link, to: to.clone() });
            }
        }
        let _pass = self.gate.pass()?;
        let Some(&Change { base: left, now: Now::File(number) }) = state.changes.get(from.segments()) else {
            return Err(HostError::Failed(Code::Internal));
        };
        // What can fail comes before the first change of the list: neither of the two files is lost by it.
        if let Found::Staged(replaced) = target {
            state.shelf()?.remove(replaced).map_err(|error| failure(&error))?;
        }
        state.changes.remove(from.segments());
        if left.is_some() {
            state.put(from, left, Now::Gone);
        }
        let base = match &target {
            Found::Below(about) => Some(state.first_seen(to, about)),
            _ => None,
        };
        state.put(to, base, Now::File(number));
        Ok(Renamed::Done)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the guest finds there. Links on the way are reported as in the folder; one that stands there itself is found.
    fn find(&self, state: &State, path: &GuestPath) -> Result<Reached<Found>, HostError> {
        let Some((_, parents)) = path.segments().split_last() else { return Err(HostError::Failed(Code::IsDirectory)) };
        let mut is_made = false;
        for depth in 1..=parents.len() {
            match state.changes.get(parents.get(..depth).unwrap_or_default()).map(|change| change.now) {
                Some(Now::Gone) => return Err(HostError::Failed(Code::NotFound)),
                Some(Now::File(_)) => return Err(HostError::Failed(Code::NotDirectory)),
                Some(Now::Directory) => is_made = true,
                None if is_made => return Err(HostError::Failed(Code::NotFound)),
                None => {}
            }
        }
        match state.changes.get(path.segments()).map(|change| change.now) {
            Some(Now::Gone) => Ok(Reached::Here(Found::Nothing)),
            Some(Now::File(number)) => Ok(Reached::Here(Found::Staged(number))),
            Some(Now::Directory) => Ok(Reached::Here(Found::Made)),
            None if is_made => Ok(Reached::Here(Found::Nothing)),
            None => self.below.spot(path)?.then(|spot| Ok(spot.look()?.map_or(Found::Nothing, Found::Below))),
        }
    }

    fn link<T>(&self, path: &GuestPath) -> Result<Reached<T>, HostError> {
        self.below.spot(path)?.and_then(|spot| super::folder::through(&spot))
    }

    fn read(
        &self,
        state: &mut State,
        path: &GuestPath,
        how: How,
        meter: &Meter,
    ) -> Result<Reached<Content>, HostError> {
        self.below.open(path, how, meter)?.then(|file| {
            let about = file.metadata().map_err(|error| failure(&error))?;
            state.seen.entry(path.segments().to_vec()).or_insert_with(|| Print::of(&about));
            Ok(Content::Disk(Arc::new(file)))
        })
    }

    /// Copies a file of the folder to the staging folder, or makes it empty there. What is copied counts as written.
    fn change(
        &self,
        state: &mut State,
        path: &GuestPath,
        how: How,
        meter: &Meter,
    ) -> Result<Reached<Content>, HostError> {
        let _pass = self.gate.pass()?;
        // Opened for writing, too, though nothing is written: what the host may not write is not staged.
        let access = if how.truncate { Access::Write } else { Access::ReadWrite };
        let opening = How { access, create: Create::Never, truncate: false, bytes: how.bytes };
        self.below.open(path, opening, meter)?.then(|mut file| {
            let about = file.metadata().map_err(|error| failure(&error))?;
            if !how.truncate {
                meter.take_disk(about.len())?;
            }
            let (number, mut copy) = self.make(state)?;
            if !how.truncate {
                let copied = io::copy(&mut io::Read::take(&mut file, about.len()), &mut copy);
                copied.map_err(|error| failure(&error))?;
            }
            let base = state.first_seen(path, &about);
            state.put(path, Some(base), Now::File(number));
            Ok(self.staged(copy))
        })
    }

    fn make(&self, state: &mut State) -> Result<(u64, File), HostError> {
        if state.shelf.is_none() {
            state.shelf = Some(self.staging.shelf().map_err(|error| failure(&error))?);
        }
        let shelf = state.shelf.as_mut().ok_or(HostError::Failed(Code::Internal))?;
        shelf.make().map_err(|error| failure(&error))
    }

    fn staged(&self, file: File) -> Content {
        Content::Staged(Arc::new(file), self.gate.clone())
    }
}

impl State {
    pub(super) fn shelf(&self) -> Result<&Shelf, HostError> {
        self.shelf.as_ref().ok_or(HostError::Failed(Code::Internal))
    }

    /// The entries that changes name directly below a path.
    pub(super) fn children<'s>(&'s self, of: &'s [String]) -> impl Iterator<Item = (&'s str, Now)> {
        let below = self.changes.range(of.to_vec()..).take_while(|(path, _)| path.starts_with(of));
        below.filter_map(|(path, change)| match path.get(of.len()..) {
            Some([name]) => Some((name.as_str(), change.now)),
            _ => None,
        })
    }

    /// Notes a change. What stood there before the first one stays noted.
    fn put(&mut self, path: &GuestPath, base: Option<Print>, now: Now) {
        let base = self.changes.get(path.segments()).map_or(base, |change| change.base);
        self.changes.insert(path.segments().to_vec(), Change { base, now });
    }

    fn remove(&mut self, path: &GuestPath, base: Option<Print>) -> Result<(), HostError> {
        if let Some(Change { now: Now::File(number), .. }) = self.changes.get(path.segments()) {
            self.shelf()?.remove(*number).map_err(|error| failure(&error))?;
        }
        let before = self.changes.remove(path.segments());
        if let Some(base) = before.map_or(base, |change| change.base) {
            self.changes.insert(path.segments().to_vec(), Change { base: Some(base), now: Now::Gone });
        }
        Ok(())
    }

    /// How the guest knows what stands there: as it first read it, or as it is.
    fn first_seen(&self, path: &GuestPath, about: &Metadata) -> Print {
        self.seen.get(path.segments()).copied().unwrap_or_else(|| Print::of(about))
    }
}

impl Print {
    pub(super) fn of(about: &Metadata) -> Print {
        let kind = FileKind::of(about.file_type());
        let rest = (about.len(), about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec());
        let rest = (kind != FileKind::Directory).then_some(rest);
        Print { kind, device: about.dev(), inode: about.ino(), rest }
    }
}
