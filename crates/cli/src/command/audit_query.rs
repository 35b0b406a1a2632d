//! `bailiwick audit query`

use crate::arguments::AuditQueryArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::recorded::{self, Logs, Recorded};
use crate::terminal;

/// Text that is gathered before it is written.
const GATHERED: usize = 1 << 16;

/// Shows every entry for which the query holds, in the order of their times.
pub(crate) fn run(arguments: &AuditQueryArguments, host: &Configuration) -> Outcome {
    let query = recorded::query(&arguments.entries)?;
    let mut recorded = Recorded::whole(&Logs::of(&arguments.entries, host), query)?;
    let mut text = if arguments.json { String::new() } else { recorded::heading() };
    while let Some(record) = recorded.next() {
        text += &if arguments.json { record.json() } else { record.row() };
        if text.len() >= GATHERED && !terminal::out_while_read(&std::mem::take(&mut text))? {
            return Ok(Exit::Success);
        }
    }
    terminal::out(&text)?;
    recorded.end()?;
    Ok(Exit::Success)
}
