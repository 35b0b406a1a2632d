//! Calls in a journal: kept as they end, and given back in a replay, in which nothing is decided or done.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bailiwick_policy::{Grant, Request, Verdict};

use super::{Attempt, Guard};
use crate::journal::{
    Asked, Came, Crossed, Crossings, Decided, Difference, Ending, Entry, Fingerprint, Head, Judged, Lane, Listed, Owed,
    PastOutcome, Place, Toll, join, split,
};
use crate::record::ActionWord;
use crate::untrusted::Untrusted;
use crate::{
    Action, AuditError, AuditLog, CallError, CallRecord, Life, Outcome, Run, StopCause, SystemClock, Timestamp,
};

/// A call that a replay asked for and the recorded run did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    pub action: ActionWord,
    /// Untrusted text, safe to show.
    pub resource: String,
}

/// The grant that a replay also asks, and where it decides otherwise.
pub(super) struct Comparison {
    grant: Grant,
    found: Mutex<Vec<Difference>>,
}

impl Guard {
    /// A guard that gives back what another run was given. It decides nothing, records nothing that stays, takes no budgets
    /// that others share, and hands no action to a host. Of `grant` it uses the limits, the principal, the manifest and the
    /// rules that records name.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn replaying(grant: Grant, run: Run, crossings: Crossings) -> Result<Guard, AuditError> {
        // Nobody reads it.
        let (log, _memory) = AuditLog::in_memory()?;
        let guard = Guard::new(grant, run, Life::until(Timestamp(u64::MAX)), log, Arc::new(SystemClock))?;
        Ok(guard.journal(crossings))
    }

    /// Keeps what crosses into the guest, or gives back what did.
    pub fn journal(mut self, crossings: Crossings) -> Guard {
        self.crossings = crossings;
        self
    }

    /// In a replay, asks `grant` as well about everything that is asked for again; see [`Guard::differences`].
    pub fn compare_with(mut self, grant: Grant) -> Guard {
        self.comparison = Some(Comparison { grant, found: Mutex::default() });
        self
    }

    /// The run's journal.
    pub fn crossings(&self) -> &Crossings {
        &self.crossings
    }

    /// Where handles of this run are made again.
    pub fn place(&self) -> Place<'_> {
        Place { meter: &self.meter, crossings: &self.crossings }
    }

    /// What the grant that a replay was compared with decides differently, so far, in the order in which it was asked for.
    ///
    /// Only what the guest did is known: behind a call that would have been refused, it might have done something else.
    pub fn differences(&self) -> Vec<Difference> {
        self.comparison.as_ref().map(|comparison| comparison.found().clone()).unwrap_or_default()
    }

    /// The call at which a replay first left the recorded run, if it was a call.
    pub fn stray(&self) -> Option<&Stray> {
        self.stray.get()
    }

    /// What a call is asked for with.
    pub(super) fn asked<A: Action>(action: &A) -> Asked {
        let resource = action.resource();
        let mut print = Fingerprint::new();
        print.text("call").text(resource.kind().as_str()).text(A::NAME.as_str()).text(&resource.to_string());
        match action.columns() {
            Some(columns) => print.text(&columns.to_string()),
            None => print.json(&action.arguments().members().clone().into()),
        };
        action.fingerprint(&mut print);
        print.asked()
    }

    /// Opens the trace of a call, if there is a recording; in a replay, gives back what is recorded. Of the latter, `None` is
    /// a call that stays without an end.
    pub(super) fn enter<T: Crossed>(
        &self,
        asked: impl FnOnce() -> Asked,
        what: impl FnOnce() -> (ActionWord, String),
        request: impl FnOnce() -> Option<Request>,
    ) -> Result<Trace<'_>, Option<Result<T, CallError>>> {
        let after = self.crossings.settled(Lane::Call);
        match self.crossings.enter(Lane::Call, asked) {
            Entry::Off => Ok(Trace(None)),
            Entry::Owed(owed) => Ok(Trace(Some(Box::new(Open::new(self, owed, after, what()))))),
            Entry::Given(given) => match self.play(&given, after, request) {
                Ok(played) => Err(played),
                Err(cause) => Err(Some(Err(self.strayed(cause, what())))),
            },
            Entry::GivenUp => Err(None),
            Entry::Strayed => Err(Some(Err(self.strayed(StopCause::Diverged, what())))),
        }
    }

    fn play<T: Crossed>(
        &self,
        given: &[u8],
        after: u64,
        request: impl FnOnce() -> Option<Request>,
    ) -> Result<Option<Result<T, CallError>>, StopCause> {
        let (result, head): (_, Head) = split(given).ok_or_else(|| self.crossings.stray(Lane::Call))?;
        // What had ended then has not ended now: it was not asked for in this order.
        if head.after > after {
            return Err(self.crossings.stray_at(Lane::Call, after));
        }
        self.compare(&head, request);
        // It was counted then, and one too many ended the run then.
        let _ = self.meter.take_call();
        self.meter.follow(&head.toll);
        if let Some(record) = head.record(&self.grant) {
            self.next_call();
            let (outcome, took) = (record.outcome, record.took);
            let slot = self.records.begin(record);
            if outcome != Some(Outcome::Abandoned) {
                self.records.end(slot, outcome, took);
            }
        }
        match &head.came {
            Came::Result => self.crossings.read(Lane::Call, result, &self.place()).map(|result| Some(Ok(result))),
            Came::Ended(ending) => {
                let error = ending.to_call().ok_or_else(|| self.crossings.stray(Lane::Call))?;
                if let CallError::Stopped(cause) = error {
                    self.meter.stop(cause);
                }
                Ok(Some(Err(error)))
            }
            Came::Nothing => Ok(None),
        }
    }

    fn strayed(&self, cause: StopCause, (action, resource): (ActionWord, String)) -> CallError {
        let resource = Untrusted(&resource).to_string();
        self.stray.get_or_init(|| Stray { action, resource });
        cause.into()
    }

    fn compare(&self, head: &Head, request: impl FnOnce() -> Option<Request>) {
        let Some(comparison) = &self.comparison else { return };
        let was = head.granted.as_ref().and_then(Judged::decided);
        let (Some(was), Some(request), Some(action)) = (was, request(), head.word()) else { return };
        let would_be = Decided::of(&comparison.grant.decide(&request));
        if !was.is_like(&would_be) {
            let call = head.listed.as_ref().map(|listed| listed.number).unwrap_or_default();
            let resource = head.resource.as_str().into();
            comparison.found().push(Difference { call, action, resource, was, would_be });
        }
    }
}

