//! How authority ends before its time: what can be revoked, and what the authority of a run rests on.

use std::fmt;

use bailiwick_policy::{Code, is_hidden};

use super::agent::{Reason, Status};
use super::key::{AgentKey, KeyAge};
use crate::agent::{AgentId, Subject};
use crate::jti::JtiHash;
use crate::thumbprint::Thumbprint;

/// The orchestrator's name for a task: 1 to 255 bytes on one line, compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(String);

/// A text that cannot name a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task's id is 1 to 255 bytes on one line")]
pub struct TaskIdError;

/// What can be revoked, for good. An agent's revocation is a [`Change`](crate::Change) of its entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Revocable {
    Token(JtiHash),
    /// The key of an agent, wherever it is registered.
    Key(Thumbprint),
    Task(TaskId),
}

/// A revocation on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    pub what: Revocable,
    pub reason: Option<Reason>,
    /// Seconds since the Unix epoch.
    pub at: u64,
}

/// What the authority of one run rests on. It ends with the first of these that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    pub token: JtiHash,
    /// The registered agent and its epoch when the run was authorised. `None` for a run on the word of the person at
    /// the terminal, as an agent that is not registered.
    pub agent: Option<(AgentId, u64)>,
    pub key: Option<Thumbprint>,
    pub task: Option<TaskId>,
}

/// Which part of its basis a run has lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    Token,
    Key,
    /// The key does not serve the agent any more: it was replaced, dropped, or has expired.
    KeyOver,
    Task,
    /// The agent is not active any more, or its entry says something else than it did.
    Agent(Status),
    /// Nobody can tell any more, which ends runs as a revocation does.
    Unknown,
}

/// What became of a run's basis: a part of it is gone, and perhaps somebody said why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    pub what: Withdrawn,
    pub reason: Option<Reason>,
}

/// A security event about an agent, from an issuer whose word was verified: what a receiver of shared signals (CAEP, RISC)
/// hands over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The issuer that sent it. It speaks for its own tokens and agents only.
    pub issuer: String,
    pub event: SignalEvent,
    pub reason: Option<Reason>,
}

/// What happened there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalEvent {
    /// A token was revoked, by its `jti`.
    TokenRevoked { jti: String },
    /// A subject's sessions were revoked, or its account was disabled: the agent is suspended until somebody here looks.
    SubjectDisabled { subject: Subject },
    /// A key of a subject is not to be trusted any more.
    KeyRevoked { subject: Subject, key: Thumbprint },
}

/// Calls the closure that it holds, once, when it is dropped. Keep it for as long as the run lasts.
#[must_use = "the run is watched only while this is kept"]
pub struct Watched(Option<Box<dyn FnOnce() + Send>>);

/// What to do with a run whose basis is gone.
pub type EndRun = Box<dyn FnOnce(Withdrawal) + Send>;

impl TaskId {
    /// # Errors
    /// [`TaskIdError`].
    pub fn parse(text: &str) -> Result<TaskId, TaskIdError> {
        let well_formed = (1..=255).contains(&text.len()) && !text.chars().any(is_hidden);
        if well_formed { Ok(TaskId(text.to_owned())) } else { Err(TaskIdError) }
    }

    /// The text, 1 to 255 bytes on one line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Revocable {
    /// The word for what it is, and its name: in records, lists and exports.
    pub fn named(&self) -> (&'static str, String) {
        match self {
            Revocable::Token(token) => ("token", token.to_string()),
            Revocable::Key(key) => ("key", key.to_string()),
            Revocable::Task(task) => ("task", task.to_string()),
        }
    }

    /// Reads what [`named`](Revocable::named) gives.
    pub fn parse(kind: &str, name: &str) -> Option<Revocable> {
        match kind {
            "token" => JtiHash::parse(name).map(Revocable::Token),
            "key" => Thumbprint::parse(name).map(Revocable::Key),
            "task" => TaskId::parse(name).ok().map(Revocable::Task),
            _ => None,
        }
    }
}

impl Basis {
    /// Whether this revocation takes a part of it away.
    pub fn lost(&self, what: &Revocable) -> Option<Withdrawn> {
        match what {
            Revocable::Token(token) => (*token == self.token).then_some(Withdrawn::Token),
            Revocable::Key(key) => (Some(*key) == self.key).then_some(Withdrawn::Key),
            Revocable::Task(task) => (Some(task) == self.task.as_ref()).then_some(Withdrawn::Task),
        }
    }

    /// What a revocation would have to name to take a part of it away.
    pub fn revocables(&self) -> impl Iterator<Item = Revocable> {
        let key = self.key.map(Revocable::Key);
        [Revocable::Token(self.token)].into_iter().chain(key).chain(self.task.clone().map(Revocable::Task))
    }

    /// The second from which its key serves the agent with these keys no longer; `None` when that is not known, and when it
    /// rests on no key. An agent without keys leaves to its issuer which keys are its own.
    ///
    /// # Errors
    /// [`Withdrawn::KeyOver`] when it does not serve at second `now`.
    pub fn key_ends(&self, keys: &[AgentKey], now: u64) -> Result<Option<u64>, Withdrawn> {
        match self.key {
            Some(bound_to) if !keys.is_empty() => {
                let key = keys.iter().find(|key| key.thumbprint() == bound_to && key.age(now) == KeyAge::Live);
                key.map(AgentKey::expires).ok_or(Withdrawn::KeyOver)
            }
            _ => Ok(None),
        }
    }
}

impl Withdrawn {
    /// The stable reason code of a run that is refused for it.
    pub fn code(&self) -> Code {
        match self {
            Withdrawn::Token | Withdrawn::Unknown => Code::TokenRevoked,
            Withdrawn::Key => Code::AgentKeyRevoked,
            Withdrawn::KeyOver => Code::AgentKeyExpired,
            Withdrawn::Task => Code::TaskEnded,
            Withdrawn::Agent(Status::Revoked) => Code::AgentRevoked,
            Withdrawn::Agent(_) => Code::AgentSuspended,
        }
    }
}

impl Watched {
    /// Calls `unwatch` when it is dropped.
    pub fn new(unwatch: impl FnOnce() + Send + 'static) -> Watched {
        Watched(Some(Box::new(unwatch)))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(unwatch) = self.0.take() {
            unwatch();
        }
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Withdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Withdrawn::Token => "the token was revoked",
            Withdrawn::Key => "the key that the token is bound to was revoked",
            Withdrawn::KeyOver => "the key that the token is bound to serves the agent no longer",
            Withdrawn::Task => "the task was ended",
            Withdrawn::Agent(Status::Revoked) => "the agent was revoked",
            Withdrawn::Agent(Status::Suspended) => "the agent was suspended",
            Withdrawn::Agent(Status::Active) => "the agent's entry in the registry was changed",
            Withdrawn::Unknown => "whether it was revoked cannot be known any more: the store of revocations failed",
        })
    }
}

impl fmt::Display for Withdrawal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "{}: {reason}", self.what),
            None => self.what.fmt(f),
        }
    }
}
