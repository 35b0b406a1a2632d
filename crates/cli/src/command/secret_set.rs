//! `bailiwick secret set`

use bailiwick_host::secrets::check;

use crate::administration::Act;
use crate::arguments::SecretSetArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::secrets::{self, refused};
use crate::{input, terminal, vault};

/// Keeps a secret, sealed. On record are its name and nothing of its value.
pub(crate) fn run(arguments: &SecretSetArguments, host: &Configuration) -> Outcome {
    let name = secrets::name(&arguments.name)?;
    // First, because it may take somebody at a terminal a while.
    let value = secrets::read(arguments.from_file.as_deref(), &name)?;
    check(&value).map_err(refused)?;
    let _lock = vault::lock(host)?;
    let (store, vault) = (secrets::open(host)?, vault::open(host)?);
    let act = Act { name: "secret.set", target: name.to_string(), reason: None, tightens: false };
    act.carry_out(host, || store.set(&vault, &name, &value, input::now()).map_err(refused))?;
    terminal::err(&format!("kept secret `{name}`\n"));
    Ok(Exit::Success)
}
