//! Streams over open files. Work happens on threads for blocking work; nothing here waits on the guest's own thread.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bailiwick_guard::{HandleSlot, HostError};
use bailiwick_host::files::FileHandle;
use bytes::Bytes;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};

use super::{CHUNK, FsError};
use crate::component::BadCall;
use crate::run::Told;

/// Reads a file from an offset on.
pub(super) struct Reader {
    file: Arc<FileHandle>,
    position: u64,
    state: Reading,
    told: Arc<Told>,
    // Bounds the bytes and the threads that a guest can keep busy with streams.
    _slot: HandleSlot,
}

enum Reading {
    Idle,
    Busy(Task<Result<Bytes, HostError>>),
    Ready(Bytes),
    Failed(HostError),
    Closed,
}

/// Writes a file from an offset on, or at its end.
pub(super) struct Writer {
    file: Arc<FileHandle>,
    /// `None`: at the end, wherever that is at the time.
    position: Option<u64>,
    state: Writing,
    told: Arc<Told>,
    _slot: HandleSlot,
}

enum Writing {
    Idle,
    /// A write of so many bytes.
    Busy(Task<Result<(), HostError>>, u64),
    Failed(HostError),
    Closed,
}

/// Work that goes on while the guest does something else. In a replay it is done when the guest waits for it.
enum Task<T> {
    Beside(AbortOnDropJoinHandle<T>),
    Later(Pin<Box<dyn Future<Output = T> + Send>>),
}

impl<T: Send + 'static> Task<T> {
    fn start(told: &Told, work: impl Future<Output = T> + Send + 'static) -> Task<T> {
        if told.is_replay() { Task::Later(Box::pin(work)) } else { Task::Beside(spawn(work)) }
    }
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match self.get_mut() {
            Task::Beside(task) => Pin::new(task).poll(context),
            Task::Later(work) => work.as_mut().poll(context),
        }
    }
}

impl Reader {
    pub(super) fn new(file: &Arc<FileHandle>, slot: HandleSlot, told: &Arc<Told>, position: u64) -> Reader {
        Reader { file: Arc::clone(file), position, state: Reading::Idle, told: Arc::clone(told), _slot: slot }
    }

    fn start(&mut self, size: usize) {
        self.state = Reading::Busy(Task::start(&self.told, self.file.read_at(self.position, size.min(CHUNK))));
    }

    fn finish(&mut self, read: Result<Bytes, HostError>) {
        self.state = match read {
            Ok(bytes) if bytes.is_empty() => Reading::Closed,
            Ok(bytes) => Reading::Ready(bytes),
            Err(error) => Reading::Failed(error),
        };
    }

    async fn wait(&mut self) {
        if let Reading::Busy(task) = &mut self.state {
            self.told.until_shown().await;
            let read = task.await;
            self.finish(read);
        }
    }
}

#[async_trait]
impl InputStream for Reader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        match mem::replace(&mut self.state, Reading::Closed) {
            Reading::Idle if size == 0 => self.state = Reading::Idle,
            Reading::Idle => self.start(size),
            Reading::Busy(task) => self.state = Reading::Busy(task),
            Reading::Ready(mut bytes) => {
                let given = bytes.split_to(size.min(bytes.len()));
                self.position = self.position.saturating_add(u64::try_from(given.len()).unwrap_or(u64::MAX));
                self.state = if bytes.is_empty() { Reading::Idle } else { Reading::Ready(bytes) };
                return Ok(given);
            }
            Reading::Failed(error) => return Err(stream_error(error)),
            Reading::Closed => return Err(StreamError::Closed),
        }
        Ok(Bytes::new())
    }

    /// Without a task of its own, and never more than was asked for.
    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.wait().await;
        if matches!(self.state, Reading::Idle) && size > 0 {
            let read = self.file.read_at(self.position, size.min(CHUNK)).await;
            self.finish(read);
        }
        self.read(size)
    }

    async fn cancel(&mut self) {
        self.wait().await;
    }
}

#[async_trait]
impl Pollable for Reader {
    async fn ready(&mut self) {
        if matches!(self.state, Reading::Idle) {
            self.start(CHUNK);
        }
        self.wait().await;
    }
}

impl Writer {
    /// `position`: `None` for the end of the file.
    pub(super) fn new(file: &Arc<FileHandle>, slot: HandleSlot, told: &Arc<Told>, position: Option<u64>) -> Writer {
        Writer { file: Arc::clone(file), position, state: Writing::Idle, told: Arc::clone(told), _slot: slot }
    }

    fn finish(&mut self, written: Result<(), HostError>, len: u64) {
        self.state = match written {
            Ok(()) => Writing::Idle,
            Err(error) => Writing::Failed(error),
        };
        self.position = self.position.map(|position| position.saturating_add(len));
    }

    async fn wait(&mut self) {
        if let Writing::Busy(task, len) = &mut self.state {
            self.told.until_shown().await;
            let (written, len) = (task.await, *len);
            self.finish(written, len);
        }
    }

    /// The error of an earlier write, once; closed afterwards.
    fn check(&mut self) -> StreamResult<()> {
        match mem::replace(&mut self.state, Writing::Closed) {
            Writing::Failed(error) => Err(stream_error(error)),
            Writing::Closed => Err(StreamError::Closed),
            state @ (Writing::Idle | Writing::Busy(..)) => {
                self.state = state;
                Ok(())
            }
        }
    }
}

/// What is written is settled now, also if the future is never awaited.
fn write_all(
    file: &FileHandle,
    position: Option<u64>,
    bytes: Bytes,
) -> Pin<Box<dyn Future<Output = Result<(), HostError>> + Send>> {
    match position {
        Some(position) => Box::pin(file.write_at(position, bytes)),
        None => Box::pin(file.append(bytes)),
    }
}

#[async_trait]
impl OutputStream for Writer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.check()?;
        if bytes.len() > CHUNK || matches!(self.state, Writing::Busy(..)) {
            return Err(StreamError::Trap(BadCall("a write that `check-write` did not permit").into()));
        }
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.state = Writing::Busy(Task::start(&self.told, write_all(&self.file, self.position, bytes)), len);
        Ok(())
    }

    /// Without a task of its own.
    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.wait().await;
        self.check()?;
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let written = write_all(&self.file, self.position, bytes).await;
        self.finish(written, len);
        self.check()
    }

    /// Nothing is held back here, so there is nothing to flush but the write that is under way.
    fn flush(&mut self) -> StreamResult<()> {
        self.check()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.check()?;
        Ok(if matches!(self.state, Writing::Busy(..)) { 0 } else { CHUNK })
    }

    async fn cancel(&mut self) {
        self.wait().await;
    }
}

#[async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {
        self.wait().await;
    }
}

fn stream_error(error: HostError) -> StreamError {
    match FsError::from(error) {
        FsError::Code(code) => StreamError::LastOperationFailed(wasmtime::Error::new(code)),
        FsError::Trap(error) => StreamError::Trap(error),
    }
}
