//! What a killed process leaves behind, and what signals do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bailiwick_guard::audit::{Summary, verify};
use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process};

use crate::server::Server;
use crate::{calls, program};

struct Scene {
    _temporary: tempfile::TempDir,
    root: PathBuf,
    server: Server,
}

impl Scene {
    /// A folder with a guest that posts to a server which never answers.
    fn new() -> Result<Scene, Failed> {
        let temporary = tempfile::tempdir()?;
        let root = temporary.path().to_owned();
        let server = Server::plain()?;
        let url = format!("http://127.0.0.1:{}", server.port());
        let policy = format!(
            "schema = 1\nid = \"crash\"\nagents = [\"bot\"]\n\n[[allow]]\nid = \"post\"\nfetch = \"{url}/**\"\nmethods = [\"POST\"]\nprivate = true\n"
        );
        fs::write(root.join("policy.toml"), policy)?;
        fs::write(root.join("bailiwick.toml"), "[compile]\ntime = \"60s\"\n")?;
        for (name, page) in [("hang.wat", "hang"), ("good.wat", "hello")] {
            let calls = format!(r#"[["fetch", {{"url": "{url}/{page}", "method": "POST", "body": "pay"}}]]"#);
            fs::write(root.join(name), calls::guest(&calls)?)?;
        }
        Ok(Scene { _temporary: temporary, root, server })
    }

    fn command(&self, guest: &str) -> Command {
        let mut command =
            program::program(&self.root, ["run", guest, "--policy", "policy.toml", "--as", "bot", "--json"]);
        command.arg("--state").arg(self.root.join("state"));
        command
    }

    /// Starts the guest that hangs, and returns once its request has arrived.
    fn start(&self) -> Result<Child, Failed> {
        let child = self.command("hang.wat").stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        match self.server.next_request() {
            Some(line) if line.starts_with("POST /hang ") => Ok(child),
            other => Err(format!("the server saw {other:?}").into()),
        }
    }

    fn log(&self) -> PathBuf {
        self.root.join("state/audit/log.jsonl")
    }
}

fn summary(log: &Path) -> Result<Summary, Failed> {
    let summary = verify(std::io::BufReader::new(fs::File::open(log)?))?;
    match &summary.fault {
        None => Ok(summary),
        Some(fault) => Err(format!("the log does not verify: {fault}").into()),
    }
}

/// Killed between intent and outcome of a call that changes the world: the intent is on record and dangles, nothing else
/// does, and the next run on the same state works and leaves it there.
pub(crate) fn killed_between_intent_and_outcome() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let mut child = scene.start()?;
    child.kill()?;
    child.wait()?;

    let left = summary(&scene.log())?;
    let [(run, call)] = left.dangling.as_slice() else {
        return Err(format!("not exactly one call dangles: {left:?}").into());
    };
    if *call != 1 || !fs::read_to_string(scene.log())?.contains(run.as_str()) {
        return Err(format!("the wrong call dangles: {left:?}").into());
    }

    let ended = program::run(&mut scene.command("good.wat"))?;
    if ended.code != Some(0) {
        return Err(format!("the next run ends with {:?}: {}{}", ended.code, ended.stdout, ended.stderr).into());
    }
    let after = summary(&scene.log())?;
    if after.dangling != left.dangling || after.torn_bytes != 0 || after.entries <= left.entries {
        return Err(format!("the log was {left:?} and is {after:?}").into());
    }
    // Nothing had signed its entries, and the next run says so.
    let log = fs::read_to_string(scene.log())?;
    if !log.lines().any(|line| line.contains("\"bytes\":0,") && line.contains("\"type\":\"recovered\",\"unsigned\":")) {
        return Err(format!("that there were unsigned entries is not on record: {log}").into());
    }
    Ok(())
}

/// Asked to end, the program cancels the run, records the call as abandoned, and reports.
pub(crate) fn asked_to_end() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let child = scene.start()?;
    kill_process(Pid::from_child(&child), Signal::TERM)?;
    let output = child.wait_with_output()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.code() != Some(6) || !stdout.contains("\"cancelled\"") {
        return Err(format!("{}: {stdout}", output.status).into());
    }
    let summary = summary(&scene.log())?;
    if !summary.dangling.is_empty() || summary.torn_bytes != 0 {
        return Err(format!("{summary:?}").into());
    }
    let log = fs::read_to_string(scene.log())?;
    if log.contains("\"outcome\":\"abandoned\"") { Ok(()) } else { Err(format!("no abandoned call in {log}").into()) }
}

/// A byte of the log that was changed: the next run is refused, and the log stays as it is.
pub(crate) fn changed_log() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let good = program::run(&mut scene.command("good.wat"))?;
    if good.code != Some(0) {
        return Err(format!("the first run ends with {:?}: {}", good.code, good.stderr).into());
    }
    let changed = fs::read_to_string(scene.log())?.replacen("\"allow\"", "\"bllow\"", 1);
    fs::write(scene.log(), &changed)?;
    let ended = program::run(&mut scene.command("good.wat"))?;
    if ended.code != Some(7) || !ended.stderr.contains("does not verify") {
        return Err(format!("ends with {:?}: {}", ended.code, ended.stderr).into());
    }
    if fs::read_to_string(scene.log())? == changed { Ok(()) } else { Err("the log was written to".into()) }
}

