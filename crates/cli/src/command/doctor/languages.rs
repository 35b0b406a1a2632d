//! Whether there are interpreters of source languages, and what installing one needs.

use bailiwick_languages::{Listed, Standing};

use super::{Finding, State};
use crate::configuration::Configuration;
use crate::languages::{self, Store};

const AREA: &str = "languages";

pub(super) fn look(host: &Configuration) -> Vec<Finding> {
    // Looking must not make a state folder.
    if !host.state.path().join("languages").is_dir() {
        let missing = |language: bailiwick::Language| {
            Finding::new(AREA, language.name(), State::Missing, "not installed; the first run installs it")
                .help(languages::install_command(language, &bailiwick_languages::Packages::none()))
        };
        return bailiwick::Language::ALL.map(missing).into();
    }
    let store = match Store::open(host) {
        Ok(store) => store,
        Err(failure) => {
            return vec![
                Finding::new(AREA, "interpreters", State::Broken, failure.message()).help_from(failure.advice()),
            ];
        }
    };
    match store.languages.list(&store.cache) {
        Ok(list) => list.iter().map(finding).collect(),
        Err(error) => vec![Finding::new(AREA, "interpreters", State::Broken, error.to_string())],
    }
}

fn finding(listed: &Listed) -> Finding {
    let state = match listed.standing {
        Standing::Ready => State::Good,
        Standing::Missing | Standing::NotCompiled => State::Missing,
        Standing::Outdated | Standing::Damaged(_) => State::Doubtful,
    };
    let detail = match &listed.runtime {
        None => listed.standing.as_str().to_owned(),
        Some(runtime) => {
            let packages: Vec<String> =
                runtime.packages.iter().map(|package| format!(" with {} {}", package.name, package.version)).collect();
            format!("{}: {}{}", listed.standing.as_str(), runtime.interpreter, packages.join(","))
        }
    };
    let finding = Finding::new(AREA, listed.language.name(), state, detail);
    match crate::command::language_list::help(listed) {
        Some(help) => finding.help(help),
        None => finding,
    }
}
