//! The one door.

mod journal;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bailiwick_policy::{ActionName, Code, Decision, Grant, Kind, Request, ResourceError, Verdict};
use data_encoding::HEXLOWER;
use tracing::{Instrument, Span};

use crate::audit::{AuditLog, Body, Durability, RunContext, RunLog, bounded};
use crate::budgets::{Budgets, Purse, is_limit};
use crate::entry::OpenEntry;
use crate::journal::{ContentDigest, Crossings, Lane};
use crate::opening::{Opening, explain_attempt, refusal, shown, stopped};
use crate::permit::{Allowed, Permit, Reason};
use crate::record::{ActionWord, Records, Slot};
use crate::untrusted::{Refused, Untrusted};
use crate::{
    Action, AuditError, CallError, CallRecord, Clock, Denied, HostError, Life, Meter, Observe, Outcome, Perform,
    Timestamp, TraceContext,
};

use self::journal::{Comparison, Trace, asked_attempt};

pub use self::journal::Stray;

/// The longest that a call waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Decides, records and performs every call of one run.
pub struct Guard {
    grant: Grant,
    meter: Arc<Meter>,
    purse: Purse,
    run: RunLog,
    /// The entry that records the start of the run.
    start: u64,
    clock: Arc<dyn Clock>,
    calls: AtomicU64,
    /// What the guest used, when somebody has said so.
    fuel: OnceLock<u64>,
    ended: AtomicBool,
    records: Records,
    /// What events about this run are told with.
    span: Span,
    crossings: Crossings,
    /// Of replays alone.
    comparison: Option<Comparison>,
    stray: OnceLock<Stray>,
}

/// What the log must know about a run besides its grant.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// UUIDv7.
    pub id: String,
    pub task: Option<String>,
    /// SHA-256 of the guest's bytes as they were handed in, in hex.
    pub module: String,
    /// SHA-256 of the interpreter, in hex, when the guest is source text.
    pub interpreter: Option<String>,
    /// The agent's own words about why it runs this. Never trusted.
    pub rationale: Option<String>,
    /// The span that started the run, so that exports join its trace.
    pub trace: Option<TraceContext>,
}

/// Something a guest asked for that does not even form an [`Action`]: a path with `..`, an address in octal.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    pub kind: Kind,
    pub action: ActionName,
    /// What the guest wrote, raw.
    pub resource: &'a str,
    pub code: Code,
}

impl Guard {
    /// A guard for one run, whose start it records.
    ///
    /// Defaults: nothing is allowed that `grant` does not allow; no observer; the budgets of rules are this run's alone; no
    /// journal.
    ///
    /// # Errors
    /// When the log cannot record the start of the run. There is no guard then, and so no run.
    pub fn new(grant: Grant, run: Run, life: Life, log: AuditLog, clock: Arc<dyn Clock>) -> Result<Guard, AuditError> {
        let principal = grant.principal();
        let context = RunContext {
            run: run.id,
            task: run.task.map(|task| bounded(&Untrusted(&task).to_string()).into_owned()),
            agent: bounded(&principal.agent).into_owned(),
            issuer: bounded(&principal.issuer).into_owned(),
            subject: bounded(&principal.subject).into_owned(),
            manifest: HEXLOWER.encode(grant.manifest().digest()),
            module: run.module,
            interpreter: run.interpreter,
            grant: grant.digest().to_owned(),
            traceparent: run.trace.map(|trace| trace.to_string()),
        };
        let span = tracing::debug_span!("run", run = %context.run, agent = %Untrusted(&context.agent));
        let log = RunLog::new(log, context, Arc::clone(&clock));
        let start =
            log.append(Body::RunStarted { rationale: run.rationale.map(|text| Untrusted(&text).to_string()) })?;
        tracing::debug!(parent: &span, "run started");
        let meter = Arc::new(Meter::new(&grant.limits(), life, Arc::clone(&clock)));
        Ok(Guard {
            grant,
            meter,
            purse: Purse::new(Arc::clone(&clock)),
            run: log,
            start,
            clock,
            calls: AtomicU64::new(0),
            fuel: OnceLock::new(),
            ended: AtomicBool::new(false),
            records: Records::default(),
            span,
            crossings: Crossings::default(),
            comparison: None,
            stray: OnceLock::new(),
        })
    }

