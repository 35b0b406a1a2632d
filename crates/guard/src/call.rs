//! The one door.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bailiwick_policy::{ActionName, Code, Decision, Grant, Kind, Request, Verdict};
use data_encoding::HEXLOWER;

use crate::audit::{AuditLog, Body, Durability, RunContext, RunLog};
use crate::entry::{OpenEntry, ResourceText};
use crate::permit::{Allowed, Permit};
use crate::record::{ActionWord, MAX_RECORDS};
use crate::untrusted::{Untrusted, is_hidden};
use crate::{
    Action, AuditError, CallError, CallRecord, Clock, Denied, HostError, Life, Meter, Observe, Outcome, Perform,
    StopCause,
};

/// Decides, records and performs every call of one run.
pub struct Guard {
    grant: Grant,
    meter: Arc<Meter>,
    run: RunLog,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observe>>,
    calls: AtomicU64,
    records: Mutex<Vec<CallRecord>>,
}

/// What the log must know about a run besides its grant.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// UUIDv7.
    pub id: String,
    pub task: Option<String>,
    /// SHA-256 of the guest's bytes as they were handed in, in hex.
    pub module: String,
    /// The agent's own words about why it runs this. Never trusted.
    pub rationale: Option<String>,
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
    /// Defaults: nothing is allowed that `grant` does not allow; no observer; the budgets are those of the grant.
    ///
    /// # Errors
    /// When the log cannot record the start of the run. There is no guard then, and so no run.
    pub fn new(grant: Grant, run: Run, life: Life, log: AuditLog, clock: Arc<dyn Clock>) -> Result<Guard, AuditError> {
        let principal = grant.principal();
        let context = RunContext {
            run: run.id,
            task: run.task,
            agent: principal.agent.clone(),
            issuer: principal.issuer.clone(),
            subject: principal.subject.clone(),
            manifest: HEXLOWER.encode(grant.manifest().digest()),
            module: run.module,
            grant: grant.digest().to_owned(),
        };
        let log = RunLog::new(log, context, Arc::clone(&clock));
        log.append(Body::RunStarted { rationale: run.rationale.map(|text| Untrusted(&text).to_string()) })?;
        let meter = Arc::new(Meter::new(&grant.limits(), life));
        Ok(Guard { grant, meter, run: log, clock, observer: None, calls: AtomicU64::new(0), records: Mutex::default() })
    }

    /// Lets `observer` see every call as it ends.
    pub fn observed_by(mut self, observer: Arc<dyn Observe>) -> Guard {
        self.observer = Some(observer);
        self
    }

    /// Performs `action` on `host` if the grant allows it, and records both the intent and the outcome.
    ///
    /// # Errors
    /// [`CallError`]: refused, failed, over a limit, or the run must end.
    pub async fn call<A: Action, H: Perform<A>>(&self, host: &H, action: A) -> Result<A::Output, CallError> {
        let began = Instant::now();
        self.meter.take_call()?;
        let resource = action.resource();
        let text = shown(resource.to_string());
        let word = ActionWord { kind: resource.kind(), action: A::NAME };
        let (verdict, explanation) = match Request::new(A::NAME, resource) {
            Ok(request) => self.decide(&request),
            Err(error) => (Verdict::deny(error.code()), Some(error.to_string())),
        };
        let call = Opening { number: self.next_call(), word, text, verdict, explanation, began };
        let entry = self.open(&call)?;
        let Some(allowed) = Allowed::of(&call.verdict) else { return Err(self.refused(entry, call)) };
        if self.run.must_wait(action.effect()) {
            entry.durable().await.map_err(|error| CallError::Denied(Denied::unrecordable(&error)))?;
        }
        let deadline = action.deadline().min(call.verdict.terms().timeout.unwrap_or(Duration::MAX));
        let permit = Permit::mint(allowed, action, &self.meter, &entry);
        let result = match tokio::time::timeout(deadline, host.perform(permit)).await {
            Ok(result) => result,
            Err(_elapsed) => Err(HostError::Limit(Code::CallDeadline)),
        };
        self.settle(entry, call, result)
    }

    /// Records and refuses something that does not form an action. It counts as a call.
    pub fn refuse(&self, attempt: Attempt<'_>) -> CallError {
        if let Err(cause) = self.meter.take_call() {
            return cause.into();
        }
        let call = Opening {
            number: self.next_call(),
            word: ActionWord { kind: attempt.kind, action: attempt.action },
            text: Untrusted(attempt.resource).to_string().into(),
            verdict: Verdict::deny(attempt.code),
            explanation: Some(explain_attempt(&attempt)),
            began: Instant::now(),
        };
        match self.open(&call) {
            Ok(entry) => self.refused(entry, call),
            Err(error) => error,
        }
    }

    /// Records the end of the run and waits until everything about it is on stable storage.
    ///
    /// # Errors
    /// When the log cannot take it: the run's record is incomplete, and the caller must say so.
    pub async fn run_ended(&self, stop: &str) -> Result<(), AuditError> {
        let last =
            self.run.append(Body::RunEnded { stop: stop.to_owned(), calls: self.calls.load(Ordering::Acquire) })?;
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

    /// What the run's report lists: the first 10,000 calls in the order in which they ended.
    pub fn records(&self) -> Vec<CallRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The grant's verdict, made stricter by the life of the authority it came from.
    fn decide(&self, request: &Request) -> (Verdict, Option<String>) {
        let verdict = self.grant.decide(request);
        let life = self.meter.life();
        if life.is_expired(self.clock.now()) {
            // The layers would say what the grant says, which may well be yes.
            let (code, request) = (Code::TokenExpired, shown(request.to_string()));
            let explanation = format!(
                "denied: {request}  [{code}]\n  the authority ended at {}; run again with a new token",
                life.expires()
            );
            return (Verdict::deny(code).stricter(verdict), Some(explanation));
        }
        let explanation = match verdict.decision() {
            Decision::Allow => None,
            Decision::Ask | Decision::Deny => Some(self.grant.explain(request).to_string()),
        };
        (verdict, explanation)
    }

    fn next_call(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::AcqRel).saturating_add(1)
    }

    fn open(&self, call: &Opening) -> Result<OpenEntry<'_>, CallError> {
        let intent = Body::Intent {
            call: call.number,
            action: call.word,
            resource: Arc::clone(&call.text),
            decision: call.verdict.decision(),
            code: call.verdict.code(),
            rule: call.verdict.rule().cloned(),
        };
        OpenEntry::open(&self.run, call.number, intent).map_err(|error| CallError::Denied(Denied::unrecordable(&error)))
    }

    fn refused(&self, entry: OpenEntry<'_>, call: Opening) -> CallError {
        let denied = Denied::recorded(call.verdict.code(), &entry);
        entry.refused();
        self.remember(call, None);
        CallError::Denied(denied)
    }

    fn settle<T>(&self, entry: OpenEntry<'_>, call: Opening, result: Result<T, HostError>) -> Result<T, CallError> {
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
        self.remember(call, Some(outcome));
        // The effect happened and its outcome is not on record: the guest must not build on it.
        recorded.map_err(|error| CallError::Denied(Denied::unrecordable(&error)))?;
        result
    }

    fn remember(&self, call: Opening, outcome: Option<Outcome>) {
        let record = CallRecord {
            call: call.number,
            action: call.word,
            resource: call.text,
            decision: call.verdict.decision(),
            code: call.verdict.code(),
            rule: call.verdict.rule().cloned(),
            outcome,
            took: call.began.elapsed(),
            explanation: call.explanation,
        };
        if let Some(observer) = &self.observer {
            observer.call_ended(&record);
        }
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() < MAX_RECORDS {
            records.push(record);
        }
    }
}

