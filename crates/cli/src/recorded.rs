//! What the logs of this installation have on record, in the order of its times: read, and drawn for people.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anstyle::Style;
use bailiwick_guard::audit::{Calls, Entries, Entry, EntryBody, Intent, Query, ReadError};
use bailiwick_guard::{Clock, SystemClock, Timestamp};
use bailiwick_policy::Decision;

use crate::arguments::EntriesArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::log;
use crate::terminal::{self, BAD, BOLD, DIM, GOOD, NOTE, Untrusted, WARN};

/// Lines that are no entries are told one by one up to here.
const TOLD: u64 = 5;

/// Bytes of a log's end that are looked at first, for its last entries.
const END: u64 = 4 << 20;

/// The logs, read side by side.
pub(crate) struct Recorded {
    sources: Vec<Source>,
    calls: Calls,
    query: Query,
    /// Lines that are no entries.
    spoilt: u64,
    /// A log could not be read to its end.
    failed: Option<Failure>,
}

/// An entry, its line as it is in the log, and, of an outcome, what was intended and when.
pub(crate) struct Record {
    pub(crate) entry: Entry,
    pub(crate) line: Vec<u8>,
    pub(crate) intent: Option<(Timestamp, Intent)>,
}

struct Source {
    path: PathBuf,
    /// Device and inode: a log that was moved away is still the log that it was.
    identity: (u64, u64),
    entries: Entries<BufReader<File>>,
    /// The next one, which is not shown yet.
    next: Option<(Entry, Vec<u8>)>,
}

/// The logs that are meant.
pub(crate) struct Logs<'a> {
    host: &'a Configuration,
    named: Option<&'a Path>,
}

impl<'a> Logs<'a> {
    pub(crate) fn of(arguments: &'a EntriesArguments, host: &'a Configuration) -> Logs<'a> {
        Logs { host, named: arguments.log.as_deref() }
    }

    /// Those that are there. One that was named must be.
    fn open(&self) -> Result<Vec<(PathBuf, File)>, Failure> {
        let (paths, must) = match self.named {
            Some(path) => (vec![path.to_owned()], true),
            None => (log::paths(self.host)?, false),
        };
        let mut files = Vec::new();
        for path in paths {
            match File::open(&path) {
                Ok(file) => files.push((path, file)),
                // One that is gone is what `audit verify` finds.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !must => {}
                Err(error) => {
                    let message = format!("audit log `{}`: {error}", path.display());
                    return Err(if must { Failure::usage(message) } else { Failure::internal(message) });
                }
            }
        }
        Ok(files)
    }
}

/// The query that was typed, in one word or several.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn query(arguments: &EntriesArguments) -> Result<Query, Failure> {
    Query::parse(&arguments.query.join(" "), SystemClock.now()).map_err(Failure::usage)
}

impl Recorded {
    /// All that is on record.
    ///
    /// # Errors
    /// When a log cannot be opened.
    pub(crate) fn whole(logs: &Logs<'_>, query: Query) -> Result<Recorded, Failure> {
        Recorded::from_ends(logs, query, u64::MAX)
    }

    /// The last `bytes` of each log.
    fn from_ends(logs: &Logs<'_>, query: Query, bytes: u64) -> Result<Recorded, Failure> {
        let mut recorded = Recorded { sources: Vec::new(), calls: Calls::default(), query, spoilt: 0, failed: None };
        for (path, file) in logs.open()? {
            recorded.sources.push(Source::open(path, file, bytes).map_err(Failure::internal)?);
        }
        Ok(recorded)
    }

    /// The last so many entries for which the query holds, and what comes after them.
    ///
    /// # Errors
    /// When a log cannot be opened.
    pub(crate) fn last(logs: &Logs<'_>, query: &Query, most: usize) -> Result<(VecDeque<Record>, Recorded), Failure> {
        let mut bytes = END;
        loop {
            let mut recorded = Recorded::from_ends(logs, query.clone(), bytes)?;
            let whole = recorded.sources.iter().all(|source| source.starts_within(bytes));
            let mut last = VecDeque::new();
            while let Some(record) = recorded.next() {
                last.push_back(record);
                if last.len() > most {
                    last.pop_front();
                }
            }
            if last.len() >= most || whole {
                return Ok((last, recorded));
            }
            bytes = bytes.saturating_mul(8);
        }
    }

