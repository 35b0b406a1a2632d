//! What happens to files while a run is under way: somebody else changes them, takes the folder away, fills the disk. And
//! what comes back with `--out`.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use bailiwick::host::Services;
use bailiwick::{CompileIn, CompileOptions, Executor, Guest, Job, Listen, Report, Settlement, Stop, Stream};
use bailiwick_guard::audit::AuditOptions;
use bailiwick_guard::{AuditLog, SystemClock};
use bailiwick_policy::{Code, Manifest};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::interpreters::{runtime, text};
use crate::program::Home;
use crate::{calls, matrix, program};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("files::conflict", conflict),
        Trial::test("files::untouched", untouched),
        Trial::test("files::folder_removed", folder_removed),
        Trial::test("files::staged_folder_removed", staged_folder_removed),
        Trial::test("files::disk_full", disk_full),
        Trial::test("files::not_to_be_written", not_to_be_written),
        Trial::test("files::out", out),
        Trial::test("files::out_without_a_mount", out_without_a_mount),
        Trial::test("files::out_over_the_run", out_over_the_run),
    ]
}

const RULES: &str = r#"
schema = 1
id = "files"
agents = ["bot"]

[[allow]]
id = "all"
file = "m/**"
actions = ["read", "write", "list", "delete"]

[mounts]
"#;

/// Does something to the world when the guest prints its first line.
struct Meanwhile(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Listen for Meanwhile {
    fn output(&self, _: Stream, _: &[u8]) {
        let act = self.0.lock().ok().and_then(|mut act| act.take());
        if let Some(act) = act {
            act();
        }
    }
}

struct Scene {
    root: Home,
}

impl Scene {
    fn new() -> Result<Scene, Failed> {
        let root = Home::new()?;
        fs::create_dir(root.join("data"))?;
        fs::write(root.join("data/a"), "old")?;
        Ok(Scene { root })
    }

    /// Makes these calls, and does `act` after the first of them.
    fn run(&self, mount: &str, asked: &Value, act: impl FnOnce() + Send + 'static) -> Result<Report, Failed> {
        let manifest = Manifest::parse(&format!("{RULES}m = {mount}\n"), "files.toml").map_err(|e| format!("{e:?}"))?;
        let grant = matrix::grant(Arc::new(manifest), None);
        let guest = Guest::from_bytes(calls::guest(&asked.to_string())?.into_bytes()).map_err(text)?;
        let log = AuditLog::open(&self.root.join("log.jsonl"), AuditOptions::default(), &SystemClock).map_err(text)?;
        let compile = CompileOptions {
            place: CompileIn::program(Path::new(program::PROGRAM)),
            time: program::PATIENCE,
            ..CompileOptions::default()
        };
        let services = Services::builder().staging(self.root.join("staging")).build();
        let executor =
            Executor::builder(log).services(services).compile(compile).runs(NonZeroU32::MIN).build().map_err(text)?;
        let listener = Arc::new(Meanwhile(Mutex::new(Some(Box::new(act)))));
        let job = Job::new(guest, grant, &*self.root).listener(listener);
        Ok(runtime()?.block_on(executor.run(job)).map_err(text)?)
    }

    fn command(&self, policy: &str, asked: &Value) -> Result<Command, Failed> {
        fs::write(self.root.join("policy.toml"), policy)?;
        fs::write(self.root.join("calls.wat"), calls::guest(&asked.to_string())?)?;
        let words = ["run", "calls.wat", "--policy", "policy.toml", "--as", "bot"];
        Ok(self.root.program(words))
    }

    /// The command in a mount namespace of its own, after a script for the shell.
    fn inside(&self, script: &str, run: &Command) -> Result<program::Ended, Failed> {
        let unshare = || {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]).current_dir(&*self.root);
            command
        };
        let probe = unshare().arg("mount -t tmpfs none data").stderr(Stdio::null()).status();
        if !probe.is_ok_and(|status| status.success()) {
            return Err(
                "this needs a file system of its own: `apt-get install util-linux mount`, and user namespaces \
                        (`sysctl kernel.unprivileged_userns_clone=1`)"
                    .into(),
            );
        }
        let mut inside = unshare();
        inside.arg(format!("{script} && exec \"$0\" \"$@\"")).arg(run.get_program()).args(run.get_args());
        let path = std::env::vars_os().filter(|(name, _)| name == "PATH");
        let own = run.get_envs().filter_map(|(name, value)| Some((name, value?)));
        inside.env_clear().envs(path).envs(own).stdin(Stdio::null());
        Ok(program::run(&mut inside)?)
    }
}

fn expect(what: &str, holds: bool, shown: impl std::fmt::Debug) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(format!("{what}: {shown:?}").into()) }
}

fn write(path: &str, content: &str) -> Value {
    json!(["files.write", {"path": path, "content": content}])
}

