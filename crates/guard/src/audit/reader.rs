//! A log as it is read back: entry by entry, typed, in bounded memory.
//!
//! Reading is not verifying: [`verify`](super::verify) says whether a log is as it was written, [`Entries`] says what is in it.
//! Members that a later version adds are passed over, and an entry of a type that it adds is [`EntryBody::Other`].

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use bailiwick_policy::Decision;
use serde::{Deserialize, Deserializer};

use crate::tlog::MAX_ENTRY;
use crate::{Timestamp, TraceContext};

/// One entry of a log, whoever wrote it: nothing in it is trusted, and its texts are to be shown as
/// [`Untrusted`](crate::untrusted::Untrusted).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in its log, from 0.
    pub seq: u64,
    pub at: Timestamp,
    /// Its own hash, 64 characters of hex when it is as it was written; empty when it has none.
    pub hash: String,
    /// The run that it belongs to, if it does.
    pub context: Option<Context>,
    pub body: EntryBody,
}

/// The run that an entry belongs to. Texts that are absent are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Context {
    /// UUIDv7.
    pub run: String,
    #[serde(default)]
    pub task: Option<String>,
    #[serde(default)]
    pub agent: String,
    #[serde(default)]
    pub issuer: String,
    #[serde(default)]
    pub subject: String,
    /// SHA-256 of the manifest, in hex.
    #[serde(default)]
    pub manifest: String,
    /// SHA-256 of the guest's bytes, in hex.
    #[serde(default)]
    pub module: String,
    /// SHA-256 of the interpreter, in hex, when the guest is source text.
    #[serde(default)]
    pub interpreter: Option<String>,
    /// SHA-256 of everything that was granted, in hex.
    #[serde(default)]
    pub grant: String,
    /// The span that started the run. One that is not well-formed is none.
    #[serde(default, rename = "traceparent", deserialize_with = "trace")]
    pub trace: Option<TraceContext>,
}

/// A call that a guest asked for, and what was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Position in the run, from 1.
    pub call: u64,
    /// Kind and action, `file.read`.
    pub action: String,
    pub resource: String,
    pub decision: Decision,
    pub code: String,
    /// The deciding rule's id, and its place as `file:line`.
    pub rule: Option<String>,
    pub location: Option<String>,
}

/// What an entry says. Words are kept as they were written; [`bailiwick_policy::Code`] lists the codes of this version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryBody {
    RunStarted {
        /// The agent's own words.
        rationale: Option<String>,
    },
    Intent(Intent),
    Outcome {
        call: u64,
        /// `done`, `denied`, `failed`, `limit` or `abandoned`.
        outcome: String,
        code: Option<String>,
    },
    RunEnded {
        /// How, as in the report's `stop.kind`; `abandoned` when nobody said.
        stop: String,
        calls: u64,
        /// Fuel that it used, where that is known.
        fuel: Option<u64>,
        /// SHA-256 of the run's journal, in hex.
        journal: Option<String>,
    },
    Authentication {
        issuer: String,
        agent: String,
        /// SHA-256 of the token's `jti`, in hex.
        jti: String,
        /// Who acts for the agent, the one that presented the token first.
        actors: Vec<String>,
        /// `allow`, or why it was refused.
        code: String,
    },
    Administration {
        act: String,
        target: String,
        reason: Option<String>,
        by: String,
        failed: Option<String>,
    },
    Recovered {
        bytes: u64,
        unsigned: u64,
    },
    /// Something that this version does not know.
    Other {
        kind: String,
    },
}

/// Why an entry, or the rest of a log, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("line {line}: longer than the {MAX_ENTRY} bytes of an entry")]
    TooLong { line: u64 },
    #[error("line {line} is no entry: {what}; `bailiwick audit verify` says whether the log was altered")]
    NotAnEntry { line: u64, what: String },
    #[error("line {line}: {error}")]
    Io { line: u64, error: io::Error },
}

