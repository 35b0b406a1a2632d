//! `bailiwick agent import`

use std::fmt::Display;

use bailiwick_identity::{AgentId, MissingKeys, Registrar, RegistryDocument, RegistryError, Status};
use serde_json::json;

use crate::administration::{self, Act};
use crate::arguments::AgentImportArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::input;
use crate::terminal::{self, BAD, NOTE, Untrusted};

/// Adds or replaces agents, and revokes: all, or nothing when anything is wrong.
pub(crate) fn run(arguments: &AgentImportArguments, host: &Configuration) -> Outcome {
    let name = arguments.file.display().to_string();
    let content = input::bytes(&arguments.file, "the document", RegistryDocument::MAX_BYTES)?;
    let document = RegistryDocument::parse(&content).map_err(|errors| wrong(&name, &errors))?;
    let missing = if arguments.drop_keys { MissingKeys::Drop } else { MissingKeys::Refuse };
    let active: Vec<AgentId> =
        document.agents.iter().filter(|agent| agent.status == Status::Active).map(|agent| agent.id.clone()).collect();
    let revocations = document.revocations.len();
    let ids: Vec<String> = document.agents.iter().map(|agent| agent.id.to_string()).collect();
    let act = Act { name: "agent.import", target: ids.join(" "), reason: None, tightens: false };
    let (imported, suspended) = act.perform(host, |store| {
        let imported = store.import(document, missing, input::now()).map_err(|errors| match errors.as_slice() {
            [RegistryError::Unavailable(problem)] => Failure::internal(problem),
            errors => wrong(&name, errors),
        })?;
        let agents = store.agents().map_err(administration::refused)?;
        let suspended = agents.iter().filter(|agent| agent.status != Status::Active && active.contains(&agent.id));
        Ok((imported, suspended.map(|agent| agent.id.to_string()).collect::<Vec<_>>()))
    })?;
    if arguments.json {
        let ids: Vec<&str> = imported.iter().map(|id| id.as_str()).collect();
        terminal::out_json(&json!({ "imported": ids, "revocations": revocations, "still_suspended": suspended }))?;
    } else {
        let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let agents = counted(imported.len(), "agent");
        let revocations =
            if revocations == 0 { String::new() } else { format!(" and {}", counted(revocations, "revocation")) };
        terminal::err(&format!("imported {agents}{revocations}\n"));
        for id in suspended {
            terminal::err(&format!(
                "{NOTE}note{NOTE:#}: agent `{id}` is active in the document and stays suspended here; `bailiwick agent resume {id}`\n"
            ));
        }
    }
    Ok(Exit::Success)
}

/// Every error on a line of its own, whatever of the document stands in it.
fn wrong(name: &str, errors: &[impl Display]) -> Failure {
    let lines: Vec<String> = errors.iter().map(|error| Untrusted(&error.to_string()).to_string()).collect();
    let count = lines.len();
    let drawn = lines.iter().map(|line| format!("{BAD}error{BAD:#}: {line}\n")).collect();
    Failure::usage(format!("`{}` was not imported: {count} errors, and nothing has changed", Untrusted(name)))
        .details(drawn)
        .data("errors", json!(lines))
}
