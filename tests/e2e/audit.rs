//! The audit log by its verbs: as an investigator has it, who has the files and the key's public half.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::calls;
use crate::program::{self, Ended};

const POLICY: &str = "schema = 1\nid = \"log\"\nagents = [\"bot\"]\n\n[[allow]]\nid = \"hashes\"\ncrypto = \"-\"\nactions = [\"hash\"]\n";
const CALLS: &str =
    r#"[["crypto.hash", {"algorithm": "sha-256", "data": "a"}], ["files.read", {"path": "/etc/passwd"}]]"#;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("audit::verified", verified),
        Trial::test("audit::altered", altered),
        Trial::test("audit::replaced", replaced),
        Trial::test("audit::elsewhere", elsewhere),
        Trial::test("audit::proved", proved),
        Trial::test("audit::run_proved", run_proved),
        Trial::test("audit::added", added),
    ]
}

struct Scene {
    _temporary: tempfile::TempDir,
    root: PathBuf,
}

impl Scene {
    /// After one run: its agent, its start, two calls of which one is refused, and its end.
    fn new() -> Result<Scene, Failed> {
        let temporary = tempfile::tempdir()?;
        let root = temporary.path().to_owned();
        fs::write(root.join("policy.toml"), POLICY)?;
        fs::write(root.join("bailiwick.toml"), "[compile]\ntime = \"60s\"\n")?;
        fs::write(root.join("guest.wat"), calls::guest(CALLS)?)?;
        let scene = Scene { _temporary: temporary, root };
        scene.run()?;
        Ok(scene)
    }

    fn run(&self) -> Result<(), Failed> {
        self.told("run guest.wat --policy policy.toml --as bot", 0, &[]).map(drop)
    }

    /// Runs a command with these words and wants this exit code, and these texts on standard error.
    fn told(&self, command: &str, exit: i32, texts: &[&str]) -> Result<Ended, Failed> {
        let mut command = program::program(&self.root, command.split(' '));
        let ended = program::run(command.arg("--state").arg(self.root.join("state")))?;
        if ended.code != Some(exit) || texts.iter().any(|text| !ended.stderr.contains(text)) {
            return Err(format!("{command:?}: wanted {exit} and {texts:?}, got {ended:?}").into());
        }
        Ok(ended)
    }

    fn log(&self) -> PathBuf {
        self.root.join("state/audit/log.jsonl")
    }
}

/// Every log of the installation, with its own key and without naming anything.
fn verified() -> Result<(), Failed> {
    let scene = Scene::new()?;
    scene.run()?;
    let ended = scene.told("audit verify", 0, &["log.jsonl: 12 entries, as they were signed"])?;
    let json = scene.told("audit verify --json", 0, &[])?;
    let value: Value = serde_json::from_str(&json.stdout)?;
    let log = &value["logs"][0];
    if !ended.stdout.is_empty() || log["entries"] != 12 || log["covered"] != 12 || !log["problem"].is_null() {
        return Err(format!("{value:#}").into());
    }
    scene.told("doctor", 0, &[])?;
    fs::remove_dir_all(scene.root.join("state"))?;
    scene.told("audit verify", 2, &["no signing key here"]).map(drop)
}

/// What was altered is named by its line, by the verbs and by the next run, which does not begin.
fn altered() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let whole = fs::read_to_string(scene.log())?;
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let [agent, start, allowed, done, denied, end] = lines.as_slice() else {
        return Err(format!("six entries were expected: {whole}").into());
    };
    let changed = whole.replacen("deny.manifest.no_rule", "deny.manifest.rule", 1);
    for (name, text, found) in [
        ("changed", changed, "line 5: "),
        ("removed", [*agent, *start, *allowed, *done, *end].concat(), "line 5: "),
        ("swapped", [*agent, *start, *allowed, *denied, *done, *end].concat(), "line 4: "),
        (
            "cut off",
            [*agent, *start, *allowed, *done].concat(),
            "after line 4: the end was cut off; 6 entries were signed",
        ),
    ] {
        fs::write(scene.log(), text)?;
        scene.told("audit verify", 1, &["was altered", found, "for investigation"])?;
        scene.told("run guest.wat --policy policy.toml --as bot", 7, &["audit log", "investigation"])?;
        if !scene.told("doctor", 7, &[])?.stdout.contains("does not verify") {
            return Err(format!("doctor does not see what was {name}").into());
        }
    }
    Ok(())
}

/// A log that is gone is missed, and one log does not pass for another.
fn replaced() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let audit = scene.root.join("state/audit");
    fs::rename(scene.log(), scene.root.join("kept"))?;
    scene.told("audit verify", 1, &["is gone"])?;
    fs::rename(scene.root.join("kept"), scene.log())?;
    fs::copy(scene.log(), audit.join("log-2.jsonl"))?;
    copy(&audit.join("log"), &audit.join("log-2"))?;
    scene.told("audit verify", 1, &["log-2.jsonl` was altered: it is a copy of the log `bailiwick-"]).map(drop)
}