/// Two files staged; somebody changes the first.
fn conflict() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let theirs = scene.root.join("data/a");
    let asked = json!([write("/m/a", "mine"), write("/m/b", "mine")]);
    let report =
        scene.run("{ path = \"data\", writes = \"staged\" }", &asked, move || fs::write(theirs, "theirs").unwrap())?;
    expect("the stop", report.stop == Stop::NotApplied(Code::Conflict), &report.stop)?;
    expect("the outcome", report.staged[0].outcome == Settlement::Refused(Code::Conflict), &report.staged)?;
    expect(
        "the files",
        fs::read_to_string(scene.root.join("data/a"))? == "theirs" && !scene.root.join("data/b").exists(),
        (),
    )?;
    expect("which file", report.staged[0].stuck.as_deref() == Some("/m/a"), &report.staged)?;
    let why: Vec<_> = report.calls.iter().filter_map(|call| call.explanation.as_deref()).collect();
    expect("the operator is told", matches!(why[..], [why] if why.contains("changed `/m/a`")), &why)?;
    let log = fs::read_to_string(scene.root.join("log.jsonl"))?;
    expect("the log", log.contains("failed.conflict") && log.contains("not_applied"), log)
}

/// The same without anybody; and while it runs nothing is to be seen.
fn untouched() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let seen = Arc::new(Mutex::new(String::new()));
    let (file, note) = (scene.root.join("data/a"), Arc::clone(&seen));
    let look = move || *note.lock().unwrap() = fs::read_to_string(file).unwrap();
    let asked = json!([write("/m/a", "mine"), write("/m/b", "mine")]);
    let report = scene.run("{ path = \"data\", writes = \"staged\" }", &asked, look)?;
    expect("the stop", report.stop == Stop::Finished, &report.stop)?;
    expect("meanwhile", *seen.lock().unwrap() == "old", &seen)?;
    expect("afterwards", fs::read_to_string(scene.root.join("data/a"))? == "mine", ())?;
    let left =
        fs::read_dir(scene.root.join("staging"))?.filter_map(Result::ok).filter(|entry| entry.path().is_dir()).count();
    expect("the staging folder", left == 0, left)
}

fn folder_removed() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let folder = scene.root.join("data");
    let asked = json!([["files.read", {"path": "/m/a"}], ["files.read", {"path": "/m/a"}], write("/m/b", "x")]);
    let report = scene.run("\"data\"", &asked, move || fs::remove_dir_all(folder).unwrap())?;
    expect("the stop", report.stop == Stop::Finished, &report.stop)?;
    let codes: Vec<&str> =
        report.calls.iter().filter_map(|call| call.outcome?.code()).map(|code| code.as_str()).collect();
    expect("the codes", codes == ["failed.not_found", "failed.not_found"], codes)?;
    expect("the folder", !scene.root.join("data").exists(), ())
}

fn staged_folder_removed() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let folder = scene.root.join("data");
    let asked = json!([write("/m/a", "mine"), write("/m/b", "x")]);
    let report =
        scene.run("{ path = \"data\", writes = \"staged\" }", &asked, move || fs::remove_dir_all(folder).unwrap())?;
    expect("the stop", matches!(report.stop, Stop::NotApplied(_) | Stop::Finished), &report.stop)?;
    expect("nothing is applied", report.staged[0].outcome != Settlement::Applied, &report.staged)?;
    expect("the folder", !scene.root.join("data").exists(), ())
}

/// The staging folder is on a full disk, and so is a mount that what was staged must be copied to.
fn disk_full() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let large = "x".repeat(100_000);
    let asked = json!([write("/m/a", &large), write("/m/b", &large), write("/m/c", &large)]);
    let run = scene.command(&format!("{RULES}m = {{ path = \"data\", writes = \"staged\" }}\n"), &asked)?;
    let mut run = run;
    run.arg("--json");
    let ended = scene
        .inside("mkdir -p -m 700 state/staging && mount -t tmpfs -o size=256k,mode=700 none state/staging", &run)?;
    expect("staging", ended.stdout.contains("failed.no_space"), &ended)?;
    let scene = Scene::new()?;
    let mut run = scene.command(&format!("{RULES}m = {{ path = \"data\", writes = \"staged\" }}\n"), &asked)?;
    run.arg("--json");
    let script = "mount -t tmpfs -o size=256k none data && echo old > data/a";
    let ended = scene.inside(script, &run)?;
    let report: Value = serde_json::from_str(&ended.stdout)?;
    expect("applying", report["stop"] == json!({"kind": "not_applied", "code": "failed.no_space"}), &report["stop"])?;
    expect("nothing", report["staged"][0]["outcome"] == "refused", &report["staged"])?;
    expect("the exit code", ended.code == Some(1), ended.code)
}

