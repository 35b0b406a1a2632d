//! `bailiwick runs list`

use bailiwick_guard::journal::files::began;
use bailiwick_guard::{Clock, SystemClock, Timestamp};
use serde_json::{Value, json};

use crate::arguments::RunsListArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::history::{self, Past};
use crate::journals;
use crate::table::{Cell, Table};
use crate::terminal::{self, BAD, DIM, GOOD, NOTE, WARN};

/// Lists the newest runs, the oldest of them first.
pub(crate) fn run(arguments: &RunsListArguments, host: &Configuration) -> Outcome {
    let logged = history::runs(host)?;
    let folder = journals::folder(host);
    let since = arguments.since.map(|since| {
        let ago = u64::try_from(since.duration().as_millis()).unwrap_or(u64::MAX);
        Timestamp(SystemClock.now().0.saturating_sub(ago))
    });
    let nothing = Past::default();
    let mut runs = Vec::new();
    for run in history::ids(host, &logged)?.into_iter().rev() {
        let past = logged.get(&run).unwrap_or(&nothing);
        let began = past.began.or_else(|| began(&run));
        let is_meant = arguments.agent.as_ref().is_none_or(|agent| past.context.agent == *agent)
            && since.is_none_or(|since| began.is_some_and(|began| began >= since));
        if is_meant {
            runs.push((run.clone(), began, past, folder.has(&run)));
        }
        if runs.len() >= usize::try_from(arguments.limit).unwrap_or(usize::MAX) {
            break;
        }
    }
    runs.reverse();
    if arguments.json {
        let entries: Vec<_> =
            runs.iter().map(|(run, began, past, journal)| entry(run, *began, past, *journal)).collect();
        terminal::out_json(&json!({ "runs": entries }))?;
        return Ok(Exit::Success);
    }
    if runs.is_empty() {
        terminal::err(&format!(
            "no such run is on record\n  {NOTE}help{NOTE:#}: bailiwick run FILE --policy MANIFEST --as NAME\n"
        ));
        return Ok(Exit::Success);
    }
    let mut table = Table::new(["RUN", "BEGAN", "AGENT", "ENDED", "CALLS", "REFUSED", "JOURNAL"]);
    for (run, began, past, journal) in &runs {
        let (style, stop) = match past.stop() {
            "finished" => (GOOD, "finished"),
            "failed" => (BAD, "failed"),
            stop => (WARN, stop),
        };
        let refused = if past.refused > 0 { WARN } else { DIM };
        table.row([
            Cell::plain(run),
            Cell::plain(began.map(second).unwrap_or_default()),
            Cell::plain(&past.context.agent),
            Cell::styled(stop, style),
            Cell::plain(past.calls),
            Cell::styled(past.refused, refused),
            if *journal { Cell::plain("yes") } else { Cell::styled("no", DIM) },
        ]);
    }
    terminal::out(&table.draw())?;
    Ok(Exit::Success)
}

/// A run as JSON, for lists and for the one that is shown.
pub(crate) fn entry(run: &str, began: Option<Timestamp>, past: &Past, journal: bool) -> Value {
    let Past { context, rationale, ended, calls, refused, .. } = past;
    json!({
        "run": run,
        "task": context.task,
        "agent": context.agent,
        "issuer": context.issuer,
        "subject": context.subject,
        "manifest": context.manifest,
        "module": context.module,
        "interpreter": context.interpreter,
        "grant": context.grant,
        "rationale": rationale,
        "began": began.map(|at| at.to_string()),
        "ended": ended.as_ref().map(|ended| ended.at.to_string()),
        "stop": ended.as_ref().map(|ended| &ended.stop),
        "calls": calls,
        "refused": refused,
        "has_journal": journal,
    })
}

/// A time without its milliseconds.
fn second(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('.').map(|(second, _)| format!("{second}Z")).unwrap_or(text)
}
