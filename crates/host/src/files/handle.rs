//! Open files. Each operation is bounded by the run's budgets; none needs a new decision.

use std::fmt;
use std::future::Future;
use std::io;
use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_guard::{HandleSlot, HostError, Meter};
use bailiwick_policy::{Code, GuestPath};
use bytes::Bytes;
use cap_std::fs::{File, FileExt};
use rustix::io::{Errno, ReadWriteFlags};

use super::mount::{blocking, failure};
use super::stat::{FileStat, Times};

/// Most bytes that one read of a handle returns.
pub const MAX_HANDLE_READ: usize = 1 << 20;
/// Most bytes that one write to a handle takes.
pub const MAX_HANDLE_WRITE: usize = 16 << 20;
/// The time after which an operation on a handle fails with `limit.deadline`.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a handle was opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
    ReadWrite,
}

/// An open regular file of one run. It holds a place among the run's open handles until it is dropped.
pub struct FileHandle {
    file: Arc<File>,
    path: GuestPath,
    access: Access,
    meter: Arc<Meter>,
    _slot: HandleSlot,
}

impl FileHandle {
    pub(super) fn new(file: File, path: GuestPath, access: Access, meter: Arc<Meter>, slot: HandleSlot) -> FileHandle {
        FileHandle { file: Arc::new(file), path, access, meter, _slot: slot }
    }

    /// The path that was decided on, behind all links.
    pub fn path(&self) -> &GuestPath {
        &self.path
    }

    pub fn access(&self) -> Access {
        self.access
    }

    /// Reads up to `max` bytes at `offset`, at most [`MAX_HANDLE_READ`]; fewer near the end, none behind it.
    ///
    /// # Errors
    /// `failed.host_permission` when the handle is not open for reading, `failed.io`; the run's end.
    pub async fn read_at(&self, offset: u64, max: usize) -> Result<Bytes, HostError> {
        self.require(self.access.reads())?;
        let max = max.min(MAX_HANDLE_READ);
        self.on_file(move |file| read_fully(file, offset, max)).await
    }

    /// Writes all of `bytes` at `offset`. The disk budget is taken first: the bytes, or more when the file grows by more.
    ///
    /// # Errors
    /// `limit.argument_bytes` beyond [`MAX_HANDLE_WRITE`], `failed.host_permission` when the handle is not open for
    /// writing, `failed.io`; the end of the run when the budget does not hold it, in which case nothing is written.
    pub async fn write_at(&self, offset: u64, bytes: Bytes) -> Result<(), HostError> {
        let written = self.may_write(&bytes)?;
        let end = offset.checked_add(written).ok_or(HostError::Limit(Code::ArgumentBytes))?;
        let meter = Arc::clone(&self.meter);
        self.on_file(move |file| {
            let len = file.metadata().map_err(|error| failure(&error))?.len();
            meter.take_disk(written.max(end.saturating_sub(len)))?;
            file.write_all_at(&bytes, offset).map_err(|error| failure(&error))
        })
        .await
    }

    /// Writes all of `bytes` at the end of the file, wherever that is at that moment.
    ///
    /// # Errors
    /// As [`FileHandle::write_at`].
    pub async fn append(&self, bytes: Bytes) -> Result<(), HostError> {
        let written = self.may_write(&bytes)?;
        self.meter.take_disk(written)?;
        self.on_file(move |file| append_fully(file, &bytes).map_err(|error| failure(&error))).await
    }

    /// Makes the file `len` bytes long. Growth counts as bytes written.
    ///
    /// # Errors
    /// As [`FileHandle::write_at`].
    pub async fn set_len(&self, len: u64) -> Result<(), HostError> {
        self.require(self.access.writes())?;
        let meter = Arc::clone(&self.meter);
        self.on_file(move |file| {
            let now = file.metadata().map_err(|error| failure(&error))?.len();
            meter.take_disk(len.saturating_sub(now))?;
            file.set_len(len).map_err(|error| failure(&error))
        })
        .await
    }

    /// Size, times and identity.
    ///
    /// # Errors
    /// `failed.io`; the run's end.
    pub async fn stat(&self) -> Result<FileStat, HostError> {
        self.on_file(|file| Ok(FileStat::of(&file.metadata().map_err(|error| failure(&error))?))).await
    }

    /// Sets the times of access and modification.
    ///
    /// # Errors
    /// `failed.host_permission` when the handle is not open for writing, `failed.io`; the run's end.
    pub async fn set_times(&self, times: Times) -> Result<(), HostError> {
        self.require(self.access.writes())?;
        self.on_file(move |file| rustix::fs::futimens(file, &times.to_system()).map_err(|error| failure(&error.into())))
            .await
    }

    /// Waits until the content, and with `everything` also the metadata, is on stable storage.
    ///
    /// # Errors
    /// `failed.io`; the run's end.
    pub async fn sync(&self, everything: bool) -> Result<(), HostError> {
        self.on_file(move |file| {
            let synced = if everything { file.sync_all() } else { file.sync_data() };
            synced.map_err(|error| failure(&error))
        })
        .await
    }

    fn may_write(&self, bytes: &Bytes) -> Result<u64, HostError> {
        self.require(self.access.writes())?;
        if bytes.len() > MAX_HANDLE_WRITE {
            return Err(HostError::Limit(Code::ArgumentBytes));
        }
        u64::try_from(bytes.len()).map_err(|_| HostError::Limit(Code::ArgumentBytes))
    }

    fn require(&self, allowed: bool) -> Result<(), HostError> {
        if allowed { Ok(()) } else { Err(HostError::Failed(Code::HostPermission)) }
    }

    fn on_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&File) -> Result<T, HostError> + Send + 'static,
    ) -> impl Future<Output = Result<T, HostError>> + Send {
        let live = self.meter.check();
        let file = Arc::clone(&self.file);
        async move {
            live?;
            let work = blocking(move || work(&file));
            tokio::time::timeout(DEADLINE, work).await.unwrap_or(Err(HostError::Limit(Code::CallDeadline)))
        }
    }
}

/// Reads until `max` bytes or the end of the file. Allocates for what the file holds, not for what was asked.
pub(super) fn read_fully(file: &File, offset: u64, max: usize) -> Result<Bytes, HostError> {
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
pub(super) fn append_fully(file: &File, bytes: &[u8]) -> io::Result<()> {
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

impl Access {
    pub const fn reads(self) -> bool {
        matches!(self, Access::Read | Access::ReadWrite)
    }

    pub const fn writes(self) -> bool {
        matches!(self, Access::Write | Access::ReadWrite)
    }
}

impl fmt::Debug for FileHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileHandle").field("path", &self.path).field("access", &self.access).finish_non_exhaustive()
    }
}
