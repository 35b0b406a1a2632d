//! What a run meets when databases are held by others, damaged, not to be written, or on a full disk: each is a code, and
//! the next run works. And many processes at once, which lose nothing.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::program::{Ended, Home};
use crate::{calls, databases, program};

const POLICY: &str = r#"
schema = 1
id = "faults"
agents = ["bot"]

[[allow]]
id = "ledger"
sql = "ledger"
tables = { log = ["select", "insert"], big = ["select"] }

[[allow]]
id = "board"
kv = "board/**"
actions = ["get", "set"]

[[allow]]
id = "out"
file = "out/**"
actions = ["write"]

[databases]
ledger = "sqlite:./data/ledger.db"

[stores]
board = "shared"

[mounts]
out = "./out"
"#;

const LEDGER: &str = "
    CREATE TABLE log (line TEXT);
    INSERT INTO log VALUES ('first');
    CREATE TABLE big (body TEXT);
    WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200) INSERT INTO big SELECT hex(zeroblob(300)) FROM c;
";

const SELECT: &str = "SELECT count(*) FROM log WHERE line <> ''";
const SCAN: &str = "SELECT count(*) FROM big WHERE body <> ''";
const INSERT: &str = "INSERT INTO log VALUES ('x')";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("faults::database_held", database_held),
        Trial::test("faults::database_damaged", database_damaged),
        Trial::test("faults::database_not_to_be_written", database_not_to_be_written),
        Trial::test("faults::database_left_by_a_crash", database_left_by_a_crash),
        Trial::test("faults::disk_full", disk_full),
        Trial::test("faults::stores_held", stores_held),
        Trial::test("faults::stores_damaged", stores_damaged),
        Trial::test("faults::counting_at_once", counting_at_once),
        Trial::test("faults::inserting_at_once", inserting_at_once),
    ]
}

struct Scene {
    root: Home,
}

impl Scene {
    fn new() -> Result<Scene, Failed> {
        let root = Home::new()?;
        for folder in ["data", "out"] {
            fs::create_dir(root.join(folder))?;
        }
        fs::write(root.join("policy.toml"), POLICY)?;
        let scene = Scene { root };
        databases::make(&scene.ledger(), LEDGER)?;
        Ok(scene)
    }

    fn ledger(&self) -> PathBuf {
        self.root.join("data/ledger.db")
    }

    fn stores(&self) -> PathBuf {
        self.root.join("state/kv.db")
    }

    /// A command that makes these calls.
    fn command(&self, calls: &Value) -> Result<Command, Failed> {
        fs::write(self.root.join("calls.wat"), calls::guest(&calls.to_string())?)?;
        Ok(self.root.program(["run", "calls.wat", "--policy", "policy.toml", "--as", "bot", "--json"]))
    }

    /// Runs these calls, and compares what each answers.
    fn expect(&self, calls: &Value, expected: &[&str]) -> Result<(), Failed> {
        judge(&program::run(&mut self.command(calls)?)?, expected)
    }
}

fn query(statement: &str) -> Value {
    json!(["sql.query", {"database": "ledger", "statement": statement}])
}

/// Each reply is the code of its error, or how it starts.
fn judge(ended: &Ended, expected: &[&str]) -> Result<(), Failed> {
    let replies = replies(ended)?;
    let fits = |(reply, expected): (&String, &&str)| reply.contains(expected);
    let same = replies.len() == expected.len() && replies.iter().zip(expected).all(fits);
    if same { Ok(()) } else { Err(format!("{replies:?}, not {expected:?}").into()) }
}

fn replies(ended: &Ended) -> Result<Vec<String>, Failed> {
    let report: Value =
        serde_json::from_str(&ended.stdout).map_err(|error| format!("{error}: {}{}", ended.stdout, ended.stderr))?;
    if ended.code != Some(0) {
        return Err(format!("exit code {:?}: {report} {}", ended.code, ended.stderr).into());
    }
    Ok(report["stdout"].as_str().unwrap_or_default().lines().map(str::to_owned).collect())
}

