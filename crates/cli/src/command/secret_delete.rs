//! `bailiwick secret delete`

use crate::administration::Act;
use crate::arguments::SecretDeleteArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::secrets::{self, refused};
use crate::{terminal, vault};

/// Forgets a secret. Runs that are under way cannot send it any more.
pub(crate) fn run(arguments: &SecretDeleteArguments, host: &Configuration) -> Outcome {
    let name = secrets::name(&arguments.name)?;
    let _lock = vault::lock(host)?;
    let store = secrets::open(host)?;
    let recorded = Act { name: "secret.delete", target: name.to_string(), reason: None, tightens: true }.announce(host);
    if !store.delete(&name).map_err(refused)? {
        return Err(Failure::usage(format!("there is no secret `{name}`")).help("`bailiwick secret list` names them"));
    }
    recorded?;
    terminal::err(&format!("forgot secret `{name}`\n"));
    Ok(Exit::Success)
}
