//! `bailiwick tool list`

use serde_json::json;

use crate::arguments::ToolListArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::tools::{self, Asked};
use crate::{manifest, terminal};

/// Starts each server of a manifest, and shows its tools beside what was accepted.
pub(crate) fn run(arguments: &ToolListArguments, host: &Configuration) -> Outcome {
    let loaded = manifest::load(&arguments.manifest)?;
    let asked = tools::ask(&loaded, host, &tools::acceptances(host)?, arguments.server.as_deref())?;
    if arguments.json {
        terminal::out_json(&json!({ "servers": asked.iter().map(Asked::to_json).collect::<Vec<_>>() }))?;
    } else {
        terminal::out(&asked.iter().map(Asked::draw).collect::<Vec<_>>().join("\n"))?;
    }
    let silent: Vec<&str> = asked.iter().filter(|one| one.found.is_err()).map(|one| one.name.as_str()).collect();
    if silent.is_empty() {
        return Ok(Exit::Success);
    }
    Err(Failure::new(Exit::Guest, format!("no tools are known of {}", silent.join(", "))))
}