/// Reads the entries of a log, in their order, with one line of at most 65,535 bytes in memory.
///
/// A line that is no entry is an error in its place, and the next call goes on after it. The end is not the end for good: a
/// log that is still written has more to read later, and the beginning of a line that has no break yet waits for its rest. So
/// a reader that gave `None` may be asked again.
///
/// ```
/// use bailiwick_guard::audit::{Entries, EntryBody};
///
/// let log = br#"{"seq":0,"prev":"0","at":"2026-11-23T07:09:01.572Z","type":"recovered","bytes":7,"more":1,"hash":"f"}
/// "#;
/// let mut entries = Entries::new(&log[..]);
/// let entry = entries.next().unwrap().unwrap();
/// assert_eq!(entry.body, EntryBody::Recovered { bytes: 7, unsigned: 0 });
/// assert!(entries.line().starts_with(b"{\"seq\":0"));
/// assert!(entries.next().is_none());
/// ```
#[derive(Debug)]
pub struct Entries<R> {
    log: R,
    /// The line that was read last, or the beginning of the next.
    line: Vec<u8>,
    /// Whether `line` has its break, which is cut off.
    whole: bool,
    /// Inside a line that is too long; what is left of it is passed over.
    skipping: bool,
    /// Lines that were begun, from 1.
    number: u64,
}

impl<R: BufRead> Entries<R> {
    pub fn new(log: R) -> Entries<R> {
        Entries { log, line: Vec::new(), whole: true, skipping: false, number: 0 }
    }

    /// The same from the middle of a log: what comes before the first line break is passed over.
    pub fn from_middle(log: R) -> Entries<R> {
        Entries { skipping: true, ..Entries::new(log) }
    }

    /// The line of the entry or the error that came last, without its break.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Reads on to a line's end. `Ok(false)`: there is no whole line yet.
    fn advance(&mut self) -> Result<bool, ReadError> {
        // A line's break comes on top.
        const MOST: usize = MAX_ENTRY + 1;
        loop {
            if self.skipping {
                self.line.clear();
                let failed = |error| ReadError::Io { line: self.number, error };
                let skipped = self.log.by_ref().take(MOST as u64).read_until(b'\n', &mut self.line).map_err(failed)?;
                if skipped == 0 {
                    return Ok(false);
                }
                self.skipping = self.line.last() != Some(&b'\n');
                continue;
            }
            if self.whole {
                self.line.clear();
                self.whole = false;
                self.number = self.number.saturating_add(1);
            }
            let room = MOST.saturating_sub(self.line.len()) as u64;
            let failed = |error| ReadError::Io { line: self.number, error };
            let read = self.log.by_ref().take(room).read_until(b'\n', &mut self.line).map_err(failed)?;
            if self.line.last() == Some(&b'\n') {
                self.line.pop();
                self.whole = true;
            } else if self.line.len() >= MOST {
                self.line.clear();
                (self.whole, self.skipping) = (true, true);
                return Err(ReadError::TooLong { line: self.number });
            } else if read == 0 {
                return Ok(false);
            }
            if self.whole {
                return Ok(true);
            }
        }
    }
}

impl<R: BufRead + Seek> Entries<R> {
    /// Goes back to the beginning of a line that has no break yet. Whoever opens a log after a crash cuts such a line off and
    /// writes another in its place, so a reader that waits for more goes back before it asks again.
    ///
    /// # Errors
    /// When the log cannot be sought in.
    pub fn go_back(&mut self) -> io::Result<()> {
        if self.whole || self.skipping {
            return Ok(());
        }
        let back = i64::try_from(self.line.len()).map_err(io::Error::other)?;
        self.log.seek(SeekFrom::Current(-back))?;
        self.line.clear();
        (self.whole, self.number) = (true, self.number.saturating_sub(1));
        Ok(())
    }
}

impl<R: BufRead> Iterator for Entries<R> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.advance() {
            Ok(false) => None,
            Ok(true) => {
                let line = self.number;
                Some(Entry::parse(&self.line).map_err(|what| ReadError::NotAnEntry { line, what }))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl Entry {
    /// Reads one line, with or without its break.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(line: &[u8]) -> Result<Entry, String> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.len() > MAX_ENTRY {
            return Err(format!("it is longer than {MAX_ENTRY} bytes"));
        }
        let line: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        line.entry().map_err(|member| format!("`{member}` is missing, or not what it should be"))
    }

    /// The `type` that it has in the log.
    pub fn kind(&self) -> &str {
        match &self.body {
            EntryBody::RunStarted { .. } => "run_started",
            EntryBody::Intent(_) => "intent",
            EntryBody::Outcome { .. } => "outcome",
            EntryBody::RunEnded { .. } => "run_ended",
            EntryBody::Authentication { .. } => "authentication",
            EntryBody::Administration { .. } => "administration",
            EntryBody::Recovered { .. } => "recovered",
            EntryBody::Other { kind } => kind,
        }
    }

