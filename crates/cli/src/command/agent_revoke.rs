//! `bailiwick agent revoke`

use bailiwick_identity::{
    AgentId, Change, JtiHash, LocalIssuer, Reason, Registrar, RegistryError, Revocable, TaskId, Thumbprint,
};
use bailiwick_store::Store;
use serde_json::{Value, json};

use crate::administration::{self, Act};
use crate::arguments::AgentRevokeArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::Untrusted;
use crate::{identity, input, terminal};

/// What was meant, once the registry was asked where it takes that to know.
enum Meant {
    Agent(AgentId),
    Token { jti: String, issuer: Option<String>, agent: Option<AgentId> },
    Hash(JtiHash),
    Key { name: String, agent: Option<AgentId> },
    Task(TaskId),
}

/// Revokes, which ends the runs that rest on it, in this process and in others.
pub(crate) fn run(arguments: &AgentRevokeArguments, host: &Configuration) -> Outcome {
    let meant = Meant::of(arguments)?;
    revoke(meant, arguments.reason.as_deref(), arguments.json, host)
}

/// Ends a task, which is to revoke it.
pub(crate) fn end_task(task: &str, reason: Option<&str>, json: bool, host: &Configuration) -> Outcome {
    revoke(Meant::Task(task_id(task)?), reason, json, host)
}

fn revoke(meant: Meant, reason: Option<&str>, json: bool, host: &Configuration) -> Outcome {
    let reason = administration::reason(reason)?;
    let act = Act { name: meant.act(), target: meant.target(), reason: reason.clone(), tightens: true };
    let what = act.perform(host, |store| meant.perform(store, reason, input::now()))?;
    if json {
        terminal::out_json(&json!({ "revoked": what.to_json() }))?;
    } else {
        terminal::err(&format!("{}; runs that rest on it are being ended\n", what.done()));
    }
    Ok(Exit::Success)
}

/// What was revoked.
enum Done {
    Agent(AgentId),
    Other(Revocable),
}

impl Meant {
    fn of(arguments: &AgentRevokeArguments) -> Result<Meant, Failure> {
        let agent = arguments.agent.as_deref().map(identity::agent_id).transpose()?;
        if let Some(jti) = &arguments.token {
            return Ok(Meant::Token { jti: jti.clone(), issuer: arguments.issuer.clone(), agent });
        }
        if let Some(text) = &arguments.token_sha256 {
            let hash = JtiHash::parse(text);
            return hash.map(Meant::Hash).ok_or_else(|| {
                Failure::usage(
                    "--token-sha256: write the 64 lower-case hexadecimal digits that the report has as `jti_sha256`",
                )
            });
        }
        if let Some(name) = &arguments.key {
            return Ok(Meant::Key { name: name.clone(), agent });
        }
        if let Some(task) = &arguments.task {
            return Ok(Meant::Task(task_id(task)?));
        }
        agent.map(Meant::Agent).ok_or_else(|| {
            Failure::usage("name what to revoke: an agent, --token JTI, --token-sha256 HEX, --key KID or --task ID")
        })
    }

    const fn act(&self) -> &'static str {
        match self {
            Meant::Agent(_) => "agent.revoke",
            Meant::Token { .. } | Meant::Hash(_) => "token.revoke",
            Meant::Key { .. } => "key.revoke",
            Meant::Task(_) => "task.end",
        }
    }

    /// For the record: a token by its hash, as everywhere in the log.
    fn target(&self) -> String {
        match self {
            Meant::Agent(id) => id.to_string(),
            Meant::Token { jti, issuer: Some(issuer), .. } => JtiHash::of(issuer, jti).to_string(),
            Meant::Token { jti, agent: None, .. } => JtiHash::of(LocalIssuer::ISSUER, jti).to_string(),
            Meant::Token { agent: Some(agent), .. } => format!("a token of {agent}"),
            Meant::Hash(hash) => hash.to_string(),
            Meant::Key { name, agent: Some(agent) } => format!("{agent} {name}"),
            Meant::Key { name, agent: None } => name.clone(),
            Meant::Task(task) => task.to_string(),
        }
    }

    fn perform(self, store: &Store, reason: Option<Reason>, now: u64) -> Result<Done, Failure> {
        let what = match self {
            Meant::Agent(id) => {
                store.change(&id, Change::Revoke(reason), now).map_err(administration::refused)?;
                return Ok(Done::Agent(id));
            }
            Meant::Token { jti, issuer, agent } => {
                let issuer = match (issuer, agent) {
                    (Some(issuer), _) => issuer,
                    (None, Some(agent)) => administration::agent(store, &agent)?.issuer,
                    (None, None) => LocalIssuer::ISSUER.to_owned(),
                };
                Revocable::Token(JtiHash::of(&issuer, &jti))
            }
            Meant::Hash(hash) => Revocable::Token(hash),
            Meant::Key { name, agent: Some(agent) } => {
                let entry = administration::agent(store, &agent)?;
                let key = entry.key_named(&name).ok_or(RegistryError::UnknownKey { agent, key: name });
                Revocable::Key(key.map_err(administration::refused)?.thumbprint())
            }
            Meant::Key { name, agent: None } => Thumbprint::parse(&name).map(Revocable::Key).ok_or_else(|| {
                Failure::usage(format!("`{}` is not a thumbprint", Untrusted(&name)))
                    .help("name the agent as well: `bailiwick agent revoke NAME --key KID`")
            })?,
            Meant::Task(task) => Revocable::Task(task),
        };
        store.revoke(what.clone(), reason, now).map_err(administration::refused)?;
        Ok(Done::Other(what))
    }
}

impl Done {
    fn to_json(&self) -> Value {
        match self {
            Done::Agent(id) => json!({ "agent": id.as_str() }),
            Done::Other(Revocable::Token(token)) => json!({ "token_sha256": token.to_string() }),
            Done::Other(Revocable::Key(key)) => json!({ "key": key.to_string() }),
            Done::Other(Revocable::Task(task)) => json!({ "task": task.as_str() }),
        }
    }

    fn done(&self) -> String {
        match self {
            Done::Agent(id) => format!("agent `{id}` is revoked"),
            Done::Other(Revocable::Token(token)) => format!("the token {token} is revoked"),
            Done::Other(Revocable::Key(key)) => format!("the key {key} is revoked"),
            Done::Other(Revocable::Task(task)) => format!("task `{}` is ended", Untrusted(task.as_str())),
        }
    }
}

/// A task's id as it was typed.
pub(crate) fn task_id(text: &str) -> Result<TaskId, Failure> {
    TaskId::parse(text).map_err(|error| Failure::usage(format!("`{}`: {error}", Untrusted(text))))
}
