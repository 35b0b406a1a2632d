//! `bailiwick key delete`

use crate::arguments::KeyDeleteArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::{keys, terminal, vault};

/// Removes a key or one of its older versions.
pub(crate) fn run(arguments: &KeyDeleteArguments, host: &Configuration) -> Outcome {
    let name = keys::name(&arguments.name)?;
    let _lock = vault::lock(host)?;
    let store = keys::open(host)?;
    let what = match arguments.only {
        Some(version) => format!("version {version} of key `{name}`"),
        None => format!("key `{name}`"),
    };
    if !arguments.yes {
        return Err(Failure::usage(format!(
            "what {what} signed or encrypted cannot be verified or decrypted without it"
        ))
        .help("if that is meant, say --yes"));
    }
    let target = arguments.only.map_or(name.to_string(), |version| format!("{name} version {version}"));
    keys::on_record("key.delete", target, host, || match arguments.only {
        Some(version) => store.delete_version(&name, version),
        None => store.delete(&name),
    })?;
    terminal::err(&format!("removed {what}\n"));
    Ok(Exit::Success)
}
