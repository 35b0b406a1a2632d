//! Open files. Each operation is bounded by the run's budgets; none needs a new decision.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_guard::journal::{Crossed, Fingerprint, Handle, Place, Unwritable, join, split};
use bailiwick_guard::{HostError, Meter};
use bailiwick_policy::{Code, GuestPath};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    Read,
    Write,
    ReadWrite,
}

/// An open regular file of one run. It holds a place among the run's open handles until it is dropped.
///
/// What each operation does is settled when it is called, and happens when its future is awaited.
pub struct FileHandle {
    /// `None` in a replay, in which no operation gets as far.
    content: Option<Content>,
    path: GuestPath,
    access: Access,
    handle: Handle,
}

impl FileHandle {
    pub(super) fn new(content: Content, path: GuestPath, access: Access, handle: Handle) -> FileHandle {
        FileHandle { content: Some(content), path, access, handle }
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
    pub fn read_at(&self, offset: u64, max: usize) -> impl Future<Output = Result<Bytes, HostError>> + Send + use<> {
        let (allowed, max) = (self.require(self.access.reads()), max.min(MAX_HANDLE_READ));
        let print = move |print: &mut Fingerprint| _ = print.text("read").number(offset).count(max);
        self.on_file(allowed, print, move |content, meter| content.read(offset, max, meter.now()))
    }

    /// Writes all of `bytes` at `offset`. The disk budget is taken first: the bytes, or more when the file grows by more.
    ///
    /// # Errors
    /// `limit.argument_bytes` beyond [`MAX_HANDLE_WRITE`], `limit.memory` for a file in memory that the run's memory does not
    /// hold, `failed.host_permission` when the handle is not open for
    /// writing, `failed.io`; the end of the run when the budget does not hold it, in which case nothing is written.
    pub fn write_at(&self, offset: u64, bytes: Bytes) -> impl Future<Output = Result<(), HostError>> + Send + use<> {
        let (allowed, written) = (self.may_write(&bytes), bytes.clone());
        let print = move |print: &mut Fingerprint| _ = print.text("write").number(offset).bytes(&written);
        self.on_file(allowed, print, move |content, meter| content.write_metered(offset, &bytes, meter))
    }

    /// Writes all of `bytes` at the end of the file, wherever that is at that moment.
    ///
    /// # Errors
    /// As [`FileHandle::write_at`].
    pub fn append(&self, bytes: Bytes) -> impl Future<Output = Result<(), HostError>> + Send + use<> {
        let (allowed, written) = (self.may_write(&bytes), bytes.clone());
        let print = move |print: &mut Fingerprint| _ = print.text("append").bytes(&written);
        self.on_file(allowed, print, move |content, meter| content.append_metered(&bytes, meter))
    }

    /// Makes the file `len` bytes long. Growth counts as bytes written.
    ///
    /// # Errors
    /// As [`FileHandle::write_at`].
    pub fn set_len(&self, len: u64) -> impl Future<Output = Result<(), HostError>> + Send + use<> {
        let print = move |print: &mut Fingerprint| _ = print.text("set-len").number(len);
        let allowed = self.require(self.access.writes());
        self.on_file(allowed, print, move |content, meter| content.set_len(len, meter))
    }

    /// Size, times and identity.
    ///
    /// # Errors
    /// `failed.io`; the run's end.
    pub fn stat(&self) -> impl Future<Output = Result<FileStat, HostError>> + Send + use<> {
        self.on_file(Ok(()), |print| _ = print.text("stat"), |content, _| content.stat())
    }

    /// Sets the times of access and modification.
    ///
    /// # Errors
    /// `failed.host_permission` when the handle is not open for writing, `failed.io`; the run's end.
    pub fn set_times(&self, times: Times) -> impl Future<Output = Result<(), HostError>> + Send + use<> {
        let print = move |print: &mut Fingerprint| times.fingerprint(print.text("set-times"));
        let allowed = self.require(self.access.writes());
        self.on_file(allowed, print, move |content, meter| content.set_times(times, meter.now()))
    }

    /// Waits until the content, and with `everything` also the metadata, is on stable storage.
    ///
    /// # Errors
    /// `failed.io`; the run's end.
    pub fn sync(&self, everything: bool) -> impl Future<Output = Result<(), HostError>> + Send + use<> {
        let print = move |print: &mut Fingerprint| _ = print.text("sync").number(u64::from(everything));
        self.on_file(Ok(()), print, move |content, _| content.sync(everything))
    }

    fn may_write(&self, bytes: &Bytes) -> Result<(), HostError> {
        self.require(self.access.writes())?;
        if bytes.len() > MAX_HANDLE_WRITE { Err(HostError::Limit(Code::ArgumentBytes)) } else { Ok(()) }
    }

    fn require(&self, allowed: bool) -> Result<(), HostError> {
        if allowed { Ok(()) } else { Err(HostError::Failed(Code::HostPermission)) }
    }

    fn on_file<T: Crossed + Send + 'static, P: FnOnce(&mut Fingerprint), W>(
        &self,
        allowed: Result<(), HostError>,
        print: P,
        work: W,
    ) -> impl Future<Output = Result<T, HostError>> + Send + use<T, P, W>
    where
        W: FnOnce(&Content, &Meter) -> Result<T, HostError> + Send + 'static,
    {
        let live = self.handle.meter().check();
        let (content, meter) = (self.content.clone(), Arc::clone(self.handle.meter()));
        self.handle.work(print, async move {
            allowed?;
            live?;
            let content = content.ok_or(HostError::Failed(Code::Internal))?;
            let work = blocking(move || work(&content, &meter));
            tokio::time::timeout(DEADLINE, work).await.unwrap_or(Err(HostError::Limit(Code::CallDeadline)))
        })
    }
}

/// Without its content: made again, it gives what was recorded.
impl Crossed for FileHandle {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        join(self.handle.write()?, &(self.path.to_string(), self.access))
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<FileHandle> {
        let (handle, (path, access)): (_, (String, Access)) = split(bytes)?;
        let (path, handle) = (GuestPath::parse(&path).ok()?, Handle::read(handle, place)?);
        Some(FileHandle { content: None, path, access, handle })
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
