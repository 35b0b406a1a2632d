//! Files in the memory of the run: nobody else sees them, and they are gone after it.
//!
//! Their bytes, and what each entry costs, are taken from the same account as the guest's own memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bailiwick_guard::{HostError, MemoryAccount, MemoryShare, Meter, Timestamp};
use bailiwick_policy::{Code, GuestPath};
use bytes::Bytes;

use super::folder::How;
use super::list::Listed;
use super::{Create, DirEntry, FileId, FileKind, FileStat, Removal, SetTime, Times};

/// What an entry costs beside its name and its bytes.
const ENTRY_BYTES: u64 = 512;

/// The files and directories of one mount.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Mutex<BTreeMap<Vec<String>, Node>>,
    made: AtomicU64,
}

#[derive(Debug)]
struct Node {
    what: What,
    _share: MemoryShare,
}

#[derive(Clone, Debug)]
enum What {
    File(Arc<MemoryFile>),
    Directory { id: u64, made: SystemTime },
}

/// The content of a file. Handles share it; it lives until the last one is dropped.
#[derive(Debug)]
pub(super) struct MemoryFile {
    id: u64,
    held: Mutex<Held>,
}

struct Held {
    bytes: Vec<u8>,
    // INVARIANT: as large as the capacity of `bytes`, or larger.
    share: MemoryShare,
    accessed: SystemTime,
    modified: SystemTime,
    changed: SystemTime,
}

type Nodes<'a> = MutexGuard<'a, BTreeMap<Vec<String>, Node>>;

impl Tree {
    pub(super) fn open(&self, path: &GuestPath, how: How, meter: &Meter) -> Result<Arc<MemoryFile>, HostError> {
        let mut nodes = self.nodes();
        let file = match find(&nodes, path)? {
            Some(_) if how.create == Create::New => return Err(HostError::Failed(Code::Exists)),
            Some(What::Directory { .. }) => return Err(HostError::Failed(Code::IsDirectory)),
            Some(What::File(file)) => file,
            None if how.create == Create::Never => return Err(HostError::Failed(Code::NotFound)),
            None => {
                let file = Arc::new(MemoryFile::new(self.next_id(), meter)?);
                add(&mut nodes, path, What::File(Arc::clone(&file)), meter)?;
                file
            }
        };
        if how.truncate {
            file.set_len(0, meter.now())?;
        }
        Ok(file)
    }

    pub(super) fn list(&self, path: &GuestPath) -> Result<Vec<DirEntry>, HostError> {
        let nodes = self.nodes();
        directory(&nodes, path)?;
        let mut listed = Listed::default();
        for (name, what) in children(&nodes, path.segments()) {
            listed.add(name.into(), what.kind())?;
        }
        Ok(listed.entries())
    }

    /// # Errors
    /// `failed.not_found`, `failed.not_directory`.
    pub(super) fn find_dir(&self, path: &GuestPath) -> Result<(), HostError> {
        directory(&self.nodes(), path)
    }

    pub(super) fn stat(&self, path: &GuestPath) -> Result<FileStat, HostError> {
        if path.segments().is_empty() {
            return Ok(FileStat::directory());
        }
        match find(&self.nodes(), path)?.ok_or(HostError::Failed(Code::NotFound))? {
            What::File(file) => Ok(file.stat()),
            What::Directory { id, made } => {
                let made = Some(made);
                let times = FileStat { accessed: made, modified: made, changed: made, ..FileStat::directory() };
                Ok(FileStat { id: FileId::of(0, id), ..times })
            }
        }
    }

    pub(super) fn make_dir(&self, path: &GuestPath, meter: &Meter) -> Result<(), HostError> {
        let mut nodes = self.nodes();
        if find(&nodes, path)?.is_some() {
            return Err(HostError::Failed(Code::Exists));
        }
        add(&mut nodes, path, What::Directory { id: self.next_id(), made: instant(meter.now()) }, meter)
    }

    pub(super) fn remove(&self, path: &GuestPath, what: Removal) -> Result<(), HostError> {
        let mut nodes = self.nodes();
        match (find(&nodes, path)?.ok_or(HostError::Failed(Code::NotFound))?, what) {
            (What::Directory { .. }, Removal::File) => return Err(HostError::Failed(Code::IsDirectory)),
            (What::File(_), Removal::EmptyDirectory) => return Err(HostError::Failed(Code::NotDirectory)),
            (What::Directory { .. }, _) if children(&nodes, path.segments()).next().is_some() => {
                return Err(HostError::Failed(Code::NotEmpty));
            }
            _ => {}
        }
        nodes.remove(path.segments());
        Ok(())
    }

