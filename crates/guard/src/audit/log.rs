//! The log as its users see it: open, append, wait.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use data_encoding::HEXLOWER;
use tokio::sync::watch;

use super::event::{Administration, Authentication, Body, Event, RunContext};
use super::published::{Published, Unfit};
use super::verify::{self, Fault, GENESIS, Summary};
use super::writer::{Sink, Writer};
use crate::tlog::Signer;
use crate::untrusted::Untrusted;
use crate::{Clock, Effect, TraceContext};

/// Events that may wait for the writer; a call that finds the queue full waits for room.
pub(super) const QUEUE: usize = 8192;

/// A handle to an open log. Clones share it; the last one to go flushes and closes the file.
#[derive(Clone)]
pub struct AuditLog {
    inner: Arc<Inner>,
}

/// How a log is opened.
#[derive(Clone, Debug, Default)]
pub struct AuditOptions {
    pub durability: Durability,
    /// Signs checkpoints of the log under its own name and the log's: without it the log is a chain that whoever may write
    /// the file can write anew.
    pub signer: Option<Signer>,
}

/// Which calls wait until their intent is on stable storage. The others are synced within 50 ms and at the end of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Calls that change the world.
    #[default]
    Effects,
    /// Every call.
    All,
    /// None; the operating system decides when the bytes reach the disk. A power failure may lose entries.
    Buffered,
}

/// Why the log cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuditError {
    #[error("audit log `{path}`: {error}; check that the folder exists, is writable and has room")]
    Open { path: PathBuf, error: Arc<io::Error> },
    #[error("audit log `{path}` is in use by another process; give this one its own log")]
    InUse { path: PathBuf },
    #[error("audit log `{path}` does not verify: {fault}; keep the file for investigation and start a new log")]
    Corrupt { path: PathBuf, fault: Fault },
    #[error(
        "audit log `{path}` is not the one that was signed: {what}; keep it and the folder beside it for investigation and start a new log"
    )]
    NotSigned { path: PathBuf, what: String },
    #[error("the audit log cannot be written ({0}); calls are refused until it can")]
    Unavailable(Arc<str>),
}

/// Reads back what an in-memory log has written so far.
#[derive(Clone, Debug, Default)]
pub struct MemoryLog {
    pub(super) bytes: Arc<Mutex<Vec<u8>>>,
}

/// The log bound to one run.
pub(crate) struct RunLog {
    log: AuditLog,
    context: Arc<RunContext>,
    clock: Arc<dyn Clock>,
}

