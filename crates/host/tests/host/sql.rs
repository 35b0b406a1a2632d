//! SQL: what statements need, what none may do, and what stays as it was.

use std::path::PathBuf;
use std::time::Duration;

use bailiwick_guard::{CallError, Guard};
use bailiwick_host::sql::{Parameters, Unfit, query};
use bailiwick_host::{Host, MountError, Services};
use bailiwick_policy::Code;
use rusqlite::Connection;

use crate::support::{guard, recorded};

/// `expenses` may be read and added to, `accounts` and the view `totals` read, `scratch` everything, `log` added to.
const RULES: &str = r#"
allow = [{ id = "ledger", sql = "ledger", tables = { expenses = ["select", "insert"], accounts = ["select"],
  totals = ["select"], leak = ["select"], scratch = ["select", "insert", "update", "delete"], log = ["insert"], "watched" = ["insert"],
  child = ["insert"], write_only = ["insert", "update", "delete"] } }]
databases = { ledger = "sqlite:ledger.db" }
"#;

const SCHEMA: &str = "
    CREATE TABLE Expenses (id INTEGER PRIMARY KEY, account TEXT NOT NULL, amount INTEGER CHECK (amount > 0));
    CREATE TABLE accounts (name TEXT PRIMARY KEY);
    CREATE TABLE secrets (id INTEGER PRIMARY KEY, token TEXT);
    CREATE TABLE scratch (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT UNIQUE, data BLOB);
    CREATE TABLE log (line TEXT);
    CREATE TABLE write_only (id INTEGER PRIMARY KEY, body TEXT);
    CREATE TABLE watched (id INTEGER);
    CREATE TRIGGER watch AFTER INSERT ON watched BEGIN INSERT INTO secrets (token) VALUES ('from a trigger'); END;
    CREATE TABLE child (secret INTEGER REFERENCES secrets (id));
    CREATE VIEW totals AS SELECT account, sum(amount) AS total FROM Expenses GROUP BY account;
    CREATE VIEW leak AS SELECT token FROM secrets;
    INSERT INTO Expenses VALUES (1, 'travel', 120), (2, 'food', 30);
    INSERT INTO accounts VALUES ('travel'), ('food');
    INSERT INTO secrets VALUES (1, 'hunter2');
    INSERT INTO scratch (body) VALUES ('one'), ('two');
    INSERT INTO write_only VALUES (1, 'kept');
";

struct World {
    folder: tempfile::TempDir,
    guard: Guard,
    host: Host,
}

impl World {
    fn new() -> World {
        World::with(RULES)
    }

    fn with(rules: &str) -> World {
        bailiwick_sqlite::divide();
        let folder = tempfile::tempdir().unwrap();
        let database = Connection::open(folder.path().join("ledger.db")).unwrap();
        database.execute_batch(SCHEMA).unwrap();
        let guard = guard(rules);
        let host = Services::default().open(guard.grant().manifest(), folder.path()).unwrap();
        World { folder, guard, host }
    }

    async fn run(&self, text: &str, parameters: &str) -> Result<String, String> {
        let parameters = Parameters::parse(parameters).unwrap();
        let reachable = || vec!["ledger".to_owned()];
        let statement = match self.host.sql.inspect(&self.guard.place(), "ledger", text, parameters, reachable).await {
            Ok(statement) => statement,
            Err(Unfit::Unsupported(_)) => return Err("unsupported".into()),
            Err(Unfit::NotUnderstood) => return Err(format!("not understood: {}", self.host.sql.message())),
            Err(other) => return Err(format!("{other:?}")),
        };
        let answer = query(&self.guard, &self.host.sql, statement).await;
        answer.map(|answer| answer.into_json()).map_err(|error: CallError| error.code().to_string())
    }

    fn outside(&self, text: &str) -> String {
        let database = Connection::open(self.folder.path().join("ledger.db")).unwrap();
        database
            .query_row(text, [], |row| row.get::<_, rusqlite::types::Value>(0))
            .map(|value| format!("{value:?}"))
            .unwrap()
    }

