//! The program as people and scripts use it: one folder and one process for each test.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, which the lint does not recognise as such"
)]

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Reads `/data/note.txt` through the core ABI, prints what it got, and asks for `/etc/passwd`.
const READER: &str = r#"(module
  (import "bailiwick" "call" (func $call (param i32 i32 i32 i32) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "files.read")
  (data (i32.const 16) "{\"path\":\"/data/note.txt\"}")
  (data (i32.const 64) "{\"path\":\"/etc/passwd\"}")
  (func (export "run")
    (drop (call $call (i32.const 0) (i32.const 10) (i32.const 16) (i32.const 25)))
    (drop (call $call (i32.const 0) (i32.const 10) (i32.const 64) (i32.const 22)))))"#;

/// Prints a line, and then never ends.
const BUSY: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\05\00\00\00busy\0a")
  (func (export "_start")
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))
    (loop (br 0))))"#;

/// Prints a line, and then more than any pipe holds.
const FLOOD: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 9)
  (data (i32.const 0) "\10\00\00\00\05\00\00\00busy\0a")
  (data (i32.const 16) "busy\0a")
  (data (i32.const 32) "\40\00\00\00\00\00\08\00")
  (func (export "_start")
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))
    (drop (call $w (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 100)))
    (loop (br 0))))"#;

/// Prints a report of its own, without the end of the line, on standard error.
const POSER: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\2c\00\00\00\e2\94\80\e2\94\80 run 1 \e2\94\80\e2\94\80\0afinished  poser.wat as x")
  (func (export "_start")
    (drop (call $w (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 100)))
    unreachable))"#;

const SPIN: &str = r#"(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))"#;
const QUIET: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;
const TRAP: &str = r#"(module (memory (export "memory") 1) (func (export "_start") unreachable))"#;

/// Prints what would clear a terminal and hide the rest.
const HOSTILE: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\07\00\00\00\1b[2Jx\0a\0a")
  (func (export "_start") (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))))"#;

const MANIFEST: &str = r#"
schema = 1
id = "notes"
agents = ["note-bot"]
[[allow]]
id = "read-notes"
file = "data/**"
actions = ["read"]
[mounts]
data = "./data"
"#;

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        place.write("notes.toml", MANIFEST);
        for (name, text) in [
            ("reader", READER),
            ("busy", BUSY),
            ("flood", FLOOD),
            ("poser", POSER),
            ("spin", SPIN),
            ("quiet", QUIET),
            ("trap", TRAP),
            ("hostile", HOSTILE),
        ] {
            place.write(&format!("{name}.wat"), text);
        }
        fs::create_dir(place.path("data")).unwrap();
        place.write("data/note.txt", "hello");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The user's own configuration.
    fn configure(&self, text: &str) {
        fs::create_dir_all(self.path(".config/bailiwick")).unwrap();
        self.write(".config/bailiwick/bailiwick.toml", text);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bailiwick"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command.env("BAILIWICK_STATE", self.path("state")).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran(self.command(arguments).output().unwrap())
    }

    fn guest(&self, guest: &str, more: &[&str]) -> Ran {
        self.run(&[&["run", guest, "--policy", "notes.toml", "--as", "note-bot"], more].concat())
    }

    fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("state/audit/log.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

struct Ran(Output);

impl Ran {
    fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    fn err(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out()).unwrap_or_else(|error| panic!("{error}: {} {}", self.out(), self.err()))
    }

    #[track_caller]
    fn expect(self, code: i32) -> Ran {
        assert_eq!(self.code(), code, "stdout: {}\nstderr: {}", self.out(), self.err());
        self
    }
}

