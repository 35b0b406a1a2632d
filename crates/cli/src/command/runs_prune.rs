//! `bailiwick runs prune`

use bailiwick_guard::journal::files::{JournalFolder, JournalOptions, Pruned};
use bailiwick_guard::{Clock, SystemClock};
use serde_json::json;

use crate::arguments::RunsPruneArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::launch::report::size;
use crate::{journals, terminal};

/// Deletes journals.
pub(crate) fn run(arguments: &RunsPruneArguments, host: &Configuration) -> Outcome {
    // Nobody else's files.
    host.state.open_existing()?;
    let folder = journals::folder(host);
    let pruned = match &arguments.run {
        Some(text) => one(text, &folder)?,
        None => {
            let options = *folder.options();
            let keep = arguments.keep.map_or(options.keep, |given| given.duration().min(options.keep));
            folder.with(JournalOptions { keep, ..options }).prune(SystemClock.now()).map_err(Failure::internal)?
        }
    };
    if arguments.json {
        terminal::out_json(&json!({ "runs": pruned.runs, "freed": pruned.freed, "left": pruned.left }))?;
    } else {
        let Pruned { runs, freed, left } = pruned;
        let word = if runs.len() == 1 { "journal" } else { "journals" };
        terminal::err(&format!("deleted {} {word}, {}; {} left\n", runs.len(), size(freed), size(left)));
    }
    Ok(Exit::Success)
}

fn one(text: &str, folder: &JournalFolder) -> Result<Pruned, Failure> {
    let runs = folder.runs().map_err(Failure::internal)?.into_iter().collect();
    let run = journals::meant(text, &runs)?;
    folder.remove(&run).map_err(|error| match error.kind() {
        std::io::ErrorKind::ResourceBusy => Failure::usage(format!("the journal of `{run}` is in use: {error}")),
        _ => Failure::internal(format!("the journal of `{run}`: {error}")),
    })
}