    /// The id of the run that it belongs to.
    pub fn run(&self) -> Option<&str> {
        self.context.as_ref().map(|context| context.run.as_str())
    }

    /// The number of the call that it is about.
    pub fn call(&self) -> Option<u64> {
        match &self.body {
            EntryBody::Intent(Intent { call, .. }) | EntryBody::Outcome { call, .. } => Some(*call),
            _ => None,
        }
    }
}

/// Everything that a line may have; what it must have depends on its type.
#[derive(Deserialize)]
struct Line {
    seq: u64,
    at: String,
    #[serde(default)]
    hash: String,
    context: Option<Context>,
    #[serde(rename = "type")]
    kind: String,
    rationale: Option<String>,
    call: Option<u64>,
    action: Option<String>,
    resource: Option<String>,
    decision: Option<String>,
    code: Option<String>,
    rule: Option<String>,
    location: Option<String>,
    outcome: Option<String>,
    stop: Option<String>,
    calls: Option<u64>,
    fuel: Option<u64>,
    journal: Option<String>,
    issuer: Option<String>,
    agent: Option<String>,
    jti: Option<String>,
    #[serde(default)]
    actors: Vec<String>,
    act: Option<String>,
    target: Option<String>,
    reason: Option<String>,
    by: Option<String>,
    failed: Option<String>,
    bytes: Option<u64>,
    unsigned: Option<u64>,
}

impl Line {
    /// The entry, or the member that spoils it.
    fn entry(self) -> Result<Entry, &'static str> {
        let body = match self.kind.as_str() {
            "run_started" => EntryBody::RunStarted { rationale: self.rationale },
            "intent" => EntryBody::Intent(Intent {
                call: self.call.ok_or("call")?,
                action: self.action.ok_or("action")?,
                resource: self.resource.ok_or("resource")?,
                decision: self.decision.as_deref().and_then(decision).ok_or("decision")?,
                code: self.code.ok_or("code")?,
                rule: self.rule,
                location: self.location,
            }),
            "outcome" => EntryBody::Outcome {
                call: self.call.ok_or("call")?,
                outcome: self.outcome.ok_or("outcome")?,
                code: self.code,
            },
            "run_ended" => EntryBody::RunEnded {
                stop: self.stop.ok_or("stop")?,
                calls: self.calls.ok_or("calls")?,
                fuel: self.fuel,
                journal: self.journal,
            },
            "authentication" => EntryBody::Authentication {
                issuer: self.issuer.ok_or("issuer")?,
                agent: self.agent.ok_or("agent")?,
                jti: self.jti.ok_or("jti")?,
                actors: self.actors,
                code: self.code.ok_or("code")?,
            },
            "administration" => EntryBody::Administration {
                act: self.act.ok_or("act")?,
                target: self.target.ok_or("target")?,
                reason: self.reason,
                by: self.by.ok_or("by")?,
                failed: self.failed,
            },
            "recovered" => {
                EntryBody::Recovered { bytes: self.bytes.ok_or("bytes")?, unsigned: self.unsigned.unwrap_or_default() }
            }
            _ => EntryBody::Other { kind: self.kind },
        };
        let at = self.at.parse().map_err(|_| "at")?;
        Ok(Entry { seq: self.seq, at, hash: self.hash, context: self.context, body })
    }
}

fn trace<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TraceContext>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

