//! What runs did, as the audit logs and the journals of this installation have it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader};

use bailiwick_guard::Timestamp;
use bailiwick_guard::audit::{Context, Entries, Entry, EntryBody, Intent, ReadError};
use bailiwick_policy::Decision;

use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::terminal::{self, Untrusted, WARN};
use crate::{journals, log};

/// A run, as the logs have it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    pub(crate) context: Context,
    pub(crate) began: Option<Timestamp>,
    pub(crate) rationale: Option<String>,
    pub(crate) ended: Option<Ended>,
    /// Calls that were decided about so far, and how many of these were not allowed.
    pub(crate) calls: u64,
    pub(crate) refused: u64,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) at: Timestamp,
    pub(crate) stop: String,
    /// SHA-256 of its journal.
    pub(crate) journal: Option<String>,
}

/// A call of a run.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) at: Timestamp,
    pub(crate) intent: Intent,
    pub(crate) ended: Option<(Timestamp, String, Option<String>)>,
}

/// All runs that are on record, by their ids, which are in the order of their times.
///
/// # Errors
/// When a log cannot be read.
pub(crate) fn runs(host: &Configuration) -> Result<BTreeMap<String, Past>, Failure> {
    let mut runs: BTreeMap<String, Past> = BTreeMap::new();
    each(host, |entry| {
        let Some(run) = entry.run() else { return };
        match runs.get_mut(run) {
            Some(past) => past.add(&entry),
            None => runs.entry(run.to_owned()).or_default().add(&entry),
        }
    })?;
    Ok(runs)
}

/// One run with its calls; `None` when no log has it.
///
/// # Errors
/// When a log cannot be read.
pub(crate) fn run(host: &Configuration, run: &str) -> Result<Option<(Past, Vec<Call>)>, Failure> {
    let mut found: Option<Past> = None;
    let mut calls: BTreeMap<u64, Call> = BTreeMap::new();
    each(host, |entry| {
        if entry.run() != Some(run) {
            return;
        }
        found.get_or_insert_default().add(&entry);
        match entry.body {
            EntryBody::Intent(intent) => {
                calls.insert(intent.call, Call { at: entry.at, intent, ended: None });
            }
            EntryBody::Outcome { call, outcome, code } => {
                if let Some(call) = calls.get_mut(&call) {
                    call.ended = Some((entry.at, outcome, code));
                }
            }
            _ => {}
        }
    })?;
    Ok(found.map(|past| (past, calls.into_values().collect())))
}

/// The ids of all runs: of those in the logs, and of those that have a journal.
///
/// # Errors
/// When a log or the folder of journals cannot be read.
pub(crate) fn ids(host: &Configuration, logged: &BTreeMap<String, Past>) -> Result<BTreeSet<String>, Failure> {
    let recorded = journals::folder(host).runs().map_err(Failure::internal)?;
    Ok(logged.keys().cloned().chain(recorded).collect())
}

impl Past {
    fn add(&mut self, entry: &Entry) {
        match &entry.body {
            EntryBody::RunStarted { rationale } => {
                self.began = Some(entry.at);
                self.rationale.clone_from(rationale);
                self.context = entry.context.clone().unwrap_or_default();
            }
            EntryBody::Intent(intent) => {
                self.calls = self.calls.saturating_add(1);
                if intent.decision != Decision::Allow {
                    self.refused = self.refused.saturating_add(1);
                }
            }
            EntryBody::RunEnded { stop, journal, .. } => {
                self.ended = Some(Ended { at: entry.at, stop: stop.clone(), journal: journal.clone() });
            }
            _ => {}
        }
    }

    /// How it ended, or that it did not.
    pub(crate) fn stop(&self) -> &str {
        self.ended.as_ref().map_or("no end", |ended| ended.stop.as_str())
    }
}

/// Shows every entry of every log to `each`. Lines that are none are passed over, and said to be.
fn each(host: &Configuration, mut each: impl FnMut(Entry)) -> Result<(), Failure> {
    for path in log::paths(host)? {
        let at = path.display().to_string();
        let failed = |error: &dyn std::fmt::Display| {
            Failure::internal(format!("audit log `{}`: {}", Untrusted(&at), Untrusted(&error.to_string())))
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            // One that is gone is what `audit verify` finds.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(&error)),
        };
        let mut spoilt = 0_u64;
        for entry in Entries::new(BufReader::with_capacity(1 << 16, file)) {
            match entry {
                Ok(entry) => each(entry),
                Err(error @ ReadError::Io { .. }) => return Err(failed(&error)),
                Err(_) => spoilt = spoilt.saturating_add(1),
            }
        }
        if spoilt > 0 {
            terminal::err(&format!(
                "{WARN}warning{WARN:#}: audit log `{}`: {spoilt} lines are no entries; `bailiwick audit verify` says whether it was altered\n",
                Untrusted(&at)
            ));
        }
    }
    Ok(())
}
