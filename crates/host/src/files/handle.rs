//! Open files. Each operation is bounded by the run's budgets; none needs a new decision.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_guard::{HandleSlot, HostError, Meter};
use bailiwick_policy::{Code, GuestPath};
use bytes::Bytes;

use super::content::Content;
use super::mount::blocking;
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
    content: Content,
    path: GuestPath,
    access: Access,
    meter: Arc<Meter>,
    _slot: HandleSlot,
}

impl FileHandle {
    pub(super) fn new(
        content: Content,
        path: GuestPath,
        access: Access,
        meter: Arc<Meter>,
        slot: HandleSlot,
    ) -> FileHandle {
        FileHandle { content, path, access, meter, _slot: slot }
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
        self.on_file(move |content, meter| content.read(offset, max, meter.now())).await
    }

    /// Writes all of `bytes` at `offset`. The disk budget is taken first: the bytes, or more when the file grows by more.
    ///
    /// # Errors
    /// `limit.argument_bytes` beyond [`MAX_HANDLE_WRITE`], `limit.memory` for a file in memory that the run's memory does not
    /// hold, `failed.host_permission` when the handle is not open for
    /// writing, `failed.io`; the end of the run when the budget does not hold it, in which case nothing is written.
    pub async fn write_at(&self, offset: u64, bytes: Bytes) -> Result<(), HostError> {
        self.may_write(&bytes)?;
        self.on_file(move |content, meter| content.write_metered(offset, &bytes, meter)).await
    }

    /// Writes all of `bytes` at the end of the file, wherever that is at that moment.
    ///
    /// # Errors
    /// As [`FileHandle::write_at`].
    pub async fn append(&self, bytes: Bytes) -> Result<(), HostError> {
        self.may_write(&bytes)?;
        self.on_file(move |content, meter| content.append_metered(&bytes, meter)).await
    }

    /// Makes the file `len` bytes long. Growth counts as bytes written.
    ///
    /// # Errors
    /// As [`FileHandle::write_at`].
    pub async fn set_len(&self, len: u64) -> Result<(), HostError> {
        self.require(self.access.writes())?;
        self.on_file(move |content, meter| content.set_len(len, meter)).await
    }

    /// Size, times and identity.
    ///
    /// # Errors
    /// `failed.io`; the run's end.
    pub async fn stat(&self) -> Result<FileStat, HostError> {
        self.on_file(|content, _| content.stat()).await
    }

    /// Sets the times of access and modification.
    ///
    /// # Errors
    /// `failed.host_permission` when the handle is not open for writing, `failed.io`; the run's end.
    pub async fn set_times(&self, times: Times) -> Result<(), HostError> {
        self.require(self.access.writes())?;
        self.on_file(move |content, meter| content.set_times(times, meter.now())).await
    }

    /// Waits until the content, and with `everything` also the metadata, is on stable storage.
    ///
    /// # Errors
    /// `failed.io`; the run's end.
    pub async fn sync(&self, everything: bool) -> Result<(), HostError> {
        self.on_file(move |content, _| content.sync(everything)).await
    }

    fn may_write(&self, bytes: &Bytes) -> Result<(), HostError> {
        self.require(self.access.writes())?;
        if bytes.len() > MAX_HANDLE_WRITE { Err(HostError::Limit(Code::ArgumentBytes)) } else { Ok(()) }
    }

    fn require(&self, allowed: bool) -> Result<(), HostError> {
        if allowed { Ok(()) } else { Err(HostError::Failed(Code::HostPermission)) }
    }

    fn on_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Content, &Meter) -> Result<T, HostError> + Send + 'static,
    ) -> impl Future<Output = Result<T, HostError>> + Send {
        let live = self.meter.check();
        let (content, meter) = (self.content.clone(), Arc::clone(&self.meter));
        async move {
            live?;
            let work = blocking(move || work(&content, &meter));
            tokio::time::timeout(DEADLINE, work).await.unwrap_or(Err(HostError::Limit(Code::CallDeadline)))
        }
    }
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
