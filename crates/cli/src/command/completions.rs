//! `bailiwick completions`

use clap::CommandFactory;

use crate::arguments::{Arguments, CompletionsArguments};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal;

/// Prints the completion script for a shell.
pub(crate) fn run(arguments: &CompletionsArguments) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "bailiwick", &mut script);
    terminal::out(&String::from_utf8(script).map_err(Failure::internal)?)?;
    Ok(Exit::Success)
}