    /// Lets `observer` see every call as it ends.
    pub fn observed_by(mut self, observer: Arc<dyn Observe>) -> Guard {
        self.records.observed_by(observer);
        self
    }

    /// Takes what rules let through in a time from `budgets`, which other runs share.
    pub fn budgets(mut self, budgets: Arc<dyn Budgets>) -> Guard {
        self.purse.keep_in(budgets);
        self
    }

    /// Performs `action` on `host` if the grant allows it, and records both the intent and the outcome. In a replay it gives
    /// what was recorded, and `host` is not asked.
    ///
    /// # Errors
    /// [`CallError`]: refused, failed, over a limit, or the run must end.
    pub async fn call<A: Action, H: Perform<A>>(&self, host: &H, action: A) -> Result<A::Output, CallError> {
        let mut trace = match A::COUNTED {
            // What the host does with what the guest left is not of the guest's world.
            false if self.crossings.is_replay() => return Err(CallError::Failed(Code::Internal)),
            false => Trace::off(),
            true => {
                let word = || ActionWord { kind: action.resource().kind(), action: A::NAME };
                let what = || (word(), action.resource().to_string());
                match self.enter(|| Guard::asked(&action), what, || request(&action).ok()) {
                    Ok(trace) => trace,
                    Err(Some(played)) => return played,
                    Err(None) => return std::future::pending().await,
                }
            }
        };
        let result = self.decide_and_perform(host, action, &mut trace).await;
        trace.pay(&result);
        result
    }

    async fn decide_and_perform<A: Action, H: Perform<A>>(
        &self,
        host: &H,
        action: A,
        trace: &mut Trace<'_>,
    ) -> Result<A::Output, CallError> {
        let (began, now) = (Instant::now(), self.clock.now());
        if A::COUNTED {
            self.meter.take_call()?;
        } else if let Some(cause) = self.meter.stopped() {
            return Err(cause.into());
        }
        let resource = action.resource();
        let text = resource.to_string();
        let word = ActionWord { kind: resource.kind(), action: A::NAME };
        let (mut verdict, mut explanation) = match request(&action) {
            Ok(request) => self.decide(&request, now, trace),
            Err(error) => (Verdict::deny(error.code()), Some(error.to_string())),
        };
        let deadline = action.deadline().min(verdict.terms().timeout.unwrap_or(Duration::MAX));
        let mut held = None;
        // What is not a call of the guest's was charged when the guest made it.
        if A::COUNTED && verdict.decision() == Decision::Allow && !verdict.charges().is_empty() {
            let patience = deadline.min(LONGEST_WAIT).min(self.meter.life().left(now));
            match self.purse.take(verdict.charges(), patience).await {
                Ok(taken) => {
                    held = Some(taken);
                    // It may have waited for its turn, and its authority may be over by now.
                    if let Err((code, why)) = self.check_life(&verdict, self.clock.now()) {
                        (verdict, explanation) =
                            (Verdict::deny(code).stricter(verdict), Some(refusal(word, &text, code, &why)));
                    }
                }
                Err(spent) => {
                    explanation = Some(refusal(word, &text, spent.verdict.code(), &spent.why));
                    verdict = spent.verdict.stricter(verdict);
                }
            }
        }
        let text = match verdict.decision() {
            Decision::Allow => shown(text),
            // Nothing came of it, and its beginning and hash are enough to know it again.
            Decision::Ask | Decision::Deny => Refused(&text).to_string().into(),
        };
        let call = Opening { number: self.next_call(), word, text, verdict, explanation, began };
        // Of no cost when nobody listens; and it names no resource, because whoever listens may see less than the log.
        let span = tracing::debug_span!(parent: &self.span, "call", call = call.number, kind = %word.kind, action = %word.action);
        let (entry, slot) = self.open(&call, trace)?;
        let Some(allowed) = Allowed::of(&call.verdict) else { return Err(self.refused(entry, slot, &call, trace)) };
        let mut left = self.meter.life().left(if held.is_some() { self.clock.now() } else { now });
        if self.run.must_wait(action.effect()) {
            entry.durable().await.map_err(|error| CallError::Denied(Denied::unrecordable(&error)))?;
            left = left.saturating_sub(began.elapsed());
        }
        // An answer that comes after the authority ended is nobody's any more.
        let late =
            if left < deadline { HostError::Denied(Code::TokenExpired) } else { HostError::Limit(Code::CallDeadline) };
        let reason = Reason::default();
        let permit = Permit::mint(allowed, action, self.place(), self.grant.principal(), &reason, &entry);
        if let Some(held) = &mut held {
            held.begin();
        }
        let performed = tokio::time::timeout(deadline.min(left), host.perform(permit));
        let result = performed.instrument(span).await.unwrap_or(Err(late));
        let (outcome, result) = self.settle(entry, slot, &call, reason, result, trace);
        if let Some(held) = held {
            held.end(&outcome);
        }
        result
    }

