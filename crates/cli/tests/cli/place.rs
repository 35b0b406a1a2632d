//! Where tests run the program, and how it ended.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A public key of an agent: RFC 8037 A.2.
pub(crate) const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
/// Its name, RFC 7638 in RFC 8037 A.3.
pub(crate) const THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

/// A folder to run the program in, which is the user's home as well.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The user's own configuration.
    pub(crate) fn configure(&self, text: &str) {
        fs::create_dir_all(self.path(".config/bailiwick")).unwrap();
        self.write(".config/bailiwick/bailiwick.toml", text);
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bailiwick"));
        command.args(words).current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command.env("BAILIWICK_STATE", self.path("state")).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        Ran(self.command(words).output().unwrap())
    }

    /// The same, with another state folder.
    pub(crate) fn on(&self, state: &str, words: &[&str]) -> Ran {
        Ran(self.command(words).env("BAILIWICK_STATE", self.path(state)).output().unwrap())
    }

    /// The audit log as it is written.
    pub(crate) fn log_text(&self) -> String {
        fs::read_to_string(self.path("state/audit/log.jsonl")).unwrap()
    }

    /// What is on record.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.log_text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A process that ended.
pub(crate) struct Ran(pub(crate) Output);

impl Ran {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out()).unwrap_or_else(|error| panic!("{error}: {} {}", self.out(), self.err()))
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Ran {
        assert_eq!(self.code(), code, "stdout: {}\nstderr: {}", self.out(), self.err());
        self
    }
}
