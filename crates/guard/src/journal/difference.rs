//! What another grant would decide about a run that was recorded.

use std::sync::Arc;

use bailiwick_policy::{Code, Decision, Verdict};

use super::PastRule;
use crate::ActionWord;

/// A call that would be decided about differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Position in the recorded run, from 1.
    pub call: u64,
    pub action: ActionWord,
    pub resource: Arc<str>,
    /// What the grant of the recorded run decided; the token's time and budgets, which also refuse calls, are left out.
    pub was: Decided,
    pub would_be: Decided,
}

/// A decision, its reason, and the rule behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    pub decision: Decision,
    pub code: Code,
    pub rule: Option<PastRule>,
}

impl Decided {
    pub(crate) fn of(verdict: &Verdict) -> Decided {
        let rule = verdict.rule().map(|rule| PastRule::of(rule));
        Decided { decision: verdict.decision(), code: verdict.code(), rule }
    }

    /// Whether a call ends alike, by whatever rule.
    pub(crate) fn is_like(&self, other: &Decided) -> bool {
        self.decision == other.decision && self.code == other.code
    }
}
