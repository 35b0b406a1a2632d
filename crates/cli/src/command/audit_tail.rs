//! `bailiwick audit tail`

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;

use crate::arguments::AuditTailArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::launch::signals;
use crate::recorded::{self, Logs, Record, Recorded};
use crate::terminal;

/// How often the logs are looked at again. Their writers are other processes, and may be on other machines.
const LOOK: Duration = Duration::from_millis(200);

/// Shows the last entries, and with `--follow` those that come.
pub(crate) fn run(arguments: &AuditTailArguments, host: &Configuration) -> Outcome {
    let query = recorded::query(&arguments.entries)?;
    let logs = Logs::of(&arguments.entries, host);
    let (last, mut recorded) = Recorded::last(&logs, &query, usize::from(arguments.lines))?;
    let shown = |record: &Record| if arguments.json { record.json() } else { record.row() };
    let heading = if arguments.json { String::new() } else { recorded::heading() };
    let text = heading + &last.iter().map(shown).collect::<String>();
    let is_read = terminal::out_while_read(&text)?;
    if !arguments.follow {
        recorded.end()?;
        return Ok(Exit::Success);
    }
    if !is_read {
        return Ok(Exit::Success);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    runtime.block_on(async {
        let stop = async {
            tokio::select! {
                listened = signals::first() => listened.map_err(Failure::internal),
                () = unread() => Ok(()),
            }
        };
        tokio::pin!(stop);
        let mut looks = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                stopped = &mut stop => return stopped.map(|()| Exit::Success),
                _ = looks.tick() => {}
            }
            recorded.look_again(&logs)?;
            let mut text = String::new();
            while let Some(record) = recorded.next() {
                text += &shown(&record);
            }
            if !text.is_empty() && !terminal::out_while_read(&text)? {
                return Ok(Exit::Success);
            }
        }
    })
}

/// Ends when nobody can read standard output any more. Of a file nobody can tell.
async fn unread() {
    let gone = async || -> io::Result<()> {
        // Nothing is written through it, so it need not be a pipe that does not block.
        let end = Sender::from_owned_fd_unchecked(io::stdout().as_fd().try_clone_to_owned()?)?;
        end.ready(Interest::ERROR).await.map(drop)
    };
    if gone().await.is_err() {
        std::future::pending::<()>().await;
    }
}
