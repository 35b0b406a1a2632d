//! What the log records.

use std::borrow::Cow;
use std::sync::Arc;

use bailiwick_policy::{Code, Decision, Rule};
use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::canonical::{Members, Unsealed};
use crate::journal::ContentDigest;
use crate::record::ActionWord;
use crate::{Outcome, Timestamp};

/// Bytes of the longest text that is recorded whole. Escaped, a byte takes up to six.
const MAX_TEXT: usize = 2 * 1024;

/// What every entry of a run carries. INVARIANT: the members are in the order of their names, as canonical JSON has them.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct RunContext {
    pub(crate) agent: String,
    /// SHA-256 of the grant, in hex; `manifest` and `module` (the guest's bytes) likewise.
    pub(crate) grant: String,
    /// SHA-256 of the interpreter, when the guest is source text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interpreter: Option<String>,
    pub(crate) issuer: String,
    pub(crate) manifest: String,
    pub(crate) module: String,
    pub(crate) run: String,
    pub(crate) subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task: Option<String>,
    /// The W3C `traceparent` that the run was started with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) traceparent: Option<String>,
}

/// An agent's token that was accepted (`allow`) or refused.
#[derive(Clone, Debug)]
pub struct Authentication {
    pub issuer: String,
    pub agent: String,
    /// SHA-256 of the token's `jti` in hex; the identifier itself is not recorded.
    pub jti: String,
    /// Who acts for the agent (RFC 8693), the one that presented the token first; empty when it acts itself.
    pub actors: Vec<String>,
    pub code: Code,
}

/// Something that an administrator did to the registry or revoked.
#[derive(Clone, Debug)]
pub struct Administration {
    /// What was done, such as `agent.suspend`.
    pub act: &'static str,
    /// To what: an agent's id, a task's, or the hash of a token's `jti`.
    pub target: String,
    /// Why, in the administrator's own words.
    pub reason: Option<String>,
    /// Who did it, as the operating system or a server knows them.
    pub by: String,
    /// It was recorded before it was tried, and this is why it was not done after all.
    pub failed: Option<String>,
}

/// One entry before it has a place in the chain.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    pub(crate) run: Option<Arc<RunContext>>,
    pub(crate) body: Body,
}

/// The entry's own part.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    RunStarted {
        rationale: Option<String>,
    },
    Intent {
        call: u64,
        action: ActionWord,
        resource: Arc<str>,
        decision: Decision,
        code: Code,
        rule: Option<Arc<Rule>>,
    },
    Outcome {
        call: u64,
        outcome: Outcome,
    },
    RunEnded {
        stop: String,
        calls: u64,
        /// Fuel that the guest used, where that is known.
        fuel: Option<u64>,
        /// SHA-256 of the run's journal, if it has one.
        journal: Option<ContentDigest>,
    },
    Authentication(Authentication),
    Administration(Administration),
    /// What a crash left was found when the log was opened: a torn last line, which was never acknowledged and was cut off,
    /// and whole entries that nobody had signed, and that are signed from now on.
    Recovered {
        bytes: u64,
        unsigned: u64,
    },
}

impl Event {
    /// The entry as one line of canonical JSON, without its hash.
    pub(super) fn encode(&self, seq: u64, prev: &str) -> Result<Unsealed, serde_json::Error> {
        let mut line = Members::default();
        line.add("seq", &seq)?;
        line.add("prev", prev)?;
        line.add("at", &self.at.to_string())?;
        match &self.body {
            Body::RunStarted { rationale } => {
                line.add("type", "run_started")?;
                if let Some(rationale) = rationale {
                    line.add("rationale", &bounded(rationale))?;
                }
            }
            Body::Intent { call, action, resource, decision, code, rule } => {
                line.add("type", "intent")?;
                line.add("call", call)?;
                line.add("action", action)?;
                line.add("resource", &bounded(resource))?;
                line.add("decision", decision.as_str())?;
                line.add("code", code.as_str())?;
                if let Some(rule) = rule {
                    line.add("rule", rule.id())?;
                    line.add("location", &bounded(rule.location()))?;
                }
            }
            Body::Outcome { call, outcome } => {
                line.add("type", "outcome")?;
                line.add("call", call)?;
                line.add("outcome", outcome.as_str())?;
                if let Some(code) = outcome.code() {
                    line.add("code", code.as_str())?;
                }
            }
            Body::RunEnded { stop, calls, fuel, journal } => {
                line.add("type", "run_ended")?;
                line.add("stop", stop)?;
                line.add("calls", calls)?;
                if let Some(fuel) = fuel {
                    line.add("fuel", fuel)?;
                }
                if let Some(journal) = journal {
                    line.add("journal", journal)?;
                }
            }
            Body::Authentication(Authentication { issuer, agent, jti, actors, code }) => {
                line.add("type", "authentication")?;
                line.add("issuer", &bounded(issuer))?;
                line.add("agent", &bounded(agent))?;
                line.add("jti", jti)?;
                if !actors.is_empty() {
                    line.add("actors", actors)?;
                }
                line.add("code", code.as_str())?;
            }
            Body::Administration(Administration { act, target, reason, by, failed }) => {
                line.add("type", "administration")?;
                line.add("act", act)?;
                line.add("target", target)?;
                if let Some(reason) = reason {
                    line.add("reason", &bounded(reason))?;
                }
                line.add("by", by)?;
                if let Some(failed) = failed {
                    line.add("failed", &bounded(failed))?;
                }
            }
            Body::Recovered { bytes, unsigned } => {
                line.add("type", "recovered")?;
                line.add("bytes", bytes)?;
                if *unsigned > 0 {
                    line.add("unsigned", unsigned)?;
                }
            }
        }
        if let Some(run) = &self.run {
            line.add("context", &**run)?;
        }
        Ok(line.finish())
    }
}

/// A text, or the beginning of one that would make its entry too long for a bundle, with its length and SHA-256.
pub(crate) fn bounded(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_TEXT {
        return text.into();
    }
    let start = text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default();
    let digest = HEXLOWER.encode(&Sha256::digest(text));
    format!("{start}… ({} bytes, SHA-256 {digest})", text.len()).into()
}
