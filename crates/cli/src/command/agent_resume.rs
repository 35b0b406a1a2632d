//! `bailiwick agent resume`

use bailiwick_identity::{Change, Registrar, RegistryDocument};

use crate::administration::{self, Act};
use crate::arguments::AgentResumeArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::{identity, input, terminal};

/// Lets a suspended agent start runs again.
pub(crate) fn run(arguments: &AgentResumeArguments, host: &Configuration) -> Outcome {
    let id = identity::agent_id(&arguments.agent)?;
    let change = Change::Resume;
    let act = Act { name: "agent.resume", target: id.to_string(), reason: None, tightens: false };
    let agent = act.perform(host, |store| store.change(&id, change, input::now()).map_err(administration::refused))?;
    if arguments.json {
        terminal::out_json(&RegistryDocument::entry(&agent))?;
    } else {
        terminal::err(&format!("agent `{id}` may start runs again\n"));
    }
    Ok(Exit::Success)
}
