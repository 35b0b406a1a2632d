//! `bailiwick language remove`

use bailiwick_languages::{Packages, Quiet};
use serde_json::json;

use crate::arguments::LanguageRemoveArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::languages::{self, Store};
use crate::terminal;

/// Removes interpreters, and what is compiled of them.
pub(crate) fn run(arguments: &LanguageRemoveArguments, host: &Configuration) -> Outcome {
    let packages = match arguments.with.as_slice() {
        [] => None,
        with => Some(Packages::parse(with).map_err(Failure::usage)?),
    };
    let store = Store::open(host)?;
    let removal = store.languages.remove(arguments.language, packages.as_ref(), &store.cache, &Quiet);
    let removed = languages::wait(removal)?.map_err(languages::failed)?;
    if arguments.json {
        terminal::out_json(&json!({ "removed": removed }))?;
    } else if removed.is_empty() {
        terminal::err("there was nothing to remove\n");
    } else {
        terminal::out(&removed.iter().map(|name| format!("removed {}\n", terminal::plain(name))).collect::<String>())?;
    }
    Ok(Exit::Success)
}
