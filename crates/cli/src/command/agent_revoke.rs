//! `bailiwick agent revoke`

use bailiwick_identity::{AgentId, Change, JtiHash, Reason, Registrar, RegistryError, Revocable, TaskId, Thumbprint};
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
    Token { jti: String, by: By },
    Hash(JtiHash),
    KeyOf { name: String, agent: AgentId },
    Key { key: Thumbprint, unregistered: bool },
    Task(TaskId),
}

/// Whose token it is.
enum By {
    Issuer(String),
    /// The issuer that the registry has for this agent.
    Agent(AgentId),
}

/// Revokes, which ends the runs that rest on it, in this process and in others.
pub(crate) fn run(arguments: &AgentRevokeArguments, host: &Configuration) -> Outcome {
    let meant = Meant::of(arguments, host)?;
    revoke(meant, arguments.reason.as_deref(), arguments.json, host)
}

/// Ends a task, which is to revoke it.
pub(crate) fn end_task(task: &str, reason: Option<&str>, json: bool, host: &Configuration) -> Outcome {
    revoke(Meant::Task(identity::task_id(task)?), reason, json, host)
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
    /// What is recorded comes from here: nothing that could be a token gets through.
    fn of(arguments: &AgentRevokeArguments, host: &Configuration) -> Result<Meant, Failure> {
        let agent = arguments.agent.as_deref().map(identity::agent_id).transpose()?;
        if let Some(jti) = &arguments.token {
            if identity::is_token(jti) {
                return Err(Failure::usage("--token takes the `jti` in the token, and this is a token itself")
                    .help("`bailiwick token inspect TOKEN` shows its `jti`, and the name for --token-sha256"));
            }
            let by = match (arguments.issuer.as_deref(), agent) {
                (None, Some(agent)) => By::Agent(agent),
                (issuer, _) => By::Issuer(only_issuer(issuer, host)?),
            };
            return Ok(Meant::Token { jti: jti.clone(), by });
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
            let is_name = (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
            if identity::is_token(name) || !is_name {
                return Err(Failure::usage("--key: a key's name is 1 to 128 visible ASCII characters, and no token")
                    .help("`bailiwick agent show NAME` lists the keys of an agent"));
            }
            if let Some(agent) = agent {
                return Ok(Meant::KeyOf { name: name.clone(), agent });
            }
            let key = Thumbprint::parse(name).ok_or_else(|| {
                Failure::usage(format!("`{}` is not a thumbprint", Untrusted(name)))
                    .help("name the agent as well: `bailiwick agent revoke NAME --key KID`")
            })?;
            return Ok(Meant::Key { key, unregistered: arguments.unregistered });
        }
        if let Some(task) = &arguments.task {
            return Ok(Meant::Task(identity::task_id(task)?));
        }
        agent.map(Meant::Agent).ok_or_else(|| {
            Failure::usage("name what to revoke: an agent, --token JTI, --token-sha256 HEX, --key KID or --task ID")
        })
    }

    const fn act(&self) -> &'static str {
        match self {
            Meant::Agent(_) => "agent.revoke",
            Meant::Token { .. } | Meant::Hash(_) => "token.revoke",
            Meant::KeyOf { .. } | Meant::Key { .. } => "key.revoke",
            Meant::Task(_) => "task.end",
        }
    }

    /// For the record: a token by its hash, as everywhere in the log.
    fn target(&self) -> String {
        match self {
            Meant::Agent(id) => id.to_string(),
            Meant::Token { jti, by: By::Issuer(issuer) } => JtiHash::of(issuer, jti).to_string(),
            Meant::Token { by: By::Agent(agent), .. } => format!("a token of {agent}"),
            Meant::Hash(hash) => hash.to_string(),
            Meant::KeyOf { name, agent } => format!("{agent} {name}"),
            Meant::Key { key, .. } => key.to_string(),
            Meant::Task(task) => task.to_string(),
        }
    }

    fn perform(self, store: &Store, reason: Option<Reason>, now: u64) -> Result<Done, Failure> {
        let what = match self {
            Meant::Agent(id) => {
                store.change(&id, Change::Revoke(reason), now).map_err(administration::refused)?;
                return Ok(Done::Agent(id));
            }
            Meant::Token { jti, by } => {
                let issuer = match by {
                    By::Issuer(issuer) => issuer,
                    By::Agent(agent) => administration::agent(store, &agent)?.issuer,
                };
                Revocable::Token(JtiHash::of(&issuer, &jti))
            }
            Meant::Hash(hash) => Revocable::Token(hash),
            Meant::KeyOf { name, agent } => {
                let entry = administration::agent(store, &agent)?;
                let key = entry.key_named(&name).ok_or(RegistryError::UnknownKey { agent, key: name });
                Revocable::Key(key.map_err(administration::refused)?.thumbprint())
            }
            Meant::Key { key, unregistered } => {
                let agents = store.agents().map_err(administration::refused)?;
                let known = agents.iter().flat_map(|agent| &agent.keys).any(|known| known.thumbprint() == key);
                if !known && !unregistered {
                    return Err(Failure::usage(format!("no agent has the key `{key}`")).help(
                        "look at it again; if it is meant, --unregistered revokes it: tokens bound to it, and its registration",
                    ));
                }
                Revocable::Key(key)
            }
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

/// The issuer of a token: what was typed, when its tokens are accepted here, and otherwise the only one whose are. Of any
/// other, nothing would be revoked but a name.
fn only_issuer(typed: Option<&str>, host: &Configuration) -> Result<String, Failure> {
    let names: Vec<&str> = host.issuer_names().collect();
    let listed = || names.iter().map(|name| format!("`{}`", Untrusted(name))).collect::<Vec<_>>().join(", ");
    let trusted =
        || if names.is_empty() { "no issuer is trusted here".to_owned() } else { format!("trusted are {}", listed()) };
    match (typed, names.as_slice()) {
        (Some(typed), _) if names.contains(&typed) => Ok(typed.to_owned()),
        (Some(typed), _) => {
            let message = format!("--issuer: no token of `{}` is accepted here", Untrusted(typed));
            Err(Failure::usage(message).help(format!("write it as it is configured: {}", trusted())))
        }
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => Err(Failure::usage("nothing says which issuer made that token")
            .help(format!("name the agent, or the issuer with --issuer: {}", trusted()))),
    }
}
