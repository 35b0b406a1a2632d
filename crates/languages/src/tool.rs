//! The programs that build interpreters: pip, npm, and the builders themselves. Each is bounded in time, heard line by line,
//! and stopped with everything that it started when nobody waits for it any more.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use crate::error::LanguageError;
use crate::progress::{Event, Progress, Step};

/// Lines that are kept for the error.
const KEPT_LINES: usize = 20;
/// Bytes of a line that are kept.
const KEPT_BYTES: usize = 500;

/// What these programs need to find: programs, a home for their caches, the way to the package index and whom to trust
/// there. Nothing else of the environment reaches them; npm's own variables are told apart without regard to case.
const PASSED: [&str; 40] = [
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LOGNAME",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "NPM_CONFIG_CA",
    "NPM_CONFIG_CACHE",
    "NPM_CONFIG_CAFILE",
    "NPM_CONFIG_GLOBALCONFIG",
    "NPM_CONFIG_HTTPS_PROXY",
    "NPM_CONFIG_NOPROXY",
    "NPM_CONFIG_OFFLINE",
    "NPM_CONFIG_PREFER_OFFLINE",
    "NPM_CONFIG_PROXY",
    "NPM_CONFIG_REGISTRY",
    "NPM_CONFIG_STRICT_SSL",
    "NPM_CONFIG_USERCONFIG",
    "PATH",
    "PIP_CACHE_DIR",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_CONFIG_FILE",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "PIP_NO_INDEX",
    "PIP_PROXY",
    "PIP_RETRIES",
    "PIP_TIMEOUT",
    "PIP_TRUSTED_HOST",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
];

/// The environment that programs get, out of the whole one.
pub(crate) fn passed(all: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let known = |name: &OsStr| {
        let name = name.to_string_lossy().to_ascii_uppercase();
        PASSED.contains(&name.as_str())
    };
    all.into_iter().filter(|(name, _)| known(name)).collect()
}

/// A program and how to run it.
pub(crate) struct Tool<'a> {
    pub(crate) step: Step,
    pub(crate) environment: &'a [(OsString, OsString)],
    /// Where it starts, and where it may leave temporary files.
    pub(crate) folder: &'a Path,
    pub(crate) time: Duration,
}

/// A program that ended.
pub(crate) struct Ended {
    pub(crate) success: bool,
    how: String,
    program: String,
    /// The last lines that it printed.
    pub(crate) lines: Vec<String>,
}

impl Tool<'_> {
    /// Runs a program to its end. Dropping the future kills it, and what it started.
    ///
    /// # Errors
    /// [`LanguageError::Failed`] when it does not start or does not succeed, [`LanguageError::Late`].
    pub(crate) async fn run<A: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = A>,
        progress: &dyn Progress,
    ) -> Result<(), LanguageError> {
        let ended = self.end(program, arguments, progress).await?;
        if ended.success { Ok(()) } else { Err(ended.failed(self.step)) }
    }

    /// The same, where failing is an answer.
    pub(crate) async fn end<A: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = A>,
        progress: &dyn Progress,
    ) -> Result<Ended, LanguageError> {
        let name = Path::new(&program).file_name().unwrap_or(program.as_ref()).to_string_lossy().into_owned();
        let mut last = Lines::default();
        let running = self.start(program.as_ref(), arguments, &mut last, progress);
        match tokio::time::timeout(self.time, running).await {
            Ok(Ok(status)) => Ok(Ended {
                success: status.success(),
                how: status.code().map_or_else(|| status.to_string(), |code| format!("ended with code {code}")),
                program: name,
                lines: last.kept.into(),
            }),
            Ok(Err(error)) => {
                let how = format!("does not start: {error}");
                Err(LanguageError::Failed { step: self.step, program: name, how, lines: Vec::new() })
            }
            Err(_) => Err(LanguageError::Late { step: self.step, after: self.time, lines: last.kept.into() }),
        }
    }

    async fn start<A: AsRef<OsStr>>(
        &self,
        program: &OsStr,
        arguments: impl IntoIterator<Item = A>,
        last: &mut Lines,
        progress: &dyn Progress,
    ) -> io::Result<ExitStatus> {
        #[expect(clippy::disallowed_methods, reason = "the one place that starts programs")]
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.folder)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("LANG", "C.UTF-8")
            .env("TMPDIR", self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn()?;
        let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
        let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
        let (mut from_out, mut from_err) = (Lines::default(), Lines::default());
        let mut hear = |line: String| {
            progress.event(Event::Line(&line));
            last.keep(line);
        };
        loop {
            let (mut out_buffer, mut err_buffer) = ([0; 4096], [0; 4096]);
            tokio::select! {
                read = next(&mut out, &mut out_buffer), if out.is_some() => {
                    from_out.push(out_buffer.get(..read).unwrap_or_default(), &mut hear);
                    if read == 0 { out = None; }
                }
                read = next(&mut err, &mut err_buffer), if err.is_some() => {
                    from_err.push(err_buffer.get(..read).unwrap_or_default(), &mut hear);
                    if read == 0 { err = None; }
                }
                else => break,
            }
        }
        from_out.finish(&mut hear);
        from_err.finish(&mut hear);
        let status = child.wait().await;
        // Waited for: the number may belong to somebody else from now on.
        group.0 = None;
        status
    }
}

impl Ended {
    pub(crate) fn failed(self, step: Step) -> LanguageError {
        LanguageError::Failed { step, program: self.program, how: self.how, lines: self.lines }
    }
}

/// A process group that is killed with the value.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It may have ended by itself; nothing else can be done about a failure.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// The bytes read; zero at the end, and when reading fails, which ends it as well.
async fn next(stream: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    match stream {
        Some(stream) => stream.read(buffer).await.unwrap_or(0),
        None => 0,
    }
}

/// Bytes become lines; the last ones are kept.
#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
    kept: VecDeque<String>,
}

impl Lines {
    fn push(&mut self, bytes: &[u8], hear: &mut impl FnMut(String)) {
        for byte in bytes {
            match byte {
                b'\n' | b'\r' => self.finish(hear),
                byte if self.partial.len() < KEPT_BYTES => self.partial.push(*byte),
                _ => {}
            }
        }
    }

    fn finish(&mut self, hear: &mut impl FnMut(String)) {
        let line = std::mem::take(&mut self.partial);
        let line = String::from_utf8_lossy(&line);
        if !line.trim().is_empty() {
            hear(line.trim_end().to_owned());
        }
    }

    fn keep(&mut self, line: String) {
        if self.kept.len() == KEPT_LINES {
            self.kept.pop_front();
        }
        self.kept.push_back(line);
    }
}