/// Somebody else's lock is waited for, and then given up; what a reader may see beside a writer it sees.
fn database_held() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let both = json!([query(SELECT), query(INSERT)]);
    let other = Connection::open(scene.ledger())?;
    other.execute_batch("BEGIN EXCLUSIVE")?;
    scene.expect(&both, &["failed.database_busy", "failed.database_busy"])?;
    other.execute_batch("ROLLBACK; PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; INSERT INTO log VALUES ('not yet')")?;
    scene.expect(&both, &["[[1]]", "failed.database_busy"])?;
    other.execute_batch("COMMIT")?;
    scene.expect(&both, &["[[2]]", "\"changes\":1"])?;
    // The last one who closes such a database removes its log; the next one makes it anew.
    drop(other);
    scene.expect(&both, &["[[3]]", "\"changes\":1"])
}

/// What is no database, was cut, or has a page of noise.
fn database_damaged() -> Result<(), Failed> {
    let damaged = "failed.database_damaged";
    let all = json!([query(SCAN), query(INSERT), query("SELECT count(*) FROM secrets"), ["kv.get", {"store": "board", "key": "a"}]]);
    for (how, expected) in [
        ("text", [damaged, damaged, damaged, "null"]),
        ("schema", [damaged, damaged, damaged, "null"]),
        ("page", [damaged, "\"changes\":1", "failed.sql_statement", "null"]),
        ("cut", [damaged, damaged, damaged, "null"]),
    ] {
        let scene = Scene::new()?;
        let size = fs::metadata(scene.ledger())?.len();
        let file = fs::OpenOptions::new().write(true).open(scene.ledger())?;
        match how {
            "text" => file.write_all_at(b"This file is a letter, not a database.", 0)?,
            "schema" => file.write_all_at(&[0xa5; 3900], 100)?,
            "page" => file.write_all_at(&vec![0xa5; 8192], 3 * 4096)?,
            _ => file.set_len(size / 2)?,
        }
        drop(file);
        scene.expect(&all, &expected).map_err(|error| format!("{how}: {}", error.message().unwrap_or_default()))?;
    }
    Ok(())
}

/// A file that says of itself that this version may read it only.
fn database_not_to_be_written() -> Result<(), Failed> {
    let scene = Scene::new()?;
    fs::OpenOptions::new().write(true).open(scene.ledger())?.write_all_at(&[3], 18)?;
    let before = fs::read(scene.ledger())?;
    scene.expect(&json!([query(SELECT), query(INSERT)]), &["[[1]]", "failed.host_permission"])?;
    if fs::read(scene.ledger())? == before { Ok(()) } else { Err("it was written".into()) }
}

/// Whoever wrote to it was killed in between: what is half done is neither read nor added to until somebody undid it.
fn database_left_by_a_crash() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let journal = scene.root.join("data/ledger.db-journal");
    let (left, left_journal) = (scene.root.join("left.db"), scene.root.join("left.db-journal"));
    let other = Connection::open(scene.ledger())?;
    other.execute_batch("PRAGMA cache_size = 5; BEGIN; DELETE FROM log; UPDATE big SET body = body || 'half done'")?;
    fs::copy(scene.ledger(), &left)?;
    fs::copy(&journal, &left_journal)?;
    other.execute_batch("ROLLBACK")?;
    drop(other);
    fs::rename(left, scene.ledger())?;
    fs::rename(left_journal, journal)?;
    let whole = "SELECT count(*) FROM big WHERE body LIKE '%half done'";
    scene.expect(&json!([query(SELECT), query(INSERT)]), &["failed.database_damaged"; 2])?;
    databases::make(&scene.ledger(), "SELECT count(*) FROM log")?;
    scene.expect(&json!([query(SELECT), query(INSERT), query(whole)]), &["[[1]]", "\"changes\":1", "[[0]]"])
}

