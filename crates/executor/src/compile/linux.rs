//! What is specific to Linux about the compile child.

use std::io;
use std::path::PathBuf;

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use rustix::thread::set_no_new_privs;

/// The program that is running, even when its file was replaced or deleted since.
pub(super) fn this_program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

/// Ties this process's life to its parent's, and takes from it what a compiler does not need.
pub(super) fn settle() -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    set_no_new_privs(true)?;
    limit(Resource::Core, 0)?; // a dump would hold the guest
    limit(Resource::Fsize, 0)?; // pipes are no files
    limit(Resource::Nofile, 3) // the three pipes, and nothing can be opened beside them
}

/// Bounds what this process may use. Over `memory` bytes of address space, allocations fail; over `cpu_seconds`, it is
/// killed.
pub(super) fn confine(memory: u64, cpu_seconds: u64) -> io::Result<()> {
    limit(Resource::As, memory)?;
    limit(Resource::Cpu, cpu_seconds)
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

/// How a child ended that did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    OutOfTime,
    /// Aborted or killed, as happens when memory runs out; what it last wrote tells.
    Signal(i32),
    Exit(i32),
}

impl Death {
    /// `None` when it ended well.
    pub(super) fn of(status: std::process::ExitStatus) -> Option<Death> {
        use std::os::unix::process::ExitStatusExt as _;
        if status.success() {
            return None;
        }
        Some(match status.signal() {
            Some(signal) if signal == Signal::XCPU.as_raw() => Death::OutOfTime,
            Some(signal) => Death::Signal(signal),
            None => Death::Exit(status.code().unwrap_or(-1)),
        })
    }
}
