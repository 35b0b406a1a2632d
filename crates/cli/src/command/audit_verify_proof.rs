//! `bailiwick audit verify-proof`

use bailiwick_guard::audit::{Proofs, SignedError, verify_proof};

use crate::arguments::AuditVerifyProofArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, plain};
use crate::{input, log};

/// A proof has an entry, 64 hashes and a checkpoint; a file has up to 1,024 of them, of a few kilobytes each.
const MAX_PROOFS: usize = 16 << 20;

/// Prints the entries that a file of proofs is about, once all of them were checked.
pub(crate) fn run(arguments: &AuditVerifyProofArguments, host: &Configuration) -> Outcome {
    let key = log::verifier(host, arguments.key.as_deref())?;
    let text = input::text(&arguments.proof, "proof", MAX_PROOFS)?;
    let refused = |error: SignedError| match error {
        SignedError::Malformed => Failure::usage(format!("`{}`: {error}", arguments.proof.display())),
        _ => Failure::new(Exit::Guest, format!("`{}` proves nothing: {error}", arguments.proof.display())),
    };
    let Proofs(proofs) = text.parse().map_err(refused)?;
    let mut proved = Vec::new();
    for proof in &proofs {
        let checkpoint = verify_proof(proof, &key).map_err(refused)?;
        let (index, size, origin) = (proof.index, checkpoint.size, plain(&checkpoint.origin));
        proved.push(format!("proved: entry {index} of {size} in the log `{origin}`\n"));
    }
    terminal::err(&proved.concat());
    for proof in &proofs {
        terminal::out(&format!("{}\n", String::from_utf8_lossy(&proof.entry)))?;
    }
    Ok(Exit::Success)
}
