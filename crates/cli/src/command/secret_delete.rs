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
    let act = Act { name: "secret.delete", target: name.to_string(), reason: None, tightens: true };
    act.carry_out(host, || match store.delete(&name).map_err(refused)? {
        true => Ok(()),
        false => Err(Failure::usage(format!("there is no secret `{name}`")).help("`bailiwick secret list` names them")),
    })?;
    terminal::err(&format!("forgot secret `{name}`\n"));
    Ok(Exit::Success)
}
