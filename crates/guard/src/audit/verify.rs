//! Reads a log back and says whether it is whole.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use data_encoding::HEXLOWER;

use super::blocks::{Block, Blocks, Line, Step, TOO_LONG, check_all};
use crate::tlog::{Hash, MAX_ENTRY};

/// The hash before the first entry.
pub(super) const GENESIS: [u8; 32] = [0; 32];

/// A longer line, with its break, was not written by this log.
pub(super) const MAX_LINE: u64 = MAX_ENTRY as u64 + 1;

/// How much of a log is verified when it is opened: its end, where a crash leaves traces.
const TAIL: u64 = 4 << 20;

/// Bytes of calls without an outcome that are followed. A log of ours has a few; whoever writes one to make us run out of
/// memory could have any number.
const MAX_OPEN: usize = 8 << 20;

/// Bytes that one of them takes besides its run.
const OPEN: usize = 96;

/// What a log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Whole entries before the end or the first fault.
    pub entries: u64,
    /// Bytes before the end or the first fault.
    pub bytes: u64,
    /// Hash of the last of them, in hex.
    pub head: String,
    /// Bytes of a last line that has no end: a crash while it was written, before any call was acknowledged for it.
    pub torn_bytes: u64,
    /// Calls that were begun and whose outcome is not on record, as (run, call).
    pub dangling: Vec<(String, u64)>,
    /// There were so many of them at a time that not all could be followed.
    pub more_dangling: bool,
    /// The first entry that is not as it was written.
    pub fault: Option<Fault>,
}

/// The first thing wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line number, from 1; counted as if every entry before what was verified had one line.
    pub line: u64,
    pub what: &'static str,
}

/// Verifies a log from its first byte: that every entry is canonical JSON, its hash, its link to the one before it, and the
/// numbering.
///
/// It finds what was changed, removed, inserted or reordered. It cannot find a tail that was cut off at a line's end, or
/// a file that was rewritten as a whole: [`verify_signed`](super::verify_signed) does.
///
/// # Errors
/// When `log` cannot be read; a fault in its content is in the [`Summary`].
pub fn verify(log: impl Read) -> io::Result<Summary> {
    let mut chain = Chain::from(0, GENESIS);
    chain.follow_file(log, |_| {})?;
    Ok(chain.summary())
}

/// Verifies the last 4 MiB of a log, or all of one that is smaller, so that opening a log costs the same however long it
/// is. `entries` and `bytes` of the summary are those of the whole log.
pub(super) fn verify_tail(mut log: &File) -> io::Result<Summary> {
    let start = log.metadata()?.len().saturating_sub(TAIL);
    log.seek(SeekFrom::Start(start))?;
    let mut tail = BufReader::new(log);
    if start == 0 {
        return verify(tail);
    }
    // The rest of a line whose beginning is out of sight.
    let skipped = tail.by_ref().take(MAX_LINE).skip_until(b'\n')?;
    let mut chain = Chain::somewhere();
    chain.follow_file(tail, |_| {})?;
    let mut summary = chain.summary();
    summary.bytes = summary.bytes.saturating_add(start).saturating_add(skipped as u64);
    Ok(summary)
}

/// A chain, as far as it was followed.
pub(super) struct Chain {
    entries: u64,
    bytes: u64,
    head: [u8; 32],
    /// The next entry must follow `head`; before the first entry of a log's end it may be any.
    anchored: bool,
    torn_bytes: u64,
    open: Open,
    fault: Option<Fault>,
}

/// Calls that were begun and have not ended.
#[derive(Default)]
struct Open {
    calls: BTreeSet<(Box<str>, u64)>,
    bytes: usize,
    more: bool,
}

impl Chain {
    /// From the entry number `entries`, before which the hash was `head`.
    pub(super) fn from(entries: u64, head: [u8; 32]) -> Chain {
        Chain { entries, bytes: 0, head, anchored: true, torn_bytes: 0, open: Open::default(), fault: None }
    }

    /// From whatever the first entry says.
    fn somewhere() -> Chain {
        Chain { anchored: false, ..Chain::from(0, GENESIS) }
    }

    /// Follows a file to its end or to the first fault, and shows every entry's leaf to `each`.
    pub(super) fn follow_file(&mut self, log: impl Read, each: impl FnMut(Hash)) -> io::Result<()> {
        let mut blocks = Blocks::new(log);
        self.follow(|| blocks.next(), each)?;
        match blocks.torn() {
            _ if self.fault.is_some() => {}
            torn if torn > MAX_ENTRY as u64 => self.fault = Some(self.fault_here(TOO_LONG)),
            torn => self.torn_bytes = torn,
        }
        if !self.anchored && self.fault.is_none() {
            self.fault = Some(Fault { line: 1, what: "there is no entry" });
        }
        Ok(())
    }

    /// The same with blocks of whole lines.
    pub(super) fn follow(
        &mut self,
        next: impl FnMut() -> io::Result<Option<Vec<u8>>>,
        mut each: impl FnMut(Hash),
    ) -> io::Result<()> {
        check_all(next, |Block { lines, fault }| {
            for line in lines {
                let leaf = line.leaf;
                if let Err(what) = self.link(line) {
                    self.fault = Some(self.fault_here(what));
                    return ControlFlow::Break(());
                }
                each(leaf);
            }
            self.fault = fault.map(|what| self.fault_here(what));
            if self.fault.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }

    /// Adds an entry if it follows the ones before.
    fn link(&mut self, line: Line) -> Result<(), &'static str> {
        if self.anchored && line.prev != self.head {
            return Err("the entry does not follow the one before it");
        }
        if self.anchored && line.seq != self.entries {
            return Err("the sequence number is wrong");
        }
        self.anchored = true;
        self.entries = line.seq.saturating_add(1);
        self.head = line.hash;
        self.bytes = self.bytes.saturating_add(line.length);
        match line.step {
            Some(Step::Begun(run, call)) => self.open.begin(run, call),
            Some(Step::Ended(run, call)) => self.open.end(run, call),
            None => {}
        }
        Ok(())
    }

    fn fault_here(&self, what: &'static str) -> Fault {
        Fault { line: self.entries.saturating_add(1), what }
    }

    pub(super) fn summary(self) -> Summary {
        Summary {
            entries: self.entries,
            bytes: self.bytes,
            head: HEXLOWER.encode(&self.head),
            torn_bytes: self.torn_bytes,
            dangling: self.open.calls.into_iter().map(|(run, call)| (unescaped(&run), call)).collect(),
            more_dangling: self.open.more,
            fault: self.fault,
        }
    }
}

impl Open {
    fn begin(&mut self, run: Box<str>, call: u64) {
        let bytes = self.bytes.saturating_add(run.len()).saturating_add(OPEN);
        if bytes > MAX_OPEN {
            self.more = true;
        } else if self.calls.insert((run, call)) {
            self.bytes = bytes;
        }
    }

    fn end(&mut self, run: Box<str>, call: u64) {
        let length = run.len().saturating_add(OPEN);
        if self.calls.remove(&(run, call)) {
            self.bytes = self.bytes.saturating_sub(length);
        }
    }
}

/// What a text says that is written with JSON's escapes.
fn unescaped(text: &str) -> String {
    serde_json::from_str(&format!("\"{text}\"")).unwrap_or_else(|_| text.to_owned())
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}