struct Inner {
    shared: Arc<Shared>,
    durability: Durability,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What appenders and the writer's thread share.
pub(super) struct Shared {
    pub(super) queue: Mutex<Queue>,
    /// Wakes the writer.
    pub(super) work: Condvar,
    /// Wakes appenders that wait for room.
    pub(super) room: Condvar,
    /// The first sequence number that is not yet on stable storage, or the failure.
    pub(super) progress: watch::Sender<Progress>,
}

#[derive(Default)]
pub(super) struct Queue {
    pub(super) events: VecDeque<Event>,
    /// The sequence number that the next event gets.
    pub(super) next: u64,
    /// Somebody waits for every event below this one.
    pub(super) wanted: u64,
    /// The writer waits for work and has to be woken.
    pub(super) asleep: bool,
    pub(super) closing: bool,
    pub(super) failed: Option<Arc<str>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub(super) durable_below: u64,
    pub(super) failed: Option<Arc<str>>,
}

impl AuditLog {
    /// Opens or creates the log at `path`, alone: the file stays locked while the log is open.
    ///
    /// The end of the chain is verified first, 4 MiB of it; [`verify`](super::verify) checks a whole log. A torn last
    /// line, which no call was ever acknowledged for, is cut off, and the cut is recorded; so is how many entries of a signed log
    /// had not been signed yet.
    ///
    /// # Errors
    /// When the file cannot be opened, is locked by another process, or does not verify.
    pub fn open(path: &Path, options: AuditOptions, clock: &dyn Clock) -> Result<AuditLog, AuditError> {
        let failed = |error: io::Error| AuditError::Open { path: path.to_owned(), error: Arc::new(error) };
        let file = open_private(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(AuditError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let summary = verify::verify_tail(&file).map_err(failed)?;
        if let Some(fault) = summary.fault {
            return Err(AuditError::Corrupt { path: path.to_owned(), fault });
        }
        let published = options.signer.map(|signer| published(path, &file, &signer, &summary)).transpose()?;
        if summary.torn_bytes > 0 {
            file.set_len(summary.bytes).and_then(|()| file.sync_data()).map_err(failed)?;
        }
        let recovered =
            Body::Recovered { bytes: summary.torn_bytes, unsigned: published.as_ref().map_or(0, Published::adopted) };
        let sink = Sink::File(file);
        let log =
            AuditLog::start(sink, summary.entries, summary.head, options.durability, published).map_err(failed)?;
        if !matches!(recovered, Body::Recovered { bytes: 0, unsigned: 0 }) {
            log.append(Event { at: clock.now(), run: None, body: recovered })?;
        }
        Ok(log)
    }

    /// Opens the first log of `folder` that no other process uses: `log.jsonl`, `log-2.jsonl`, … up to 64.
    ///
    /// # Errors
    /// As [`open`](AuditLog::open); `InUse` only when all 64 are taken.
    pub fn open_in(folder: &Path, options: AuditOptions, clock: &dyn Clock) -> Result<AuditLog, AuditError> {
        let names = (1..=64).map(|n| if n == 1 { "log.jsonl".to_owned() } else { format!("log-{n}.jsonl") });
        let mut result = Err(AuditError::InUse { path: folder.to_owned() });
        for name in names {
            result = AuditLog::open(&folder.join(name), options.clone(), clock);
            if !matches!(result, Err(AuditError::InUse { .. })) {
                break;
            }
        }
        result
    }

    /// A log that lives and dies with the process, for tests and for embedders who ship entries elsewhere. It waits for
    /// nothing, as if opened with [`Durability::Buffered`].
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn in_memory() -> Result<(AuditLog, MemoryLog), AuditError> {
        let memory = MemoryLog::default();
        let sink = Sink::Memory(Arc::clone(&memory.bytes));
        let failed = |error| AuditError::Open { path: "(memory)".into(), error: Arc::new(error) };
        let log = AuditLog::start(sink, 0, HEXLOWER.encode(&GENESIS), Durability::Buffered, None).map_err(failed)?;
        Ok((log, memory))
    }

    /// Records that an agent's token was accepted or refused.
    ///
    /// # Errors
    /// When the log cannot take it: the caller must refuse the token.
    pub fn authentication(&self, what: Authentication, clock: &dyn Clock) -> Result<(), AuditError> {
        self.append(Event { at: clock.now(), run: None, body: Body::Authentication(what) }).map(drop)
    }

    /// Records what an administrator does. Texts are recorded as untrusted.
    ///
    /// # Errors
    /// When the log cannot take it: what gives authority must not be done then.
    pub fn administration(&self, what: Administration, clock: &dyn Clock) -> Result<(), AuditError> {
        let plain = |text: String| Untrusted(&text).to_string();
        let what = Administration {
            target: plain(what.target),
            reason: what.reason.map(plain),
            by: plain(what.by),
            failed: what.failed.map(plain),
            ..what
        };
        self.append(Event { at: clock.now(), run: None, body: Body::Administration(what) }).map(drop)
    }

    /// Waits until everything appended so far is on stable storage.
    ///
    /// # Errors
    /// When it never will be.
    pub async fn flush(&self) -> Result<(), AuditError> {
        let next = self.queue().next;
        self.durable_below(next).await
    }

    fn start(
        sink: Sink,
        next: u64,
        head: String,
        durability: Durability,
        published: Option<Published>,
    ) -> io::Result<AuditLog> {
        let progress = watch::Sender::new(Progress { durable_below: next, failed: None });
        let queue = Queue { next, wanted: next, ..Queue::default() };
        let shared =
            Arc::new(Shared { queue: Mutex::new(queue), work: Condvar::new(), room: Condvar::new(), progress });
        let writer = Writer::new(Arc::clone(&shared), sink, next, head, durability != Durability::Buffered, published);
        let thread = thread::Builder::new().name("audit-log".into()).spawn(move || writer.run())?;
        Ok(AuditLog { inner: Arc::new(Inner { shared, durability, thread: Mutex::new(Some(thread)) }) })
    }

    /// Appends an event and returns its sequence number. Waits while the queue is full.
    pub(crate) fn append(&self, event: Event) -> Result<u64, AuditError> {
        let shared = &self.inner.shared;
        let mut queue = self.queue();
        while queue.events.len() >= QUEUE && queue.failed.is_none() {
            shared.work.notify_one();
            queue = shared.room.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(reason) = &queue.failed {
            return Err(AuditError::Unavailable(Arc::clone(reason)));
        }
        let seq = queue.next;
        queue.next = seq.saturating_add(1);
        queue.events.push_back(event);
        // A wake-up costs more than the append, so only a writer that sleeps gets one.
        if queue.asleep {
            queue.asleep = false;
            shared.work.notify_one();
        }
        Ok(seq)
    }

    async fn durable_below(&self, next: u64) -> Result<(), AuditError> {
        let mut progress = self.inner.shared.progress.subscribe();
        {
            let mut queue = self.queue();
            queue.wanted = queue.wanted.max(next);
            queue.asleep = false;
            self.inner.shared.work.notify_one();
        }
        let reached = progress.wait_for(|now| now.durable_below >= next || now.failed.is_some()).await;
        match reached.map(|now| now.failed.clone().filter(|_| now.durable_below < next)) {
            Ok(None) => Ok(()),
            Ok(Some(reason)) => Err(AuditError::Unavailable(reason)),
            Err(_closed) => Err(AuditError::Unavailable("its writer is gone".into())),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.inner.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunLog {
    pub(crate) fn new(log: AuditLog, context: RunContext, clock: Arc<dyn Clock>) -> RunLog {
        RunLog { log, context: Arc::new(context), clock }
    }

    pub(crate) fn append(&self, body: Body) -> Result<u64, AuditError> {
        self.log.append(Event { at: self.clock.now(), run: Some(Arc::clone(&self.context)), body })
    }

    pub(crate) async fn durable(&self, seq: u64) -> Result<(), AuditError> {
        self.log.durable_below(seq.saturating_add(1)).await
    }

    /// The span of a call.
    pub(crate) fn trace(&self, call: u64) -> TraceContext {
        let started_by = self.context.traceparent.as_deref().and_then(|text| text.parse().ok());
        TraceContext::of_call(&self.context.run, call, started_by.as_ref())
    }

    pub(crate) fn must_wait(&self, effect: Effect) -> bool {
        match self.durability() {
            Durability::All => true,
            Durability::Effects => effect == Effect::World,
            Durability::Buffered => false,
        }
    }

    pub(crate) fn durability(&self) -> Durability {
        self.log.inner.durability
    }
}

impl MemoryLog {
    /// The lines written so far; [`AuditLog::flush`] first for all that were appended.
    pub fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).closing = true;
        self.shared.work.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // INVARIANT: the writer never holds an `AuditLog`, so it never joins itself.
            let _ = thread.join();
        }
    }
}

/// The tree and checkpoints of the log at `path`, in which `summary` was found.
fn published(path: &Path, log: &File, signer: &Signer, summary: &Summary) -> Result<Published, AuditError> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let wrong = |what: String| AuditError::NotSigned { path: path.to_owned(), what };
    if path.extension().is_none_or(|extension| extension != "jsonl") {
        return Err(wrong(
            "the name of a signed log ends with `.jsonl`, and its tree is in the folder without that".into(),
        ));
    }
    let signer = signer.of_log(&name).map_err(|error| wrong(error.to_string()))?;
    let published = Published::open(path, log, summary.torn_bytes, signer).map_err(|unfit| match unfit {
        Unfit::Io(error) => AuditError::Open { path: path.to_owned(), error: Arc::new(error) },
        Unfit::Wrong(what) => wrong(what),
    })?;
    match published.size() {
        size if size == summary.entries => Ok(published),
        size => Err(wrong(format!(
            "it has {} entries, and its checkpoint covers {size}: its end was cut off",
            summary.entries
        ))),
    }
}

/// Creates the file readable and writable by its owner only; an existing file keeps its mode.
fn open_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}