impl Comparison {
    fn found(&self) -> MutexGuard<'_, Vec<Difference>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is asked for with something that does not form an action. A code that follows from the grant is not part of it.
pub(super) fn asked_attempt(attempt: &Attempt<'_>, code: &str) -> Asked {
    let Attempt { kind, action, resource, .. } = attempt;
    let parts = ["attempt", kind.as_str(), action.as_str(), resource, code];
    Asked::of(&parts.map(str::as_bytes))
}

/// What a recording hears of a call while that goes on; of one that is given up it is told when this is dropped.
pub(super) struct Trace<'g>(Option<Box<Open<'g>>>);

struct Open<'g> {
    guard: &'g Guard,
    owed: Option<Owed>,
    head: Head,
}

impl Trace<'_> {
    /// What is not kept.
    pub(super) fn off() -> Trace<'static> {
        Trace(None)
    }

    /// What the grant alone says, before time and budgets do.
    pub(super) fn granted(&mut self, verdict: &Verdict) {
        if let Some(open) = &mut self.0 {
            open.head.granted = Some(Judged::of(verdict));
        }
    }

    /// The call is on record.
    pub(super) fn began(&mut self, record: &CallRecord) {
        if let Some(open) = &mut self.0 {
            open.head.resource = record.resource.to_string();
            open.head.listed = Some(Listed {
                number: record.call,
                judged: Judged::of_record(record),
                outcome: record.outcome.map(PastOutcome::of),
                took: 0,
                explanation: record.explanation.clone(),
            });
        }
    }

    pub(super) fn explained(&mut self, why: &str) {
        if let Some(listed) = self.listed() {
            listed.explanation = Some(why.to_owned());
        }
    }

    pub(super) fn ended(&mut self, outcome: Option<Outcome>, took: Duration) {
        if let Some(listed) = self.listed() {
            listed.outcome = outcome.map(PastOutcome::of);
            listed.took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        }
    }

    /// What the glue gets.
    pub(super) fn pay<T: Crossed>(self, result: &Result<T, CallError>) {
        let Some(mut open) = self.0 else { return };
        let written = match result {
            Ok(value) => {
                open.head.came = Came::Result;
                value.write()
            }
            Err(error) => {
                open.head.came = Came::Ended(Ending::of_call(*error));
                Ok(Vec::new())
            }
        };
        open.head.toll = open.guard.meter.toll();
        if let Some(owed) = open.owed.take() {
            owed.pay_written(written.and_then(|written| join(written, &open.head)));
        }
    }

    fn listed(&mut self) -> Option<&mut Listed> {
        self.0.as_mut()?.head.listed.as_mut()
    }
}

impl<'g> Open<'g> {
    fn new(guard: &'g Guard, owed: Owed, after: u64, (word, resource): (ActionWord, String)) -> Open<'g> {
        let head = Head {
            after,
            at: guard.clock.now().0,
            kind: word.kind.as_str().to_owned(),
            action: word.action.as_str().to_owned(),
            resource: Untrusted(&resource).to_string(),
            granted: None,
            listed: None,
            toll: Toll::default(),
            came: Came::Nothing,
        };
        Open { guard, owed: Some(owed), head }
    }
}

impl Drop for Open<'_> {
    /// The call's future was dropped.
    fn drop(&mut self) {
        if let Some(owed) = self.owed.take() {
            self.head.toll = self.guard.meter.toll();
            owed.pay_written(join(Vec::new(), &self.head));
        }
    }
}
