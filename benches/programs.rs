//! The interpreters that are measured against: `python3` and `node`, without a sandbox.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "shared by benches, of which each uses a part"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The system's Python when there is one. What the name finds in the path may be a script that looks for the program, which
/// takes longer than the program.
pub(crate) fn python() -> PathBuf {
    let system = Path::new("/usr/bin/python3");
    if system.exists() { system.to_owned() } else { says("python3", &["-c", "import sys; print(sys.executable)"]) }
}

/// Node, wherever the name leads.
pub(crate) fn node() -> PathBuf {
    says("node", &["-p", "process.execPath"])
}

/// Runs `program` to its end, which must be a success.
pub(crate) fn finish(program: &Path, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{} {arguments:?}", program.display());
}

fn says(program: &str, arguments: &[&str]) -> PathBuf {
    let output = Command::new(program).args(arguments).output().unwrap();
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}
