//! The agent registry as a value: which agents exist, and what holds between them. Where it is kept is a
//! [`Registrar`](crate::Registrar)'s affair.

use std::collections::{BTreeMap, BTreeSet};

use super::agent::{Agent, Change, ChangeError, EntryError, Status};
use super::document::RegistryDocument;
use super::key::{AgentKey, KeyAge};
use crate::agent::{AgentId, Subject};
use crate::issuer::TrustedIssuer;
use crate::thumbprint::Thumbprint;

/// Every registered agent. Empty by default: nobody may run.
///
/// Between agents it holds that an id, an issuer's subject, and a key are each one agent's.
#[derive(Clone, Debug, Default)]
pub struct AgentRegistry {
    agents: BTreeMap<AgentId, Agent>,
    /// Keys that nobody may register again.
    revoked_keys: BTreeSet<Thumbprint>,
}

/// What becomes of keys that agents have here and not in a document that is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingKeys {
    /// A document without a key that serves is refused. What has served its time may go, unless no key would be left.
    Refuse,
    /// They are dropped, and the runs of their agents end.
    Drop,
}

/// The registry does not take that, or cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("the agent `{0}` is registered already")]
    Exists(AgentId),
    #[error("the agent `{0}` is there twice")]
    Twice(AgentId),
    #[error("the agent `{0}` is registered for the same issuer and subject")]
    SameSubject(AgentId),
    #[error("the key `{key}` is one of the agent `{agent}`; each agent has its own")]
    SameKey { agent: AgentId, key: Thumbprint },
    #[error("the key `{0}` is revoked, for good; make another one")]
    RevokedKey(Thumbprint),
    #[error("no agent `{0}` is registered")]
    Unknown(AgentId),
    #[error("no agent is registered for the subject `{0}` of that issuer")]
    UnknownSubject(Subject),
    #[error("the agent `{agent}` has no key `{key}`")]
    UnknownKey { agent: AgentId, key: String },
    #[error("the agent `{agent}` has the key `{key}`, and would lose it; `--drop-keys` drops such keys")]
    KeyMissing { agent: AgentId, key: Thumbprint },
    #[error("the agent `{agent}`: `{name}` is in the future")]
    Future { agent: AgentId, name: &'static str },
    #[error("the agent `{agent}`: {problem}")]
    Change { agent: AgentId, problem: ChangeError },
    #[error(transparent)]
    Refused(#[from] EntryError),
    /// What keeps it cannot be read or written. Nothing was decided, so nothing is allowed.
    #[error("{0}")]
    Unavailable(String),
}

impl AgentRegistry {
    /// Agents as they were kept, and the keys that were revoked.
    pub fn restore(agents: Vec<Agent>, revoked_keys: BTreeSet<Thumbprint>) -> AgentRegistry {
        AgentRegistry { agents: agents.into_iter().map(|agent| (agent.id.clone(), agent)).collect(), revoked_keys }
    }

    /// Adds an agent.
    ///
    /// # Errors
    /// When its id, its issuer's subject or one of its keys is taken, or a key was revoked.
    pub fn register(&mut self, agent: Agent) -> Result<(), RegistryError> {
        if self.agents.contains_key(&agent.id) {
            return Err(RegistryError::Exists(agent.id));
        }
        let revoked = agent.keys.iter().map(AgentKey::thumbprint).find(|key| self.is_revoked(*key));
        match revoked.map(RegistryError::RevokedKey).or_else(|| self.check_against_others(&agent)) {
            Some(error) => Err(error),
            None => {
                self.agents.insert(agent.id.clone(), agent);
                Ok(())
            }
        }
    }

    /// Adds agents, and puts others in the place of those with the same id. Which runs of those may go on: those of
    /// agents whose issuer, subject, capabilities and status stay as they are, and which lose no key. Keys that the document
    /// revokes nobody may register again; agents of the document may still have them.
    ///
    /// A document takes back nothing that was decided here: who is suspended stays so, who is revoked stays as it is, and a key
    /// that is known keeps its beginning and serves no longer than it did.
    ///
    /// # Errors
    /// Everything that is wrong; and then nothing has changed.
    pub fn import(
        &mut self,
        document: RegistryDocument,
        missing: MissingKeys,
        now: u64,
    ) -> Result<Vec<AgentId>, Vec<RegistryError>> {
        let mut result = self.clone();
        result.revoked_keys.extend(document.revoked_keys());
        let told: BTreeSet<Thumbprint> = document.revoked_keys().collect();
        let agents = document.agents;
        let (mut errors, mut ids) = (Vec::new(), BTreeSet::new());
        // Those that are replaced go first, so that two may exchange a subject or a key.
        for agent in &agents {
            if !ids.insert(agent.id.clone()) {
                errors.push(RegistryError::Twice(agent.id.clone()));
            } else if let Some(known) = result.agents.remove(&agent.id)
                && known.status == Status::Revoked
                && agent.status != Status::Revoked
            {
                errors.push(RegistryError::Change { agent: known.id, problem: ChangeError::Revoked });
            }
        }
        for agent in agents {
            if result.agents.contains_key(&agent.id) {
                continue; // there twice, and told
            }
            let known = self.agents.get(&agent.id);
            let had = |key: &AgentKey| {
                known.is_some_and(|known| known.keys.iter().any(|old| old.thumbprint() == key.thumbprint()))
            };
            // It may keep a revoked key that it had, which does not serve; it does not get one.
            let revoked = agent.keys.iter().filter(|key| !had(key)).map(AgentKey::thumbprint);
            let revoked = revoked.filter(|key| self.is_revoked(*key) && !told.contains(key));
            errors.extend(revoked.map(RegistryError::RevokedKey));
            errors.extend(check_times(known, &agent, now));
            let agent = match known {
                Some(known) => {
                    errors.extend(check_succession(known, &agent, missing, now));
                    succeed(known, agent, now)
                }
                None => Agent { updated_at: now, ..agent },
            };
            match result.check_against_others(&agent) {
                Some(error) => errors.push(error),
                None => _ = result.agents.insert(agent.id.clone(), agent),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        *self = result;
        Ok(ids.into_iter().collect())
    }

    /// Changes one agent.
    ///
    /// # Errors
    /// When there is none of that id, or its state, or what others have, does not permit it.
    pub fn change(&mut self, id: &AgentId, change: Change, now: u64) -> Result<&Agent, RegistryError> {
        let known = self.agents.get(id).ok_or_else(|| RegistryError::Unknown(id.clone()))?;
        let mut changed = known.clone();
        if let Change::AddKey { key, .. } = &change
            && self.revoked_keys.contains(&key.thumbprint())
        {
            return Err(RegistryError::RevokedKey(key.thumbprint()));
        }
        changed.apply(change, now).map_err(|problem| RegistryError::Change { agent: id.clone(), problem })?;
        if let Some(error) = self.check_keys_against_others(&changed) {
            return Err(error);
        }
        Ok(self.agents.entry(id.clone()).insert_entry(changed).into_mut())
    }

    /// Nobody may register that key again.
    pub fn revoke_key(&mut self, key: Thumbprint) {
        self.revoked_keys.insert(key);
    }

    /// Whether that key was revoked, whoever it belonged to.
    pub fn is_revoked(&self, key: Thumbprint) -> bool {
        self.revoked_keys.contains(&key)
    }

    /// The agent of that id.
    pub fn get(&self, id: &AgentId) -> Option<&Agent> {
        self.agents.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &AgentId) -> Option<&mut Agent> {
        self.agents.get_mut(id)
    }

    /// The agent for which that issuer's tokens with that subject speak.
    pub fn find(&self, issuer: &str, subject: &Subject) -> Option<&Agent> {
        self.agents.values().find(|agent| agent.subject == *subject && agent.issuer == issuer)
    }

    /// Every agent, ordered by id.
    pub fn iter(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values()
    }

    fn check_against_others(&self, agent: &Agent) -> Option<RegistryError> {
        if let Some(other) = self.find(&agent.issuer, &agent.subject) {
            return Some(RegistryError::SameSubject(other.id.clone()));
        }
        self.check_keys_against_others(agent)
    }

    fn check_keys_against_others(&self, agent: &Agent) -> Option<RegistryError> {
        agent.keys.iter().map(AgentKey::thumbprint).find_map(|key| {
            let others = self.agents.values().filter(|other| other.id != agent.id);
            let other = others.into_iter().find(|other| other.keys.iter().any(|known| known.thumbprint() == key))?;
            Some(RegistryError::SameKey { agent: other.id.clone(), key })
        })
    }
}

/// What `known` may not become.
fn check_succession(known: &Agent, next: &Agent, missing: MissingKeys, now: u64) -> Vec<RegistryError> {
    let agent = || known.id.clone();
    let mut errors = Vec::new();
    if known.status != Status::Active && (&known.issuer, &known.subject) != (&next.issuer, &next.subject) {
        errors.push(RegistryError::Change { agent: agent(), problem: ChangeError::Held(known.status) });
    }
    if missing == MissingKeys::Refuse && known.status != Status::Revoked {
        let serves = |key: &&AgentKey| next.keys.is_empty() || key.age(now) != KeyAge::Over;
        let lost = lost_keys(known, next).filter(serves).map(AgentKey::thumbprint);
        errors.extend(lost.map(|key| RegistryError::KeyMissing { agent: agent(), key }));
    }
    errors
}

/// Times that have not come yet: a key from the future would never be due for another one.
fn check_times(known: Option<&Agent>, next: &Agent, now: u64) -> Vec<RegistryError> {
    let is_future = |second: u64| second > now.saturating_add(TrustedIssuer::MAX_SKEW);
    let had =
        |key: &&AgentKey| known.is_some_and(|known| known.keys.iter().any(|it| it.thumbprint() == key.thumbprint()));
    let registered = known.is_none() && is_future(next.registered_at);
    let key = next.keys.iter().filter(|key| !had(key)).any(|key| is_future(key.not_before()));
    let wrong = [("registered_at", registered), ("not_before", key)].into_iter().filter(|(_, wrong)| *wrong);
    wrong.map(|(name, _)| RegistryError::Future { agent: next.id.clone(), name }).collect()
}

fn lost_keys<'a>(known: &'a Agent, next: &'a Agent) -> impl Iterator<Item = &'a AgentKey> {
    known.keys.iter().filter(|key| !next.keys.iter().any(|other| other.thumbprint() == key.thumbprint()))
}

/// `next` in the place of `known`, whose history it keeps.
fn succeed(known: &Agent, next: Agent, now: u64) -> Agent {
    let (status, reason) = match (known.status, next.status) {
        (Status::Revoked, _) => return known.clone(),
        (Status::Suspended, Status::Active) => (Status::Suspended, known.reason.clone()),
        (_, status) => (status, next.reason.clone()),
    };
    let same_authority = known.issuer == next.issuer
        && known.subject == next.subject
        && known.capabilities == next.capabilities
        && known.status == status
        && lost_keys(known, &next).all(|key| key.age(now) == KeyAge::Over);
    let kept = |key: &AgentKey| known.keys.iter().find(|it| it.thumbprint() == key.thumbprint()).map(|it| it.told(key));
    Agent {
        status,
        reason,
        keys: next.keys.iter().map(|key| kept(key).unwrap_or_else(|| key.clone())).collect(),
        epoch: known.epoch.saturating_add(u64::from(!same_authority)),
        injections: known.injections,
        registered_at: known.registered_at,
        updated_at: now,
        ..next
    }
}
