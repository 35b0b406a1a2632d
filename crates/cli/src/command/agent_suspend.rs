//! `bailiwick agent suspend`

use bailiwick_identity::{Change, Registrar, RegistryDocument};

use crate::administration::{self, Act};
use crate::arguments::AgentSuspendArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::{identity, input, terminal};

/// Suspends an agent, which ends its runs, in this process and in others.
pub(crate) fn run(arguments: &AgentSuspendArguments, host: &Configuration) -> Outcome {
    let id = identity::agent_id(&arguments.agent)?;
    let reason = administration::reason(arguments.reason.as_deref())?;
    let change = Change::Suspend(reason.clone());
    let act = Act { name: "agent.suspend", target: id.to_string(), reason, tightens: true };
    let agent = act.perform(host, |store| store.change(&id, change, input::now()).map_err(administration::refused))?;
    if arguments.json {
        terminal::out_json(&RegistryDocument::entry(&agent))?;
    } else {
        terminal::err(&format!("agent `{id}` is suspended; its runs are being ended\n"));
    }
    Ok(Exit::Success)
}