    /// Everything that no statement of the tests may change.
    fn fingerprint(&self) -> [String; 5] {
        [
            "SELECT group_concat(id || token) FROM secrets",
            "SELECT group_concat(id || account || amount) FROM expenses",
            "SELECT group_concat(sql) FROM sqlite_schema",
            "SELECT group_concat(name) FROM accounts",
            "SELECT count(*) FROM log",
        ]
        .map(|text| self.outside(text))
    }
}

#[tokio::test]
async fn statements_run_and_every_decision_is_on_record() {
    let world = World::new();
    let rows = world.run("SELECT id, account FROM expenses WHERE amount > ? ORDER BY id", "[50]").await.unwrap();
    assert_eq!(rows, r#"{"columns":["id","account"],"rows":[[1,"travel"]],"changes":0}"#);
    let added = world.run("INSERT INTO expenses (account, amount) VALUES (:a, :n)", r#"{"a": "food", "n": 7}"#).await;
    assert_eq!(added.unwrap(), r#"{"columns":[],"rows":[],"changes":1}"#);
    let totals = world.run("SELECT total FROM totals WHERE account = 'food'", "").await.unwrap();
    assert_eq!(totals, r#"{"columns":["total"],"rows":[[37]],"changes":0}"#);
    let own = world.run("WITH x AS (SELECT name FROM accounts) SELECT count(*) FROM x", "").await.unwrap();
    assert_eq!(own, r#"{"columns":["count(*)"],"rows":[[2]],"changes":0}"#);
    assert_eq!(
        recorded(&world.guard),
        [
            "sql.select ledger/expenses allow",
            "sql.insert ledger/expenses allow",
            "sql.select ledger/expenses allow",
            "sql.select ledger/totals allow",
            "sql.select ledger/accounts allow",
        ]
    );
}

#[tokio::test]
async fn values_come_back_as_they_went() {
    let world = World::new();
    let text = "INSERT INTO scratch (body, data) VALUES (?, ?) RETURNING body, data, 1.5, NULL, 9e999";
    let answer = world.run(text, r#"["it's \"x\"'; DROP TABLE scratch; --", {"$bytes": "AP8="}]"#).await.unwrap();
    let json: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        json["rows"][0],
        serde_json::json!(["it's \"x\"'; DROP TABLE scratch; --", {"$bytes": "AP8="}, 1.5, null, "Infinity"])
    );
}

/// Tables that no rule names, by every way that leads to them.
const DENIED: &[&str] = &[
    "SELECT * FROM secrets",
    "SELECT token FROM SECRETS",
    "SELECT token FROM \"Secrets\"",
    "SELECT token FROM main.secrets",
    "SELECT count(*) FROM secrets",
    "SELECT 1 FROM secrets",
    "SELECT (SELECT token FROM secrets) FROM accounts",
    "SELECT name FROM accounts WHERE EXISTS (SELECT 1 FROM secrets WHERE token LIKE 'h%')",
    "SELECT name FROM accounts WHERE name IN leak",
    "SELECT name FROM accounts WHERE name IN (SELECT token FROM secrets)",
    "SELECT name FROM accounts UNION SELECT token FROM secrets",
    "SELECT name FROM accounts JOIN secrets",
    "SELECT name FROM accounts NATURAL JOIN secrets",
    "SELECT name FROM accounts, secrets",
    "SELECT name FROM accounts ORDER BY (SELECT token FROM secrets)",
    "WITH x AS (SELECT token FROM secrets) SELECT * FROM x",
    "WITH totals AS (SELECT token FROM secrets) SELECT * FROM totals",
    "WITH accounts AS (SELECT * FROM secrets) SELECT * FROM accounts",
    "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT id + 1 FROM secrets, r) SELECT x FROM r, accounts LIMIT 1",
    "SELECT * FROM leak",
    "SELECT count(*) FROM leak",
    "INSERT INTO expenses (account) SELECT token FROM secrets",
    "INSERT INTO expenses (account, amount) VALUES ((SELECT token FROM secrets), 1)",
    "INSERT INTO secrets (token) VALUES ('x')",
    "UPDATE secrets SET token = 'x'",
    "DELETE FROM secrets",
    "UPDATE scratch SET body = (SELECT token FROM secrets)",
    "UPDATE scratch SET body = token FROM secrets",
    "DELETE FROM scratch WHERE EXISTS (SELECT 1 FROM secrets)",
    "INSERT INTO watched VALUES (1)",
    "INSERT INTO child VALUES (1)",
    "UPDATE expenses SET amount = 1",
    "DELETE FROM expenses",
    "INSERT OR REPLACE INTO expenses VALUES (1, 'stolen', 1)",
    "REPLACE INTO expenses VALUES (1, 'stolen', 1)",
    "insert or/**/replace into expenses values (1, 'stolen', 1)",
    "\u{feff}REPLACE INTO expenses VALUES (1, 'stolen', 1)",
    "INSERT OR \u{feff}REPLACE INTO expenses VALUES (1, 'stolen', 1)",
    "INSERT OR \x0bREPLACE INTO expenses VALUES (1, 'stolen', 1)",
    "INSERT INTO expenses VALUES (1, 'stolen', 1) ON CONFLICT (id) DO UPDATE SET account = 'stolen'",
    "INSERT INTO accounts VALUES ('x')",
    "INSERT INTO log VALUES ('x') RETURNING line",
    "INSERT INTO log VALUES ('x') RETURNING (SELECT token FROM secrets)",
    "SELECT * FROM write_only",
    "UPDATE write_only SET body = body",
    "DELETE FROM write_only WHERE body = 'kept'",
    "SELECT group_concat(token) OVER () FROM secrets",
    "SELECT name FROM accounts WHERE name = (SELECT max(token) FROM secrets LIMIT 1)",
    "VALUES ((SELECT token FROM secrets))",
    "SELECT * FROM (SELECT * FROM (SELECT token FROM secrets))",
    "SELECT key FROM json_each('[1]')",
    "SELECT count(*) FROM dbstat",
    "SELECT count(*) FROM accounts, json_each('[1]')",
    "WITH x AS (SELECT 1 FROM secrets) SELECT count(*) FROM x",
];

/// What no rule can allow.
const UNSUPPORTED: &[&str] = &[
    "ATTACH DATABASE '/etc/passwd' AS p",
    "ATTACH ':memory:' AS m",
    "DETACH main",
    "PRAGMA table_info(expenses)",
    "PRAGMA writable_schema = ON",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA database_list",
    "SELECT * FROM pragma_table_info('secrets')",
    "SELECT accounts.name FROM accounts, pragma_database_list",
    "SELECT * FROM sqlite_master",
    "SELECT sql FROM sqlite_schema",
    "SELECT name FROM accounts UNION SELECT sql FROM main.sqlite_schema",
    "SELECT * FROM sqlite_sequence",
    "SELECT * FROM sqlite_temp_schema",
    "DELETE FROM sqlite_sequence",
    "CREATE TABLE x (a)",
    "CREATE TEMP TABLE x AS SELECT * FROM accounts",
    "CREATE TABLE accounts2 AS SELECT * FROM accounts",
    "CREATE VIEW v AS SELECT * FROM secrets",
    "CREATE TEMP VIEW totals AS SELECT token FROM secrets",
    "CREATE TRIGGER t AFTER INSERT ON log BEGIN DELETE FROM secrets; END",
    "CREATE INDEX i ON scratch (body)",
    "CREATE VIRTUAL TABLE f USING fts5(a)",
    "DROP TABLE scratch",
    "DROP VIEW totals",
    "DROP TRIGGER watch",
    "ALTER TABLE scratch RENAME TO secrets2",
    "ALTER TABLE scratch ADD COLUMN x",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
    "VACUUM INTO '/tmp/stolen.db'",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "RELEASE s",
    "EXPLAIN SELECT * FROM accounts",
    "EXPLAIN QUERY PLAN SELECT * FROM accounts",
    "\u{feff}EXPLAIN SELECT * FROM accounts",
    "; /* x */ explain select token from secrets",
    "SELECT load_extension('x') FROM accounts",
    "SELECT fts3_tokenizer('simple') FROM accounts",
    "SELECT sqlite_compileoption_get(1) FROM accounts",
    "SELECT sqlite_version() FROM accounts",
    "SELECT 1",
    "VALUES (1)",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
    "SELECT date('now')",
];

const NOT_UNDERSTOOD: &[&str] = &[
    "",
    ";",
    "-- nothing",
    "UPDATE sqlite_master SET sql = 'x'",
    "SELEC 1",
    "SELECT * FROM nowhere",
    "SELECT amout FROM expenses",
    "SELECT name FROM accounts; DROP TABLE scratch",
    "SELECT name FROM accounts; DELETE FROM scratch",
    "SELECT name FROM accounts WHERE name = ?",
    "SELECT name FROM accounts WHERE name = 'x",
    "SELECT \"no such column\" FROM accounts",
    "SELECT readfile('/etc/passwd') FROM accounts",
    "SELECT writefile('/tmp/x', 'y') FROM accounts",
    "SELECT edit('x') FROM accounts",
    "SELECT name FROM accounts\0; DELETE FROM scratch",
    "SELECT $a(') FROM accounts",
    ".read /etc/passwd",
];

#[tokio::test]
async fn forbidden_tables_are_not_reached() {
    let world = World::new();
    let before = world.fingerprint();
    for text in DENIED {
        assert_eq!(world.run(text, "").await, Err("deny.manifest.no_rule".to_owned()), "{text}");
    }
    assert_eq!(world.fingerprint(), before);
    assert!(!recorded(&world.guard).iter().any(|line| line.contains("secrets allow")), "{:?}", recorded(&world.guard));
}

#[tokio::test]
async fn what_no_rule_can_allow_is_refused() {
    let world = World::new();
    let before = world.fingerprint();
    for text in UNSUPPORTED {
        assert_eq!(world.run(text, "").await, Err("unsupported".to_owned()), "{text}");
    }
    for text in NOT_UNDERSTOOD {
        let error = world.run(text, "").await.unwrap_err();
        assert!(error.starts_with("not understood"), "{text}: {error}");
    }
    assert_eq!(world.fingerprint(), before);
    assert!(recorded(&world.guard).is_empty(), "inspecting is no call");
}

#[tokio::test]
async fn the_database_says_what_it_did_not_understand() {
    let world = World::new();
    assert_eq!(world.run("SELECT amout FROM expenses", "").await, Err("not understood: no such column: amout".into()));
    let constraint = world.run("INSERT INTO expenses (account, amount) VALUES ('a', -1)", "").await;
    assert_eq!(constraint, Err("failed.sql_constraint".into()));
    assert!(world.host.sql.message().starts_with("CHECK constraint failed"), "{}", world.host.sql.message());
    world.run("SELECT name FROM accounts", "").await.unwrap();
    assert_eq!(world.host.sql.message(), "");
}

#[tokio::test]
async fn a_statement_over_a_limit_changes_nothing() {
    let world = World::new();
    let many = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 20000) ";
    let rows = world.run(&format!("{many} SELECT c.x FROM c, accounts"), "").await;
    assert_eq!(rows, Err("limit.response_bytes".into()));
    let returning = world.run(&format!("{many} INSERT INTO scratch (body) SELECT x FROM c RETURNING id"), "").await;
    assert_eq!(returning, Err("limit.response_bytes".to_owned()));
    assert_eq!(world.outside("SELECT count(*) FROM scratch"), "Integer(2)");
    let world = World::with(&format!("{RULES}\nlimits = {{ disk = \"64KiB\" }}\n"));
    let disk = world.run(&format!("{many} INSERT INTO scratch (data) SELECT randomblob(100) FROM c"), "").await;
    assert_eq!(disk, Err("limit.disk".into()));
    assert_eq!(world.outside("SELECT count(*) FROM scratch"), "Integer(2)");
}

#[tokio::test]
async fn statements_that_never_end_do() {
    let world = World::new();
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c, accounts";
    let waited = tokio::time::timeout(Duration::from_millis(300), world.run(endless, "")).await;
    assert!(waited.is_err(), "it ended by itself");
    // Its thread gave the connection back: the next statement runs.
    world.run("SELECT name FROM accounts", "").await.unwrap();
    // A statement that is expanded to more than could ever be prepared.
    let mut bomb = "WITH a0 AS (SELECT name AS x FROM accounts)".to_owned();
    for level in 1..60 {
        bomb += &format!(", a{level} AS (SELECT l.x FROM a{0} l, a{0} r)", level - 1);
    }
    bomb += " SELECT count(*) FROM a59";
    assert!(world.run(&bomb, "").await.is_err());
    world.run("SELECT name FROM accounts", "").await.unwrap();
}

#[tokio::test]
async fn somebody_elses_lock_is_waited_for_and_then_given_up() {
    let world = World::new();
    let other = Connection::open(world.folder.path().join("ledger.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let busy = world.run("INSERT INTO log VALUES ('x')", "").await.unwrap_err();
    assert!(busy.contains("DatabaseBusy") || busy == Code::DatabaseBusy.as_str(), "{busy}");
    other.execute_batch("ROLLBACK").unwrap();
    world.run("INSERT INTO log VALUES ('x')", "").await.unwrap();
    assert_eq!(world.outside("SELECT count(*) FROM log"), "Integer(1)");
}

#[tokio::test]
async fn a_file_that_was_swapped_is_not_opened() {
    let world = World::new();
    let (path, other) = (world.folder.path().join("ledger.db"), world.folder.path().join("other.db"));
    Connection::open(&other).unwrap().execute_batch(SCHEMA).unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(world.run("SELECT name FROM accounts", "").await, Err("Failed(Failed(Io))".into()));
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    assert_eq!(world.run("SELECT name FROM accounts", "").await, Err("Failed(Failed(Io))".into()));
}

#[tokio::test]
async fn databases_that_a_run_cannot_have() {
    let world = World::new();
    let open = |rules: &str, secret: Option<PathBuf>| {
        let guard = guard(rules);
        let services = Services::builder();
        let services = secret.into_iter().fold(services, |services, secret| services.protect_secret(secret));
        services.build().open(guard.grant().manifest(), world.folder.path()).map(drop)
    };
    let error = |rules: &str, secret| match open(rules, secret) {
        Err(MountError::Database(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(error("databases.a = \"sqlite:none.db\"", None).contains("cannot be opened"));
    assert!(error("databases.a = \"sqlite:.\"", None).contains("is not a file"));
    let twice = "databases.a = \"sqlite:ledger.db\"\ndatabases.b = \"sqlite:./ledger.db\"";
    assert!(error(twice, None).contains("the same file"));
    let mounted = "databases.a = \"sqlite:ledger.db\"\nmounts.m = \".\"";
    assert!(error(mounted, None).contains("lies in the mount `m`"));
    let secret = error("databases.a = \"sqlite:ledger.db\"", Some(world.folder.path().to_owned()));
    assert!(secret.contains("secrets"), "{secret}");
    std::os::unix::fs::symlink(world.folder.path().join("ledger.db"), world.folder.path().join("link.db")).unwrap();
    assert!(open("databases.a = \"sqlite:link.db\"", None).is_ok());
    let (place, parameters) = (world.guard.place(), Parameters::parse("").unwrap());
    let unknown = world.host.sql.inspect(&place, "other", "SELECT 1", parameters, Vec::new).await;
    assert!(matches!(unknown, Err(Unfit::Unknown)));
}

#[tokio::test]
async fn a_database_out_of_reach_is_not_even_looked_at() {
    let world = World::new();
    let (place, parameters) = (world.guard.place(), Parameters::parse("").unwrap());
    let none = world.host.sql.inspect(&place, "ledger", "SELECT * FROM nowhere", parameters, Vec::new).await;
    assert!(matches!(none, Err(Unfit::Unknown)));
}
