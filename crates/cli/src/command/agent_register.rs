//! `bailiwick agent register`

use bailiwick_identity::{Agent, AgentRegistry, LocalIssuer, RegistryError, Status, Subject};

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
    let agent = Agent {
        id: id.clone(),
        issuer: arguments.issuer.clone().unwrap_or_else(|| LocalIssuer::ISSUER.to_owned()),
        subject,
        owner: arguments.owner.clone(),
        capabilities: identity::scopes(&arguments.capabilities, "--capabilities")?,
        status: Status::Active,
        registered_at: input::now(),
    };
    let registered = AgentRegistry::update(&host.state.open()?, |registry| registry.register(agent));
    registered.map_err(|error| match error {
        RegistryError::Exists(_) | RegistryError::SameSubject(_) | RegistryError::Refused(_) => Failure::usage(error),
        other => Failure::internal(other),
    })?;
    terminal::err(&format!("registered agent `{id}`\n"));
    Ok(Exit::Success)
}
