//! `bailiwick audit prove`

use bailiwick_guard::audit::{SignedError, prove};

use crate::arguments::AuditProveArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal;

/// Prints the proof that an entry is in a signed log: a C2SP `tlog-proof`, which holds the entry itself.
pub(crate) fn run(arguments: &AuditProveArguments, host: &Configuration) -> Outcome {
    let path = arguments.log.clone().unwrap_or_else(|| host.state.path().join("audit/log.jsonl"));
    let proof = prove(&path, arguments.entry).map_err(|error| match error {
        SignedError::Tile { .. } => Failure::new(Exit::Guest, error),
        _ => Failure::usage(error),
    })?;
    terminal::out(&proof.to_string())?;
    Ok(Exit::Success)
}
