//! `bailiwick audit verify-proof`

use bailiwick_guard::audit::{Proof, SignedError, verify_proof};

use crate::arguments::AuditVerifyProofArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, plain};
use crate::{input, log};

/// A proof has an entry of at most 64 KiB, 64 hashes and a checkpoint.
const MAX_PROOF: usize = 256 * 1024;

/// Prints the entry that a proof is about, once the proof was checked.
pub(crate) fn run(arguments: &AuditVerifyProofArguments, host: &Configuration) -> Outcome {
    let key = log::verifier(host, arguments.key.as_deref())?;
    let text = input::text(&arguments.proof, "proof", MAX_PROOF)?;
    let refused = |error: SignedError| match error {
        SignedError::Malformed => Failure::usage(format!("`{}`: {error}", arguments.proof.display())),
        _ => Failure::new(Exit::Guest, format!("`{}` proves nothing: {error}", arguments.proof.display())),
    };
    let proof: Proof = text.parse().map_err(refused)?;
    let checkpoint = verify_proof(&proof, &key).map_err(refused)?;
    let (index, size, origin) = (proof.index, checkpoint.size, &checkpoint.origin);
    terminal::err(&format!("proved: entry {index} of {size} in the log `{}`\n", plain(origin)));
    terminal::out(&format!("{}\n", String::from_utf8_lossy(&proof.entry)))?;
    Ok(Exit::Success)
}
