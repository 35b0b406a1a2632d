//! `bailiwick agent rotate-key`

use bailiwick_identity::{Change, Registrar, RegistryDocument};

use crate::administration::{self, Act};
use crate::arguments::AgentRotateKeyArguments;
use crate::command::agent_list::minute;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::{identity, input, terminal};

/// Gives an agent another key.
pub(crate) fn run(arguments: &AgentRotateKeyArguments, host: &Configuration) -> Outcome {
    let id = identity::agent_id(&arguments.agent)?;
    let key = administration::key(&arguments.key)?;
    let overlap = arguments.overlap.map_or(host.rotation.grace(), |overlap| overlap.whole());
    let thumbprint = key.thumbprint();
    let act = Act { name: "agent.rotate_key", target: format!("{id} {thumbprint}"), reason: None, tightens: false };
    let change = Change::AddKey { key, overlap };
    let agent = act.perform(host, |store| store.change(&id, change, input::now()).map_err(administration::refused))?;
    if arguments.json {
        terminal::out_json(&RegistryDocument::entry(&agent))?;
        return Ok(Exit::Success);
    }
    let mut text = format!("the key {thumbprint} of agent `{id}` serves from now on\n");
    if let Some(end) = agent.keys.iter().rev().nth(1).and_then(|before| before.expires()) {
        text += &format!("the one before serves until {}\n", minute(end));
    }
    if agent.keys.len() == 1 {
        text += &format!(
            "it is the only one: new runs need a token that is bound to it; runs under way on tokens that are bound to no key go on, until `bailiwick agent suspend {id}` ends them\n"
        );
    }
    terminal::err(&text);
    Ok(Exit::Success)
}
