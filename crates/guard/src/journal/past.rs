//! A call as a journal has it.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_policy::{Code, Decision, Grant, Kind, Rule, Verdict};
use serde::{Deserialize, Serialize};

use super::{Crossing, Decided, Ending, Lane, Toll, split};
use crate::{ActionWord, CallRecord, Outcome, Timestamp};

/// A call of a recorded run, for whoever tells what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCall {
    /// Position in the run, from 1; `None` for one beyond the run's number of calls, which ended the run.
    pub call: Option<u64>,
    pub at: Timestamp,
    pub action: ActionWord,
    pub resource: String,
    pub decision: Decision,
    pub code: Code,
    /// The deciding rule.
    pub rule: Option<PastRule>,
    /// `None` for a call that was refused before it began.
    pub outcome: Option<Outcome>,
    pub took: Duration,
    /// For a refusal: why, for the operator.
    pub explanation: Option<String>,
    /// Bytes of the result, as the journal has it.
    pub bytes: usize,
}

/// A rule by its names: what it says may have changed since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRule {
    pub id: String,
    /// `FILE:LINE`.
    pub location: String,
}

/// What a journal keeps of a call beside its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Calls of the run that had ended when this one was asked for: a replay has had them, too, when it asks.
    pub(crate) after: u64,
    /// Milliseconds since the epoch.
    pub(crate) at: u64,
    pub(crate) kind: String,
    pub(crate) action: String,
    pub(crate) resource: String,
    /// What the grant alone said; `None` for what it was not asked about.
    pub(crate) granted: Option<Judged>,
    /// What the report says; `None` when the call never got as far.
    pub(crate) listed: Option<Listed>,
    pub(crate) toll: Toll,
    pub(crate) came: Came,
}

/// What came of it, for the glue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Came {
    /// The result stands before the head.
    Result,
    Ended(Ending),
    /// Whoever asked gave up.
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) number: u64,
    pub(crate) judged: Judged,
    pub(crate) outcome: Option<PastOutcome>,
    /// Nanoseconds.
    pub(crate) took: u64,
    pub(crate) explanation: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Judged {
    decision: String,
    code: String,
    rule: Option<PastRule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PastOutcome {
    Done,
    Denied(String),
    Failed(String),
    Limit(String),
    Abandoned,
}

impl PastCall {
    /// The call that this is; `None` for what is none, or cannot be read.
    pub fn read(crossing: &Crossing) -> Option<PastCall> {
        if crossing.lane != Lane::Call {
            return None;
        }
        let (result, head): (_, Head) = split(crossing.plain()?)?;
        let listed = head.listed.as_ref();
        let judged = match listed {
            Some(listed) => listed.judged.decided()?,
            None => Decided { decision: Decision::Deny, code: head.came.code()?, rule: None },
        };
        Some(PastCall {
            call: listed.map(|listed| listed.number),
            at: Timestamp(head.at),
            action: head.word()?,
            decision: judged.decision,
            code: judged.code,
            rule: judged.rule,
            outcome: match listed.and_then(|listed| listed.outcome.as_ref()) {
                Some(outcome) => Some(outcome.read()?),
                None => None,
            },
            took: Duration::from_nanos(listed.map(|listed| listed.took).unwrap_or_default()),
            explanation: listed.and_then(|listed| listed.explanation.clone()),
            bytes: result.len(),
            resource: head.resource,
        })
    }
}

impl PastRule {
    pub(crate) fn of(rule: &Rule) -> PastRule {
        PastRule { id: rule.id().to_owned(), location: rule.location().to_owned() }
    }
}

impl Head {
    pub(crate) fn word(&self) -> Option<ActionWord> {
        let kind = Kind::parse(&self.kind)?;
        Some(ActionWord { kind, action: kind.action(&self.action)? })
    }

    /// The record as the report of the recorded run had it, with the rule of `grant` that it names.
    pub(crate) fn record(&self, grant: &Grant) -> Option<CallRecord> {
        let Listed { number, judged, outcome, took, explanation } = self.listed.as_ref()?;
        let decided = judged.decided()?;
        Some(CallRecord {
            call: *number,
            action: self.word()?,
            resource: self.resource.as_str().into(),
            decision: decided.decision,
            code: decided.code,
            rule: decided.rule.and_then(|rule| grant.rule(&rule.id, &rule.location)).map(Arc::clone),
            outcome: match outcome {
                Some(outcome) => Some(outcome.read()?),
                None => None,
            },
            took: Duration::from_nanos(*took),
            explanation: explanation.clone(),
        })
    }
}

impl Came {
    fn code(&self) -> Option<Code> {
        match self {
            Came::Result => Some(Code::Allowed),
            Came::Ended(ending) => Some(ending.to_call()?.code()),
            Came::Nothing => Some(Code::Abandoned),
        }
    }
}

impl Judged {
    pub(crate) fn of(verdict: &Verdict) -> Judged {
        let Decided { decision, code, rule } = Decided::of(verdict);
        Judged { decision: decision.as_str().to_owned(), code: code.as_str().to_owned(), rule }
    }

    pub(crate) fn of_record(record: &CallRecord) -> Judged {
        let rule = record.rule.as_deref().map(PastRule::of);
        Judged { decision: record.decision.as_str().to_owned(), code: record.code.as_str().to_owned(), rule }
    }

    pub(crate) fn decided(&self) -> Option<Decided> {
        let decisions = [Decision::Allow, Decision::Ask, Decision::Deny];
        let decision = decisions.into_iter().find(|decision| decision.as_str() == self.decision)?;
        Some(Decided { decision, code: Code::parse(&self.code)?, rule: self.rule.clone() })
    }
}

impl PastOutcome {
    pub(crate) fn of(outcome: Outcome) -> PastOutcome {
        let text = |code: Code| code.as_str().to_owned();
        match outcome {
            Outcome::Done => PastOutcome::Done,
            Outcome::Denied(code) => PastOutcome::Denied(text(code)),
            Outcome::Failed(code) => PastOutcome::Failed(text(code)),
            Outcome::Limit(code) => PastOutcome::Limit(text(code)),
            Outcome::Abandoned => PastOutcome::Abandoned,
        }
    }

    fn read(&self) -> Option<Outcome> {
        Some(match self {
            PastOutcome::Done => Outcome::Done,
            PastOutcome::Denied(code) => Outcome::Denied(Code::parse(code)?),
            PastOutcome::Failed(code) => Outcome::Failed(Code::parse(code)?),
            PastOutcome::Limit(code) => Outcome::Limit(Code::parse(code)?),
            PastOutcome::Abandoned => Outcome::Abandoned,
        })
    }
}