/// Two runs at once on one state: each has a log, and both logs are whole.
pub(crate) fn two_at_once() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let mut first = scene.start()?;
    let second = program::run(&mut scene.command("good.wat"))?;
    first.kill()?;
    first.wait()?;
    if second.code != Some(0) {
        return Err(format!("the second run ends with {:?}: {}", second.code, second.stderr).into());
    }
    let other = summary(&scene.root.join("state/audit/log-2.jsonl"))?;
    if !other.dangling.is_empty() || summary(&scene.log())?.dangling.len() != 1 {
        return Err(format!("the second run's log is {other:?}").into());
    }
    Ok(())
}

/// A guest that pays a server, and a policy that lets it pay so much in a day.
struct Bank {
    scene: Scene,
}

impl Bank {
    fn new(page: &str, payments: usize, amount: u64) -> Result<Bank, Failed> {
        let scene = Scene::new()?;
        let url = format!("http://127.0.0.1:{}", scene.server.port());
        let policy = format!(
            "schema = 1\nid = \"bank\"\nagents = [\"bot\"]\n\n[[allow]]\nid = \"pay\"\nfetch = \"{url}/**\"\nmethods = [\"POST\"]\n\
             private = true\nbody = {{ amount = {{ max = 5000 }} }}\nlimits = {{ sum = {{ arg = \"amount\", max = 20000, per = \"24h\" }} }}\n"
        );
        fs::write(scene.root.join("bank.toml"), policy)?;
        let call = |page: &str| {
            format!(
                r#"["fetch", {{"url": "{url}/{page}", "method": "POST", "headers": [["content-type", "application/json"]], "body": "{{\"amount\": {amount}}}"}}]"#
            )
        };
        for (name, page) in [("pay.wat", "hello"), ("held.wat", page)] {
            fs::write(scene.root.join(name), calls::guest(&format!("[{}]", vec![call(page); payments].join(",")))?)?;
        }
        Ok(Bank { scene })
    }

    fn pay(&self, guest: &str) -> Command {
        let mut command =
            program::program(&self.scene.root, ["run", guest, "--policy", "bank.toml", "--as", "bot", "--json"]);
        command.arg("--state").arg(self.scene.root.join("state"));
        command
    }

    /// What `agent budgets` says is used, reserved and left.
    fn budget(&self) -> Result<[String; 3], Failed> {
        let mut command = program::program(&self.scene.root, ["agent", "budgets", "bot", "--json"]);
        let shown = program::run(command.arg("--state").arg(self.scene.root.join("state")))?;
        let shown: serde_json::Value = serde_json::from_str(&shown.stdout)?;
        let budget = &shown["budgets"][0];
        Ok(["used", "reserved", "left"].map(|name| budget[name].as_str().unwrap_or_default().to_owned()))
    }
}

/// Killed with a payment under way: nobody knows whether it was made, and it stays counted in the next run.
pub(crate) fn killed_with_a_budget_reserved() -> Result<(), Failed> {
    let bank = Bank::new("hang", 4, 5000)?;
    let mut child = bank.pay("held.wat").stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    match bank.scene.server.next_request() {
        Some(line) if line.starts_with("POST /hang ") => {}
        other => return Err(format!("the server saw {other:?}").into()),
    }
    child.kill()?;
    child.wait()?;
    if bank.budget()? != ["0", "5000", "15000"] {
        return Err(format!("after the kill: {:?}", bank.budget()?).into());
    }
    let ended = program::run(&mut bank.pay("pay.wat"))?;
    let paid = ended.stdout.matches("\\\"status\\\":200").count();
    if (paid, bank.scene.server.connections()) != (3, 4) || !ended.stdout.contains("limit.sum") {
        return Err(format!("{paid} payments after the kill: {}{}", ended.stdout, ended.stderr).into());
    }
    match bank.budget()? {
        budget if budget == ["15000", "5000", "0"] => Ok(()),
        other => Err(format!("at the end: {other:?}").into()),
    }
}

/// Eight processes that pay at once, with one state: together never more than there is, and all of that.
pub(crate) fn budgets_of_processes() -> Result<(), Failed> {
    let bank = Bank::new("hello", 8, 700)?;
    let children = (0..8).map(|_| bank.pay("pay.wat").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn());
    let children = children.collect::<Result<Vec<_>, _>>()?;
    let mut paid = 0;
    for child in children {
        let ended = program::finish(child)?;
        if ended.code != Some(0) {
            return Err(format!("{:?}: {}{}", ended.code, ended.stdout, ended.stderr).into());
        }
        paid += ended.stdout.matches("\\\"status\\\":200").count();
    }
    if (paid, bank.scene.server.connections()) != (28, 28) {
        return Err(format!("{paid} payments of 700, {} requests", bank.scene.server.connections()).into());
    }
    match bank.budget()? {
        budget if budget == ["19600", "0", "400"] => Ok(()),
        other => Err(format!("at the end: {other:?}").into()),
    }
}
