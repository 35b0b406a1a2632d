//! `bailiwick key create`

use crate::arguments::KeyCreateArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::{input, keys, terminal, vault};

/// Makes a key in the host's key store.
pub(crate) fn run(arguments: &KeyCreateArguments, host: &Configuration) -> Outcome {
    let name = keys::name(&arguments.name)?;
    let algorithm = keys::algorithm(&arguments.algorithm)?;
    let _lock = vault::lock(host)?;
    let store = keys::open(host)?;
    let create = || store.create(&name, algorithm, input::now());
    keys::on_record("key.create", format!("{name} {algorithm}"), host, create)?;
    terminal::err(&format!("made key `{name}` for {algorithm}\n"));
    Ok(Exit::Success)
}
