//! The registry as JSON, to be looked at, kept elsewhere and brought back.

use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::agent::{Agent, EntryError, Reason, Status};
use super::key::AgentKey;
use super::revocation::{Revocable, Revocation};
use crate::agent::{AgentId, Subject};
use crate::json;
use crate::state;
use crate::thumbprint::Thumbprint;

/// A text that is not a registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    #[error("longer than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("{0}")]
    Json(String),
    #[error("of schema {0}; this version knows schemas 1 to 3")]
    Schema(u64),
    #[error("{0}")]
    File(String),
    /// Agents count from 1.
    #[error("agent {index}{}: {problem}", .id.as_ref().map(|id| format!(" (`{id}`)")).unwrap_or_default())]
    Entry { index: usize, id: Option<AgentId>, problem: EntryProblem },
    /// Revocations count from 1.
    #[error("revocation {index}: {problem}")]
    Revocation { index: usize, problem: String },
}

/// What is wrong with one agent of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryProblem {
    #[error("{0}")]
    Shape(String),
    #[error(transparent)]
    Value(EntryError),
}

/// Agents, and what has been revoked, as JSON: `{"schema":3,"agents":[…],"revocations":[…]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryDocument {
    pub agents: Vec<Agent>,
    /// The latest first.
    pub revocations: Vec<Revocation>,
}

impl RegistryDocument {
    /// The file in which earlier versions kept the registry.
    pub const FILE: &str = "agents.json";
    /// Bytes of a document at most.
    pub const MAX_BYTES: usize = 16 * 1024 * 1024;

    /// Reads a document of schema 3, of schema 2, which has no revocations, or of schema 1, in which agents have no keys
    /// either.
    ///
    /// # Errors
    /// Everything that is wrong in it: anything unknown, malformed, or missing. What holds between agents is looked at
    /// by [`AgentRegistry::import`](crate::AgentRegistry::import).
    pub fn parse(content: &[u8]) -> Result<RegistryDocument, Vec<DocumentError>> {
        let one = |error| vec![error];
        if content.len() > Self::MAX_BYTES {
            return Err(one(DocumentError::TooLarge { limit: Self::MAX_BYTES }));
        }
        let object = json::parse_object(content).map_err(|error| one(DocumentError::Json(error.to_string())))?;
        let file: File = serde_json::from_value(Value::Object(object))
            .map_err(|error| one(DocumentError::Json(format!("not a registry: {error}"))))?;
        if !(1..=3).contains(&file.schema) {
            return Err(one(DocumentError::Schema(file.schema)));
        }
        let (mut agents, mut errors) = (Vec::new(), Vec::new());
        for (index, value) in file.agents.into_iter().enumerate() {
            let id = value.get("id").and_then(Value::as_str).and_then(|id| AgentId::parse(id).ok());
            let mut wrong = |problem| errors.push(DocumentError::Entry { index: index + 1, id: id.clone(), problem });
            match serde_json::from_value::<Entry>(value) {
                Err(error) => wrong(EntryProblem::Shape(error.to_string())),
                Ok(entry) => match entry.into_agent(file.schema) {
                    Ok(agent) => agents.push(agent),
                    Err(problems) => problems.into_iter().for_each(wrong),
                },
            }
        }
        let revocations = match (file.schema, file.revocations) {
            (3, Some(entries)) => entries,
            (3, None) => return Err(one(DocumentError::Json("a registry of schema 3 has `revocations`".to_owned()))),
            (_, Some(_)) => return Err(one(DocumentError::Json("`revocations` come with schema 3".to_owned()))),
            (_, None) => Vec::new(),
        };
        let mut read = Vec::with_capacity(revocations.len());
        for (index, value) in (1..).zip(revocations) {
            match RevocationEntry::read(value) {
                Ok(revocation) => read.push(revocation),
                Err(problem) => errors.push(DocumentError::Revocation { index, problem }),
            }
        }
        if errors.is_empty() { Ok(RegistryDocument { agents, revocations: read }) } else { Err(errors) }
    }

    /// Keys that it revokes.
    pub fn revoked_keys(&self) -> impl Iterator<Item = Thumbprint> {
        self.revocations.iter().filter_map(|entry| match entry.what {
            Revocable::Key(key) => Some(key),
            Revocable::Token(_) | Revocable::Task(_) => None,
        })
    }

    /// Reads `agents.json` of a state folder, in which earlier versions kept the registry.
    ///
    /// # Errors
    /// As [`parse`](RegistryDocument::parse); and when others can read or write the file.
    pub fn read_file(state: &Dir) -> Result<Option<Vec<Agent>>, Vec<DocumentError>> {
        let limit = u64::try_from(Self::MAX_BYTES).unwrap_or(u64::MAX);
        match state::read(state, Self::FILE, limit) {
            Ok(None) => Ok(None),
            Ok(Some(content)) => Self::parse(&content).map(|document| Some(document.agents)),
            Err(error) => Err(vec![DocumentError::File(error.to_string())]),
        }
    }

