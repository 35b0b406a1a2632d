//! The command line: arguments, configuration, and all printing. No logic of its own.
//!
//! What was typed ([`arguments`]) becomes what is meant ([`configuration`]) before anything runs; then one file under
//! [`command`] does one verb and says how it went ([`exit`], [`failure`]). Everything printed goes through [`terminal`].

use std::process::ExitCode;

mod administration;
mod arguments;
mod command;
mod configuration;
mod diagnostics;
mod environment;
mod exit;
mod failure;
mod history;
mod identity;
mod input;
mod journals;
mod keys;
mod languages;
mod launch;
mod log;
mod logging;
mod manifest;
mod postgres;
mod quantity;
mod recorded;
mod secrets;
mod state;
mod table;
mod terminal;
mod tools;
mod trusted;
mod vault;

pub use exit::Exit;

/// The whole program: parses the process's arguments, runs one command, and says how it went.
///
/// Call it first thing: a process that was started to compile a guest does that and nothing else.
pub fn main() -> ExitCode {
    if let Some(code) = bailiwick::compile_child() {
        return code;
    }
    let arguments = match arguments::Arguments::parse_from_process(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are not errors; clap knows which stream each belongs to.
            let shown = error.render().to_string();
            match terminal::plain(&shown) {
                plain if plain != shown && error.use_stderr() => terminal::err(&plain),
                _ => _ = error.print(),
            }
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Success.into() };
        }
    };
    logging::install(arguments.host.log_format);
    command::dispatch(arguments).into()
}