fn not_to_be_written() -> Result<(), Failed> {
    for mount in ["\"data\"", "{ path = \"data\", writes = \"staged\" }"] {
        let scene = Scene::new()?;
        let mut run = scene.command(&format!("{RULES}m = {mount}\n"), &json!([write("/m/a", "x")]))?;
        run.arg("--json");
        let ended = scene.inside("mount --bind -o ro data data && mount -o remount,bind,ro data", &run)?;
        expect(mount, ended.stdout.contains("failed.host_permission"), &ended)?;
        expect("the file", fs::read_to_string(scene.root.join("data/a"))? == "old", ())?;
    }
    Ok(())
}

fn out() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let asked = json!([write("/m/sum.txt", "1\n"), ["files.make_directory", {"path": "/m/d"}], write("/m/d/x", "2")]);
    let policy = format!("{RULES}m = {{ report = true }}\n");
    let run = |words: &[&str]| -> Result<program::Ended, Failed> {
        Ok(program::run(scene.command(&policy, &asked)?.args(["--out", "left"]).args(words))?)
    };
    let ended = run(&[])?;
    expect("the first", ended.code == Some(0) && ended.stderr.contains("/m/d/x"), &ended)?;
    let content = || fs::read_to_string(scene.root.join("left/d/x"));
    expect("the file", content()? == "2", content())?;
    fs::write(scene.root.join("left/d/x"), "mine")?;
    let ended = run(&[])?;
    expect("the second", ended.code == Some(7) && ended.stderr.contains("--overwrite"), &ended)?;
    expect("what was there", content()? == "mine", content())?;
    let aside = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("run-");
    let aside: Vec<_> =
        fs::read_dir(scene.root.join("left"))?.flatten().filter(aside).map(|entry| entry.path()).collect();
    expect("nothing is lost", aside.len() == 1 && fs::read_to_string(aside[0].join("d/x"))? == "2", &aside)?;
    expect("nor in doubt", ended.stderr.contains(&*aside[0].file_name().unwrap().to_string_lossy()), &ended)?;
    expect("the third", run(&["--overwrite"])?.code == Some(0) && content()? == "2", content())?;
    fs::remove_file(scene.root.join("left/d/x"))?;
    std::os::unix::fs::symlink(scene.root.join("data/a"), scene.root.join("left/d/x"))?;
    expect("a link", run(&["--overwrite"])?.code == Some(7), ())?;
    expect("behind it", fs::read_to_string(scene.root.join("data/a"))? == "old", ())
}

/// The guest chooses the names, so that `--overwrite` must not reach what the run stands on.
fn out_over_the_run() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let policy = format!("{RULES}m = {{ report = true }}\n");
    scene.command(&policy, &json!([write("/m/policy.toml", "mine"), write("/m/token", "mine")]))?;
    for file in ["policy.toml", "calls.wat", "token", "bailiwick.toml"] {
        fs::create_dir_all(scene.root.join(format!("of-{file}")))?;
        fs::copy(scene.root.join("bailiwick.toml"), scene.root.join(format!("of-{file}/{file}")))?;
    }
    fs::copy(scene.root.join("policy.toml"), scene.root.join("of-policy.toml/policy.toml"))?;
    fs::copy(scene.root.join("calls.wat"), scene.root.join("of-calls.wat/calls.wat"))?;
    let usual = "run calls.wat -p policy.toml --as bot --config bailiwick.toml";
    for (words, what) in [
        (format!("{usual} --out ."), "the state folder"),
        (format!("{usual} --out state"), "the state folder"),
        (format!("{usual} --out state/new"), "the state folder"),
        (usual.replace("-p ", "--out of-policy.toml --overwrite -p of-policy.toml/"), "the manifest"),
        (usual.replace("run ", "run --out of-calls.wat --overwrite of-calls.wat/"), "the guest"),
        (
            usual.replace("--config ", "--out of-bailiwick.toml --overwrite --config of-bailiwick.toml/"),
            "the configuration",
        ),
        (format!("{usual} --out of-token --overwrite --input @of-token/token"), "the input"),
    ] {
        let mut run = scene.root.program(words.split(' '));
        let before = tree(&scene.root)?;
        let ended = program::run(&mut run)?;
        expect(what, ended.code == Some(2) && ended.stderr.contains(what), &ended)?;
        expect("nothing ran", !ended.stderr.contains("finished"), &ended)?;
        expect("nothing changed", tree(&scene.root)? == before, ())?;
    }
    Ok(())
}

/// The files below a folder with their contents, without those of the state folder, where every attempt is on record.
fn tree(root: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, Failed> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        match path.is_dir() {
            true if path.ends_with("state") => {}
            true => found.extend(tree(&path)?),
            false => found.push((path.clone(), fs::read(&path)?)),
        }
    }
    found.sort();
    Ok(found)
}

fn out_without_a_mount() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let mut run = scene.command(&format!("{RULES}m = \"data\"\n"), &json!([write("/m/a", "x")]))?;
    let ended = program::run(run.args(["--out", "left"]))?;
    expect("refused", ended.code == Some(2) && ended.stderr.contains("report = true"), &ended)?;
    expect("nothing ran", fs::read_to_string(scene.root.join("data/a"))? == "old", ())
}
