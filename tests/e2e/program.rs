//! Runs the program under test, and never waits for it forever.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The program, built by cargo for this test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_bailiwick-under-test");

/// Nothing here takes so long unless it hangs, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Compiling is bounded by the wall clock, and a machine that runs tests may be busy.
pub(crate) const CONFIGURATION: &str = "[compile]\ntime = \"60s\"\n";

/// A folder that a test has for itself, with `CONFIGURATION` in it. No link leads there.
pub(crate) struct Home {
    _temporary: tempfile::TempDir,
    root: PathBuf,
}

impl Home {
    pub(crate) fn new() -> io::Result<Home> {
        let temporary = tempfile::tempdir()?;
        let root = temporary.path().canonicalize()?;
        fs::write(root.join("bailiwick.toml"), CONFIGURATION)?;
        Ok(Home { _temporary: temporary, root })
    }

    /// The program in it, with its state in `state` below it.
    pub(crate) fn program<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = program(&self.root, args);
        command.arg("--state").arg(self.root.join("state"));
        command
    }
}

impl Deref for Home {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.root
    }
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program in `folder` with an empty environment, but for the name of the configuration that is there.
pub(crate) fn program<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(args).current_dir(folder).env_clear().stdin(Stdio::null());
    if folder.join("bailiwick.toml").exists() {
        command.env("BAILIWICK_CONFIG", "bailiwick.toml");
    }
    command
}

/// Runs to the end.
///
/// # Errors
/// When it does not start, or has not ended in time and was killed.
pub(crate) fn run(command: &mut Command) -> Result<Ended, String> {
    run_for(command, PATIENCE)
}

/// The same, for what may take longer.
pub(crate) fn run_for(command: &mut Command, patience: Duration) -> Result<Ended, String> {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    finish_within(child.map_err(|error| format!("{}: {error}", command.get_program().display()))?, patience)
}

/// Waits for the end of a process that was started with its output captured, or with some of it taken.
///
/// # Errors
/// When it has not ended in time and was killed.
pub(crate) fn finish(child: Child) -> Result<Ended, String> {
    finish_within(child, PATIENCE)
}

fn finish_within(mut child: Child, patience: Duration) -> Result<Ended, String> {
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let (done, ended) = mpsc::channel();
    let pid = rustix::process::Pid::from_child(&child);
    let waiter = thread::spawn(move || {
        let status = child.wait();
        // The receiver waits for this, or has given up and killed the process.
        let _ = done.send(());
        status
    });
    let late = ended.recv_timeout(patience).is_err();
    if late {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    let status = waiter.join().map_err(|_| "the waiter panicked")?.map_err(|error| error.to_string())?;
    let text =
        |reader: thread::JoinHandle<Vec<u8>>| String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned();
    let ended = Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) };
    if late {
        return Err(format!(
            "killed after {} s; stdout: {}; stderr: {}",
            patience.as_secs(),
            ended.stdout,
            ended.stderr
        ));
    }
    Ok(ended)
}

fn drain<R: Read + Send + 'static>(pipe: Option<R>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}