    /// Records and refuses something that does not form an action. It counts as a call.
    pub fn refuse(&self, attempt: Attempt<'_>) -> CallError {
        self.refuse_as(attempt, attempt.code.as_str(), || Some(explain_attempt(&attempt)))
    }

    /// Records and refuses a statement in a database in which the grant gives no right, or that is not there: of such a one
    /// nothing is read, so that there are no tables to decide about. It counts as a call. `resource` is what the guest wrote.
    pub fn refuse_database(&self, database: &str, resource: &str) -> CallError {
        let code = self.grant.refuse_database(database).code();
        let attempt = Attempt { kind: Kind::Sql, action: ActionName::Select, resource, code };
        // The code follows from the grant, and is part of the answer.
        self.refuse_as(attempt, database, || {
            let word = ActionWord { kind: attempt.kind, action: attempt.action };
            let asked = format!("{word} {}", Untrusted(resource));
            self.records.want_explanation().then(|| self.grant.explain_database(database, &asked).to_string())
        })
    }

    /// `about` is what else was said.
    fn refuse_as(&self, attempt: Attempt<'_>, about: &str, explain: impl FnOnce() -> Option<String>) -> CallError {
        let word = ActionWord { kind: attempt.kind, action: attempt.action };
        let what = || (word, attempt.resource.to_owned());
        let mut trace = match self.enter::<()>(|| asked_attempt(&attempt, about), what, || None) {
            Ok(trace) => trace,
            Err(Some(Err(error))) => return error,
            // Nobody gives up a refusal, and none has a result.
            Err(_) => return self.crossings.stray(Lane::Call).into(),
        };
        let error = self.record_refusal(attempt, word, explain, &mut trace);
        trace.pay(&Err::<(), _>(error));
        error
    }

    fn record_refusal(
        &self,
        attempt: Attempt<'_>,
        word: ActionWord,
        explain: impl FnOnce() -> Option<String>,
        trace: &mut Trace<'_>,
    ) -> CallError {
        if let Err(cause) = self.meter.take_call() {
            return cause.into();
        }
        let call = Opening {
            number: self.next_call(),
            word,
            text: Untrusted(attempt.resource).to_string().into(),
            verdict: Verdict::deny(attempt.code),
            explanation: explain(),
            began: Instant::now(),
        };
        match self.open(&call, trace) {
            Ok((entry, slot)) => self.refused(entry, slot, &call, trace),
            Err(error) => error,
        }
    }

    /// Waits until the start of the run is on stable storage, as the log's durability asks. The guest starts afterwards.
    ///
    /// # Errors
    /// When it never will be; the run must not begin.
    pub async fn started(&self) -> Result<(), AuditError> {
        match self.run.durability() {
            Durability::Buffered => Ok(()),
            Durability::Effects | Durability::All => self.run.durable(self.start).await,
        }
    }

