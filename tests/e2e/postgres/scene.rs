//! A cluster's tables, the policy for them, and the folder that runs are in.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::cluster::{Cluster, PASSWORD};
use crate::program::{self, CONFIGURATION, Ended};
use crate::{attacks, calls};

pub(super) const POLICY: &str = r#"
schema = 1
id = "crm"
agents = ["bot"]

[limits]
timeout = "100s"

[[allow]]
id = "crm"
sql = "crm"
tables = { odd = ["select", "insert"], log = ["select", "insert"], big = ["select"], writer = ["select"] }

[databases]
crm = "postgres:crm"
"#;

pub(super) const TABLES: &str = "
    CREATE TABLE log (id serial PRIMARY KEY, line text NOT NULL UNIQUE, parent integer REFERENCES log (id));
    INSERT INTO log (line) VALUES ('first');
    CREATE TABLE big AS SELECT n, repeat('x', 3000) AS body FROM generate_series(1, 3000) AS n;
    CREATE FUNCTION wipe() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM log RETURNING id';
    CREATE VIEW writer AS SELECT wipe() AS id;
    CREATE ROLE agents;
    GRANT ALL ON ALL TABLES IN SCHEMA public TO agents;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO agents;
    GRANT agents TO bailiwick;
";

pub(super) struct Scene {
    _temporary: tempfile::TempDir,
    pub(super) root: PathBuf,
    pub(super) work: PathBuf,
}

impl Scene {
    pub(super) fn new(cluster: &Cluster, policy: &str) -> Result<Scene, Failed> {
        let temporary = tempfile::tempdir()?;
        let root = temporary.path().canonicalize()?;
        let work = root.join("work");
        fs::create_dir(&work)?;
        let scene = Scene { _temporary: temporary, root, work };
        scene.write("policy.toml", policy)?;
        scene.write("ca.pem", &cluster.authority)?;
        scene.write("crm.password", &format!("{PASSWORD}\n"))?;
        scene.permit("crm.password", 0o600)?;
        scene.configure(&over_tls(cluster.port()))?;
        Ok(scene)
    }

    pub(super) fn permit(&self, name: &str, mode: u32) -> Result<(), Failed> {
        Ok(fs::set_permissions(self.work.join(name), fs::Permissions::from_mode(mode))?)
    }

    pub(super) fn write(&self, name: &str, content: &str) -> Result<(), Failed> {
        Ok(fs::write(self.work.join(name), content)?)
    }

    /// Sets the section of the database.
    pub(super) fn configure(&self, section: &str) -> Result<(), Failed> {
        let section = format!("{CONFIGURATION}[postgres.crm]\n{section}");
        self.write("bailiwick.toml", &section)
    }

    pub(super) fn run(&self, guest: &str) -> Result<Ended, Failed> {
        let mut run =
            program::program(&self.work, ["run", guest, "--policy", "policy.toml", "--as", "bot", "--json", "--state"]);
        let ended = program::run(run.arg(self.root.join("state")))?;
        if ended.stdout.contains(PASSWORD) || ended.stderr.contains(PASSWORD) {
            return Err("the password is shown".into());
        }
        Ok(ended)
    }

    /// Makes statements, and gives the lines of their replies with the report.
    pub(super) fn ask(&self, asked: &[Value]) -> Result<(Vec<String>, Value), Failed> {
        let asked: Vec<Value> = asked.iter().map(|argument| json!(["sql.query", argument])).collect();
        self.write("calls.wat", &calls::guest(&json!(asked).to_string())?)?;
        let ended = self.run("calls.wat")?;
        let report: Value =
            serde_json::from_str(&ended.stdout).map_err(|error| format!("{error}: {}", ended.stderr))?;
        let lines: Vec<String> = report["stdout"]
            .as_str()
            .unwrap_or_default()
            .lines()
            .map(|line| line.replacen("sql.query ", "", 1))
            .collect();
        if (ended.code, lines.len()) != (Some(0), asked.len()) {
            return Err(format!("{} of {} replies, stop {}", lines.len(), asked.len(), report["stop"]).into());
        }
        Ok((lines, report))
    }

    /// What comes of one statement: a code, or `allow`.
    pub(super) fn code(&self, statement: &str) -> Result<String, Failed> {
        let (lines, _) = self.ask(&[query(statement)])?;
        Ok(attacks::outcome(&lines.concat()))
    }

    pub(super) fn expect(&self, statement: &str, code: &str) -> Result<(), Failed> {
        let found = self.code(statement)?;
        if found == code { Ok(()) } else { Err(format!("{found}, not {code}: {statement}").into()) }
    }
}

pub(super) fn over_tls(port: u16) -> String {
    format!(
        "host = \"127.0.0.1\"\nport = {port}\ndatabase = \"crm\"\nuser = \"bailiwick\"\npassword_file = \"crm.password\"\n\
         ca_file = \"ca.pem\"\nrole = \"agents\"\n"
    )
}

pub(super) fn query(statement: &str) -> Value {
    json!({"database": "crm", "statement": statement})
}

pub(super) fn same(found: &Value, expected: &Value) -> Result<(), Failed> {
    if found == expected { Ok(()) } else { Err(format!("{found}\nis not\n{expected}").into()) }
}
