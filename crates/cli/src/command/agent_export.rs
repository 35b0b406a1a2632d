//! `bailiwick agent export`

use bailiwick_identity::{Registrar, RegistryDocument};

use crate::arguments::AgentExportArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::{administration, identity, terminal};

/// Prints agents as the document that `agent import` reads.
pub(crate) fn run(arguments: &AgentExportArguments, host: &Configuration) -> Outcome {
    let store = administration::open(host)?;
    let agents = if arguments.agents.is_empty() {
        store.agents().map_err(administration::refused)?
    } else {
        let named = arguments.agents.iter().map(|name| administration::agent(&store, &identity::agent_id(name)?));
        named.collect::<Result<Vec<_>, _>>()?
    };
    terminal::out_json(&RegistryDocument::of(&agents))?;
    Ok(Exit::Success)
}