    /// The next entry for which the query holds; `None` when there is none yet.
    pub(crate) fn next(&mut self) -> Option<Record> {
        loop {
            for source in &mut self.sources {
                source.fill(&mut self.spoilt, &mut self.failed);
            }
            let heads = self.sources.iter_mut().filter(|source| source.next.is_some());
            let first = heads.min_by_key(|source| source.next.as_ref().map(|(entry, _)| entry.at))?;
            let (entry, line) = first.next.take()?;
            let intent = self.calls.follow(&entry);
            if self.query.admits(&entry, intent.as_ref().map(|(_, intent)| intent)) {
                return Some(Record { entry, line, intent });
            }
        }
    }

    /// The intents of calls that have no outcome on record, for which the query holds. There are none afterwards.
    pub(crate) fn unfinished(&mut self) -> Vec<Entry> {
        let open = std::mem::take(&mut self.calls).unfinished();
        open.filter(|entry| self.query.admits(entry, None)).collect()
    }

    /// Looks again for more entries, and for logs that were not there.
    ///
    /// # Errors
    /// When a log cannot be opened or read.
    pub(crate) fn look_again(&mut self, logs: &Logs<'_>) -> Result<(), Failure> {
        let files = logs.open()?;
        let mut listed = Vec::new();
        for (path, file) in files {
            let identity = identity(&file).map_err(Failure::internal)?;
            listed.push(identity);
            if !self.sources.iter().any(|source| source.identity == identity) {
                self.sources.push(Source::open(path, file, u64::MAX).map_err(Failure::internal)?);
            }
        }
        // What was moved away was read to its end before.
        self.sources.retain(|source| source.next.is_some() || listed.contains(&source.identity));
        for source in &mut self.sources {
            source.entries.go_back().map_err(Failure::internal)?;
        }
        Ok(())
    }

    /// Whether all was read.
    ///
    /// # Errors
    /// When a log could not be, or lines of it are no entries.
    pub(crate) fn end(self) -> Result<(), Failure> {
        if let Some(failure) = self.failed {
            return Err(failure);
        }
        match self.spoilt {
            0 => Ok(()),
            lines => Err(Failure::new(
                Exit::Guest,
                format!("{lines} lines of the logs are no entries, and were passed over"),
            )
            .help("`bailiwick audit verify` says whether a log was altered")),
        }
    }
}

impl Source {
    /// Opens a log at its last `bytes`.
    fn open(path: PathBuf, mut file: File, bytes: u64) -> io::Result<Source> {
        let start = file.metadata()?.len().saturating_sub(bytes);
        let identity = identity(&file)?;
        file.seek(SeekFrom::Start(start))?;
        let log = BufReader::with_capacity(1 << 16, file);
        let entries = if start == 0 { Entries::new(log) } else { Entries::from_middle(log) };
        Ok(Source { path, identity, entries, next: None })
    }

    /// Whether its last `bytes` are all of it.
    fn starts_within(&self, bytes: u64) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() <= bytes)
    }

    /// Reads its next entry. Lines that are none are told and counted.
    fn fill(&mut self, spoilt: &mut u64, failed: &mut Option<Failure>) {
        while self.next.is_none() {
            match self.entries.next() {
                None => return,
                Some(Ok(entry)) => self.next = Some((entry, self.entries.line().to_vec())),
                Some(Err(error)) => {
                    let at = self.path.display().to_string();
                    let message = format!("audit log `{}`: {}", Untrusted(&at), Untrusted(&error.to_string()));
                    if matches!(error, ReadError::Io { .. }) {
                        failed.get_or_insert_with(|| Failure::internal(message));
                        return;
                    }
                    *spoilt = spoilt.saturating_add(1);
                    if *spoilt <= TOLD {
                        terminal::err(&format!("{WARN}warning{WARN:#}: {message}\n"));
                    }
                }
            }
        }
    }
}

