//! What the person at the terminal, or a supervisor, wants: that the program ends.

use std::fs;
use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long output may still take once the program was asked to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// From now on SIGINT, SIGTERM and SIGHUP cancel the token. The second one kills the process: nothing of it runs any
/// more, and what was under way has no outcome in the audit log.
///
/// # Errors
/// When the operating system does not let us listen.
pub(crate) fn listen(cancel: CancellationToken) -> io::Result<()> {
    let mut signals = signals()?;
    tokio::spawn(async move {
        any(&mut signals).await;
        cancel.cancel();
        any(&mut signals).await;
        // Should even this fail, the first signal is still being obeyed.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    });
    Ok(())
}

/// Ends when the program is asked to end.
///
/// # Errors
/// When the operating system does not let us listen.
pub(crate) async fn first() -> io::Result<()> {
    let mut signals = signals()?;
    any(&mut signals).await;
    Ok(())
}

fn signals() -> io::Result<Vec<Signal>> {
    let mut signals = vec![signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
    if !hangup_is_ignored() {
        signals.push(signal(SignalKind::hangup())?);
    }
    Ok(signals)
}

/// Ends when the program was asked to end and has had its time to do so.
pub(crate) async fn patience(cancel: &CancellationToken) {
    cancel.cancelled().await;
    tokio::time::sleep(PATIENCE).await;
}

async fn any(signals: &mut [Signal]) {
    poll_fn(|context| match signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// Under `nohup` the program is to outlive its terminal.
fn hangup_is_ignored() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, 1))
}

/// Whether a process with this `/proc/PID/status` ignores the signal.
fn ignores(status: &str, signal: u32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_signal_is_found() {
        let status = |mask| format!("Name:\tx\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\n");
        assert!(ignores(&status("0000000000001001"), 1));
        assert!(!ignores(&status("0000000000001000"), 1));
        assert!(!ignores("", 1));
    }
}