/// What is known of a call when its entry is opened.
struct Opening {
    number: u64,
    word: ActionWord,
    text: ResourceText,
    verdict: Verdict,
    explanation: Option<String>,
    began: Instant,
}

/// The canonical text of a resource as records hold it. A file's name may have characters that hide or reorder others.
fn shown(text: String) -> ResourceText {
    if text.chars().any(is_hidden) { Untrusted(&text).to_string().into() } else { text.into() }
}

/// For the operator: there are no layers to show, because nothing was decided.
fn explain_attempt(attempt: &Attempt<'_>) -> String {
    let why = match attempt.code {
        Code::Ambiguous => "it has more than one reading, and nothing is normalised; write it plainly",
        Code::Malformed => "it does not form a call of this kind",
        Code::Unsupported => "no manifest can allow this",
        _ => "it was refused before any policy was asked",
    };
    let word = ActionWord { kind: attempt.kind, action: attempt.action };
    format!("denied: {word} {}  [{}]\n  {why}", Untrusted(attempt.resource), attempt.code)
}

fn stopped(cause: StopCause) -> Outcome {
    match cause {
        StopCause::Budget(budget) => Outcome::Limit(budget.code()),
        StopCause::Revoked => Outcome::Denied(Code::TokenRevoked),
    }
}