    /// Says how much fuel the guest used, for the record of the run's end.
    pub fn used_fuel(&self, fuel: u64) {
        // The first one to know is whoever ends the run.
        let _ = self.fuel.set(fuel);
    }

    /// Records the end of the run, with the digest of its journal if it has one, and waits until everything about it is on
    /// stable storage.
    ///
    /// # Errors
    /// When the log cannot take it: the run's record is incomplete, and the caller must say so.
    pub async fn run_ended(&self, stop: &str, journal: Option<ContentDigest>) -> Result<(), AuditError> {
        self.ended.store(true, Ordering::Release);
        let calls = self.calls.load(Ordering::Acquire);
        tracing::debug!(parent: &self.span, stop, calls, "run ended");
        let last = self.run.append(Body::RunEnded {
            stop: stop.to_owned(),
            calls,
            fuel: self.fuel.get().copied(),
            journal,
        })?;
        match self.run.durability() {
            Durability::Buffered => Ok(()),
            Durability::Effects | Durability::All => self.run.durable(last).await,
        }
    }

    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// What the run's report lists: the first 10,000 calls in the order in which they began. One that is under way, or
    /// was when the run ended, is `Abandoned`.
    pub fn records(&self) -> Vec<CallRecord> {
        let mut records = self.records.list();
        if self.crossings.is_replay() {
            // Calls that were under way together may be asked for in another order than they began.
            records.sort_by_key(|record| record.call);
        }
        records
    }

    /// Why the call that ended last has no result, or why the operation on an open handle failed that [`Guard::note`] was
    /// told about since.
    pub fn refusal(&self) -> Option<Code> {
        self.records.refusal()
    }

    /// Remembers why an operation on an open handle failed, which is no call.
    pub fn note(&self, error: HostError) {
        if let HostError::Denied(code) | HostError::Failed(code) | HostError::Limit(code) = error {
            self.records.note(code);
        }
    }

    /// The grant's verdict, made stricter by the life of the authority it came from.
    fn decide(&self, request: &Request, now: Timestamp, trace: &mut Trace<'_>) -> (Verdict, Option<String>) {
        let verdict = self.grant.decide(request);
        trace.granted(&verdict);
        if let Err((code, why)) = self.check_life(&verdict, now) {
            // The layers would say what the grant says, which may well be yes.
            let explanation = format!("denied: {}  [{code}]\n  {why}", shown(request.to_string()));
            return (Verdict::deny(code).stricter(verdict), Some(explanation));
        }
        let explanation = match verdict.decision() {
            Decision::Allow => None,
            Decision::Ask | Decision::Deny => {
                self.records.want_explanation().then(|| self.grant.explain(request).to_string())
            }
        };
        (verdict, explanation)
    }

    /// What only time knows: whether the authority has ended, and whether it still covers a sensitive call.
    fn check_life(&self, verdict: &Verdict, now: Timestamp) -> Result<(), (Code, String)> {
        let life = self.meter.life();
        if life.is_expired(now) {
            let why = format!("the authority ended at {}; run again with a new token", life.expires());
            return Err((Code::TokenExpired, why));
        }
        if verdict.decision() == Decision::Deny || !verdict.terms().sensitive {
            return Ok(());
        }
        life.check_sensitive(now).map_err(|code| {
            let rule = verdict.sensitive().map(|rule| format!("rule `{}`, {}", rule.id(), rule.location()));
            let why = match code {
                Code::TokenTooOld => "the token was issued too long ago for it; run again with a new one",
                _ => "the token is not bound to a key whose possession was proved; ask its issuer for one that is",
            };
            (code, format!("sensitive by {}: {why}", rule.unwrap_or_default()))
        })
    }

