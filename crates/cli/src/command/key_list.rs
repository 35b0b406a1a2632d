//! `bailiwick key list`

use serde_json::json;

use super::key_create::open;
use crate::arguments::KeyListArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, NOTE};

/// Lists the keys of the host's key store; never their material.
pub(crate) fn run(arguments: &KeyListArguments, host: &Configuration) -> Outcome {
    let keys = open(host)?.list().map_err(Failure::internal)?;
    if arguments.json {
        let list: Vec<_> = keys
            .iter()
            .map(|(name, algorithm)| json!({ "name": name.to_string(), "algorithm": algorithm.as_str() }))
            .collect();
        terminal::out_json(&json!({ "keys": list }))?;
        return Ok(Exit::Success);
    }
    if keys.is_empty() {
        terminal::err(&format!("there are no keys\n  {NOTE}help{NOTE:#}: bailiwick key create RING/KEY\n"));
    }
    terminal::out(&keys.iter().map(|(name, algorithm)| format!("{name}  {algorithm}\n")).collect::<String>())?;
    Ok(Exit::Success)
}
