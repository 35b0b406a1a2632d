//! Whether a replay came to what was recorded.

use bailiwick_guard::Stray;
use bailiwick_guard::journal::{ContentDigest, Crossing, Difference, Divergence, End, Lane, PastCall};

use super::{Departure, Likeness, RecordEnd};
use crate::run::Sums;
use crate::{Report, Stop};

/// The calls of a record, as far as they are named when a replay differs from it.
pub(crate) struct Calls(Vec<(Option<u64>, String)>);

/// What a replay came to.
pub(crate) struct Came {
    pub(crate) report: Report,
    pub(crate) own_peak: u64,
    pub(crate) sums: Sums,
    pub(crate) divergence: Option<Divergence>,
    pub(crate) stray: Option<Stray>,
    /// Calls that were recorded and not asked for.
    pub(crate) calls_left: usize,
    pub(crate) differences: Vec<Difference>,
}

impl Calls {
    pub(crate) fn of(crossings: &[Crossing]) -> Calls {
        let calls = crossings.iter().filter(|crossing| crossing.lane == Lane::Call);
        Calls(calls.map(named).collect())
    }
}

fn named(crossing: &Crossing) -> (Option<u64>, String) {
    match PastCall::read(crossing) {
        Some(call) => (call.call, format!("`{} {}`", call.action, call.resource)),
        None => (None, "a call without an end".to_owned()),
    }
}

/// Compares a replay with the end of its record. `end`: `None` when the record has none.
pub(crate) fn likeness(end: Option<&End>, calls: &Calls, came: &Came) -> Likeness {
    let record_end = match end {
        None => Some(RecordEnd::Unfinished),
        Some(end) if end.cut.is_some() => Some(RecordEnd::Cut),
        Some(end) if end.from_outside => Some(RecordEnd::Interrupted),
        Some(_) => None,
    };
    if let Some(divergence) = came.divergence {
        return match record_end {
            Some(record_end) if divergence.is_over => up_to(record_end, end, came),
            _ => Likeness::Diverged(departure(divergence, calls, came.stray.as_ref())),
        };
    }
    // Nothing strange was asked for, and nothing came any more.
    if came.report.stop == Stop::Diverged {
        return match record_end {
            Some(record_end) => up_to(record_end, end, came),
            None => diverged("a guest that went on", "one that waits for ever".to_owned()),
        };
    }
    let Some(whole) = end else { return Likeness::UpTo(RecordEnd::Unfinished) };
    match (difference(whole, calls, came), record_end) {
        (None, _) => Likeness::Exact,
        // Where a guest is stopped from outside depends on the time that it takes; what it had asked for by then does not.
        (Some(_), Some(RecordEnd::Interrupted)) if came.calls_left == 0 => up_to(RecordEnd::Interrupted, end, came),
        (Some(departure), _) => Likeness::Diverged(departure),
    }
}

/// The replay went as far as the record does: what the recorded run had printed by then, it has printed as well.
fn up_to(record_end: RecordEnd, end: Option<&End>, came: &Came) -> Likeness {
    // A journal that was cut says what its run printed after that, too.
    let Some(end) = end.filter(|_| record_end == RecordEnd::Interrupted) else { return Likeness::UpTo(record_end) };
    let outputs = [
        ("stdout", end.stdout_bytes, &end.stdout, &came.report.stdout),
        ("stderr", end.stderr_bytes, &end.stderr, &came.report.stderr),
    ];
    for (name, bytes, digest, printed) in outputs {
        let beginning = usize::try_from(bytes).ok().and_then(|bytes| printed.get(..bytes));
        if beginning.map(ContentDigest::of).as_ref() != Some(digest) {
            return diverged(format!("{bytes} bytes of {name} ({digest})"), "something that does not begin so");
        }
    }
    Likeness::UpTo(record_end)
}

/// The first thing that is not the same at the end.
fn difference(end: &End, calls: &Calls, came: &Came) -> Option<Departure> {
    let stop = serde_json::to_value(&came.report.stop).unwrap_or_default();
    if came.calls_left > 0 {
        let at = calls.0.len().saturating_sub(came.calls_left);
        let (call, recorded) = calls.0.get(at).cloned().unwrap_or_default();
        return Some(Departure {
            call,
            recorded,
            replayed: format!("no such call, and the end: {}", came.report.stop),
        });
    }
    if stop != end.stop {
        return Some(departed(format!("the end {}", end.stop), format!("the end {stop}")));
    }
    let sums = &came.sums;
    let outputs = [
        ("stdout", end.stdout_bytes, Some(end.stdout), sums.stdout.bytes, Some(sums.stdout.digest())),
        ("stderr", end.stderr_bytes, Some(end.stderr), sums.stderr.bytes, Some(sums.stderr.digest())),
        ("result", 0, end.result, 0, sums.result),
    ];
    for (name, bytes, digest, their_bytes, theirs) in outputs {
        if (bytes, digest) != (their_bytes, theirs) {
            return Some(departed(printed(name, bytes, digest), printed(name, their_bytes, theirs)));
        }
    }
    let counts = [
        ("host calls", end.host_calls, came.report.usage.host_calls),
        ("fuel", end.fuel, came.report.usage.fuel),
        ("bytes of memory", end.peak_memory_bytes, came.own_peak),
    ];
    let (name, was, is) = counts.into_iter().find(|(_, was, is)| was != is)?;
    Some(departed(format!("{was} {name}"), format!("{is} {name}")))
}

fn printed(name: &str, bytes: u64, digest: Option<ContentDigest>) -> String {
    match (digest, bytes) {
        (None, _) => format!("no {name}"),
        (Some(digest), 0) => format!("the {name} {digest}"),
        (Some(digest), bytes) => format!("{bytes} bytes of {name} ({digest})"),
    }
}

/// Where a replay asked for something else.
fn departure(divergence: Divergence, calls: &Calls, stray: Option<&Stray>) -> Departure {
    let place = divergence.place;
    if divergence.lane == Lane::Call {
        let (call, recorded) = match calls.0.get(place).filter(|_| !divergence.is_over) {
            Some((call, recorded)) => (*call, recorded.clone()),
            None => (None, "no further call".to_owned()),
        };
        let replayed = stray.map(|stray| format!("`{} {}`", stray.action, stray.resource));
        let call = call.or_else(|| u64::try_from(place).ok()?.checked_add(1));
        return Departure { call, recorded, replayed: replayed.unwrap_or_else(|| "another call".to_owned()) };
    }
    let what = what(divergence.lane);
    let recorded = if divergence.is_over { format!("{place} times {what}") } else { format!("{what} {}", place + 1) };
    departed(recorded, format!("{what} that is not recorded there"))
}

/// What a lane other than that of calls gives.
fn what(lane: Lane) -> &'static str {
    match lane {
        Lane::Call => "a call",
        Lane::Handle => "work on an open handle",
        Lane::Host => "a question to the host",
        Lane::Wall => "a look at the wall clock",
        Lane::Steady => "a look at the steady clock",
        Lane::Random => "random bytes",
        Lane::Ready => "waiting",
        Lane::Growth => "memory that was refused",
        Lane::Piece => "a piece of a session",
    }
}

fn departed(recorded: impl Into<String>, replayed: impl Into<String>) -> Departure {
    Departure { call: None, recorded: recorded.into(), replayed: replayed.into() }
}

fn diverged(recorded: impl Into<String>, replayed: impl Into<String>) -> Likeness {
    Likeness::Diverged(departed(recorded, replayed))
}
