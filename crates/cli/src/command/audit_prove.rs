//! `bailiwick audit prove`

use std::path::PathBuf;

use bailiwick_guard::audit::{SignedError, prove, prove_run};
use bailiwick_guard::tlog::VerifierKey;

use crate::arguments::AuditProveArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::{log, terminal};

/// Prints the proof that an entry is in a signed log: a C2SP `tlog-proof`, which holds the entry itself; for a run, one for
/// each of its entries.
pub(crate) fn run(arguments: &AuditProveArguments, host: &Configuration) -> Outcome {
    let key = log::verifier(host, arguments.key.as_deref())?;
    let proof = match arguments.what.parse::<u64>() {
        Ok(entry) => {
            let own = || host.state.path().join("audit/log.jsonl");
            let path = arguments.log.clone().unwrap_or_else(own);
            prove(&path, entry, &key).map(|proof| proof.to_string()).map_err(failure)?
        }
        Err(_) => {
            let logs = arguments.log.clone().map_or_else(|| log::paths(host), |log| Ok(vec![log]))?;
            whole_run(&logs, &arguments.what, &key).map_err(failure)?
        }
    };
    terminal::out(&proof)?;
    Ok(Exit::Success)
}

/// From the one log that has it: no two processes give runs the same id.
fn whole_run(logs: &[PathBuf], run: &str, key: &VerifierKey) -> Result<String, SignedError> {
    for log in logs {
        match prove_run(log, run, key) {
            Err(SignedError::NoRun { .. }) => {}
            other => return other.map(|proofs| proofs.to_string()),
        }
    }
    Err(SignedError::NoRun { run: terminal::plain(run) })
}

fn failure(error: SignedError) -> Failure {
    match error {
        SignedError::Tile { .. } | SignedError::Altered { .. } => Failure::new(Exit::Guest, error),
        SignedError::Note { .. } | SignedError::Checkpoint { .. } => Failure::new(Exit::Guest, error)
            .help("this log was not signed with that key, or its checkpoint was altered"),
        _ => Failure::usage(error),
    }
}