    /// Of a file. The times of a directory are those of its making.
    pub(super) fn set_times(&self, path: &GuestPath, times: Times, meter: &Meter) -> Result<(), HostError> {
        if path.segments().is_empty() {
            return Err(HostError::Failed(Code::HostPermission));
        }
        match find(&self.nodes(), path)?.ok_or(HostError::Failed(Code::NotFound))? {
            What::File(file) => file.set_times(times, meter.now()),
            What::Directory { .. } => return Err(HostError::Failed(Code::HostPermission)),
        }
        Ok(())
    }

    pub(super) fn rename(&self, from: &GuestPath, to: &GuestPath, meter: &Meter) -> Result<(), HostError> {
        let mut nodes = self.nodes();
        let what = find(&nodes, from)?.ok_or(HostError::Failed(Code::NotFound))?;
        let replaced = find(&nodes, to)?;
        if [Some(&what), replaced.as_ref()].into_iter().flatten().any(|what| what.kind() == FileKind::Directory) {
            return Err(HostError::Failed(Code::IsDirectory));
        }
        if from != to {
            let share = share_of(to, meter)?;
            nodes.insert(to.segments().to_vec(), Node { what, _share: share });
            nodes.remove(from.segments());
        }
        Ok(())
    }

    /// Takes out all files, by path below the mount.
    pub(super) fn take(&self) -> Vec<(Vec<String>, Bytes)> {
        let nodes = std::mem::take(&mut *self.nodes());
        let files = nodes.into_iter().filter_map(|(path, node)| match node.what {
            What::File(file) => Some((path, file.take())),
            What::Directory { .. } => None,
        });
        files.collect()
    }

    fn next_id(&self) -> u64 {
        self.made.fetch_add(1, Ordering::AcqRel)
    }

    fn nodes(&self) -> Nodes<'_> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl What {
    fn kind(&self) -> FileKind {
        match self {
            What::File(_) => FileKind::File,
            What::Directory { .. } => FileKind::Directory,
        }
    }
}

/// What stands at a path, whose parents must be directories.
///
/// # Errors
/// `failed.not_found`, `failed.not_directory`, and `failed.is_directory` for the mount itself.
fn find(nodes: &Nodes<'_>, path: &GuestPath) -> Result<Option<What>, HostError> {
    let Some((_, parents)) = path.segments().split_last() else { return Err(HostError::Failed(Code::IsDirectory)) };
    for depth in 1..=parents.len() {
        enter(nodes, parents.get(..depth).unwrap_or_default())?;
    }
    Ok(nodes.get(path.segments()).map(|node| node.what.clone()))
}

fn directory(nodes: &Nodes<'_>, path: &GuestPath) -> Result<(), HostError> {
    for depth in 1..=path.segments().len() {
        enter(nodes, path.segments().get(..depth).unwrap_or_default())?;
    }
    Ok(())
}

fn enter(nodes: &Nodes<'_>, path: &[String]) -> Result<(), HostError> {
    match nodes.get(path).map(|node| node.what.kind()) {
        Some(FileKind::Directory) => Ok(()),
        Some(_) => Err(HostError::Failed(Code::NotDirectory)),
        None => Err(HostError::Failed(Code::NotFound)),
    }
}

fn children<'n>(nodes: &'n Nodes<'_>, of: &'n [String]) -> impl Iterator<Item = (&'n str, &'n What)> {
    let below = nodes.range(of.to_vec()..).take_while(|(path, _)| path.starts_with(of));
    below.filter_map(|(path, node)| match path.get(of.len()..) {
        Some([name]) => Some((name.as_str(), &node.what)),
        _ => None,
    })
}

fn add(nodes: &mut Nodes<'_>, path: &GuestPath, what: What, meter: &Meter) -> Result<(), HostError> {
    let share = share_of(path, meter)?;
    meter.take_file()?;
    nodes.insert(path.segments().to_vec(), Node { what, _share: share });
    Ok(())
}

fn share_of(path: &GuestPath, meter: &Meter) -> Result<MemoryShare, HostError> {
    let name: usize = path.segments().iter().map(|segment| segment.len().saturating_add(32)).sum();
    let bytes = ENTRY_BYTES.saturating_add(u64::try_from(name).unwrap_or(u64::MAX));
    meter.memory().share(bytes).ok_or(HostError::Limit(Code::MemoryBytes))
}

