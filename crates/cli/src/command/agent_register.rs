//! `bailiwick agent register`

use bailiwick_identity::{Agent, LocalIssuer, Registrar, RegistryDocument, RegistryError, Subject};

use crate::administration::{self, Act};
use crate::arguments::AgentRegisterArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::{identity, input, terminal};

/// Adds an agent to the registry of the state folder.
pub(crate) fn run(arguments: &AgentRegisterArguments, host: &Configuration) -> Outcome {
    let id = identity::agent_id(&arguments.agent)?;
    let subject = match &arguments.subject {
        Some(text) => Subject::parse(text).map_err(|error| Failure::usage(format!("--subject: {error}")))?,
        None => Subject::from(&id),
    };
    let issuer = arguments.issuer.as_deref().unwrap_or(LocalIssuer::ISSUER);
    let capabilities = identity::scopes(&arguments.capabilities, "--capabilities")?;
    let agent = Agent::new(id.clone(), issuer, subject, &arguments.owner, capabilities, input::now());
    let mut agent = agent.map_err(|error| administration::refused(RegistryError::Refused(error)))?;
    agent.keys.extend(arguments.key.as_deref().map(administration::key).transpose()?);
    let entry = RegistryDocument::entry(&agent);
    let act = Act { name: "agent.register", target: id.to_string(), reason: None, tightens: false };
    act.perform(host, |store| store.register(agent).map_err(administration::refused))?;
    if arguments.json {
        terminal::out_json(&entry)?;
    } else {
        terminal::err(&format!("registered agent `{id}`\n"));
    }
    Ok(Exit::Success)
}