/// The log in another place, with the public key and a checkpoint that were kept: found are a stranger's log and a log that
/// was rolled back.
fn elsewhere() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let key = scene.told("audit key", 0, &[])?.stdout;
    fs::write(scene.root.join("log.pub"), &key)?;
    let taken = scene.root.join("taken");
    copy(&scene.root.join("state/audit"), &taken)?;
    scene.run()?;
    fs::copy(scene.root.join("state/audit/log/checkpoint"), scene.root.join("late"))?;
    fs::remove_dir_all(scene.root.join("state"))?;
    scene.told("audit verify taken/log.jsonl --key log.pub", 0, &["6 entries"])?;
    scene.told(&format!("audit verify taken/log.jsonl --key {}", key.trim()), 0, &["6 entries"])?;
    let rolled_back = ["after line 6: rolled back", "earlier checkpoint covers 12 entries"];
    scene.told("audit verify taken/log.jsonl --key log.pub --checkpoint late", 1, &rolled_back)?;
    let stranger = Scene::new()?.told("audit key", 0, &[])?.stdout;
    scene.told(&format!("audit verify taken/log.jsonl --key {}", stranger.trim()), 1, &["no signature of"])?;
    scene.told("audit verify taken/log.jsonl --key policy.toml", 2, &["--key:", "audit key"])?;
    fs::remove_file(taken.join("log/checkpoint"))?;
    scene.told("audit verify taken/log.jsonl --key log.pub", 1, &["no checkpoint beside it"])?;
    scene.told("audit verify none.jsonl --key log.pub", 2, &["none"]).map(drop)
}

/// A proof is checked without the log, and shows its own entry only.
fn proved() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let key = scene.told("audit key", 0, &[])?.stdout;
    let whole = fs::read_to_string(scene.log())?;
    let proof = scene.told("audit prove 4", 0, &[])?.stdout;
    let other = scene.told("audit prove 3", 0, &[])?.stdout;
    scene.told("audit prove 6", 2, &["no entry 6 in a log of 6"])?;
    fs::remove_dir_all(scene.root.join("state"))?;
    fs::write(scene.root.join("proof"), &proof)?;
    let command = format!("audit verify-proof proof --key {}", key.trim());
    let ended = scene.told(&command, 0, &["proved: entry 4 of 6 in the log `bailiwick-"])?;
    if Some(ended.stdout.trim_end()) != whole.lines().nth(4) {
        return Err(format!("another entry: {}", ended.stdout).into());
    }
    let extra = |proof: &str| proof.lines().find(|line| line.starts_with("extra ")).unwrap_or_default().to_owned();
    fs::write(scene.root.join("proof"), proof.replace(&extra(&proof), &extra(&other)))?;
    scene.told(&command, 1, &["proves nothing", "another root"])?;
    fs::write(scene.root.join("proof"), "{}")?;
    scene.told(&command, 2, &["tlog-proof"]).map(drop)
}

/// Every entry of a run in one file, and none of another; a checkpoint that somebody else signed proves nothing.
fn run_proved() -> Result<(), Failed> {
    let scene = Scene::new()?;
    scene.run()?;
    let whole = fs::read_to_string(scene.log())?;
    let line = whole.lines().nth(1).unwrap_or_default();
    let run: Value = serde_json::from_str(line)?;
    let run = run["context"]["run"].as_str().unwrap_or_default();
    let of_run: Vec<&str> = whole.lines().filter(|line| line.contains(run)).collect();
    let proof = scene.told(&format!("audit prove {run}"), 0, &[])?.stdout;
    scene.told("audit prove 01a2073c-98c0-71fc-a73f-61b2a372d2f7", 2, &["no entry of a run"])?;
    fs::write(scene.root.join("proof"), &proof)?;
    let ended = scene.told("audit verify-proof proof", 0, &["proved: entry 1 of 12", "proved: entry 5 of 12"])?;
    if of_run.len() != 5 || ended.stdout.lines().collect::<Vec<_>>() != of_run {
        return Err(format!("{of_run:?} became {}", ended.stdout).into());
    }
    let second = proof.rfind("\nindex ").unwrap_or_default();
    let (before, after) = proof.split_at(second);
    fs::write(scene.root.join("proof"), format!("{before}{}", after.replacen("\nindex 5", "\nindex 6", 1)))?;
    scene.told("audit verify-proof proof", 1, &["proves nothing"])?;
    let stranger = Scene::new()?.told("audit key", 0, &[])?.stdout;
    for what in ["4", run] {
        scene.told(&format!("audit prove {what} --key {}", stranger.trim()), 1, &["no signature of"])?;
    }
    Ok(())
}

/// A log that was closed has no more entries until the next run: what somebody adds to it is refused, whole lines and others.
fn added() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let kept = scene.root.join("kept");
    copy(&scene.root.join("state/audit"), &kept)?;
    scene.run()?;
    let whole = fs::read_to_string(scene.log())?;
    copy(&kept, &scene.root.join("state/audit"))?;
    let short = fs::read_to_string(scene.log())?;
    for text in [whole, short + "{\"a\":"] {
        fs::write(scene.log(), &text)?;
        scene.told("audit verify", 1, &["line 7: it was added after the log was closed"])?;
        scene.told("run guest.wat --policy policy.toml --as bot", 7, &["closed after 6 entries"])?;
        if fs::read_to_string(scene.log())? != text {
            return Err("the log was written to".into());
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    crate::stage::copy(from, to).map_err(Failed::from)
}
