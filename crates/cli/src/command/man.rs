//! `bailiwick man`

use std::fs;

use clap::CommandFactory;

use crate::arguments::{Arguments, ManArguments};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal;

/// Writes a page for the program and for each of its commands.
pub(crate) fn run(arguments: &ManArguments) -> Outcome {
    match &arguments.folder {
        Some(folder) => {
            let written =
                fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Arguments::command(), folder));
            written.map_err(|error| {
                Failure::usage(format!("cannot write man pages to `{}`: {error}", folder.display()))
            })?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut page).map_err(Failure::internal)?;
            terminal::out(&String::from_utf8(page).map_err(Failure::internal)?)?;
        }
    }
    Ok(Exit::Success)
}
