//! `bailiwick runs show`

use std::collections::BTreeMap;

use bailiwick_guard::Timestamp;
use bailiwick_guard::journal::files::{JournalError, Recorded, began};
use bailiwick_guard::journal::{End, PastCall};
use bailiwick_policy::Decision;
use serde_json::{Value, json};

use crate::arguments::RunsShowArguments;
use crate::command::runs_list::entry;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::history::{self, Call, Past};
use crate::journals;
use crate::launch::report::{grouped, size};
use crate::table::{Cell, Table};
use crate::terminal::{self, BAD, BOLD, DIM, GOOD, Untrusted, WARN};

/// Shows what a run did: how it ended, and each call in the order in which they began.
pub(crate) fn run(arguments: &RunsShowArguments, host: &Configuration) -> Outcome {
    let run = journals::meant(&arguments.run, &history::ids(host, &history::runs(host)?)?)?;
    let logged = history::run(host, &run)?;
    let is_logged = logged.is_some();
    let (past, calls) = logged.unwrap_or_default();
    let journal = Journal::of(host, &run, &past, is_logged)?;
    let shown =
        Shown { run: &run, began: past.began.or_else(|| began(&run)), past: &past, calls: &calls, journal: &journal };
    if arguments.json {
        terminal::out_json(&shown.to_json())?;
    } else {
        terminal::out(&shown.draw())?;
    }
    Ok(Exit::Success)
}

/// The journal of a run, and whether it is the one that the log knows.
enum Journal {
    None,
    /// Where it stands against the log, in words.
    Read(Box<Recorded>, &'static str),
    Unreadable(JournalError),
}

struct Shown<'a> {
    run: &'a str,
    began: Option<Timestamp>,
    past: &'a Past,
    calls: &'a [Call],
    journal: &'a Journal,
}

impl Journal {
    fn of(host: &Configuration, run: &str, past: &Past, is_logged: bool) -> Result<Journal, Failure> {
        let folder = journals::folder(host);
        if !folder.has(run) {
            return Ok(Journal::None);
        }
        Ok(match folder.read(run) {
            Ok(recorded) => {
                let standing = journals::standing(&recorded.digest, past, is_logged);
                Journal::Read(Box::new(recorded), standing.as_str())
            }
            Err(error) => Journal::Unreadable(error),
        })
    }

    fn recorded(&self) -> Option<&Recorded> {
        match self {
            Journal::Read(recorded, _) => Some(recorded),
            Journal::None | Journal::Unreadable(_) => None,
        }
    }

    fn end(&self) -> Option<&End> {
        self.recorded()?.end.as_ref()
    }

    /// The calls that it has, by their numbers.
    fn calls(&self) -> BTreeMap<u64, PastCall> {
        let crossings = self.recorded().into_iter().flat_map(|recorded| &recorded.crossings);
        crossings.filter_map(PastCall::read).filter_map(|past| Some((past.call?, past))).collect()
    }
}

