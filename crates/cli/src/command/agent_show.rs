//! `bailiwick agent show`

use bailiwick_guard::Timestamp;
use bailiwick_identity::{
    Agent, AgentKey, KeyAge, Registrar, RegistryDocument, RegistryError, Revocable, Rotation, Thumbprint,
};

use crate::administration;
use crate::arguments::AgentShowArguments;
use crate::command::agent_list::minute;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::terminal::{self, BOLD, DIM, NOTE, Untrusted, WARN};
use crate::{identity, input};

/// Shows all that the registry has about an agent.
pub(crate) fn run(arguments: &AgentShowArguments, host: &Configuration) -> Outcome {
    let id = identity::agent_id(&arguments.agent)?;
    let unknown = || administration::refused(RegistryError::Unknown(id.clone()));
    let store = administration::open_existing(host)?.ok_or_else(unknown)?;
    let agent = administration::agent(&store, &id)?;
    if arguments.json {
        terminal::out_json(&RegistryDocument::entry(&agent))?;
        return Ok(Exit::Success);
    }
    let revoked =
        store.revocations().map_err(administration::refused)?.into_iter().filter_map(|entry| match entry.what {
            Revocable::Key(key) => Some(key),
            Revocable::Token(_) | Revocable::Task(_) => None,
        });
    terminal::out(&draw(&agent, host.rotation, &revoked.collect::<Vec<_>>(), input::now()))?;
    Ok(Exit::Success)
}

fn draw(agent: &Agent, rotation: Rotation, revoked: &[Thumbprint], now: u64) -> String {
    let because = agent.reason.as_ref().map(|reason| format!(": {}", Untrusted(reason.as_str()))).unwrap_or_default();
    let mut text = format!("{BOLD}{}{BOLD:#}  {}{because}\n", agent.id, agent.status);
    text += &format!("  owner       {}\n", Untrusted(&agent.owner));
    text += &format!("  issuer      {}, as {}\n", Untrusted(&agent.issuer), agent.subject);
    text += &format!("  registered  {}, changed {}\n", time(agent.registered_at), time(agent.updated_at));
    text += &format!("  epoch       {}\n", agent.epoch);
    for (index, scope) in agent.capabilities.iter().enumerate() {
        let word = if index == 0 { "may" } else { "" };
        text += &format!("  {word:<10}  {}\n", Untrusted(&scope.to_string()));
    }
    for (index, key) in agent.keys.iter().rev().enumerate() {
        let word = if index == 0 { "keys" } else { "" };
        text += &format!("  {word:<10}  {}\n", draw_key(key, revoked.contains(&key.thumbprint()), now));
    }
    if let Some(newest) = agent.newest_key() {
        let overdue = rotation.overdue_at(newest);
        let word = if now >= overdue { "overdue since" } else { "due until" };
        text += &format!("  rotation    {word} {}\n", minute(overdue));
        if now >= overdue {
            text += &format!("  {NOTE}help{NOTE:#}: bailiwick agent rotate-key {} --key FILE\n", agent.id);
        }
    }
    if agent.injections > 0 {
        let count = agent.injections;
        text += &format!("  {WARN}refused{WARN:#}     {count} tokens that claimed more than this\n");
    }
    text
}

fn draw_key(key: &AgentKey, revoked: bool, now: u64) -> String {
    let id = key.id().map(|id| format!(" ({})", Untrusted(id))).unwrap_or_default();
    let state = match (revoked, key.age(now), key.expires()) {
        (true, ..) => "revoked".to_owned(),
        (_, KeyAge::Early, _) => format!("from {} on", minute(key.not_before())),
        (_, KeyAge::Live, None) => format!("since {}", minute(key.not_before())),
        (_, KeyAge::Live, Some(end)) => format!("until {}", minute(end)),
        (_, KeyAge::Over, end) => format!("over since {}", minute(end.unwrap_or_default())),
    };
    format!("{}{id}  {DIM}{state}{DIM:#}", key.thumbprint())
}

fn time(second: u64) -> Timestamp {
    Timestamp(second.saturating_mul(1000))
}
