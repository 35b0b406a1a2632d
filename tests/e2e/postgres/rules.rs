//! What each field of a rule does to statements for PostgreSQL, guests of another kind, and a password from the vault.

use std::fs;
use std::path::Path;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::scene::{POLICY, Scene, TABLES, over_tls, query, same};
use crate::cluster::{Cluster, PASSWORD};
use crate::{attacks, program};

const RULES: &str = r#"
schema = 1
id = "crm"
agents = ["bot"]

[[allow]]
id = "notes"
sql = "crm"

[allow.tables]
log = ["select", "insert", "delete"]
notes = { select = ["id", "line"], update = ["line"], delete = true }

[[allow]]
id = "few"
sql = "crm"
tables = { few = ["select"] }
limits = { calls = 2 }

[[allow]]
id = "daily"
sql = "crm"
tables = { daily = ["select"] }
limits = { calls = "1/24h" }

[[allow]]
id = "slow"
sql = "crm"
tables = { slow = ["select"] }
limits = { rate = "1/h" }

[[allow]]
id = "careful"
sql = "crm"
tables = { careful = ["select"] }
sensitive = true

[[deny]]
id = "nothing-goes"
sql = "crm"
tables = { log = ["delete"], pay = ["select", "insert", "update", "delete"] }

[databases]
crm = "postgres:crm"
"#;

/// Statements of one run, and what comes of each.
const FIRST: [(&str, &str); 22] = [
    ("SELECT line FROM log", "allow"),
    ("INSERT INTO log (line) VALUES ('second')", "allow"),
    // Of a table that no rule has, and an operation.
    ("SELECT id FROM odd", "deny.manifest.no_rule"),
    ("SELECT line FROM log, odd", "deny.manifest.no_rule"),
    ("UPDATE log SET line = 'x'", "deny.manifest.no_rule"),
    ("INSERT INTO notes (line) VALUES ('x')", "deny.manifest.no_rule"),
    // What a deny rule says holds against every allow rule.
    ("DELETE FROM log", "deny.manifest.rule"),
    ("SELECT amount FROM pay", "deny.manifest.rule"),
    ("SELECT line FROM log WHERE EXISTS (SELECT 1 FROM pay)", "deny.manifest.rule"),
    // Columns.
    ("SELECT id, line FROM notes", "allow"),
    ("SELECT secret FROM notes", "deny.manifest.column"),
    ("SELECT id FROM notes WHERE secret = 'x'", "deny.manifest.column"),
    ("UPDATE notes SET line = 'y' WHERE id = 1", "allow"),
    ("UPDATE notes SET secret = 'y' WHERE id = 1", "deny.manifest.column"),
    ("DELETE FROM notes WHERE id = 7", "allow"),
    // Budgets.
    ("SELECT n FROM few", "allow"),
    ("SELECT count(*) FROM few, log", "allow"),
    ("SELECT n FROM few", "limit.rule_calls"),
    ("SELECT n FROM daily", "allow"),
    ("SELECT n FROM daily", "limit.rule_calls"),
    ("SELECT n FROM slow", "allow"),
    ("SELECT n FROM slow", "limit.rate"),
];

/// And of the next one: what was counted in a run is gone with it, what was counted in a day is not. A person at the terminal
/// vouches for what is sensitive.
const SECOND: [(&str, &str); 4] = [
    ("SELECT n FROM few", "allow"),
    ("SELECT n FROM daily", "limit.rule_calls"),
    ("SELECT n FROM slow", "limit.rate"),
    ("SELECT n FROM careful", "allow"),
];