/// A file system of 256 KiB. What does not fit is undone, and is told from a budget of the run.
fn disk_full() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let many = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 600) \
                INSERT INTO log SELECT hex(zeroblob(400)) FROM c";
    let write = |path: &str| json!(["files.write", {"path": path, "content": "x".repeat(200_000)}]);
    let asked = json!([query(many), query(SELECT), query(INSERT), write("/out/b"), write("/out/c")]);
    let run = scene.command(&asked)?;
    let mut inside = Command::new("unshare");
    inside.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    inside.arg(
        "cp data/ledger.db copy && mount -t tmpfs -o size=256k none data && cp copy data/ledger.db && \
         mount -t tmpfs -o size=256k none out && exec \"$0\" \"$@\"",
    );
    let mut probe = Command::new("unshare");
    probe.args(["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none"]).arg(scene.root.join("out"));
    if !probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        return Err("this needs a file system of its own: `apt-get install util-linux mount`, and user namespaces \
                    (`sysctl kernel.unprivileged_userns_clone=1`)"
            .into());
    }
    inside.arg(run.get_program()).args(run.get_args()).current_dir(&*scene.root);
    let path = std::env::vars_os().filter(|(name, _)| name == "PATH");
    let own = run.get_envs().filter_map(|(name, value)| Some((name, value?)));
    inside.env_clear().envs(path).envs(own).stdin(Stdio::null());
    let expected = ["failed.no_space", "[[1]]", "\"changes\":1", "\"written\"", "failed.no_space"];
    judge(&program::run(&mut inside)?, &expected)
}

/// A store is read beside a writer; writing waits, and then gives up.
fn stores_held() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let set = json!(["kv.set", {"store": "board", "key": "a", "value": "1"}]);
    let get = json!(["kv.get", {"store": "board", "key": "a"}]);
    scene.expect(&json!([set, get]), &["{}", "\"1\""])?;
    let other = Connection::open(scene.stores())?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    scene.expect(&json!([get, set]), &["\"1\"", "failed.database_busy"])?;
    other.execute_batch("COMMIT")?;
    scene.expect(&json!([set, get]), &["{}", "\"1\""])
}

/// A run that needs stores does not start without them; one whose pages are noise fails call by call.
fn stores_damaged() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let set = json!(["kv.set", {"store": "board", "key": "a", "value": "1"}]);
    scene.expect(&json!([set]), &["{}"])?;
    let pages = fs::metadata(scene.stores())?.len() / 4096;
    if pages < 2 {
        return Err(format!("{pages} pages").into());
    }
    let whole = fs::read(scene.stores())?;
    fs::write(scene.stores(), [&whole[..4096], &vec![0xa5; whole.len() - 4096]].concat())?;
    scene.expect(&json!([set, ["kv.get", {"store": "board", "key": "a"}]]), &["failed.database_damaged"; 2])?;
    fs::write(
        scene.stores(),
        "no database, and longer than the header of one would be: a letter of a hundred bytes or more.",
    )?;
    let ended = program::run(&mut scene.command(&json!([set]))?)?;
    if ended.code == Some(7) && ended.stderr.contains("kv.db` cannot be used for key-value stores") {
        return Ok(());
    }
    Err(format!("exit code {:?}: {}", ended.code, ended.stderr).into())
}

/// Four processes count to a hundred together.
fn counting_at_once() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let by = |by: i64, times: u64| json!(["kv.increment", {"store": "board", "key": "n", "by": by}, times]);
    scene.expect(&json!([by(0, 1)]), &["\"value\":0"])?;
    let counting = json!([by(1, 25)]);
    for ended in together(&scene, &counting, 4)? {
        replies(&ended)?;
    }
    scene.expect(&json!([by(0, 1)]), &["\"value\":100"])
}

/// Three processes insert into one database. Whoever waits for too long is told so; what was answered is there.
fn inserting_at_once() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let inserts: Vec<Value> = (0..20).map(|_| query(INSERT)).collect();
    let mut done = 0;
    for ended in together(&scene, &json!(inserts), 3)? {
        for reply in replies(&ended)? {
            match (reply.contains("\"changes\":1"), reply.contains("failed.database_busy")) {
                (true, false) => done += 1,
                (false, true) => {}
                _ => return Err(reply.into()),
            }
        }
    }
    let found = databases::ask(&scene.ledger(), "SELECT count(*) - 1 FROM log")?;
    if done > 0 && found == done.to_string() { Ok(()) } else { Err(format!("{found} rows for {done} answers").into()) }
}

fn together(scene: &Scene, calls: &Value, processes: usize) -> Result<Vec<Ended>, Failed> {
    let mut command = scene.command(calls)?;
    let started = (0..processes).map(|_| command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn());
    let started: Vec<_> = started.collect::<Result<_, _>>()?;
    Ok(started.into_iter().map(program::finish).collect::<Result<_, _>>()?)
}
