//! `bailiwick agent export`

use bailiwick_identity::{Registrar, RegistryDocument, Revocable, Thumbprint};

use crate::arguments::AgentExportArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::{administration, identity, terminal};

/// Prints agents, and what has been revoked, as the document that `agent import` reads.
pub(crate) fn run(arguments: &AgentExportArguments, host: &Configuration) -> Outcome {
    let store = administration::open(host)?;
    let agents = if arguments.agents.is_empty() {
        store.agents().map_err(administration::refused)?
    } else {
        let named = arguments.agents.iter().map(|name| administration::agent(&store, &identity::agent_id(name)?));
        named.collect::<Result<Vec<_>, _>>()?
    };
    let mut revocations = store.revocations().map_err(administration::refused)?;
    if !arguments.agents.is_empty() {
        // Tokens and tasks are nobody's in particular.
        let of_these =
            |key: &Thumbprint| agents.iter().any(|agent| agent.keys.iter().any(|known| known.thumbprint() == *key));
        revocations.retain(|entry| matches!(&entry.what, Revocable::Key(key) if of_these(key)));
    }
    terminal::out_json(&RegistryDocument { agents, revocations }.to_json())?;
    Ok(Exit::Success)
}
