//! The log's own thread: takes what is queued, encodes, chains, writes, syncs, in groups.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::canonical::Entry;
use super::event::Event;
use super::log::{Progress, QUEUE, Shared};
use super::published::Published;
use crate::tlog::MAX_ENTRY;

/// How long an entry that nobody waits for may stay in memory.
const GATHER: Duration = Duration::from_millis(50);

pub(super) enum Sink {
    File(File),
    Memory(Arc<Mutex<Vec<u8>>>),
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    sink: Sink,
    next: u64,
    /// Hash of the last entry, in hex.
    head: String,
    sync: bool,
    /// The tree and its checkpoints, when the log is signed.
    published: Option<Published>,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        sink: Sink,
        next: u64,
        head: String,
        sync: bool,
        published: Option<Published>,
    ) -> Writer {
        Writer { shared, sink, next, head, sync, published }
    }

    pub(super) fn run(mut self) {
        // Whatever ends this thread, appenders must not wait for it.
        let _gone = FailOnDrop(Arc::clone(&self.shared));
        loop {
            let batch = self.gather();
            let closed = batch.is_none();
            match self.write(batch.unwrap_or_default()) {
                Ok(()) => {
                    let progress = Progress { durable_below: self.next, failed: None };
                    self.shared.progress.send_replace(progress);
                }
                Err(error) => {
                    tracing::warn!(%error, "the audit log cannot be written any more; calls are refused");
                    return self.shared.fail(&error.to_string());
                }
            }
            if let Err(error) = self.publish(closed) {
                tracing::warn!(%error, "the audit log's checkpoint cannot be written; calls are refused");
                return self.shared.fail(&format!("its checkpoint: {error}"));
            }
            if closed {
                return;
            }
        }
    }

    /// Signs a checkpoint when one is due, and when the log is closed.
    fn publish(&mut self, closed: bool) -> io::Result<()> {
        match &mut self.published {
            Some(published) if closed || published.due_in().is_some_and(|rest| rest.is_zero()) => {
                // INVARIANT: a checkpoint covers only what is on stable storage, also where calls do not wait for that.
                if let (Sink::File(file), false) = (&self.sink, self.sync) {
                    file.sync_data()?;
                }
                published.publish(closed)
            }
            _ => Ok(()),
        }
    }

    /// Waits for work, then a little for more of it; no longer than until a checkpoint is due. `None` when the log is closed
    /// and empty.
    fn gather(&self) -> Option<VecDeque<Event>> {
        let due = self.published.as_ref().and_then(Published::due_in);
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        while queue.events.is_empty() && !queue.closing {
            queue.asleep = true;
            let Some(due) = due else {
                queue = self.shared.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let waited = self.shared.work.wait_timeout(queue, due).unwrap_or_else(PoisonError::into_inner);
            queue = waited.0;
            if queue.events.is_empty() && !queue.closing && waited.1.timed_out() {
                queue.asleep = false;
                return Some(VecDeque::new());
            }
        }
        queue.asleep = false;
        let waits = self.shared.work.wait_timeout_while(queue, GATHER, |queue| {
            !queue.closing && queue.wanted <= self.next && queue.events.len() < QUEUE / 2
        });
        let (mut queue, _timeout) = waits.unwrap_or_else(PoisonError::into_inner);
        let batch = std::mem::take(&mut queue.events);
        self.shared.room.notify_all();
        (!batch.is_empty()).then_some(batch)
    }

    fn write(&mut self, batch: VecDeque<Event>) -> io::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(batch.len().saturating_mul(512));
        for event in batch {
            let entry = event.encode(self.next, &self.head).map_err(io::Error::other)?;
            self.head = HEXLOWER.encode(&Sha256::digest(&entry.line));
            let line = entry.seal(&self.head);
            // INVARIANT: what is in the file verifies and fits into a bundle, or the log could not be gone on with.
            if line.len() > MAX_ENTRY {
                return Err(io::Error::other(format!("an entry of {} bytes is too long for it", line.len())));
            }
            Entry::of(&line).map_err(io::Error::other)?;
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
            self.next = self.next.saturating_add(1);
        }
        match &mut self.sink {
            Sink::File(file) => {
                file.write_all(&bytes)?;
                if self.sync {
                    file.sync_data()?;
                }
            }
            Sink::Memory(memory) => {
                memory.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes);
            }
        }
        // INVARIANT: the tree never has an entry that the file may lose.
        let Some(published) = &mut self.published else { return Ok(()) };
        let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.try_for_each(|line| published.append(line))
    }
}

impl Shared {
    /// Refuses every append from now on, and wakes whoever waits.
    fn fail(&self, reason: &str) {
        let reason: Arc<str> = reason.into();
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.failed.get_or_insert_with(|| Arc::clone(&reason));
        queue.events.clear();
        self.room.notify_all();
        drop(queue);
        self.progress.send_modify(|progress| progress.failed = Some(reason));
    }
}

struct FailOnDrop(Arc<Shared>);

impl Drop for FailOnDrop {
    fn drop(&mut self) {
        let failed = self.0.progress.borrow().failed.is_some();
        if !failed {
            self.0.fail("the log is closed");
        }
    }
}