fn identity(file: &File) -> io::Result<(u64, u64)> {
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

/// The line above rows.
pub(crate) fn heading() -> String {
    format!("{BOLD}{:<24}  {:<16}  {:<9}  WHAT{BOLD:#}\n", "TIME", "AGENT", "")
}

impl Record {
    /// The entry itself, as one line of JSON that controls no terminal.
    pub(crate) fn json(&self) -> String {
        terminal::visible_json(&String::from_utf8_lossy(&self.line)) + "\n"
    }

    /// The entry on one line for people: when, who, how, what.
    pub(crate) fn row(&self) -> String {
        let entry = &self.entry;
        let (style, word, what) = self.told();
        let agent = match (&entry.body, &entry.context) {
            (EntryBody::Authentication { agent, .. }, _) => agent,
            (_, Some(context)) => &context.agent,
            _ => "",
        };
        let of = match (entry.run(), entry.call()) {
            (Some(run), Some(call)) => format!("  {DIM}{}/{call}{DIM:#}", Untrusted(run)),
            (Some(run), None) => format!("  {DIM}{}{DIM:#}", Untrusted(run)),
            _ => String::new(),
        };
        let agent = Untrusted(agent).to_string();
        format!("{}  {agent:<16}  {style}{word:<9}{style:#}  {what}{of}\n", entry.at)
    }

    /// How to show it, in a word, and what it is about.
    fn told(&self) -> (Style, String, String) {
        let plain = Style::new();
        match &self.entry.body {
            EntryBody::RunStarted { rationale } => {
                let why = rationale.as_ref().map(|why| format!("  \u{201c}{}\u{201d}", Untrusted(why)));
                (NOTE, "run".into(), format!("started{}", why.unwrap_or_default()))
            }
            EntryBody::RunEnded { stop, calls, .. } => {
                (NOTE, "run".into(), format!("ended: {}, {calls} calls", Untrusted(stop)))
            }
            EntryBody::Intent(intent) => {
                let style = if intent.decision == Decision::Allow { plain } else { BAD };
                let rule = intent.rule.as_ref().map(|rule| {
                    let location = intent.location.as_deref().unwrap_or_default();
                    format!("  rule `{}`, {}", Untrusted(rule), Untrusted(location))
                });
                let code = bracketed(&intent.code);
                (style, intent.decision.as_str().into(), about(intent) + &code + &rule.unwrap_or_default())
            }
            EntryBody::Outcome { outcome, code, .. } => {
                let style = if outcome == "done" { GOOD } else { WARN };
                let what = self.intent.as_ref().map(|(_, intent)| about(intent)).unwrap_or_default();
                let code = code.as_deref().map(bracketed).unwrap_or_default();
                (style, Untrusted(outcome).to_string(), what + &code)
            }
            EntryBody::Authentication { issuer, actors, code, .. } => {
                let (style, word) = if code == "allow" { (GOOD, "accepted") } else { (BAD, "refused") };
                let by = actors.iter().map(|actor| format!(", through {}", Untrusted(actor))).collect::<String>();
                (style, word.into(), format!("by {}{by}{}", Untrusted(issuer), bracketed(code)))
            }
            EntryBody::Administration { act, target, reason, by, failed } => {
                let mut what = format!("{} {}  by {}", Untrusted(act), Untrusted(target), Untrusted(by));
                if let Some(reason) = reason {
                    what += &format!("  \u{201c}{}\u{201d}", Untrusted(reason));
                }
                if let Some(failed) = failed {
                    what += &format!("  not done: {}", Untrusted(failed));
                }
                (if failed.is_some() { WARN } else { NOTE }, "act".into(), what)
            }
            EntryBody::Recovered { bytes, unsigned } => {
                (WARN, "recovered".into(), format!("{bytes} bytes cut off, {unsigned} entries not signed"))
            }
            EntryBody::Other { kind } => (plain, "other".into(), Untrusted(kind).to_string()),
        }
    }
}

fn about(intent: &Intent) -> String {
    format!("{} {}", Untrusted(&intent.action), Untrusted(&intent.resource))
}

fn bracketed(code: &str) -> String {
    format!("  [{}]", Untrusted(code))
}
