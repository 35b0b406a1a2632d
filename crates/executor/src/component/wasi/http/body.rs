//! `outgoing-body`: what a guest writes, kept until it is finished.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;
use wasmtime::component::Resource;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError, StreamResult};

use super::error::HttpError;
use super::fields::Fields;
use super::types::{ErrorCode, HostOutgoingBody};
use super::{Http, MAX_OUTGOING};
use crate::component::BadCall;

/// Most bytes that one write takes.
const CHUNK: usize = 64 << 10;

/// The bytes of all outgoing bodies of a run.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    bytes: AtomicUsize,
}

/// A body that is being written.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct OutgoingBody {
    shared: Arc<Shared>,
    /// What its headers announce.
    announced: Option<usize>,
    was_written: bool,
    progress: watch::Sender<Progress>,
}

/// The other end: the body once it is finished.
#[derive(Debug)]
pub(super) struct Parcel {
    shared: Arc<Shared>,
    progress: watch::Receiver<Progress>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Open,
    Finished,
    /// Given up by the guest; what was written is not the whole.
    Abandoned,
}

struct Shared {
    written: Mutex<BytesMut>,
    /// What of [`Outgoing`] is this body's. It is given back when the call is over.
    counted: AtomicUsize,
    outgoing: Arc<Outgoing>,
}

/// The stream through which it is written.
struct Writer {
    shared: Arc<Shared>,
    announced: Option<usize>,
}

impl OutgoingBody {
    pub(super) fn new(outgoing: &Arc<Outgoing>, announced: Option<usize>) -> (OutgoingBody, Parcel) {
        let shared = Shared { written: Mutex::default(), counted: AtomicUsize::new(0), outgoing: Arc::clone(outgoing) };
        let shared = Arc::new(shared);
        let (sender, progress) = watch::channel(Progress::Open);
        let body = OutgoingBody { shared: Arc::clone(&shared), announced, was_written: false, progress: sender };
        (body, Parcel { shared, progress })
    }
}

impl Drop for OutgoingBody {
    fn drop(&mut self) {
        self.progress.send_if_modified(|progress| {
            let is_open = *progress == Progress::Open;
            if is_open {
                *progress = Progress::Abandoned;
            }
            is_open
        });
    }
}

impl Parcel {
    /// Waits until the guest has finished the body.
    ///
    /// # Errors
    /// `HTTP-protocol-error` when it gave the body up.
    pub(super) async fn finished(&mut self) -> Result<Bytes, ErrorCode> {
        let progress = self.progress.wait_for(|progress| *progress != Progress::Open).await;
        match progress.as_deref() {
            Ok(Progress::Finished) => Ok(self.shared.take()),
            _ => Err(ErrorCode::HttpProtocolError),
        }
    }
}

impl Shared {
    fn written(&self) -> MutexGuard<'_, BytesMut> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.written()).freeze()
    }

    fn write(&self, bytes: &[u8], announced: Option<usize>) -> Result<(), ErrorCode> {
        let mut written = self.written();
        let len = written.len().saturating_add(bytes.len());
        let fits = |all: usize| all.checked_add(bytes.len()).filter(|all| *all <= MAX_OUTGOING);
        let too_large = announced.is_some_and(|announced| len > announced)
            || self.outgoing.bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_err();
        if too_large {
            return Err(ErrorCode::HttpRequestBodySize(u64::try_from(len).ok()));
        }
        self.counted.fetch_add(bytes.len(), Ordering::AcqRel);
        written.extend_from_slice(bytes);
        Ok(())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.outgoing.bytes.fetch_sub(self.counted.load(Ordering::Acquire), Ordering::AcqRel);
    }
}

impl OutputStream for Writer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > CHUNK {
            return Err(StreamError::Trap(BadCall("a write that `check-write` did not permit").into()));
        }
        let written = self.shared.write(&bytes, self.announced);
        written.map_err(|code| StreamError::LastOperationFailed(wasmtime::Error::new(code)))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

#[async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {}
}

type Handle = Resource<OutgoingBody>;

impl HostOutgoingBody for Http<'_> {
    fn write(&mut self, body: Handle) -> wasmtime::Result<Result<Resource<DynOutputStream>, ()>> {
        let this = self.table.get_mut(&body)?;
        if std::mem::replace(&mut this.was_written, true) {
            return Ok(Err(()));
        }
        let stream: DynOutputStream = Box::new(Writer { shared: Arc::clone(&this.shared), announced: this.announced });
        Ok(Ok(self.table.push_child(stream, &body)?))
    }

    fn finish(&mut self, body: Handle, trailers: Option<Resource<Fields>>) -> Result<(), HttpError> {
        let trailers = trailers.map(|trailers| self.table.delete(trailers)).transpose()?;
        let body = self.table.delete(body)?;
        if trailers.is_some_and(|trailers| !trailers.is_empty()) {
            return Err(ErrorCode::HttpRequestTrailerSectionSize(Some(0)).into());
        }
        let written = body.shared.written().len();
        if body.announced.is_some_and(|announced| announced != written) {
            return Err(ErrorCode::HttpRequestBodySize(u64::try_from(written).ok()).into());
        }
        body.progress.send_replace(Progress::Finished);
        Ok(())
    }

    fn drop(&mut self, body: Handle) -> wasmtime::Result<()> {
        self.table.delete(body)?;
        Ok(())
    }
}

impl fmt::Debug for Shared {
    /// Without the bytes: they may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("len", &self.written().len()).finish_non_exhaustive()
    }
}