    fn next_call(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::AcqRel).saturating_add(1)
    }

    fn open(&self, call: &Opening, trace: &mut Trace<'_>) -> Result<(OpenEntry<'_>, Slot), CallError> {
        let intent = Body::Intent {
            call: call.number,
            action: call.word,
            resource: Arc::clone(&call.text),
            decision: call.verdict.decision(),
            code: call.verdict.code(),
            rule: call.verdict.rule().cloned(),
        };
        let mut record = call.record();
        match OpenEntry::open(&self.run, call.number, intent) {
            Ok(entry) => {
                trace.began(&record);
                Ok((entry, self.records.begin(record)))
            }
            Err(error) => {
                let denied = Denied::unrecordable(&error);
                (record.decision, record.code, record.outcome) = (Decision::Deny, denied.code(), None);
                trace.began(&record);
                let slot = self.records.begin(record);
                self.records.end(slot, None, call.began.elapsed());
                Err(CallError::Denied(denied))
            }
        }
    }

    fn refused(&self, entry: OpenEntry<'_>, slot: Slot, call: &Opening, trace: &mut Trace<'_>) -> CallError {
        let rule = call.verdict.rule().map(|rule| rule.id());
        tracing::debug!(parent: &self.span, call = call.number, action = %call.word, code = %call.verdict.code(), rule, "call refused");
        let denied = Denied::recorded(call.verdict.code(), &entry);
        entry.refused();
        let took = call.began.elapsed();
        trace.ended(None, took);
        self.records.end(slot, None, took);
        if is_limit(denied.code()) { CallError::Limit(denied.code()) } else { CallError::Denied(denied) }
    }

    fn settle<T>(
        &self,
        entry: OpenEntry<'_>,
        slot: Slot,
        call: &Opening,
        reason: Reason,
        result: Result<T, HostError>,
        trace: &mut Trace<'_>,
    ) -> (Outcome, Result<T, CallError>) {
        let (outcome, result) = match result {
            Ok(value) => (Outcome::Done, Ok(value)),
            Err(HostError::Denied(code)) => {
                (Outcome::Denied(code), Err(CallError::Denied(Denied::recorded(code, &entry))))
            }
            Err(HostError::Failed(code)) => (Outcome::Failed(code), Err(CallError::Failed(code))),
            Err(HostError::Limit(code)) => (Outcome::Limit(code), Err(CallError::Limit(code))),
            Err(HostError::Stopped(cause)) => (stopped(cause), Err(CallError::Stopped(cause))),
        };
        let recorded = entry.close(outcome);
        let code = outcome.code().map(Code::as_str);
        tracing::debug!(parent: &self.span, call = call.number, action = %call.word, outcome = outcome.as_str(), code, "call ended");
        let refused = match outcome {
            Outcome::Denied(code) => Some(("denied", code)),
            Outcome::Failed(code) => Some(("failed", code)),
            Outcome::Limit(code) => Some(("limit", code)),
            Outcome::Done | Outcome::Abandoned => None,
        };
        if let (Some((how, code)), Some(reason)) = (refused, reason.take()) {
            let why = format!("{how}: {} {}  [{code}]\n  {}", call.word, call.text, Untrusted(&reason));
            trace.explained(&why);
            self.records.explain(&slot, why);
        }
        let took = call.began.elapsed();
        trace.ended(Some(outcome), took);
        self.records.end(slot, Some(outcome), took);
        // The effect happened and its outcome is not on record: the guest must not build on it.
        (outcome, recorded.map_err(|error| CallError::Denied(Denied::unrecordable(&error))).and(result))
    }
}

/// What is decided about.
fn request<A: Action>(action: &A) -> Result<Request, ResourceError> {
    let request = Request::new(A::NAME, action.resource())?;
    Ok(match action.columns() {
        Some(columns) => request.with_columns(columns),
        None => request.with_arguments(action.arguments()),
    })
}

impl Drop for Guard {
    /// A run that ended without saying how: its future was dropped, or we failed. As for a call, the record says so.
    fn drop(&mut self) {
        if !self.ended.load(Ordering::Acquire) {
            let calls = self.calls.load(Ordering::Acquire);
            // INVARIANT: a failure to record leaves the run without an end, which is what happened.
            let _ = self.run.append(Body::RunEnded {
                stop: "abandoned".to_owned(),
                calls,
                fuel: self.fuel.get().copied(),
                journal: None,
            });
        }
    }
}
