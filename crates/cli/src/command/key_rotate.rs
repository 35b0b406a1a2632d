//! `bailiwick key rotate`

use crate::arguments::KeyRotateArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::{input, keys, terminal, vault};

/// Makes the next version of a key.
pub(crate) fn run(arguments: &KeyRotateArguments, host: &Configuration) -> Outcome {
    let name = keys::name(&arguments.name)?;
    let _lock = vault::lock(host)?;
    let store = keys::open(host)?;
    let version = keys::on_record("key.rotate", name.to_string(), host, || store.rotate(&name, input::now()))?;
    terminal::err(&format!("made version {version} of key `{name}`: {}\n", keys::service(&store, &name)?));
    Ok(Exit::Success)
}