impl Shown<'_> {
    fn to_json(&self) -> Value {
        let mut value = entry(self.run, self.began, self.past, !matches!(self.journal, Journal::None));
        let past = self.journal.calls();
        let calls: Vec<_> = self.calls.iter().map(|call| call_json(call, past.get(&call.intent.call))).collect();
        let journal = match self.journal {
            Journal::None => Value::Null,
            Journal::Unreadable(error) => json!({ "error": error.to_string() }),
            Journal::Read(recorded, standing) => json!({
                "standing": standing,
                "sha256": recorded.digest.to_string(),
                "engine": recorded.header.engine,
                "script": recorded.header.script,
                "is_session": recorded.header.is_session,
                "args": recorded.header.args,
                "crossings": recorded.crossings.len(),
                "bytes": recorded.crossings.iter().map(|crossing| crossing.given.len()).sum::<usize>(),
                "end": recorded.end,
            }),
        };
        if let Some(members) = value.as_object_mut() {
            members.insert("journal".to_owned(), journal);
            // In place of their number.
            members.insert("calls".to_owned(), calls.into());
        }
        value
    }

    fn draw(&self) -> String {
        let Past { context, rationale, ended, calls, refused, .. } = self.past;
        let mut text = format!("{BOLD}{}{BOLD:#}\n", Untrusted(self.run));
        let mut line = |word: &str, what: String| text += &format!("  {word:<9} {what}\n");
        let untrusted = |what: &str| Untrusted(what).to_string();
        if !context.agent.is_empty() {
            line("agent", format!("{}, vouched for by {}", Untrusted(&context.agent), Untrusted(&context.issuer)));
        }
        if let Some(task) = &context.task {
            line("task", untrusted(task));
        }
        if let Some(why) = rationale {
            line("rationale", format!("\u{201c}{}\u{201d}", Untrusted(why)));
        }
        if let Some(began) = self.began {
            line("began", began.to_string());
        }
        match ended {
            Some(ended) => {
                let took = self.began.map(|began| ended.at.0.saturating_sub(began.0));
                let took = took.map(|ms| format!(" after {ms} ms")).unwrap_or_default();
                line("ended", format!("{}{took}", Untrusted(&ended.stop)));
            }
            None => line("ended", format!("{WARN}not yet, or it was killed{WARN:#}")),
        }
        line("calls", format!("{}, {} refused", grouped(*calls), grouped(*refused)));
        if let Some(end) = self.journal.end() {
            let used = [
                format!("{} ms", grouped(end.wall_ms)),
                format!("{} fuel", grouped(end.fuel)),
                format!("{} memory", size(end.peak_memory_bytes)),
                format!("{} output", size(end.output_bytes)),
            ];
            line("used", used.join(", "));
        }
        line("manifest", self.manifest());
        line("guest", self.guest());
        line("journal", self.journal_line());
        if !self.calls.is_empty() {
            text.push('\n');
            text += &self.table();
        }
        text
    }

    fn manifest(&self) -> String {
        let digest = format!("{DIM}sha256 {}{DIM:#}", Untrusted(&self.past.context.manifest));
        let grant = self.journal.recorded().map(|recorded| &recorded.header.grant);
        match grant.and_then(|grant| grant.pointer("/manifest/origin")?.as_str()) {
            Some(origin) => format!("{}  {digest}", Untrusted(origin)),
            None => digest,
        }
    }

    fn guest(&self) -> String {
        let digest = format!("{DIM}sha256 {}{DIM:#}", Untrusted(&self.past.context.module));
        let script = self.journal.recorded().and_then(|recorded| recorded.header.script.as_ref());
        match script {
            Some(script) => format!("{}, {}  {digest}", Untrusted(&script.name), Untrusted(&script.language)),
            None => digest,
        }
    }

    fn journal_line(&self) -> String {
        match self.journal {
            Journal::None => "none; the run cannot be replayed".to_owned(),
            Journal::Unreadable(error) => format!("{BAD}{}{BAD:#}", Untrusted(&error.to_string())),
            Journal::Read(recorded, standing) => {
                let given: usize = recorded.crossings.iter().map(|crossing| crossing.given.len()).sum();
                let given = size(u64::try_from(given).unwrap_or(u64::MAX));
                let cut = match recorded.end.as_ref().and_then(|end| end.cut) {
                    Some(cut) => format!("; {WARN}it ends before the run does: {cut}{WARN:#}"),
                    None => String::new(),
                };
                format!("{} crossings, {given}; {standing}{cut}", grouped(recorded.crossings.len() as u64))
            }
        }
    }

    fn table(&self) -> String {
        let past = self.journal.calls();
        let mut table =
            Table::new(["CALL", "AT", "DECISION", "ACTION", "RESOURCE", "RULE", "OUTCOME", "TOOK", "BYTES"]);
        for call in self.calls {
            let Call { at, intent, ended } = call;
            let past = past.get(&intent.call);
            let since = self.began.map(|began| at.0.saturating_sub(began.0)).unwrap_or_default();
            let decision = match intent.decision {
                Decision::Allow => Cell::styled("allow", GOOD),
                _ => Cell::styled(format!("{}  [{}]", intent.decision.as_str(), intent.code), BAD),
            };
            let rule = match (&intent.rule, &intent.location) {
                (Some(rule), Some(location)) => format!("{rule}, {location}"),
                (Some(rule), None) => rule.clone(),
                (None, _) => String::new(),
            };
            let outcome = match ended {
                Some((_, outcome, None)) => Cell::plain(outcome),
                Some((_, outcome, Some(code))) => Cell::styled(format!("{outcome}  [{code}]"), WARN),
                None if intent.decision == Decision::Allow => Cell::styled("not on record", BAD),
                None => Cell::plain(""),
            };
            table.row([
                Cell::plain(intent.call),
                Cell::plain(format!("+{since} ms")),
                decision,
                Cell::plain(&intent.action),
                Cell::plain(&intent.resource),
                Cell::styled(rule, DIM),
                outcome,
                Cell::plain(took(call, past).map(|ms| format!("{ms:.1} ms")).unwrap_or_default()),
                Cell::plain(past.map(|past| grouped(past.bytes as u64)).unwrap_or_default()),
            ]);
        }
        table.draw()
    }
}

/// Milliseconds: the journal knows them better than the log, whose times are those of entries.
fn took(call: &Call, past: Option<&PastCall>) -> Option<f64> {
    let logged = || call.ended.as_ref().map(|(ended, ..)| ended.0.saturating_sub(call.at.0) as f64);
    past.map(|past| past.took.as_secs_f64() * 1000.0).or_else(logged)
}

fn call_json(call: &Call, past: Option<&PastCall>) -> Value {
    let Call { at, intent, ended } = call;
    json!({
        "call": intent.call,
        "at": at.to_string(),
        "action": intent.action,
        "resource": intent.resource,
        "decision": intent.decision.as_str(),
        "code": intent.code,
        "rule": intent.rule,
        "location": intent.location,
        "outcome": ended.as_ref().map(|(_, outcome, _)| outcome),
        "outcome_code": ended.as_ref().and_then(|(.., code)| code.as_ref()),
        "ms": took(call, past),
        "bytes": past.map(|past| past.bytes),
        "explanation": past.and_then(|past| past.explanation.as_ref()),
    })
}
