//! What an open file is made of: a file of the host, a file of the staging folder, or memory.

use std::io::{self, IoSlice};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use bailiwick_guard::{HostError, Meter, Timestamp};
use bailiwick_policy::Code;
use bytes::Bytes;
use cap_std::fs::{File, FileExt};
use rustix::io::{Errno, ReadWriteFlags};

use super::folder::failure;
use super::memory::MemoryFile;
use super::{FileStat, Times};

/// An open regular file.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Disk(Arc<File>),
    /// Of this run alone, until it is applied.
    Staged(Arc<File>, Gate),
    Memory(Arc<MemoryFile>),
}

/// Shut when what was staged is about to be applied: what is written afterwards would go around the check.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate {
    shut: Arc<RwLock<bool>>,
}

impl Gate {
    /// Waits for the operations that are under way; those that come later fail.
    pub(super) fn shut(&self) {
        *self.shut.write().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Keeps it open until what is returned is dropped.
    ///
    /// # Errors
    /// `failed.io` when it is shut.
    pub(super) fn pass(&self) -> Result<RwLockReadGuard<'_, bool>, HostError> {
        let shut = self.shut.read().unwrap_or_else(PoisonError::into_inner);
        if *shut { Err(HostError::Failed(Code::Io)) } else { Ok(shut) }
    }
}

impl Content {
    /// Up to `max` bytes at `offset`; fewer near the end, none behind it. Takes memory for what there is, not for what was
    /// asked.
    pub(super) fn read(&self, offset: u64, max: usize, now: Timestamp) -> Result<Bytes, HostError> {
        match self {
            Content::Disk(file) | Content::Staged(file, _) => read_fully(file, offset, max),
            Content::Memory(file) => Ok(file.read(offset, max, now)),
        }
    }

    /// Writes all of `bytes` at `offset`. The disk budget is not looked at.
    pub(super) fn write(&self, offset: u64, bytes: &[u8], now: Timestamp) -> Result<(), HostError> {
        let _pass = self.pass()?;
        match self {
            Content::Disk(file) | Content::Staged(file, _) => {
                file.write_all_at(bytes, offset).map_err(|error| failure(&error))
            }
            Content::Memory(file) => file.write(offset, bytes, now),
        }
    }

    /// The same, with the budget: the bytes, or more when the file grows by more.
    pub(super) fn write_metered(&self, offset: u64, bytes: &[u8], meter: &Meter) -> Result<(), HostError> {
        if let Content::Disk(file) | Content::Staged(file, _) = self {
            let written = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let end = offset.checked_add(written).ok_or(HostError::Limit(Code::ArgumentBytes))?;
            let len = file.metadata().map_err(|error| failure(&error))?.len();
            meter.take_disk(written.max(end.saturating_sub(len)))?;
        }
        self.write(offset, bytes, meter.now())
    }

    /// Writes all of `bytes` at the end, wherever that is at that moment. The disk budget is not looked at.
    pub(super) fn append(&self, bytes: &[u8], now: Timestamp) -> Result<(), HostError> {
        let _pass = self.pass()?;
        match self {
            Content::Disk(file) | Content::Staged(file, _) => {
                append_fully(file, bytes).map_err(|error| failure(&error))
            }
            Content::Memory(file) => file.append(bytes, now),
        }
    }

    pub(super) fn append_metered(&self, bytes: &[u8], meter: &Meter) -> Result<(), HostError> {
        if !matches!(self, Content::Memory(_)) {
            meter.take_disk(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
        }
        self.append(bytes, meter.now())
    }

    /// Makes it `len` bytes long. Growth on a disk counts as bytes written.
    pub(super) fn set_len(&self, len: u64, meter: &Meter) -> Result<(), HostError> {
        let _pass = self.pass()?;
        match self {
            Content::Disk(file) | Content::Staged(file, _) => {
                let now = file.metadata().map_err(|error| failure(&error))?.len();
                meter.take_disk(len.saturating_sub(now))?;
                file.set_len(len).map_err(|error| failure(&error))
            }
            Content::Memory(file) => file.set_len(len, meter.now()),
        }
    }

    pub(super) fn stat(&self) -> Result<FileStat, HostError> {
        match self {
            Content::Disk(file) | Content::Staged(file, _) => {
                Ok(FileStat::of(&file.metadata().map_err(|error| failure(&error))?))
            }
            Content::Memory(file) => Ok(file.stat()),
        }
    }

    pub(super) fn set_times(&self, times: Times, now: Timestamp) -> Result<(), HostError> {
        let _pass = self.pass()?;
        match self {
            Content::Disk(file) | Content::Staged(file, _) => {
                rustix::fs::futimens(file, &times.to_system()).map_err(|error| failure(&error.into()))
            }
            Content::Memory(file) => {
                file.set_times(times, now);
                Ok(())
            }
        }
    }

    /// Waits for the disk. What is staged is no promise before it is applied, and then it is synced.
    pub(super) fn sync(&self, everything: bool) -> Result<(), HostError> {
        match self {
            Content::Disk(file) => {
                let synced = if everything { file.sync_all() } else { file.sync_data() };
                synced.map_err(|error| failure(&error))
            }
            Content::Staged(..) | Content::Memory(_) => Ok(()),
        }
    }

    fn pass(&self) -> Result<Option<RwLockReadGuard<'_, bool>>, HostError> {
        match self {
            Content::Staged(_, gate) => gate.pass().map(Some),
            Content::Disk(_) | Content::Memory(_) => Ok(None),
        }
    }
}

/// Reads until `max` bytes or the end of the file.
fn read_fully(file: &File, offset: u64, max: usize) -> Result<Bytes, HostError> {
    let left = file.metadata().map_err(|error| failure(&error))?.len().saturating_sub(offset);
    let mut bytes = vec![0; usize::try_from(left).unwrap_or(usize::MAX).min(max)];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failure(&error)),
        }
    }
    bytes.truncate(filled);
    Ok(bytes.into())
}

/// Appends without having opened the file for appending, which would make every positioned write append too.
fn append_fully(file: &File, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match rustix::io::pwritev2(file, &[IoSlice::new(rest)], 0, ReadWriteFlags::APPEND) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
