//! `bailiwick key public`

use serde_json::{Value, json};

use crate::arguments::KeyPublicArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::{keys, terminal};

/// Prints the public halves of a key's versions, the newest first: a JSON Web Key Set, or PEM.
pub(crate) fn run(arguments: &KeyPublicArguments, host: &Configuration) -> Outcome {
    let versions = keys::open(host)?.public(&keys::name(&arguments.name)?).map_err(keys::refused)?;
    if arguments.pem {
        terminal::out(&versions.iter().map(|version| version.pem()).collect::<String>())?;
    } else {
        let keys: Vec<Value> = versions.iter().map(|version| version.jwk()).collect();
        terminal::out_json(&json!({ "keys": keys }))?;
    }
    Ok(Exit::Success)
}
