//! Who keeps the registry: a port. What may change in it, and how, [`AgentRegistry`](crate::AgentRegistry) says.

use super::agent::{Agent, Change, Reason};
use super::document::RegistryDocument;
use super::revocation::{Basis, EndRun, Revocable, Revocation, Signal, SignalEvent, Watched, Withdrawal};
use super::roll::{MissingKeys, RegistryError};
use crate::agent::{AgentId, Subject};
use crate::jti::JtiHash;

/// Keeps the registry and the revocations. What it was told is on stable storage when a call returns; every reader of
/// the same registry sees it from then on, also in other processes.
///
/// Times are in seconds since the Unix epoch. Every call fails with [`RegistryError::Unavailable`] when the registry
/// cannot be read or written, and whoever asked must then refuse.
pub trait Registrar: Send + Sync {
    /// Every agent, ordered by id.
    fn agents(&self) -> Result<Vec<Agent>, RegistryError>;

    fn agent(&self, id: &AgentId) -> Result<Option<Agent>, RegistryError>;

    /// The agent for which that issuer's tokens with that subject speak.
    fn find(&self, issuer: &str, subject: &Subject) -> Result<Option<Agent>, RegistryError>;

    /// Adds an agent.
    ///
    /// # Errors
    /// What [`AgentRegistry::register`](crate::AgentRegistry::register) refuses.
    fn register(&self, agent: Agent) -> Result<(), RegistryError>;

    /// Adds or replaces agents, and revokes, all or nothing.
    ///
    /// # Errors
    /// Everything that [`AgentRegistry::import`](crate::AgentRegistry::import) refuses.
    fn import(
        &self,
        document: RegistryDocument,
        missing: MissingKeys,
        now: u64,
    ) -> Result<Vec<AgentId>, Vec<RegistryError>>;

    /// Changes one agent; what it is then.
    ///
    /// # Errors
    /// What [`AgentRegistry::change`](crate::AgentRegistry::change) refuses.
    fn change(&self, id: &AgentId, change: Change, now: u64) -> Result<Agent, RegistryError>;

    /// Counts a token that claimed more for the agent than its capabilities.
    fn count_injection(&self, id: &AgentId) -> Result<(), RegistryError>;

    /// Revokes for good. To revoke again what is revoked changes nothing.
    fn revoke(&self, what: Revocable, reason: Option<Reason>, now: u64) -> Result<(), RegistryError>;

    /// Every revocation, the latest first.
    fn revocations(&self) -> Result<Vec<Revocation>, RegistryError>;

    /// What is gone of a run's basis at second `now`: taken away, or a key that serves no longer.
    fn withdrawn(&self, basis: &Basis, now: u64) -> Result<Option<Withdrawal>, RegistryError>;

    /// Calls `end` once as soon as something is taken away of the basis, which may be before this returns, and when
    /// that cannot be known any more. Dropping what it returns ends the watch.
    ///
    /// # Errors
    /// When nobody can watch; the run must not start.
    fn watch(&self, basis: Basis, end: EndRun) -> Result<Watched, RegistryError>;

    /// Does what a verified security event asks for. An issuer speaks for its own tokens, agents and their keys only.
    ///
    /// # Errors
    /// [`RegistryError::UnknownSubject`] for a subject that it has no agent of.
    fn apply(&self, signal: Signal, now: u64) -> Result<(), RegistryError> {
        let agent = |subject: &Subject| {
            self.find(&signal.issuer, subject)?.ok_or_else(|| RegistryError::UnknownSubject(subject.clone()))
        };
        match &signal.event {
            SignalEvent::TokenRevoked { jti } => {
                self.revoke(Revocable::Token(JtiHash::of(&signal.issuer, jti)), signal.reason.clone(), now)
            }
            SignalEvent::SubjectDisabled { subject } => {
                let agent = agent(subject)?;
                self.change(&agent.id, Change::Suspend(signal.reason.clone()), now).map(drop)
            }
            SignalEvent::KeyRevoked { subject, key } => {
                let agent = agent(subject)?;
                if !agent.keys.iter().any(|known| known.thumbprint() == *key) {
                    return Err(RegistryError::UnknownKey { agent: agent.id, key: key.to_string() });
                }
                self.revoke(Revocable::Key(*key), signal.reason.clone(), now)
            }
        }
    }
}