impl MemoryFile {
    fn new(id: u64, meter: &Meter) -> Result<MemoryFile, HostError> {
        let account: &Arc<MemoryAccount> = meter.memory();
        let share = account.share(0).ok_or(HostError::Limit(Code::MemoryBytes))?;
        let now = instant(meter.now());
        let held = Held { bytes: Vec::new(), share, accessed: now, modified: now, changed: now };
        Ok(MemoryFile { id, held: Mutex::new(held) })
    }

    pub(super) fn read(&self, offset: u64, max: usize, now: Timestamp) -> Bytes {
        let mut held = self.held();
        held.accessed = instant(now);
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = held.bytes.get(start..).unwrap_or_default();
        Bytes::copy_from_slice(rest.get(..max).unwrap_or(rest))
    }

    /// # Errors
    /// `limit.memory`; nothing is written then.
    pub(super) fn write(&self, offset: u64, bytes: &[u8], now: Timestamp) -> Result<(), HostError> {
        let start = usize::try_from(offset).map_err(|_| HostError::Limit(Code::MemoryBytes))?;
        self.held().write(start, bytes, now)
    }

    /// # Errors
    /// As [`MemoryFile::write`].
    pub(super) fn append(&self, bytes: &[u8], now: Timestamp) -> Result<(), HostError> {
        let mut held = self.held();
        let end = held.bytes.len();
        held.write(end, bytes, now)
    }

    /// # Errors
    /// As [`MemoryFile::write`].
    pub(super) fn set_len(&self, len: u64, now: Timestamp) -> Result<(), HostError> {
        let len = usize::try_from(len).map_err(|_| HostError::Limit(Code::MemoryBytes))?;
        let mut held = self.held();
        if len <= held.bytes.len() {
            held.bytes.truncate(len);
            held.bytes.shrink_to_fit();
            let capacity = held.bytes.capacity();
            held.share.resize(u64::try_from(capacity).unwrap_or(u64::MAX));
        } else {
            held.reserve(len)?;
            held.bytes.resize(len, 0);
        }
        held.touch(now);
        Ok(())
    }

    pub(super) fn stat(&self) -> FileStat {
        let held = self.held();
        FileStat {
            kind: FileKind::File,
            len: u64::try_from(held.bytes.len()).unwrap_or(u64::MAX),
            accessed: Some(held.accessed),
            modified: Some(held.modified),
            changed: Some(held.changed),
            links: 1,
            id: FileId::of(0, self.id),
        }
    }

    pub(super) fn set_times(&self, times: Times, now: Timestamp) {
        let mut held = self.held();
        let at = |time| match time {
            SetTime::Now => instant(now),
            SetTime::At(since) => SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH),
        };
        held.accessed = times.accessed.map_or(held.accessed, at);
        held.modified = times.modified.map_or(held.modified, at);
        held.changed = instant(now);
    }

    fn take(&self) -> Bytes {
        std::mem::take(&mut self.held().bytes).into()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without the bytes.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl Held {
    fn write(&mut self, start: usize, bytes: &[u8], now: Timestamp) -> Result<(), HostError> {
        let end = start.checked_add(bytes.len()).ok_or(HostError::Limit(Code::MemoryBytes))?;
        if bytes.is_empty() {
            return Ok(());
        }
        self.reserve(end)?;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        if let Some(place) = self.bytes.get_mut(start..end) {
            place.copy_from_slice(bytes);
        }
        self.touch(now);
        Ok(())
    }

    /// Makes room for `len` bytes, and for a quarter more as long as there is memory for it: a file grows in small steps.
    fn reserve(&mut self, len: usize) -> Result<(), HostError> {
        if len <= self.bytes.capacity() {
            return Ok(());
        }
        let bytes = |capacity: usize| u64::try_from(capacity).unwrap_or(u64::MAX);
        let capacity = [len.saturating_add(len / 4), len].into_iter().find(|wanted| self.share.resize(bytes(*wanted)));
        let capacity = capacity.ok_or(HostError::Limit(Code::MemoryBytes))?;
        self.bytes
            .try_reserve_exact(capacity.saturating_sub(self.bytes.len()))
            .map_err(|_| HostError::Limit(Code::MemoryBytes))
    }

    fn touch(&mut self, now: Timestamp) {
        (self.modified, self.changed) = (instant(now), instant(now));
    }
}

fn instant(now: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(now.0)).unwrap_or(SystemTime::UNIX_EPOCH)
}