#[test]
fn the_exit_code_says_how_it_ended() {
    let place = Place::new();
    place.guest("quiet.wat", &[]).expect(0);
    place.guest("trap.wat", &[]).expect(1);
    place.guest("notes.toml", &[]).expect(1);
    place.guest("absent.wat", &[]).expect(2);
    place.guest("quiet.wat", &["--input", "{"]).expect(2);
    place.guest("quiet.wat", &["--restrict", "file:*:data/**"]).expect(2);
    place.guest("quiet.wat", &["--timeout", "0s"]).expect(2);
    place.guest("quiet.wat", &["--token", "x"]).expect(2);
    place.run(&["run", "quiet.wat", "--policy", "notes.toml"]).expect(2);
    place.run(&["run", "quiet.wat", "--policy", "absent.toml", "--as", "note-bot"]).expect(2);
    place.write("bad.toml", "schema = 2");
    place.run(&["run", "quiet.wat", "--policy", "bad.toml", "--as", "note-bot"]).expect(3);
    place.run(&["run", "quiet.wat", "--policy", "notes.toml", "--as", "stranger"]).expect(4);
    place.guest("spin.wat", &["--fuel", "1000"]).expect(5);
    place.guest("spin.wat", &["--timeout", "100ms"]).expect(5);
    place.configure("x = 1");
    place.guest("quiet.wat", &[]).expect(2);
}

