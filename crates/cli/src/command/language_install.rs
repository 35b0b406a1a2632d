//! `bailiwick language install`

use crate::arguments::LanguageInstallArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::languages::{self, Store, Wish};
use crate::terminal::{self, GOOD};

/// Installs an interpreter, or says that it is there.
pub(crate) fn run(arguments: &LanguageInstallArguments, host: &Configuration) -> Outcome {
    let LanguageInstallArguments { language, with, offline, json } = arguments;
    let wish = Wish { language: *language, with, offline: *offline, json: *json };
    let packages = languages::packages(host, wish)?;
    Store::open(host)?.install(wish, &packages)?;
    let store = Store::open(host)?;
    let listed = store.languages.list(&store.cache).map_err(languages::failed)?;
    let requested: Vec<&str> = packages.iter().collect();
    let installed = listed.iter().find(|it| {
        it.language == *language
            && it.standing.is_ready()
            && it.runtime.as_ref().is_some_and(|it| it.requested == requested)
    });
    if *json {
        terminal::out_json(&installed.map(super::language_list::to_json).unwrap_or_default())?;
    } else if let Some(runtime) = installed.and_then(|it| it.runtime.as_ref()) {
        let with: String = runtime.packages.iter().map(|it| format!(", {} {}", it.name, it.version)).collect();
        terminal::out(&format!(
            "{GOOD}ready{GOOD:#}: {}{}\n",
            terminal::plain(&runtime.interpreter),
            terminal::plain(&with)
        ))?;
    }
    Ok(Exit::Success)
}
