//! A server's process, and the end of it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use super::launch::Program;
use crate::ambient;

/// Bytes of standard error that are kept: the last ones.
const TAIL: usize = 8 << 10;
/// How long a server has for ending by itself after its standard input was closed.
const GRACE: Duration = Duration::from_millis(500);

/// A running server, in a process group of its own. Dropping it kills the group.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Option<Pid>,
    stderr: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    pub(super) fn start(program: &Program) -> io::Result<(Process, ChildStdin, ChildStdout)> {
        let mut child = ambient::spawn(&program.command, &program.env, &program.cwd)?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let stderr: Arc<Mutex<Vec<u8>>> = Arc::default();
        let mut process = Process { child, group, stderr, reader: None };
        let (Some(stdin), Some(stdout), Some(pipe)) = pipes else {
            return Err(io::Error::other("the server has no pipes"));
        };
        process.reader = Some(tokio::spawn(keep_tail(pipe, Arc::clone(&process.stderr))));
        Ok((process, stdin, stdout))
    }

    /// The last that it wrote to standard error. Untrusted text.
    pub(super) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits until a process that ended, or closed its output, has nothing more to say.
    pub(super) async fn last_words(&mut self) -> String {
        if let Some(reader) = &mut self.reader {
            let _ = tokio::time::timeout(GRACE, reader).await;
        }
        self.stderr()
    }

    /// Ends the process and all of its group; its standard input is closed already.
    pub(super) async fn close(mut self) {
        // Only whether its output ends is waited for, not the process itself: until the process is reaped its number, which
        // is the group's too, belongs to nobody else.
        if let Some(reader) = &mut self.reader {
            let _ = tokio::time::timeout(GRACE, reader).await;
        }
        self.kill();
        // The system may not let go of a process at once; the run does not wait for that.
        let _ = tokio::time::timeout(GRACE, self.child.wait()).await;
    }

    fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            // INVARIANT: the process was not reaped, so that the group is still its own. It fails if all of it ended.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if let Some(reader) = self.reader.take() {
            reader.abort();
        }
    }
}

async fn keep_tail(mut pipe: impl AsyncRead + Unpin, tail: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; 4096];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let over = tail.len().saturating_sub(TAIL);
        tail.drain(..over);
    }
}
