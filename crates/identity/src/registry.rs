//! The agent registry: which agents exist, who answers for them, and the most that each may ever do.

use std::collections::BTreeMap;

use bailiwick_policy::{ScopeError, ScopeSet};
use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agent::{AgentId, AgentIdError, Subject};
use crate::json;
use crate::state::{self, Existing, StateError};

/// Every registered agent. Empty by default: nobody may run.
#[derive(Clone, Debug, Default)]
pub struct AgentRegistry {
    agents: BTreeMap<AgentId, Agent>,
}

/// One agent.
#[derive(Clone, Debug)]
pub struct Agent {
    pub id: AgentId,
    /// The one issuer whose tokens may speak for this agent, as in its `iss`.
    pub issuer: String,
    /// What that issuer calls it: the `sub` of its tokens.
    pub subject: Subject,
    /// Who answers for it.
    pub owner: String,
    /// The most that a token for it may grant.
    pub capabilities: ScopeSet,
    pub status: Status,
    /// Seconds since the Unix epoch.
    pub registered_at: u64,
}

/// Whether an agent may start runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Active,
    /// For a while.
    Suspended,
    /// For good.
    Revoked,
}

/// The registry cannot be read, or an entry cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error("`agents.json` is {0}")]
    Json(String),
    #[error("`agents.json`: agent {index}: {problem}")]
    Entry { index: usize, problem: EntryError },
    #[error("the agent `{0}` is registered already")]
    Exists(AgentId),
    #[error("the agent `{0}` is registered for the same issuer and subject")]
    SameSubject(AgentId),
    #[error(transparent)]
    Refused(#[from] EntryError),
}

/// What is wrong with one entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    #[error(transparent)]
    Id(#[from] AgentIdError),
    #[error("`{name}` needs 1 to {limit} bytes without control characters")]
    Text { name: &'static str, limit: usize },
    #[error("`capabilities`: {0}")]
    Capabilities(ScopeError),
}

impl AgentRegistry {
    /// Its file in the state folder.
    pub const FILE: &str = "agents.json";
    /// Bytes of that file at most.
    pub const MAX_BYTES: u64 = 4 * 1024 * 1024;

    /// Reads the registry of a state folder; without a file it is empty.
    ///
    /// # Errors
    /// When the file can be read by others, or anything in it is unknown, malformed or there twice.
    pub fn load(state: &Dir) -> Result<AgentRegistry, RegistryError> {
        match state::read(state, Self::FILE, Self::MAX_BYTES)? {
            None => Ok(AgentRegistry::default()),
            Some(content) => Self::parse(&content),
        }
    }

    /// Reads, changes and replaces the registry of a state folder, one writer at a time. A failed change changes nothing.
    pub fn update<T>(
        state: &Dir,
        change: impl FnOnce(&mut AgentRegistry) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let _lock = state::lock(state, ".agents.lock")?;
        let mut registry = Self::load(state)?;
        let changed = change(&mut registry)?;
        state::write(state, Self::FILE, registry.to_json().as_bytes(), Existing::Replace)?;
        Ok(changed)
    }

    /// Parses the content of `agents.json`.
    pub fn parse(content: &[u8]) -> Result<AgentRegistry, RegistryError> {
        let object = json::parse_object(content).map_err(|error| RegistryError::Json(error.to_string()))?;
        let file: File = serde_json::from_value(Value::Object(object))
            .map_err(|error| RegistryError::Json(format!("not a registry of this version: {error}")))?;
        if file.schema != 1 {
            return Err(RegistryError::Json(format!("of schema {}; this version knows schema 1", file.schema)));
        }
        let mut registry = AgentRegistry::default();
        for (index, entry) in file.agents.into_iter().enumerate() {
            let agent = entry.into_agent().map_err(|problem| RegistryError::Entry { index, problem })?;
            registry.register(agent)?;
        }
        Ok(registry)
    }

    /// The content of `agents.json`.
    pub fn to_json(&self) -> String {
        let file = File { schema: 1, agents: self.agents.values().map(Entry::from).collect() };
        // Strings and numbers only: this cannot fail.
        serde_json::to_string_pretty(&file).map(|text| text + "\n").unwrap_or_default()
    }

    /// Adds an agent.
    ///
    /// # Errors
    /// When the id, or the issuer's subject, is taken; or a text is empty, too long or has control characters.
    pub fn register(&mut self, agent: Agent) -> Result<(), RegistryError> {
        check_text("issuer", &agent.issuer, 1024)?;
        check_text("owner", &agent.owner, 255)?;
        if self.agents.contains_key(&agent.id) {
            return Err(RegistryError::Exists(agent.id));
        }
        if let Some(other) = self.find(&agent.issuer, &agent.subject) {
            return Err(RegistryError::SameSubject(other.id.clone()));
        }
        self.agents.insert(agent.id.clone(), agent);
        Ok(())
    }

    pub fn get(&self, id: &AgentId) -> Option<&Agent> {
        self.agents.get(id)
    }

    /// The agent for which that issuer's tokens with that subject speak.
    pub fn find(&self, issuer: &str, subject: &Subject) -> Option<&Agent> {
        self.agents.values().find(|agent| agent.subject == *subject && agent.issuer == issuer)
    }

    /// Every agent, ordered by id.
    pub fn iter(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values()
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Status::Active => "active",
            Status::Suspended => "suspended",
            Status::Revoked => "revoked",
        })
    }
}

fn check_text(name: &'static str, text: &str, limit: usize) -> Result<(), EntryError> {
    let well_formed = (1..=limit).contains(&text.len()) && !text.chars().any(char::is_control);
    if well_formed { Ok(()) } else { Err(EntryError::Text { name, limit }) }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    agents: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    issuer: String,
    subject: String,
    owner: String,
    capabilities: String,
    status: Status,
    registered_at: u64,
}

impl Entry {
    fn into_agent(self) -> Result<Agent, EntryError> {
        Ok(Agent {
            id: AgentId::parse(&self.id)?,
            issuer: self.issuer,
            subject: Subject::parse(&self.subject)?,
            owner: self.owner,
            capabilities: ScopeSet::parse_strict(&self.capabilities).map_err(EntryError::Capabilities)?,
            status: self.status,
            registered_at: self.registered_at,
        })
    }
}

impl From<&Agent> for Entry {
    fn from(agent: &Agent) -> Entry {
        Entry {
            id: agent.id.to_string(),
            issuer: agent.issuer.clone(),
            subject: agent.subject.to_string(),
            owner: agent.owner.clone(),
            capabilities: agent.capabilities.to_string(),
            status: agent.status,
            registered_at: agent.registered_at,
        }
    }
}