pub(super) fn fields() -> Result<(), Failed> {
    let numbers = ["few", "daily", "slow", "careful"].map(|name| format!("CREATE TABLE {name} AS SELECT 1 AS n;"));
    let cluster = Cluster::start(&format!(
        "CREATE TABLE odd (id integer); CREATE TABLE pay (amount integer);
         CREATE TABLE notes (id integer PRIMARY KEY, line text, secret text); INSERT INTO notes VALUES (1, 'x', 'canary');
         {} {TABLES}",
        numbers.concat()
    ))?;
    let scene = Scene::new(&cluster, RULES)?;
    for statements in [FIRST.as_slice(), &SECOND] {
        let asked: Vec<Value> = statements.iter().map(|(statement, _)| query(statement)).collect();
        let (lines, _) = scene.ask(&asked)?;
        for ((statement, expected), line) in statements.iter().zip(&lines) {
            let found = attacks::outcome(line);
            if found != *expected {
                return Err(format!("{found}, not {expected}: {statement}\n{line}").into());
            }
        }
    }
    let left = cluster.run("crm", "SELECT line, secret FROM notes; SELECT count(*) FROM log")?;
    same(&json!(left), &json!("y|canary\n2"))
}

/// A component of the world `bailiwick:host/guest`, which is a case for SQLite, too.
pub(super) fn component() -> Result<(), Failed> {
    let cluster = Cluster::start(
        "CREATE TABLE customers (id integer PRIMARY KEY, name text, country text);
         INSERT INTO customers VALUES (1, 'Ada', 'GB'), (2, 'Boris', 'DE'), (3, 'Dmitri', 'DE');
         CREATE TABLE salaries (cents integer); INSERT INTO salaries VALUES (4711);
         CREATE ROLE agents; GRANT ALL ON ALL TABLES IN SCHEMA public TO agents; GRANT agents TO bailiwick;",
    )?;
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let policy = fs::read_to_string(tests.join("common/shop.toml"))?;
    let scene = Scene::new(&cluster, &policy.replace("sqlite:./shop.db", "postgres:crm"))?;
    fs::create_dir(scene.work.join("inbox"))?;
    fs::copy(tests.join("cases/component-stores/guest.wat"), scene.work.join("guest.wat"))?;
    let ended = scene.run("guest.wat")?;
    let report: Value = serde_json::from_str(&ended.stdout).map_err(|error| format!("{error}: {}", ended.stderr))?;
    let said = "42\ndeny.manifest.no_rule\nfailed.sql_statement\nthere is no column `nam`\ndeny.manifest.rule\n";
    same(&report["stdout"], &json!(said))?;
    same(&report["result"]["rows"], &json!([["Boris"], ["Dmitri"]]))
}

/// The password is a secret of the vault, which is not there at first.
pub(super) fn vault() -> Result<(), Failed> {
    let cluster = Cluster::start(&format!("CREATE TABLE odd (id integer); {TABLES}"))?;
    let scene = Scene::new(&cluster, POLICY)?;
    let sealed =
        over_tls(cluster.port()).replace("password_file = \"crm.password\"", "password_secret = \"crm-password\"");
    let refused = |problem: &str| -> Result<(), Failed> {
        scene.write("calls.wat", &crate::calls::guest("[]")?)?;
        let ended = scene.run("calls.wat")?;
        if ended.code == Some(2) && ended.stderr.contains(problem) {
            Ok(())
        } else {
            Err(format!("{problem}: {:?}\n{}", ended.code, ended.stderr).into())
        }
    };
    let keep = |value: &str| -> Result<(), Failed> {
        scene.write("given", value)?;
        let mut keep =
            program::program(&scene.work, ["secret", "set", "crm-password", "--from-file", "given", "--state"]);
        let kept = program::run(keep.arg(scene.root.join("state")))?;
        fs::remove_file(scene.work.join("given"))?;
        if kept.code == Some(0) { Ok(()) } else { Err(kept.stderr.into()) }
    };
    scene.configure(&sealed)?;
    fs::remove_file(scene.work.join("crm.password"))?;
    refused("bailiwick secret set crm-password")?;
    keep(PASSWORD)?;
    scene.expect("SELECT count(*) FROM log", "allow")?;
    keep("another password")?;
    scene.expect("SELECT count(*) FROM log", "failed.host_permission")?;
    scene.configure(&(sealed.clone() + "password_env = \"X\"\n"))?;
    refused("keep one")?;
    scene.configure(&sealed.replace("crm-password", "Crm Password"))?;
    refused("`password_secret`")
}
