//! `bailiwick audit key`

use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::{log, terminal};

/// Prints the public key that the logs of this installation are signed with. Whoever verifies them keeps a copy elsewhere.
pub(crate) fn run(host: &Configuration) -> Outcome {
    terminal::out(&format!("{}\n", log::public_key(host)?))?;
    Ok(Exit::Success)
}
