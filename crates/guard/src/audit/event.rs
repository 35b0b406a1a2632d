//! What the log records.

use std::borrow::Cow;
use std::sync::Arc;

use bailiwick_policy::{Code, Decision, Rule};
use data_encoding::HEXLOWER;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use sha2::{Digest, Sha256};

use crate::journal::ContentDigest;
use crate::record::ActionWord;
use crate::{Outcome, Timestamp};

/// Bytes of the longest text that is recorded whole. Escaped, a byte takes up to six.
const MAX_TEXT: usize = 2 * 1024;

/// What every entry of a run carries.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct RunContext {
    pub(crate) run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task: Option<String>,
    pub(crate) agent: String,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// SHA-256 of the manifest, of the guest's bytes and of the grant, in hex.
    pub(crate) manifest: String,
    pub(crate) module: String,
    /// SHA-256 of the interpreter, when the guest is source text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interpreter: Option<String>,
    pub(crate) grant: String,
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
    /// The entry as one line without its hash: `{"seq":…,"prev":"…",…}`.
    pub(crate) fn encode(&self, seq: u64, prev: &str) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Line { seq, prev, event: self })
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

struct Line<'a> {
    seq: u64,
    prev: &'a str,
    event: &'a Event,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_struct("entry", 16)?;
        line.serialize_field("seq", &self.seq)?;
        line.serialize_field("prev", self.prev)?;
        line.serialize_field("at", &self.event.at.to_string())?;
        match &self.event.body {
            Body::RunStarted { rationale } => {
                line.serialize_field("type", "run_started")?;
                if let Some(rationale) = rationale {
                    line.serialize_field("rationale", &*bounded(rationale))?;
                }
            }
            Body::Intent { call, action, resource, decision, code, rule } => {
                line.serialize_field("type", "intent")?;
                line.serialize_field("call", call)?;
                line.serialize_field("action", action)?;
                line.serialize_field("resource", &*bounded(resource))?;
                line.serialize_field("decision", decision.as_str())?;
                line.serialize_field("code", code.as_str())?;
                if let Some(rule) = rule {
                    line.serialize_field("rule", rule.id())?;
                    line.serialize_field("location", &*bounded(rule.location()))?;
                }
            }
            Body::Outcome { call, outcome } => {
                line.serialize_field("type", "outcome")?;
                line.serialize_field("call", call)?;
                line.serialize_field("outcome", outcome.as_str())?;
                if let Some(code) = outcome.code() {
                    line.serialize_field("code", code.as_str())?;
                }
            }
            Body::RunEnded { stop, calls, journal } => {
                line.serialize_field("type", "run_ended")?;
                line.serialize_field("stop", stop)?;
                line.serialize_field("calls", calls)?;
                if let Some(journal) = journal {
                    line.serialize_field("journal", journal)?;
                }
            }
            Body::Authentication(Authentication { issuer, agent, jti, actors, code }) => {
                line.serialize_field("type", "authentication")?;
                line.serialize_field("issuer", &*bounded(issuer))?;
                line.serialize_field("agent", &*bounded(agent))?;
                line.serialize_field("jti", jti)?;
                if !actors.is_empty() {
                    line.serialize_field("actors", actors)?;
                }
                line.serialize_field("code", code.as_str())?;
            }
            Body::Administration(Administration { act, target, reason, by, failed }) => {
                line.serialize_field("type", "administration")?;
                line.serialize_field("act", act)?;
                line.serialize_field("target", target)?;
                if let Some(reason) = reason {
                    line.serialize_field("reason", &*bounded(reason))?;
                }
                line.serialize_field("by", by)?;
                if let Some(failed) = failed {
                    line.serialize_field("failed", &*bounded(failed))?;
                }
            }
            Body::Recovered { bytes, unsigned } => {
                line.serialize_field("type", "recovered")?;
                line.serialize_field("bytes", bytes)?;
                if *unsigned > 0 {
                    line.serialize_field("unsigned", unsigned)?;
                }
            }
        }
        if let Some(run) = &self.event.run {
            line.serialize_field("context", &**run)?;
        }
        line.end()
    }
}
