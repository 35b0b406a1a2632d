//! `bailiwick language list`

use bailiwick_languages::{Listed, Packages, Standing};
use serde_json::{Value, json};

use crate::arguments::LanguageListArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::languages::{self, Store};
use crate::terminal::{self, BAD, BOLD, DIM, GOOD, NOTE, WARN};

/// Lists the interpreters: what is there, and what is missing.
pub(crate) fn run(arguments: &LanguageListArguments, host: &Configuration) -> Outcome {
    let store = Store::open(host)?;
    let list = store.languages.list(&store.cache).map_err(languages::failed)?;
    if arguments.json {
        let list: Vec<Value> = list.iter().map(to_json).collect();
        terminal::out_json(&json!({ "languages": list }))?;
    } else {
        terminal::out(&list.iter().map(draw).collect::<String>())?;
    }
    Ok(Exit::Success)
}

/// One interpreter, as `--json` has it.
pub(crate) fn to_json(listed: &Listed) -> Value {
    let runtime = listed.runtime.as_ref();
    json!({
        "language": listed.language.name(),
        "id": listed.id,
        "state": listed.standing.as_str(),
        "problem": match &listed.standing {
            Standing::Damaged(what) => Some(what),
            _ => None,
        },
        "interpreter": runtime.map(|it| &it.interpreter),
        "requested": runtime.map(|it| &it.requested),
        "packages": runtime.map(|it| &it.packages),
        "component": runtime.map(|it| &it.component),
        "bytes": runtime.map(|it| it.bytes),
        "help": help(listed),
    })
}

fn draw(listed: &Listed) -> String {
    let style = match listed.standing {
        Standing::Ready => GOOD,
        Standing::NotCompiled | Standing::Outdated => WARN,
        Standing::Damaged(_) => BAD,
        Standing::Missing => DIM,
    };
    let mut text =
        format!("{BOLD}{:<11}{BOLD:#} {style}{:<12}{style:#}", listed.language.name(), listed.standing.as_str());
    if let Some(runtime) = &listed.runtime {
        text += &format!(" {}, {} MiB", terminal::plain(&runtime.interpreter), runtime.bytes >> 20);
        let packages: Vec<String> =
            runtime.packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect();
        if !packages.is_empty() {
            text += &format!("\n{:24} with {}", "", terminal::plain(&packages.join(", ")));
        }
    }
    if let Some(help) = help(listed) {
        text += &format!("\n{:24} {NOTE}help{NOTE:#}: {help}", "");
    }
    text + "\n"
}

/// What to do about it.
pub(crate) fn help(listed: &Listed) -> Option<String> {
    let requested = listed.runtime.as_ref().map(|runtime| Packages::parse(&runtime.requested).unwrap_or_default());
    match &listed.standing {
        Standing::Ready => None,
        Standing::Missing => Some(languages::install_command(listed.language, &Packages::none())),
        Standing::NotCompiled => Some(format!(
            "the next run compiles it; `{}` does now",
            languages::install_command(listed.language, &requested.unwrap_or_default())
        )),
        Standing::Outdated => {
            Some(format!("of another version of this program; `bailiwick language remove {}`", listed.language))
        }
        Standing::Damaged(what) => match requested {
            Some(packages) => Some(format!("{what}; run `{}`", languages::install_command(listed.language, &packages))),
            None => {
                Some(format!("{what}; `bailiwick language remove {}`, then install what you need", listed.language))
            }
        },
    }
}
