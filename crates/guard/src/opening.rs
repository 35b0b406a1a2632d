//! What is known of a call before it is made, and what the operator is told of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bailiwick_policy::{Code, Decision, Verdict};

use crate::call::Attempt;
use crate::entry::ResourceText;
use crate::record::ActionWord;
use crate::untrusted::{Refused, Untrusted, is_hidden};
use crate::{CallRecord, Outcome, StopCause};

/// What is known of a call when its entry is opened.
pub(crate) struct Opening {
    pub(crate) number: u64,
    pub(crate) word: ActionWord,
    pub(crate) text: ResourceText,
    pub(crate) verdict: Verdict,
    pub(crate) explanation: Option<String>,
    pub(crate) began: Instant,
}

impl Opening {
    pub(crate) fn record(&self) -> CallRecord {
        let allowed = self.verdict.decision() == Decision::Allow;
        CallRecord {
            call: self.number,
            action: self.word,
            resource: Arc::clone(&self.text),
            decision: self.verdict.decision(),
            code: self.verdict.code(),
            rule: self.verdict.rule().cloned(),
            outcome: allowed.then_some(Outcome::Abandoned),
            took: Duration::ZERO,
            explanation: self.explanation.clone(),
        }
    }
}

/// For the operator: what every layer allows, and is refused all the same.
pub(crate) fn refusal(word: ActionWord, resource: &str, code: Code, why: &str) -> String {
    format!("denied: {word} {}  [{code}]\n  {why}", Refused(resource))
}

/// The canonical text of a resource as records hold it. A file's name may have characters that hide or reorder others.
pub(crate) fn shown(text: String) -> ResourceText {
    if text.chars().any(is_hidden) { Untrusted(&text).to_string().into() } else { text.into() }
}

/// For the operator: there are no layers to show, because nothing was decided.
pub(crate) fn explain_attempt(attempt: &Attempt<'_>) -> String {
    let why = match attempt.code {
        Code::Ambiguous => "it has more than one reading, and nothing is normalised; write it plainly",
        Code::Malformed => "it does not form a call of this kind",
        Code::Unsupported => "no manifest can allow this",
        _ => "it was refused before any policy was asked",
    };
    let word = ActionWord { kind: attempt.kind, action: attempt.action };
    format!("denied: {word} {}  [{}]\n  {why}", Untrusted(attempt.resource), attempt.code)
}

pub(crate) fn stopped(cause: StopCause) -> Outcome {
    match cause {
        StopCause::Budget(budget) => Outcome::Limit(budget.code()),
        StopCause::Revoked => Outcome::Denied(Code::TokenRevoked),
        StopCause::Diverged => Outcome::Abandoned,
    }
}
