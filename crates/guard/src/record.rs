//! What a run's report says about each call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_policy::{ActionName, Code, Decision, Kind, Rule};
use serde::Serialize;

/// Calls that a report lists; those beyond are counted and in the audit log.
pub(crate) const MAX_RECORDS: usize = 10_000;

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
        map.serialize_entry("ms", &(self.took.as_micros() as f64 / 1000.0))?;
        map.end()
    }
}
