//! `bailiwick audit verify`

use std::path::Path;

use bailiwick_guard::audit::{Signed, SignedError, verify_signed};
use bailiwick_guard::tlog::VerifierKey;
use serde_json::{Value, json};

use crate::arguments::AuditVerifyArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, NOTE};
use crate::{input, log};

/// A checkpoint is less than a kilobyte; witnesses may add to it.
const MAX_CHECKPOINT: usize = 64 * 1024;

const AWAY: &str = "keep the file and the folder beside it for investigation, and move both away";

/// Verifies one log or all of them. The first thing wrong is an error with exit code 1.
pub(crate) fn run(arguments: &AuditVerifyArguments, host: &Configuration) -> Outcome {
    let key = log::verifier(host, arguments.key.as_deref())?;
    let earlier =
        arguments.checkpoint.as_deref().map(|path| input::text(path, "checkpoint", MAX_CHECKPOINT)).transpose()?;
    let paths = match &arguments.log {
        Some(path) => vec![path.clone()],
        None => log::paths(host)?,
    };
    let mut logs = Vec::new();
    for path in &paths {
        logs.push(verified(path, &key, earlier.as_deref(), arguments)?);
    }
    if arguments.json {
        terminal::out_json(&json!({ "key": key.to_string(), "logs": logs }))?;
    } else if logs.is_empty() {
        terminal::err("there is no log yet; the first run makes it\n");
    }
    Ok(Exit::Success)
}

/// Prints what was found in a log that is whole, or gives it back as JSON.
fn verified(
    path: &Path,
    key: &VerifierKey,
    earlier: Option<&str>,
    arguments: &AuditVerifyArguments,
) -> Result<Value, Failure> {
    let (is_own, json) = (arguments.log.is_none(), arguments.json);
    let at = path.display().to_string();
    let signed = verify_signed(path, key, earlier).map_err(|error| match error {
        SignedError::Read { .. } | SignedError::OtherLog { .. } => Failure::usage(error),
        SignedError::Unsigned { .. } | SignedError::Gone { .. } => Failure::new(Exit::Guest, error).help(AWAY),
        _ => Failure::new(Exit::Guest, error)
            .help("this log was not signed with that key, or its checkpoint was altered"),
    })?;
    let Signed { entries, covered, root, origin, torn_bytes, dangling, more_dangling, problem } = signed;
    if is_own && !log::is_itself(path, &origin, key) {
        let message = format!("audit log `{at}` was altered: it is a copy of the log `{origin}`");
        return Err(Failure::new(Exit::Guest, message).help(AWAY));
    }
    let what = json!({
        "path": at,
        "origin": origin,
        "entries": entries,
        "covered": covered,
        "root": root.to_base64(),
        "torn_bytes": torn_bytes,
        "dangling": dangling.iter().map(|(run, call)| json!({ "run": run, "call": call })).collect::<Vec<_>>(),
        "more_dangling": more_dangling,
        "problem": problem.as_ref().map(ToString::to_string),
    });
    if let Some(problem) = problem {
        let failure = Failure::new(Exit::Guest, format!("audit log `{at}` was altered: {problem}"));
        let failure = failure.data("log", what);
        return Err(failure.help(AWAY));
    }
    if !json {
        terminal::err(&format!("{at}: {entries} entries, as they were signed\n"));
        let note = |text: String| terminal::err(&format!("  {NOTE}note{NOTE:#}: {text}\n"));
        if !log::is_itself(path, &origin, key) {
            note(format!("it is the log `{}`, which has another name than the file", terminal::plain(&origin)));
        }
        if torn_bytes > 0 {
            note(format!(
                "{torn_bytes} bytes at the end are no entry, and nobody signed them: a crash, or somebody's doing"
            ));
        }
        if entries > covered {
            note(format!(
                "the last {} are not signed yet: the log is in use, or its process was killed",
                entries - covered
            ));
        }
        if !dangling.is_empty() {
            let least = if more_dangling { "at least " } else { "" };
            note(format!(
                "{least}{} calls have no outcome: whether those effects happened is not known",
                dangling.len()
            ));
        }
    }
    Ok(what)
}
