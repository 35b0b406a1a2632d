//! `bailiwick agent list`

use bailiwick_guard::Timestamp;
use bailiwick_identity::{Agent, Registrar, RegistryDocument, Rotation, Status};
use serde_json::json;

use crate::administration;
use crate::arguments::AgentListArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::input;
use crate::table::{Cell, Table};
use crate::terminal::{self, BAD, GOOD, NOTE, WARN};

/// Lists the registered agents.
pub(crate) fn run(arguments: &AgentListArguments, host: &Configuration) -> Outcome {
    let agents = match administration::open_existing(host)? {
        Some(store) => store.agents().map_err(administration::refused)?,
        None => Vec::new(),
    };
    if arguments.json {
        let entries: Vec<_> = agents.iter().map(RegistryDocument::entry).collect();
        terminal::out_json(&json!({ "agents": entries }))?;
        return Ok(Exit::Success);
    }
    if agents.is_empty() {
        terminal::err(&format!(
            "no agents are registered\n  {NOTE}help{NOTE:#}: bailiwick agent register NAME --owner WHO --capabilities \"SCOPES\"\n"
        ));
        return Ok(Exit::Success);
    }
    let mut table = Table::new(["AGENT", "STATUS", "OWNER", "KEY", "REFUSED", "SINCE"]);
    for agent in &agents {
        let status = match agent.status {
            Status::Active => GOOD,
            Status::Suspended => WARN,
            Status::Revoked => BAD,
        };
        table.row([
            Cell::plain(agent.id.as_str()),
            Cell::styled(agent.status.as_str(), status),
            Cell::plain(&agent.owner),
            key(agent, host.rotation, input::now()),
            Cell::plain(agent.injections),
            Cell::plain(day(agent.registered_at)),
        ]);
    }
    terminal::out(&table.draw())?;
    Ok(Exit::Success)
}

fn key(agent: &Agent, rotation: Rotation, now: u64) -> Cell {
    let Some(newest) = agent.newest_key() else { return Cell::plain("none") };
    let overdue = rotation.overdue_at(newest);
    if now >= overdue { Cell::styled("overdue", BAD) } else { Cell::plain(format!("until {}", minute(overdue))) }
}

/// The day of a second since the Unix epoch, in UTC.
pub(crate) fn day(second: u64) -> String {
    let text = Timestamp(second.saturating_mul(1000)).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// The same with the minute.
pub(crate) fn minute(second: u64) -> String {
    let text = Timestamp(second.saturating_mul(1000)).to_string();
    text.rsplit_once(':').map(|(minute, _)| format!("{minute}Z")).unwrap_or(text)
}
