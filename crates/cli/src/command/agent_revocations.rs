//! `bailiwick agent revocations`

use bailiwick_identity::{Reason, Registrar};
use serde_json::json;

use crate::administration;
use crate::arguments::AgentListArguments;
use crate::command::agent_list::minute;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::table::{Cell, Table};
use crate::terminal;

/// Lists what has been revoked, the latest first. Agents that were are in `agent list`.
pub(crate) fn run(arguments: &AgentListArguments, host: &Configuration) -> Outcome {
    let revocations = match administration::open_existing(host)? {
        Some(store) => store.revocations().map_err(administration::refused)?,
        None => Vec::new(),
    };
    if arguments.json {
        let list = revocations.iter().map(|entry| {
            let (kind, name) = entry.what.named();
            json!({ "kind": kind, "name": name, "at": entry.at, "reason": entry.reason.as_ref().map(Reason::as_str) })
        });
        terminal::out_json(&json!({ "revocations": list.collect::<Vec<_>>() }))?;
        return Ok(Exit::Success);
    }
    if revocations.is_empty() {
        terminal::err("nothing is revoked\n");
        return Ok(Exit::Success);
    }
    let mut table = Table::new(["WHAT", "NAME", "SINCE", "REASON"]);
    for entry in &revocations {
        let (kind, name) = entry.what.named();
        let reason = entry.reason.as_ref().map_or("", Reason::as_str);
        table.row([Cell::plain(kind), Cell::plain(name), Cell::plain(minute(entry.at)), Cell::plain(reason)]);
    }
    terminal::out(&table.draw())?;
    Ok(Exit::Success)
}
