//! The log's own thread: takes what is queued, encodes, chains, writes, syncs, in groups.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::event::Event;
use super::log::{Progress, QUEUE, Shared};

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
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, sink: Sink, next: u64, head: String, sync: bool) -> Writer {
        Writer { shared, sink, next, head, sync }
    }

    pub(super) fn run(mut self) {
        // Whatever ends this thread, appenders must not wait for it.
        let _gone = FailOnDrop(Arc::clone(&self.shared));
        while let Some(batch) = self.gather() {
            match self.write(batch) {
                Ok(()) => {
                    let progress = Progress { durable_below: self.next, failed: None };
                    self.shared.progress.send_replace(progress);
                }
                Err(error) => return self.shared.fail(&error.to_string()),
            }
        }
    }

    /// Waits for work, then a little for more of it. `None` when the log is closed and empty.
    fn gather(&self) -> Option<VecDeque<Event>> {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        while queue.events.is_empty() && !queue.closing {
            queue.asleep = true;
            queue = self.shared.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
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
        let mut bytes = Vec::with_capacity(batch.len().saturating_mul(512));
        for event in batch {
            let line = event.encode(self.next, &self.head).map_err(io::Error::other)?;
            self.head = seal(&line);
            // `line` ends with the brace that the hash goes before.
            bytes.extend_from_slice(line.strip_suffix(b"}").unwrap_or(&line));
            bytes.extend_from_slice(b",\"hash\":\"");
            bytes.extend_from_slice(self.head.as_bytes());
            bytes.extend_from_slice(b"\"}\n");
            self.next = self.next.saturating_add(1);
        }
        match &mut self.sink {
            Sink::File(file) => {
                file.write_all(&bytes)?;
                if self.sync { file.sync_data() } else { Ok(()) }
            }
            Sink::Memory(memory) => {
                memory.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes);
                Ok(())
            }
        }
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

/// The hash of an entry: SHA-256 over its line without the hash, which holds the previous entry's hash.
pub(super) fn seal(line: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(line))
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
