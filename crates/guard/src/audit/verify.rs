//! Reads a log back and says whether it is whole.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, BufRead, Read};

use serde::Deserialize;

use super::writer::seal;

/// The hash before the first entry.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A longer line was not written by this log.
const MAX_LINE: u64 = 1024 * 1024;

/// What a log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Whole entries before the end or the first fault.
    pub entries: u64,
    /// Bytes that those take.
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
    /// Line number, from 1.
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
/// a file that was rewritten as a whole: that needs a signature or a copy of the head kept elsewhere.
///
/// # Errors
/// When `log` cannot be read; a fault in its content is in the [`Summary`].
pub fn verify(mut log: impl BufRead) -> io::Result<Summary> {
    let mut summary =
        Summary { entries: 0, bytes: 0, head: GENESIS.to_owned(), torn_bytes: 0, dangling: Vec::new(), fault: None };
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
        match check(text, summary.entries, &summary.head) {
            Ok((entry, hash)) => {
                summary.head = hash;
                follow(&mut open, &entry);
            }
            Err(what) => {
                summary.fault = Some(Fault { line: summary.entries + 1, what });
                break;
            }
        }
        summary.entries += 1;
        summary.bytes += read as u64;
    }
    summary.dangling = open.into_iter().collect();
    Ok(summary)
}

fn check(line: &[u8], seq: u64, head: &str) -> Result<(Entry, String), &'static str> {
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
    if entry.prev != head {
        return Err("the entry does not follow the one before it");
    }
    if entry.seq != seq {
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
