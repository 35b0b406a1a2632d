//! Old journals are deleted.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::folder::{JOURNAL, SHARED, began, is_run};
use super::{JournalFolder, JournalOptions};
use crate::Timestamp;

/// When journals were last deleted (8 bytes, milliseconds since the Unix epoch), and then a byte for every 64 KiB that was
/// written since.
const TALLY: &str = "tally";
const UNIT: u64 = 64 * 1024;

/// The rules of time are looked at this often, if there are runs.
const DUE_AFTER: Duration = Duration::from_secs(3600);

/// What was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The runs whose journals are gone.
    pub runs: Vec<String>,
    /// Bytes that are free now, and bytes that journals still have.
    pub freed: u64,
    pub left: u64,
}

/// How much was written since journals were last deleted, by all processes.
pub(super) struct Tally(PathBuf);

impl Tally {
    pub(super) fn of(folder: &JournalFolder) -> Tally {
        Tally(folder.root.join(TALLY))
    }

    /// Counts what a run wrote. Not to know it exactly is no harm.
    pub(super) fn add(&self, bytes: u64) {
        let units = usize::try_from(bytes.div_ceil(UNIT)).unwrap_or(1).min(1 << 16);
        let file = OpenOptions::new().append(true).mode(0o600).open(&self.0);
        let _ = file.and_then(|mut file| file.write_all(&vec![0; units]));
    }

    /// When journals were last deleted, and how many bytes were written since.
    fn read(&self) -> Option<(Timestamp, u64)> {
        let mut file = File::open(&self.0).ok()?;
        let mut at = [0; 8];
        file.read_exact(&mut at).ok()?;
        let units = file.metadata().ok()?.len().saturating_sub(8);
        Some((Timestamp(u64::from_le_bytes(at)), units.saturating_mul(UNIT)))
    }

    fn reset(&self, now: Timestamp) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.0)?;
        file.write_all(&now.0.to_le_bytes())
    }
}

impl JournalFolder {
    /// Deletes what is too old or too much, if that was not done lately. To be called after a run.
    ///
    /// # Errors
    /// As [`prune`](JournalFolder::prune).
    pub fn tidy(&self, now: Timestamp) -> io::Result<Option<Pruned>> {
        let due = match Tally::of(self).read() {
            Some((at, written)) => {
                let since = Duration::from_millis(now.0.abs_diff(at.0));
                since >= DUE_AFTER || written >= self.options.total.get() / 16
            }
            None => true,
        };
        if due && self.root.is_dir() { self.prune(now).map(Some) } else { Ok(None) }
    }

    /// Deletes the journals of runs that began longer ago than `keep`, then the oldest until all have at most `total` bytes on
    /// disk. Those of runs that are under way stay.
    ///
    /// # Errors
    /// When the folder cannot be read, or a file cannot be deleted.
    pub fn prune(&self, now: Timestamp) -> io::Result<Pruned> {
        let mut pruned = Pruned::default();
        if !self.root.is_dir() {
            return Ok(pruned);
        }
        Tally::of(self).reset(now)?;
        let JournalOptions { keep, total, .. } = self.options;
        let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
        let oldest = now.0.saturating_sub(keep);
        let runs = self.runs()?;
        let mut usage = self.usage(&runs)?;
        for run in runs {
            let is_old = began(&run).is_some_and(|began| began.0 < oldest);
            if !is_old && usage.bytes <= total.get() {
                // Later ones are no older.
                break;
            }
            let folder = self.root.join(&run);
            if is_in_use(&folder) {
                continue;
            }
            pruned.freed = pruned.freed.saturating_add(usage.give_up(&folder)?);
            remove(&folder)?;
            pruned.runs.push(run);
        }
        pruned.left = usage.bytes;
        sweep(&self.root.join(SHARED))?;
        Ok(pruned)
    }

    /// Deletes the journal of one run, if it has one.
    ///
    /// # Errors
    /// `ResourceBusy` when it is being written; when a file cannot be deleted.
    pub fn remove(&self, run: &str) -> io::Result<Pruned> {
        let folder = self.root.join(run);
        if !is_run(run) || !folder.is_dir() {
            return Ok(Pruned::default());
        }
        if is_in_use(&folder) {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "the run is under way"));
        }
        let mut usage = self.usage(&self.runs()?)?;
        let freed = usage.give_up(&folder)?;
        remove(&folder)?;
        sweep(&self.root.join(SHARED))?;
        Ok(Pruned { runs: vec![run.to_owned()], freed, left: usage.bytes })
    }

    fn usage(&self, runs: &[String]) -> io::Result<DiskUsage> {
        let mut usage = DiskUsage::default();
        for run in runs {
            for (inode, bytes) in sizes(&self.root.join(run))? {
                let (_, users) = usage.files.entry(inode).or_insert_with(|| {
                    usage.bytes = usage.bytes.saturating_add(bytes);
                    (bytes, 0)
                });
                *users = users.saturating_add(1);
            }
        }
        Ok(usage)
    }
}

/// What journals take on disk: files by their inodes, each with its bytes and the number of runs that have it.
#[derive(Default)]
struct DiskUsage {
    files: HashMap<u64, (u64, u64)>,
    bytes: u64,
}

impl DiskUsage {
    /// Counts a run's folder off, and gives what is free without it.
    fn give_up(&mut self, folder: &Path) -> io::Result<u64> {
        let mut freed = 0_u64;
        for (inode, _) in sizes(folder)? {
            let Some((bytes, users)) = self.files.get_mut(&inode) else { continue };
            *users = users.saturating_sub(1);
            if *users == 0 {
                freed = freed.saturating_add(*bytes);
            }
        }
        self.bytes = self.bytes.saturating_sub(freed);
        Ok(freed)
    }
}

/// The files of a run's folder: which, and how much room they take.
fn sizes(folder: &Path) -> io::Result<Vec<(u64, u64)>> {
    let mut sizes = Vec::new();
    for entry in present(fs::read_dir(folder))?.into_iter().flatten() {
        if let Some(metadata) = present(entry?.metadata())? {
            sizes.push((metadata.ino(), metadata.blocks().saturating_mul(512)));
        }
    }
    Ok(sizes)
}

/// Whether somebody writes the journal. One that has none yet is as good as old.
fn is_in_use(folder: &Path) -> bool {
    File::open(folder.join(JOURNAL)).is_ok_and(|file| file.try_lock().is_err())
}

/// First what makes it a journal, so that one that was deleted in part is none.
fn remove(folder: &Path) -> io::Result<()> {
    present(fs::remove_file(folder.join(JOURNAL)))?;
    present(fs::remove_dir_all(folder)).map(drop)
}

/// Deletes what no run has any more.
fn sweep(shared: &Path) -> io::Result<()> {
    for shelf in present(fs::read_dir(shared))?.into_iter().flatten() {
        for entry in present(fs::read_dir(shelf?.path()))?.into_iter().flatten() {
            let entry = entry?;
            if present(entry.metadata())?.is_some_and(|metadata| metadata.nlink() == 1) {
                // A run that links it at this moment has it.
                present(fs::remove_file(entry.path()))?;
            }
        }
    }
    Ok(())
}

/// Somebody else may have deleted it first.
fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}
