//! Reads a log back and says whether it is whole.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use serde::Deserialize;

use super::writer::seal;

/// The hash before the first entry.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A longer line was not written by this log.
pub(super) const MAX_LINE: u64 = 1024 * 1024;

/// How much of a log is verified when it is opened: its end, where a crash leaves traces.
const TAIL: u64 = 4 * MAX_LINE;

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

#[derive(Deserialize)]
struct Entry {
    seq: u64,
    prev: String,
    #[serde(rename = "type")]
    kind: String,
    call: Option<u64>,
    decision: Option<String>,
    context: Option<Context>,
}

#[derive(Deserialize)]
struct Context {
    run: String,
}

/// Verifies a log from its first byte: every entry's hash, its link to the one before it, and the numbering.
///
/// It finds what was changed, removed, inserted or reordered. It cannot find a tail that was cut off at a line's end, or
/// a file that was rewritten as a whole: [`verify_signed`](super::verify_signed) does.
///
/// # Errors
/// When `log` cannot be read; a fault in its content is in the [`Summary`].
pub fn verify(log: impl BufRead) -> io::Result<Summary> {
    verify_each(log, |_| {})
}

/// The same, and shows every line that verifies to `each`, without its break.
pub(super) fn verify_each(log: impl BufRead, each: impl FnMut(&[u8])) -> io::Result<Summary> {
    follow_chain(log, Some((0, GENESIS.to_owned())), each)
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
    let mut summary = follow_chain(tail, None, |_| {})?;
    summary.bytes = summary.bytes.saturating_add(start).saturating_add(skipped as u64);
    Ok(summary)
}

/// Follows a chain from (sequence number, hash before it), or from whatever its first entry says.
fn follow_chain(
    mut log: impl BufRead,
    from: Option<(u64, String)>,
    mut each: impl FnMut(&[u8]),
) -> io::Result<Summary> {
    let mut anchored = from.is_some();
    let (entries, head) = from.unwrap_or_default();
    let mut summary = Summary { entries, bytes: 0, head, torn_bytes: 0, dangling: Vec::new(), fault: None };
    let mut open = BTreeSet::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = log.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        let Some(text) = line.strip_suffix(b"\n") else {
            if read as u64 == MAX_LINE {
                summary.fault = Some(Fault { line: summary.entries + 1, what: "the line is too long" });
            } else {
                summary.torn_bytes = read as u64;
            }
            break;
        };
        let expected = anchored.then_some((summary.entries, summary.head.as_str()));
        match check(text, expected) {
            Ok((entry, hash)) => {
                anchored = true;
                summary.entries = entry.seq;
                summary.head = hash;
                follow(&mut open, &entry);
                each(text);
            }
            Err(what) => {
                summary.fault = Some(Fault { line: summary.entries + 1, what });
                break;
            }
        }
        summary.entries += 1;
        summary.bytes += read as u64;
    }
    if !anchored && summary.fault.is_none() {
        summary.fault = Some(Fault { line: 1, what: "there is no entry" });
    }
    summary.dangling = open.into_iter().collect();
    Ok(summary)
}

/// Checks a line by itself, and against the sequence number and hash that it must follow.
fn check(line: &[u8], expected: Option<(u64, &str)>) -> Result<(Entry, String), &'static str> {
    const TAIL: usize = ",\"hash\":\"".len() + 64 + "\"}".len();
    let at = line.len().checked_sub(TAIL).ok_or("the line is too short for an entry")?;
    let (content, tail) = line.split_at_checked(at).ok_or("the line is too short for an entry")?;
    let hash = tail
        .strip_prefix(b",\"hash\":\"")
        .and_then(|rest| rest.strip_suffix(b"\"}"))
        .ok_or("the line does not end with a hash")?;
    let sealed = seal(&[content, b"}"].concat());
    if sealed.as_bytes() != hash {
        return Err("the entry is not the one that was hashed");
    }
    let entry: Entry = serde_json::from_slice(line).map_err(|_| "the line is not an entry")?;
    if expected.is_some_and(|(_, head)| entry.prev != head) {
        return Err("the entry does not follow the one before it");
    }
    if expected.is_some_and(|(seq, _)| entry.seq != seq) || entry.seq == u64::MAX {
        return Err("the sequence number is wrong");
    }
    Ok((entry, sealed))
}

fn follow(open: &mut BTreeSet<(String, u64)>, entry: &Entry) {
    let (Some(call), Some(context)) = (entry.call, &entry.context) else { return };
    let key = (context.run.clone(), call);
    match entry.kind.as_str() {
        "intent" if entry.decision.as_deref() == Some("allow") => {
            open.insert(key);
        }
        "outcome" => {
            open.remove(&key);
        }
        _ => {}
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}