#[test]
fn a_denial_is_explained_to_the_person_and_coded_for_programs() {
    let place = Place::new();
    let report = place.guest("reader.wat", &["--json"]).expect(0).json();
    let codes: Vec<_> = report["calls"].as_array().unwrap().iter().map(|call| call["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["allow", "deny.manifest.no_rule"], "{report:#}");
    assert_eq!(report["calls"][0]["location"], "notes.toml:5");
    assert_eq!(report["identity"]["provenance"], "terminal");
    assert_eq!(report["stop"]["kind"], "finished");
    let shown = place.guest("reader.wat", &["--trace"]).expect(0).err();
    for expected in [
        "denied: file read /etc/passwd",
        "[deny.manifest.no_rule]",
        "help: add to notes.toml",
        "on your own word",
        "done     file.read /data/note.txt",
    ] {
        assert!(shown.contains(expected), "no `{expected}` in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "no colours without a terminal");
}

#[test]
fn a_restriction_narrows() {
    let place = Place::new();
    let report = place.guest("reader.wat", &["--json", "--restrict", "file:read:data/other.txt"]).expect(0).json();
    assert_eq!(report["calls"][0]["code"], "deny.task.restriction");
}

#[test]
fn failures_are_json_when_json_was_asked_for() {
    let place = Place::new();
    let refused = place.run(&["run", "quiet.wat", "--policy", "notes.toml", "--as", "stranger", "--json"]).expect(4);
    assert_eq!(refused.json()["error"]["code"], "deny.manifest.agent");
    place.write("bad.toml", "schema = 1\nid = 'x'\nagentss = 1");
    let invalid = place.run(&["run", "quiet.wat", "--policy", "bad.toml", "--as", "x", "--json"]).expect(3).json();
    assert_eq!(invalid["error"]["diagnostics"][0]["line"], 3, "{invalid:#}");
}

#[test]
fn a_token_is_verified_registered_and_recorded() {
    let place = Place::new();
    let issue = |scopes: &str| {
        let issued = place.run(&["token", "issue", "--agent", "note-bot", "--scopes", scopes]).expect(0);
        place.write("token", &issued.out());
        issued
    };
    let run = || place.run(&["run", "reader.wat", "--policy", "notes.toml", "--token-file", "token", "--json"]);
    assert!(issue("file:read:data/**").err().contains("not registered"));
    assert_eq!(run().expect(4).json()["error"]["code"], "deny.agent.unknown");

    let register = ["agent", "register", "note-bot", "--owner", "alice", "--capabilities", "file:read:data/note.txt"];
    place.run(&register).expect(0);
    place.run(&register).expect(2);
    assert_eq!(run().expect(4).json()["error"]["code"], "deny.token.privilege_injection");

    assert_eq!(issue("file:read:data/note.txt").err(), "");
    let report = run().expect(0).json();
    assert_eq!(report["identity"]["provenance"], "local-issuer");
    assert_eq!(report["calls"][0]["code"], "allow");
    assert_eq!(report["calls"][1]["code"], "deny.token.scope");

    let mut token = fs::read_to_string(place.path("token")).unwrap();
    assert!(run().expect(0).0.stderr.is_empty());
    let by_flag = place.run(&["run", "quiet.wat", "--policy", "notes.toml", "--token", token.trim()]).expect(0);
    assert!(by_flag.err().contains("token of the local issuer"));
    token.insert(token.len() / 2, 'A');
    place.write("token", &token);
    let refused = run().expect(4);
    assert!(refused.json()["error"]["code"].as_str().unwrap().starts_with("deny.token."));

    let log = place.log();
    let decided: Vec<_> = log
        .iter()
        .filter(|entry| entry["type"] == "authentication")
        .map(|entry| entry["code"].as_str().unwrap())
        .collect();
    assert_eq!(&decided[..3], ["deny.agent.unknown", "deny.token.privilege_injection", "allow"]);
    assert_eq!(decided.len(), 6);
    let whole = fs::read_to_string(place.path("state/audit/log.jsonl")).unwrap() + &refused.err() + &refused.out();
    for segment in token.trim().split('.') {
        assert!(!whole.contains(segment), "a token is nowhere on record");
    }
}

/// A variable holds for every command of a shell, a flag for one: the flag wins. An empty variable is none.
#[test]
fn flags_win_over_the_environment() {
    let place = Place::new();
    let run = |variables: &[(&str, &str)], more: &[&str]| {
        let mut command = place.command(&[&["run", "quiet.wat", "--json"], more].concat());
        Ran(command.envs(variables.iter().copied()).output().unwrap())
    };
    let (policy, agent) = (["--policy", "notes.toml"], ["--as", "note-bot"]);
    let both = [&policy[..], &agent].concat();
    let spoilt = [("BAILIWICK_TOKEN", "x"), ("BAILIWICK_POLICY", "missing.toml")];
    assert_eq!(run(&spoilt, &both).expect(0).json()["identity"]["provenance"], "terminal");
    let by_variable = run(&[("BAILIWICK_TOKEN", "x"), ("BAILIWICK_POLICY", "notes.toml")], &[]).expect(4);
    assert_eq!(by_variable.json()["error"]["code"], "deny.token.malformed");
    run(&[("BAILIWICK_POLICY", "notes.toml")], &agent).expect(0);
    let empty = ["BAILIWICK_TOKEN", "BAILIWICK_POLICY", "BAILIWICK_CONFIG"].map(|name| (name, ""));
    run(&empty, &both).expect(0);
    let nobody = run(&empty, &policy).expect(2);
    assert!(nobody.err().contains("does not say which agent asks"), "{}", nobody.err());
    let nothing = run(&empty, &agent).expect(2);
    assert!(nothing.err().contains("--policy MANIFEST"), "{}", nothing.err());
    // An empty name of a state folder is not this folder.
    let mut elsewhere = place.command(&["agent", "list"]);
    assert!(elsewhere.env("BAILIWICK_STATE", "").output().unwrap().status.success());
    assert!(!place.path("state.db").exists());
}

#[test]
fn the_local_issuer_is_trusted_only_where_configured() {
    let place = Place::new();
    place.run(&["token", "issue", "--agent", "note-bot", "--scopes", "file:read:data/**"]).expect(0);
    place.configure("[issuer]\nlocal = false\n");
    let refused = place.guest("quiet.wat", &["--json"]).expect(4);
    assert_eq!(refused.json()["error"]["code"], "deny.identity.local_issuer");
    place.run(&["token", "issue", "--agent", "note-bot", "--scopes", "file:read:data/**"]).expect(4);
    place.run(&["token", "issue", "--agent", "note-bot", "--scopes", "file:read:data/**", "--ttl", "2h"]).expect(4);
}

/// Whoever can write to the folder that commands are run from could otherwise decide whom to trust.
#[test]
fn a_file_in_the_current_folder_decides_about_no_trust() {
    let place = Place::new();
    for section in [
        "[issuer]\nlocal = true",
        "[issuer]\nlocal = false",
        "[[trusted]]\nissuer = 'a'\naudience = 'b'\njwks = 'c'\nalgorithms = ['ES256']",
        "[registry]\nrotate = '48h'",
        "[audit]\ndurability = 'buffered'",
        "[compile]\ntime = '1h'",
        "[fetch]\nca_file = 'ca.pem'",
        "[languages.python]\nwith = ['markdown']",
    ] {
        place.write("bailiwick.toml", &format!("[keys.notes]\ncreate = 'ed25519'\n{section}\n"));
        let refused = place.guest("quiet.wat", &[]).expect(2).err();
        assert!(refused.contains("whom to trust") && refused.contains("--config"), "{section}: {refused}");
    }
    place.guest("quiet.wat", &["--config", "/dev/null"]).expect(0);
    place.write("bailiwick.toml", "[keys.notes]\ncreate = 'ed25519'\n");
    place.guest("quiet.wat", &[]).expect(0);
    place.configure("[issuer]\nlocal = false\n");
    place.guest("quiet.wat", &[]).expect(4);
    place.guest("quiet.wat", &["--config", "bailiwick.toml"]).expect(0);
}

#[test]
fn a_configuration_that_cannot_be_read_is_not_taken_for_none() {
    let place = Place::new();
    fs::create_dir_all(place.path(".config/bailiwick")).unwrap();
    std::os::unix::fs::symlink("nowhere", place.path(".config/bailiwick/bailiwick.toml")).unwrap();
    place.guest("quiet.wat", &[]).expect(2);
}

#[test]
fn a_token_can_be_looked_at() {
    let place = Place::new();
    let issued =
        place.run(&["token", "issue", "--agent", "note-bot", "--scopes", "file:read:data/**", "--ttl", "1m"]).expect(0);
    let token = issued.out().trim().to_owned();
    let good = place.run(&["token", "inspect", &token, "--json"]).expect(0).json();
    assert_eq!((good["accepted"].as_bool(), good["subject"].as_str()), (Some(true), Some("note-bot")));
    let late = place.run(&["token", "inspect", &token, "--json", "--now", "4000000000"]).expect(4).json();
    assert_eq!((late["accepted"].as_bool(), late["code"].as_str()), (Some(false), Some("deny.token.expired")));
    // An unsigned token from a stranger is shown as what it is, and cannot paint on the terminal.
    let hostile = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJcdTAwMWJbMkpcdTIwMmUifQ.AAAA";
    let shown = place.run(&["token", "inspect", hostile]).expect(4).out();
    assert!(shown.contains("by whoever presented it") && shown.contains("refused"), "{shown}");
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
    place.run(&["token", "inspect", "nonsense"]).expect(4);
    place.run(&["token", "inspect"]).expect(2);
}

#[test]
fn policies_are_checked_and_explained() {
    let place = Place::new();
    let explain = |more: &[&str], call: &str| {
        place.run(&[&["policy", "explain", "notes.toml", "--json"], more, &[call]].concat())
    };
    assert_eq!(explain(&[], "file read /data/note.txt").expect(0).json()["decision"], "allow");
    assert_eq!(explain(&[], "file read /etc/passwd").expect(6).json()["code"], "deny.manifest.no_rule");
    let scoped = explain(&["--scopes", "file:read:data/a"], "file read /data/b").expect(6).json();
    assert_eq!(scoped["code"], "deny.token.scope");
    assert!(scoped["help"].as_str().unwrap().contains("file:read:data/b"), "{scoped}");
    let registry = explain(&["--registry", "file:read:data/a"], "file read /data/b").expect(6).json();
    assert_eq!(registry["code"], "deny.registry.capability");
    let task = explain(&["--restrict", "file:read:data/a"], "file read /data/b").expect(6).json();
    assert_eq!(task["code"], "deny.task.restriction");
    explain(&[], "file raed /data/b").expect(2);
    explain(&["--as", "stranger"], "file read /data/b").expect(6);
    let text = place.run(&["policy", "explain", "notes.toml", "file read /etc/passwd"]).expect(6).out();
    assert!(text.starts_with("denied: file read /etc/passwd"), "{text}");

    place.run(&["policy", "check", "notes.toml"]).expect(0);
    place.write("bad.toml", "schema = 1\nid = 'x y'\nagentss = 1\n[limits]\nfuel = 0\n");
    let bad = place.run(&["policy", "check", "notes.toml", "bad.toml"]).expect(3).err();
    for expected in
        ["bad.toml:2:6", "bad.toml:3:1", "bad.toml:5:8", "did you mean `agents`", "^^^", "notes.toml: valid"]
    {
        assert!(bad.contains(expected), "no `{expected}` in\n{bad}");
    }
    let data = place.run(&["policy", "check", "notes.toml", "bad.toml", "--json"]).expect(3).json();
    assert_eq!(data["manifests"][0]["valid"], true);
    assert_eq!(data["manifests"][1]["diagnostics"].as_array().unwrap().len(), 4, "{data:#}");
}

#[test]
fn keys_are_made_listed_and_shown_by_their_public_half() {
    let place = Place::new();
    place.run(&["key", "create", "release/2026"]).expect(0);
    place.run(&["key", "create", "release/2026"]).expect(2);
    place.run(&["key", "create", "release/seal", "--algorithm", "aes-256-gcm"]).expect(0);
    place.run(&["key", "create", "release/rsa", "--algorithm", "rsa"]).expect(2);
    place.run(&["key", "create", "../x"]).expect(2);
    assert_eq!(place.run(&["key", "list"]).expect(0).out(), "release/2026  ed25519\nrelease/seal  aes-256-gcm\n");
    let public = place.run(&["key", "public", "release/2026"]).expect(0).out();
    assert!(public.starts_with("ed25519 ") && public.trim().len() == "ed25519 ".len() + 44, "{public}");
    place.run(&["key", "public", "release/seal"]).expect(2);
    place.run(&["key", "public", "release/absent"]).expect(2);
}

/// Into a pipe the guest's bytes go as they are; whoever reads a pipe is a program.
#[test]
fn output_goes_through_unchanged_when_nobody_looks() {
    let place = Place::new();
    let ran = place.guest("hostile.wat", &[]).expect(0);
    assert_eq!(ran.0.stdout, b"\x1b[2Jx\n\n");
    assert!(!ran.err().contains('\u{1b}'));
    assert_eq!(place.guest("hostile.wat", &["--json"]).expect(0).json()["stdout"], "\u{1b}[2Jx\n\n");
}

#[test]
fn what_is_shown_of_names_is_harmless() {
    let place = Place::new();
    let name = "a\u{1b}[2J\u{202e}.wat";
    let absent = place.guest(name, &[]).expect(2).err();
    assert!(!absent.contains('\u{1b}') && !absent.contains('\u{202e}'), "{absent:?}");
    place.write(name, QUIET);
    let ran = place.guest(name, &[]).expect(0).err();
    assert!(!ran.contains('\u{1b}') && !ran.contains('\u{202e}'), "{ran:?}");
    let agent = place.run(&["run", "quiet.wat", "--policy", "notes.toml", "--as", "a\u{1b}[2J"]).expect(2).err();
    assert!(!agent.contains('\u{1b}'), "{agent:?}");
}

#[test]
fn the_doctor_finds_what_is_wrong() {
    let place = Place::new();
    let fresh = place.run(&["doctor", "--json"]).expect(0).json();
    assert_eq!(fresh["works"], true, "{fresh:#}");
    assert!(!place.path("state").exists(), "looking changes nothing");
    place.guest("reader.wat", &[]).expect(0);
    place.run(&["token", "issue", "--agent", "note-bot", "--scopes", "file:read:data/**"]).expect(0);
    let state = |report: &Value, name: &str| {
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .clone()
            .find(|finding| finding["name"] == name)
            .map(|finding| finding["state"].as_str().unwrap().to_owned())
    };
    let used = place.run(&["doctor", "--json"]).expect(0).json();
    assert_eq!(state(&used, "audit log").as_deref(), Some("good"));
    assert_eq!(state(&used, "issuer key").as_deref(), Some("good"));
    assert_eq!(state(&used, "trial run").as_deref(), Some("good"));

    let log = place.path("state/audit/log.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("note-bot", "evil-bot", 1)).unwrap();
    fs::write(place.path("state/state.db"), "nonsense").unwrap();
    place.configure("[audit]\ndurability = 'buffered'\n");
    let broken = place.run(&["doctor", "--json"]).expect(7).json();
    assert_eq!(broken["works"], false);
    assert_eq!(state(&broken, "audit log").as_deref(), Some("broken"));
    assert_eq!(state(&broken, "agent registry").as_deref(), Some("broken"));
    assert_eq!(state(&broken, "audit durability").as_deref(), Some("doubtful"));
    place.configure("nonsense");
    assert_eq!(state(&place.run(&["doctor", "--json"]).expect(7).json(), "configuration").as_deref(), Some("broken"));
    assert!(place.run(&["doctor"]).expect(7).out().contains("guests cannot run here"));
}

#[test]
fn help_version_completions_and_man_pages_come_from_one_definition() {
    let place = Place::new();
    assert!(place.run(&["--version"]).expect(0).out().starts_with("bailiwick "));
    assert!(place.run(&["run", "--help"]).expect(0).out().contains("--restrict"));
    place.run(&[]).expect(2);
    place.run(&["rnu"]).expect(2);
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.run(&["completions", shell]).expect(0).out().contains("--token-file"));
    }
    place.run(&["man", "pages"]).expect(0);
    assert!(fs::read_to_string(place.path("pages/bailiwick-run.1")).unwrap().contains("token\\-file"));
    assert!(place.run(&["man"]).expect(0).out().contains(".TH bailiwick"));
}

/// `w` is the folder with the manifest and, perhaps, the configuration. The state is elsewhere.
#[test]
fn a_mount_cannot_take_over_the_trust_root() {
    let place = Place::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let manifest = |mount: &str, actions: &str| {
        format!(
            "schema = 1\nid = 'w'\nagents = ['note-bot']\n[[allow]]\nid = 'w'\nfile = 'w/**'\nactions = [{actions}]\n\
             [mounts]\nw = '{mount}'\n"
        )
    };
    let run = |state: &str, more: &[&str]| {
        let arguments = [&["run", "quiet.wat", "--policy", "w.toml", "--as", "note-bot", "--state", state], more];
        place.run(&arguments.concat())
    };
    let state = elsewhere.path().join("state");
    let state = state.to_str().unwrap();

    for actions in ["'write'", "'read', 'delete'"] {
        place.write("w.toml", &manifest(".", actions));
        let refused = run(state, &["--json"]).expect(2);
        let message = refused.json()["error"]["message"].to_string();
        assert!(message.contains("mount `w`") && message.contains("decides what guests may do"), "{message}");
    }
    place.write("w.toml", &manifest(".", "'read', 'list'"));
    run(state, &[]).expect(0);
    place.write("w.toml", &manifest("data", "'read', 'write'"));
    run(state, &[]).expect(0);

    // The state folder holds keys: not even reading.
    place.write("w.toml", &manifest(".", "'read'"));
    let refused = run("state", &[]).expect(2).err();
    assert!(refused.contains("mount `w`") && refused.contains("secrets"), "{refused}");
    place.write("w.toml", &manifest("state/audit", "'list'"));
    run("state", &[]).expect(2);

    // Each file that decides, alone in a folder that a guest may write to.
    fs::create_dir_all(place.path(".config/bailiwick")).unwrap();
    place.write("w.toml", &manifest(".config", "'write'"));
    assert!(run(state, &[]).expect(2).err().contains("bailiwick.toml"), "the place counts before the file is there");
    place.write("w.toml", &manifest("data", "'write'"));
    place.write("data/named.toml", "");
    run(state, &["--config", "data/named.toml"]).expect(2);
    place.write("named.toml", "[[trusted]]\nissuer = 'a'\naudience = 'b'\njwks = 'data/keys.json'\nalgorithms = ['ES256']\n[issuer]\nlocal = true\n");
    assert!(run(state, &["--config", "named.toml"]).expect(2).err().contains("keys.json"));
    place.write("named.toml", "");
    run(state, &["--config", "named.toml"]).expect(0);
    place.write("data/ceiling.toml", &manifest("data", "'write'"));
    place.write("w.toml", &manifest("data", "'write'").replacen("id =", "ceiling = 'data/ceiling.toml'\nid =", 1));
    assert!(run(state, &[]).expect(2).err().contains("ceiling.toml"));
}

#[test]
fn a_state_folder_that_others_could_have_written_is_refused() {
    let place = Place::new();
    place.guest("quiet.wat", &[]).expect(0);
    for name in ["state", "state/audit", "state/keys", "state/cache"] {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(0o720)).unwrap();
        let refused = place.guest("quiet.wat", &[]).expect(7).err();
        assert!(refused.contains("run `chmod 700 ") && refused.contains(name), "{refused}");
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(0o700)).unwrap();
    }
    place.guest("quiet.wat", &[]).expect(0);
}

/// Starts a guest, and waits until it has printed its line.
fn started(place: &Place, guest: &str) -> Child {
    let mut command = place.command(&["run", guest, "--policy", "notes.toml", "--as", "note-bot"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = [0; 5];
    child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    assert_eq!(&line, b"busy\n");
    child
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_signal_cancels_the_run_and_that_is_recorded() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let place = Place::new();
        let child = started(&place, "busy.wat");
        send(&child, signal);
        let ran = Ran(child.wait_with_output().unwrap()).expect(6);
        assert!(ran.err().contains("cancelled"), "{signal:?}: {}", ran.err());
        let ended = place.log().pop().unwrap();
        assert_eq!((&ended["type"], &ended["stop"]), (&"run_ended".into(), &"cancelled".into()), "{ended}");
    }
}

/// Standard output is a pipe that stays full and open.
#[test]
fn output_that_nobody_reads_does_not_hold_the_exit() {
    let place = Place::new();
    let mut child = started(&place, "flood.wat");
    send(&child, Signal::TERM);
    let stdout = child.stdout.take();
    assert_eq!(child.wait().unwrap().code(), Some(6));
    drop(stdout);
    assert_eq!(place.log().pop().unwrap()["stop"], "cancelled");
}

#[test]
fn the_second_signal_ends_the_process_at_once() {
    let place = Place::new();
    let mut child = started(&place, "flood.wat");
    send(&child, Signal::TERM);
    send(&child, Signal::INT);
    let stdout = child.stdout.take();
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::KILL.as_raw()));
    drop(stdout);
}

#[test]
fn a_guest_cannot_pose_as_the_report() {
    let place = Place::new();
    let shown = place.guest("poser.wat", &[]).expect(1).err();
    let id = place.log().pop().unwrap()["context"]["run"].as_str().unwrap().to_owned();
    let (guest, report) = shown.split_once(&format!("\n── run {id} ──\n")).unwrap_or_else(|| panic!("{shown}"));
    assert_eq!(guest, "── run 1 ──\nfinished  poser.wat as x");
    assert!(report.starts_with("trapped") && !report.contains("── run"), "{report}");
}

#[test]
fn json_is_harmless_on_a_terminal() {
    let place = Place::new();
    let name = "a\u{202e}\u{9b}\u{200b}\u{7f}\u{e0041}.wat";
    let refused = place.guest(name, &["--json"]).expect(2);
    assert!(refused.out().is_ascii() && !refused.out().contains('\u{7f}'), "{:?}", refused.out());
    assert!(refused.err().is_ascii() && !refused.err().contains('\u{7f}'), "{:?}", refused.err());
    refused.json();
    let token = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJcdTAwMWJbMkpcdTIwMmUifQ.AAAA";
    let inspected = place.run(&["token", "inspect", token, "--json"]).expect(4);
    assert!(inspected.out().is_ascii(), "{:?}", inspected.out());
    assert_eq!(inspected.json()["unverified"]["claims"]["iss"], "\u{1b}[2J\u{202e}");
    let typed = place.run(&["run", "--\u{1b}[2J\u{202e}"]).expect(2).err();
    assert!(typed.is_ascii() && !typed.contains('\u{1b}'), "{typed:?}");
}