    /// What [`parse`](RegistryDocument::parse) reads.
    pub fn to_json(&self) -> Value {
        let revocations = self.revocations.iter().map(|entry| {
            let (kind, name) = entry.what.named();
            json!({ "kind": kind, "name": name, "at": entry.at, "reason": entry.reason.as_ref().map(Reason::as_str) })
        });
        json!({
            "schema": 3,
            "agents": self.agents.iter().map(Self::entry).collect::<Vec<_>>(),
            "revocations": revocations.collect::<Vec<_>>(),
        })
    }

    /// One agent of a document.
    pub fn entry(agent: &Agent) -> Value {
        let keys = agent.keys.iter().map(|key| {
            json!({ "jwk": key.jwk(), "thumbprint": key.thumbprint().to_string(), "not_before": key.not_before(), "expires": key.expires() })
        });
        json!({
            "id": agent.id.as_str(),
            "issuer": agent.issuer,
            "subject": agent.subject.as_str(),
            "owner": agent.owner,
            "capabilities": agent.capabilities.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "status": agent.status.as_str(),
            "reason": agent.reason.as_ref().map(Reason::as_str),
            "keys": keys.collect::<Vec<_>>(),
            "epoch": agent.epoch,
            "injections": agent.injections,
            "registered_at": agent.registered_at,
            "updated_at": agent.updated_at,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u64,
    agents: Vec<Value>,
    #[serde(default)]
    revocations: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevocationEntry {
    kind: String,
    name: String,
    at: u64,
    #[serde(default)]
    reason: Option<String>,
}

impl RevocationEntry {
    fn read(value: Value) -> Result<Revocation, String> {
        let entry: RevocationEntry = serde_json::from_value(value).map_err(|error| error.to_string())?;
        let what = Revocable::parse(&entry.kind, &entry.name);
        let what = what.ok_or("`kind` and `name` are not those of a token, a key or a task")?;
        let reason = entry.reason.as_deref().map(Reason::parse).transpose().map_err(|error| error.to_string())?;
        Ok(Revocation { what, reason, at: entry.at })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    issuer: String,
    subject: String,
    owner: String,
    capabilities: Scopes,
    status: Status,
    registered_at: u64,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    keys: Vec<KeyEntry>,
    // Written for whoever reads the document. The registry that takes the entry in has its own.
    #[serde(default, rename = "epoch")]
    _epoch: Option<u64>,
    #[serde(default, rename = "injections")]
    _injections: Option<u64>,
    #[serde(default, rename = "updated_at")]
    _updated_at: Option<u64>,
}

/// A list, or a text as in a token.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Scopes {
    Text(String),
    List(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    jwk: Map<String, Value>,
    not_before: u64,
    #[serde(default)]
    expires: Option<u64>,
    /// For whoever reads the document: it follows from the key, and must.
    #[serde(default)]
    thumbprint: Option<String>,
}

impl Entry {
    /// Every problem of one entry.
    fn into_agent(self, schema: u64) -> Result<Agent, Vec<EntryProblem>> {
        let mut problems = Vec::new();
        let mut wrong = |problem| problems.push(EntryProblem::Value(problem));
        let id = AgentId::parse(&self.id).map_err(|error| wrong(EntryError::Id(error)));
        let subject = Subject::parse(&self.subject).map_err(|error| wrong(EntryError::Id(error)));
        let scopes = match self.capabilities {
            Scopes::Text(text) => text,
            Scopes::List(list) => list.join(" "),
        };
        let capabilities = bailiwick_policy::ScopeSet::parse_strict(&scopes);
        let capabilities = capabilities.map_err(|error| wrong(EntryError::Capabilities(error)));
        let reason = self.reason.as_deref().map(Reason::parse).transpose().map_err(&mut wrong);
        let keys = parse_keys(self.keys, &mut wrong);
        if keys.len() > Agent::MAX_KEYS {
            wrong(EntryError::Keys);
        }
        let agent = match (id, subject, capabilities) {
            (Ok(id), Ok(subject), Ok(capabilities)) => {
                Agent::new(id, &self.issuer, subject, &self.owner, capabilities, self.registered_at)
                    .map_err(&mut wrong)
                    .ok()
            }
            _ => None,
        };
        if schema == 1 && !keys.is_empty() {
            problems.push(EntryProblem::Shape("agents of schema 1 have no `keys`".to_owned()));
        }
        match (agent, reason) {
            (Some(agent), Ok(reason)) if problems.is_empty() => {
                Ok(Agent { status: self.status, reason, keys, ..agent })
            }
            _ => Err(problems),
        }
    }
}

fn parse_keys(entries: Vec<KeyEntry>, wrong: &mut impl FnMut(EntryError)) -> Vec<AgentKey> {
    let mut keys: Vec<AgentKey> = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let index = index + 1;
        match AgentKey::of_members(&entry.jwk, entry.not_before, entry.expires) {
            Ok(key) if entry.thumbprint.is_some_and(|text| text != key.thumbprint().to_string()) => {
                wrong(EntryError::Thumbprint { index });
            }
            Ok(key) if keys.iter().any(|known| known.thumbprint() == key.thumbprint()) => {
                wrong(EntryError::KeyTwice { index });
            }
            Ok(key) => keys.push(key),
            Err(error) => wrong(EntryError::Key { index, error }),
        }
    }
    keys
}
