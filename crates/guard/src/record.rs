//! What a run's report says about each call.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bailiwick_policy::{ActionName, Code, Decision, Kind, Rule};
use serde::Serialize;

/// Calls that a report lists; those beyond are counted and in the audit log.
const MAX_RECORDS: usize = 10_000;

/// Refusals that a report explains; what comes after them has its code.
const MAX_EXPLANATIONS: usize = 100;

/// Kind and action in one word, `file.read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionWord {
    pub kind: Kind,
    pub action: ActionName,
}

/// How a call that was allowed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// A check that only the effect could make refused.
    Denied(Code),
    Failed(Code),
    Limit(Code),
    /// The call's future was dropped: the run ended while it was under way. Whether the effect happened is unknown.
    Abandoned,
}

/// One call, decided and ended.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// Position in the run, from 1.
    pub call: u64,
    pub action: ActionWord,
    /// The resource in its canonical text, or an excerpt of what could not be parsed.
    pub resource: Arc<str>,
    pub decision: Decision,
    pub code: Code,
    /// The deciding rule.
    pub rule: Option<Arc<Rule>>,
    /// `None` for a call that was refused before it began.
    pub outcome: Option<Outcome>,
    pub took: Duration,
    /// For a refusal: the decision layer by layer and what would allow it. For the operator, never for the guest.
    pub explanation: Option<String>,
}

/// Somebody who watches a run's calls as they end, a live display for example. Must not block.
pub trait Observe: Send + Sync {
    fn call_ended(&self, record: &CallRecord);
}

/// The records of one run, as its report lists them.
#[derive(Default)]
pub(crate) struct Records {
    observer: Option<Arc<dyn Observe>>,
    listed: Mutex<Listed>,
}

#[derive(Default)]
struct Listed {
    calls: Vec<CallRecord>,
    explained: usize,
    refusal: Option<Code>,
}

/// A record that may still change: in the list, or alone when the list is full.
pub(crate) enum Slot {
    Listed(usize),
    Beyond(Box<CallRecord>),
}

impl Records {
    pub(crate) fn observed_by(&mut self, observer: Arc<dyn Observe>) {
        self.observer = Some(observer);
    }

    /// Whether one more explanation would be kept. Making one reads every rule.
    pub(crate) fn want_explanation(&self) -> bool {
        self.listed().explained < MAX_EXPLANATIONS
    }

    /// Lists a call when it begins, so that one that never ends is in the report, too.
    pub(crate) fn begin(&self, record: CallRecord) -> Slot {
        let mut listed = self.listed();
        if listed.calls.len() >= MAX_RECORDS {
            return Slot::Beyond(Box::new(record));
        }
        if record.explanation.is_some() {
            listed.explained = listed.explained.saturating_add(1);
        }
        listed.calls.push(record);
        Slot::Listed(listed.calls.len().saturating_sub(1))
    }

    /// Adds why the effect refused, if one more explanation is kept.
    pub(crate) fn explain(&self, slot: &Slot, why: String) {
        let Slot::Listed(at) = slot else { return };
        let Listed { calls, explained, .. } = &mut *self.listed();
        if let Some(record) = calls.get_mut(*at).filter(|_| *explained < MAX_EXPLANATIONS) {
            *explained = explained.saturating_add(1);
            record.explanation = Some(why);
        }
    }

    /// Says how the call ended, to the list and to whoever observes.
    pub(crate) fn end(&self, slot: Slot, outcome: Option<Outcome>, took: Duration) {
        let settle = |record: &mut CallRecord| {
            (record.outcome, record.took) = (outcome, took);
        };
        let ended = match slot {
            Slot::Beyond(mut record) => {
                settle(&mut record);
                self.listed().refusal = record.refusal();
                Some(*record)
            }
            Slot::Listed(at) => {
                let Listed { calls, refusal, .. } = &mut *self.listed();
                calls.get_mut(at).and_then(|record| {
                    settle(record);
                    *refusal = record.refusal();
                    self.observer.is_some().then(|| record.clone())
                })
            }
        };
        if let (Some(observer), Some(record)) = (&self.observer, ended) {
            observer.call_ended(&record);
        }
    }

    /// Why the call that ended last has no result, or what [`Records::note`] was told since.
    pub(crate) fn refusal(&self) -> Option<Code> {
        self.listed().refusal
    }

    pub(crate) fn note(&self, code: Code) {
        self.listed().refusal = Some(code);
    }

    pub(crate) fn list(&self) -> Vec<CallRecord> {
        self.listed().calls.clone()
    }

    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallRecord {
    fn refusal(&self) -> Option<Code> {
        match self.outcome {
            Some(Outcome::Denied(code) | Outcome::Failed(code) | Outcome::Limit(code)) => Some(code),
            None if self.decision == Decision::Deny => Some(self.code),
            _ => None,
        }
    }
}

impl fmt::Display for ActionWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind, self.action)
    }
}

impl Serialize for ActionWord {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Denied(_) => "denied",
            Outcome::Failed(_) => "failed",
            Outcome::Limit(_) => "limit",
            Outcome::Abandoned => "abandoned",
        }
    }

    pub const fn code(self) -> Option<Code> {
        match self {
            Outcome::Done => None,
            Outcome::Denied(code) | Outcome::Failed(code) | Outcome::Limit(code) => Some(code),
            Outcome::Abandoned => Some(Code::Abandoned),
        }
    }
}

impl Serialize for CallRecord {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("action", &self.action)?;
        map.serialize_entry("resource", &*self.resource)?;
        map.serialize_entry("decision", self.decision.as_str())?;
        let code = self.outcome.and_then(Outcome::code).unwrap_or(self.code);
        map.serialize_entry("code", code.as_str())?;
        if let Some(rule) = &self.rule {
            map.serialize_entry("rule", rule.id())?;
            map.serialize_entry("location", rule.location())?;
        }
        map.serialize_entry("outcome", &self.outcome.map(Outcome::as_str))?;
        if let Some(explanation) = &self.explanation {
            map.serialize_entry("explanation", explanation)?;
        }
        map.serialize_entry("ms", &(self.took.as_micros() as f64 / 1000.0))?;
        map.end()
    }
}
