//! The journals of this installation: whether runs are recorded, and which run is meant.

use std::collections::BTreeSet;
use std::sync::Arc;

use bailiwick_guard::journal::files::{JournalFolder, is_run};
use bailiwick_guard::journal::{ContentDigest, Journals};
use bailiwick_guard::{Clock, SystemClock};

use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::history::Past;
use crate::terminal::{self, Untrusted, WARN};

/// In the state folder.
const FOLDER: &str = "journals";

/// The shortest beginning of a run's id that is taken for one.
const SHORTEST: usize = 4;

/// The folder of all journals, whether it is there or not.
pub(crate) fn folder(host: &Configuration) -> JournalFolder {
    JournalFolder::at(host.state.path().join(FOLDER), host.journal.options())
}

/// Where runs are recorded, if they are.
///
/// # Errors
/// When the folder cannot be made, or somebody else may write in it.
pub(crate) fn recording(host: &Configuration) -> Result<Option<Arc<dyn Journals>>, Failure> {
    if !host.journal.is_enabled() {
        return Ok(None);
    }
    host.state.folder(FOLDER)?;
    Ok(Some(Arc::new(folder(host))))
}

/// Deletes what is too old or too much, when that is due. That it cannot be deleted is no failure of the run that was.
pub(crate) fn tidy(host: &Configuration) {
    if !host.journal.is_enabled() {
        return;
    }
    if let Err(error) = folder(host).tidy(SystemClock.now()) {
        let error = error.to_string();
        terminal::err(&format!("{WARN}warning{WARN:#}: old journals cannot be deleted: {}\n", Untrusted(&error)));
    }
}

/// How a journal stands against what the log has of its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is the one whose digest was recorded when the run ended.
    AsRecorded,
    /// It is another one.
    Changed,
    /// The run has not ended, so nothing was recorded about its journal.
    Unended,
    /// The run ended without recording anything about a journal: whoever started it dropped it.
    Unbound,
    /// No log of this installation has the run.
    Unlogged,
}

/// How the journal with this digest stands against what the log has of its run.
pub(crate) fn standing(digest: &ContentDigest, past: &Past, is_logged: bool) -> Standing {
    match &past.ended {
        _ if !is_logged => Standing::Unlogged,
        None => Standing::Unended,
        Some(ended) => match &ended.journal {
            None => Standing::Unbound,
            Some(recorded) if *recorded == digest.to_string() => Standing::AsRecorded,
            Some(_) => Standing::Changed,
        },
    }
}

impl Standing {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Standing::AsRecorded => "as the audit log has it",
            Standing::Changed => "changed since the run ended",
            Standing::Unended => "the run has no end in the audit log, so nothing shows whether it was changed",
            Standing::Unbound => "the audit log has no digest of it, so nothing shows whether it was changed",
            Standing::Unlogged => "no audit log here has the run, so nothing shows whether it was changed",
        }
    }
}

/// The one of these runs that is meant: by its id, by the beginning of it, or as `last`.
///
/// # Errors
/// When it is none of them, or several.
pub(crate) fn meant(text: &str, runs: &BTreeSet<String>) -> Result<String, Failure> {
    let list = "`bailiwick runs list` shows those that are on record";
    if text == "last" {
        return runs.last().cloned().ok_or_else(|| Failure::usage("there is no run yet"));
    }
    let shown = Untrusted(text);
    if runs.contains(text) {
        return Ok(text.to_owned());
    }
    if is_run(text) {
        return Err(Failure::usage(format!("there is no run `{shown}`")).help(list));
    }
    let is_beginning = text.len() >= SHORTEST && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    if !is_beginning {
        let message =
            format!("`{shown}` is not a run: write its id, the first {SHORTEST} characters or more of it, or `last`");
        return Err(Failure::usage(message).help(list));
    }
    let mut meant = runs.iter().filter(|run| run.starts_with(text));
    match (meant.next(), meant.next()) {
        (Some(run), None) => Ok(run.clone()),
        (None, _) => Err(Failure::usage(format!("no run begins with `{shown}`")).help(list)),
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("several runs begin with `{shown}`")).help("write more of its id"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_by_what_only_it_begins_with() {
        let runs: BTreeSet<_> =
            ["0190a1b2-c3d4-7000-8000-000000000001", "0190a1b2-c3d5-7000-8000-000000000001"].map(str::to_owned).into();
        let found = |text: &str| meant(text, &runs).map_err(|failure| failure.message().to_owned());
        assert_eq!(found("0190a1b2-c3d4"), Ok(runs.first().unwrap().clone()));
        assert_eq!(found("last"), Ok(runs.last().unwrap().clone()));
        assert_eq!(found(runs.first().unwrap()), Ok(runs.first().unwrap().clone()));
        assert_eq!(found("0190a1b2"), Err("several runs begin with `0190a1b2`".to_owned()));
        assert_eq!(found("0190a1b3"), Err("no run begins with `0190a1b3`".to_owned()));
        assert!(found("0190a1b2-c3d4-7000-8000-000000000002").unwrap_err().starts_with("there is no run `0190"));
        for bad in ["", "019", "../..", "first"] {
            assert!(found(bad).unwrap_err().contains("is not a run"), "{bad}");
        }
        assert!(meant("last", &BTreeSet::new()).is_err());
    }
}
