//! `bailiwick agent list`

use bailiwick_guard::Timestamp;
use bailiwick_identity::AgentRegistry;
use serde_json::json;

use crate::arguments::AgentListArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, BOLD, DIM, NOTE, Untrusted};

/// Lists the registered agents.
pub(crate) fn run(arguments: &AgentListArguments, host: &Configuration) -> Outcome {
    let registry = match host.state.open_existing()? {
        Some(state) => AgentRegistry::load(&state).map_err(Failure::internal)?,
        None => AgentRegistry::default(),
    };
    if arguments.json {
        let agents: Vec<_> = registry
            .iter()
            .map(|agent| {
                json!({
                    "id": agent.id.as_str(),
                    "issuer": agent.issuer,
                    "subject": agent.subject.as_str(),
                    "owner": agent.owner,
                    "capabilities": agent.capabilities.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "status": agent.status.to_string(),
                    "registered_at": agent.registered_at,
                })
            })
            .collect();
        terminal::out_json(&json!({ "agents": agents }))?;
        return Ok(Exit::Success);
    }
    let mut text = String::new();
    for agent in registry.iter() {
        let since = Timestamp(agent.registered_at.saturating_mul(1000));
        text += &format!("{BOLD}{}{BOLD:#}  {}  {DIM}since {since}{DIM:#}\n", agent.id, agent.status);
        text += &format!(
            "  owner   {}\n  issuer  {}, as {}\n",
            Untrusted(&agent.owner),
            Untrusted(&agent.issuer),
            agent.subject
        );
        for scope in agent.capabilities.iter() {
            text += &format!("  may     {}\n", Untrusted(&scope.to_string()));
        }
    }
    if text.is_empty() {
        terminal::err(&format!(
            "no agents are registered\n  {NOTE}help{NOTE:#}: bailiwick agent register NAME --owner WHO --capabilities \"SCOPES\"\n"
        ));
    }
    terminal::out(&text)?;
    Ok(Exit::Success)
}