fn decision(word: &str) -> Option<Decision> {
    [Decision::Allow, Decision::Ask, Decision::Deny].into_iter().find(|decision| decision.as_str() == word)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    const START: &str = r#""seq":3,"prev":"0","at":"2026-11-23T07:09:01.572Z""#;

    fn read(line: &str) -> Result<Entry, String> {
        Entry::parse(line.as_bytes())
    }

    #[test]
    fn members_may_come_in_any_order_and_more_of_them() {
        let entry = read(&format!(
            r#"{{"type":"intent","x":{{"y":[1]}},{START},"code":"allow","decision":"allow","resource":"/a","action":"file.read",
                "call":1,"context":{{"run":"r","new":null}},"hash":"f"}}"#
        ))
        .unwrap();
        assert_eq!((entry.seq, entry.at, entry.run()), (3, Timestamp(1_795_417_741_572), Some("r")));
        let EntryBody::Intent(Intent { call: 1, action, decision: Decision::Allow, rule: None, .. }) = &entry.body
        else {
            panic!("{entry:?}")
        };
        assert_eq!((action.as_str(), entry.kind(), entry.call()), ("file.read", "intent", Some(1)));
        let later = read(&format!(r#"{{{START},"type":"rotated","call":"x is not a number"}}"#));
        assert!(later.is_err(), "a known member of another type is no entry: {later:?}");
        let later = read(&format!(r#"{{{START},"type":"rotated"}}"#)).unwrap();
        assert_eq!((later.kind(), later.call(), later.run()), ("rotated", None, None));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (line, what) in [
            (format!(r#"{{{START},"type":"outcome","outcome":"done"}}"#), "`call`"),
            (format!(r#"{{{START},"type":"run_ended","stop":"finished"}}"#), "`calls`"),
            (
                format!(
                    r#"{{{START},"type":"intent","call":1,"action":"a","resource":"r","code":"c","decision":"maybe"}}"#
                ),
                "`decision`",
            ),
            (r#"{"seq":0,"at":"yesterday","type":"recovered","bytes":1}"#.to_owned(), "`at`"),
            (format!(r#"{{{START}}}"#), "`type`"),
            (format!(r#"{{{START},"seq":4,"type":"recovered","bytes":1}}"#), "`seq`"),
            (r#"{"at":"2026-11-23T07:09:01.572Z","type":"recovered","bytes":1}"#.to_owned(), "`seq`"),
        ] {
            let error = read(&line).unwrap_err();
            assert!(error.contains(what), "{line}: {error}");
        }
        for line in ["", "null", "[]", "{", "\u{0}", "{\"seq\":-1}"] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_bad_line_is_passed_over_and_an_unfinished_one_waits() {
        let good = format!(r#"{{{START},"type":"recovered","bytes":1}}"#);
        let long = "x".repeat(3 * MAX_ENTRY);
        let text = format!("{good}\nno entry\n{long}\n{good}\n{}", good.split_at(9).0);
        for capacity in [1, 7, 70_000] {
            let mut entries = Entries::new(BufReader::with_capacity(capacity, text.as_bytes()));
            assert!(entries.next().unwrap().is_ok() && entries.line() == good.as_bytes());
            assert!(matches!(entries.next(), Some(Err(ReadError::NotAnEntry { line: 2, .. }))));
            assert!(matches!(entries.next(), Some(Err(ReadError::TooLong { line: 3 }))));
            assert_eq!(entries.next().unwrap().unwrap().seq, 3);
            assert!(entries.next().is_none() && entries.next().is_none());
        }
        let mut middle = Entries::from_middle(text.as_bytes());
        assert!(matches!(middle.next(), Some(Err(ReadError::NotAnEntry { line: 1, .. }))));
    }

    #[test]
    fn a_log_that_grows_is_read_on() {
        let good = format!(r#"{{{START},"type":"recovered","bytes":1}}"#);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        std::fs::write(&path, &good).unwrap();
        let mut entries = Entries::new(BufReader::new(std::fs::File::open(&path).unwrap()));
        assert!(entries.next().is_none());
        std::fs::write(&path, format!("{good}\n{good}\n{{\"torn")).unwrap();
        assert_eq!((entries.next().unwrap().unwrap().seq, entries.next().unwrap().unwrap().seq), (3, 3));
        assert!(entries.next().is_none());
        // Another process cuts off what was torn, and goes on there.
        entries.go_back().unwrap();
        std::fs::write(&path, format!("{good}\n{good}\n{good}\nx\n")).unwrap();
        assert_eq!(entries.next().unwrap().unwrap().seq, 3);
        entries.go_back().unwrap();
        assert!(matches!(entries.next(), Some(Err(ReadError::NotAnEntry { line: 4, .. }))));
    }

    #[test]
    fn the_longest_entry_is_read() {
        let start = format!(r#"{{{START},"type":"recovered","bytes":1,"x":""#);
        for (length, fits) in [(MAX_ENTRY, true), (MAX_ENTRY + 1, false), (MAX_ENTRY + 2, false)] {
            let line = format!("{start}{}\"}}\n", "x".repeat(length - start.len() - 2));
            let mut entries = Entries::new(line.as_bytes());
            assert_eq!(entries.next().unwrap().is_ok(), fits, "{length}");
            assert!(entries.next().is_none());
        }
    }
}
