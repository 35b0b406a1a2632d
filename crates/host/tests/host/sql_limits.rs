//! SQL: statements that would take all the time or all the memory, and what others get meanwhile.

use std::time::Duration;

use bailiwick_guard::{Guard, HostError};
use bailiwick_host::sql::{Parameters, Unfit, query};
use bailiwick_host::{Host, Services};
use rusqlite::Connection;

use crate::support::guard;

const RULES: &str = r#"
allow = [{ id = "all", sql = "a", tables = { t = ["select", "insert", "update", "delete"] } },
         { id = "other", sql = "b", tables = { t = ["select"] } }]
databases = { a = "sqlite:a.db", b = "sqlite:b.db" }
"#;
const ROWS: i64 = 3;
/// Long enough for any statement that ends by itself, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct World {
    folder: tempfile::TempDir,
    guard: Guard,
    host: Host,
}

impl World {
    fn new() -> World {
        assert!(bailiwick_sqlite::divide(), "before SQLite is used for anything else");
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.db", "b.db"] {
            let database = Connection::open(folder.path().join(name)).unwrap();
            database.execute_batch("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')").unwrap();
        }
        let guard = guard(&format!("{RULES}\nlimits = {{ host_calls = 100000 }}\n"));
        let host = Services::default().open(guard.grant().manifest(), folder.path()).unwrap();
        World { folder, guard, host }
    }

    async fn run(&self, database: &str, text: &str, parameters: &str) -> Result<String, String> {
        let parameters = Parameters::parse(parameters).unwrap();
        let reachable = || vec!["a".to_owned(), "b".to_owned()];
        let statement = match self.host.sql.inspect(&self.guard.place(), database, text, parameters, reachable).await {
            Ok(statement) => statement,
            Err(Unfit::NotUnderstood) => return Err(self.host.sql.message()),
            Err(Unfit::Failed(HostError::Denied(code) | HostError::Failed(code) | HostError::Limit(code))) => {
                return Err(code.to_string());
            }
            Err(Unfit::Unsupported(why)) => return Err(why),
            Err(other) => return Err(format!("{other:?}")),
        };
        let answer = query(&self.guard, &self.host.sql, statement).await;
        answer.map(|answer| answer.into_json()).map_err(|error| error.code().to_string())
    }

    /// Gives up on a statement at once, and waits until its connection serves the next one.
    async fn abandon(&self, text: &str, parameters: &str) {
        let _ = tokio::time::timeout(Duration::from_millis(200), self.run("a", text, parameters)).await;
        let next = async { while self.run("a", "SELECT count(*) FROM t", "").await.is_err() {} };
        assert!(tokio::time::timeout(PATIENCE, next).await.is_ok(), "it goes on: {text}");
    }
}

/// `WITH` that doubles so many times.
fn doubling(times: usize) -> String {
    let mut text = "WITH c0 AS (SELECT a FROM t)".to_owned();
    for level in 1..=times {
        text += &format!(", c{level} AS (SELECT x.a FROM c{0} x, c{0} y)", level - 1);
    }
    text + &format!(" SELECT count(*) FROM c{times}")
}

#[tokio::test]
async fn what_nobody_waits_for_ends() {
    let world = World::new();
    let zeros = "hex(zeroblob(500000))";
    let set = "replace(hex(zeroblob(40000)), '0', '1') || '0'";
    let needle = "hex(zeroblob(250000)) || '1'";
    let digits = format!("[\"{}\"]", "1".repeat(900_000));
    for (text, parameters) in [
        (format!("SELECT length(ltrim({zeros}, {set})) FROM t"), ""),
        (format!("SELECT length(rtrim({zeros}, {set})) FROM t"), ""),
        (format!("SELECT length(trim({zeros}, {set})) FROM t"), ""),
        (format!("INSERT INTO t SELECT length(ltrim({zeros}, {set})), 1 FROM t"), ""),
        (format!("SELECT {} FROM t", vec![format!("instr({zeros}, {needle})"); 100].join("+")), ""),
        (format!("SELECT {} FROM t", vec![format!("length(replace({zeros}, {needle}, ''))"); 100].join("+")), ""),
        (format!("SELECT {} FROM t", vec![format!("({zeros} LIKE '%{}1')", "_".repeat(150)); 200].join("+")), ""),
        (format!("SELECT {} FROM t", vec![format!("({zeros} GLOB '*{}1')", "[01]".repeat(40)); 200].join("+")), ""),
        (format!("SELECT {} FROM t", vec![format!("length(randomblob(1000000+{}))", 7); 400].join("+")), ""),
        (format!("SELECT {} FROM t", vec!["?1+?1+?1+?1+?1+?1+?1"; 200].join(",")), digits.as_str()),
        ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c, t".to_owned(), ""),
        (doubling(14), ""),
        (doubling(60), ""),
        (format!("SELECT count(*) FROM {}", (0..60).map(|at| format!("t x{at}")).collect::<Vec<_>>().join(",")), ""),
    ] {
        world.abandon(&text, parameters).await;
    }
    // The lock was given back.
    Connection::open(world.folder.path().join("a.db")).unwrap().execute_batch("INSERT INTO t VALUES (4, 'w')").unwrap();
}

#[tokio::test]
async fn a_statement_that_computes_too_much_in_a_row_is_not_begun() {
    let world = World::new();
    for text in [
        format!("SELECT {} FROM t", vec!["abs(a)"; 501].join(",")),
        format!("SELECT a FROM t WHERE {}", vec!["a=1"; 1100].join(" OR ")),
    ] {
        let error = world.run("a", &text, "").await.unwrap_err();
        assert!(error.contains("functions or"), "{error}");
    }
    let error = world.run("a", &doubling(14), "").await.unwrap_err();
    // Whichever bound a busy machine meets first.
    let bounds = ["it is too long", "too many FROM clause terms", "limit.deadline"];
    assert!(bounds.iter().any(|bound| error.contains(bound)), "{error}");
    world.run("a", &doubling(4), "").await.unwrap();
}

#[tokio::test]
async fn a_pattern_that_is_too_long_is_the_statements_fault() {
    let world = World::new();
    for (operator, sign) in [("LIKE", "%a"), ("GLOB", "*a")] {
        let text = format!("SELECT a FROM t WHERE b {operator} '{}'", sign.repeat(101));
        assert_eq!(world.run("a", &text, "").await, Err("failed.sql_statement".to_owned()));
        assert_eq!(world.host.sql.message(), "LIKE or GLOB pattern too complex");
    }
    let escape = world.run("a", "SELECT a FROM t WHERE b LIKE 'x' ESCAPE 'ab'", "").await;
    assert_eq!(escape, Err("failed.sql_statement".to_owned()));
}

#[tokio::test]
async fn who_waits_for_a_connection_is_in_nobodys_way() {
    let world = World::new();
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c, t";
    let (busy, queue) = (world.run("a", endless, ""), (0..20).map(|_| world.run("a", endless, "")));
    let waiting = futures::future::join(busy, futures::future::join_all(queue));
    let other = async {
        for _ in 0..20 {
            world.run("b", "SELECT count(*) FROM t", "").await.unwrap();
        }
    };
    let first = futures::future::select(Box::pin(waiting), Box::pin(other));
    let first = tokio::time::timeout(PATIENCE, first).await.expect("the other database is reached");
    assert!(matches!(first, futures::future::Either::Right(_)), "before those that wait have given up");
}

#[tokio::test]
async fn a_statement_has_memory_of_its_own() {
    let world = World::new();
    let rows = |count: usize| {
        format!(
            "WITH RECURSIVE r(x, y) AS (SELECT 1, zeroblob(100000) UNION ALL SELECT x + 1, zeroblob(100000) FROM r LIMIT {count}), \
             big AS MATERIALIZED (SELECT x, y FROM r) SELECT count(*) FROM big, t"
        )
    };
    for text in [
        rows(2000),
        format!("SELECT {} FROM t", vec!["hex(zeroblob(400000))"; 200].join(",")),
        "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r LIMIT 900) \
         SELECT x FROM r, t ORDER BY x || hex(zeroblob(200000))"
            .to_owned(),
        format!("INSERT INTO t {} RETURNING zeroblob(900000)", rows(90).replace("count(*)", "x, hex(y)")),
    ] {
        for _ in 0..3 {
            assert_eq!(world.run("a", &text, "").await, Err("limit.sql_memory".to_owned()), "{text}");
        }
        world.run("b", "SELECT count(*) FROM t", "").await.unwrap();
    }
    world.run("a", &rows(400), "").await.unwrap();
    let rows = world.run("a", "SELECT count(*) FROM t", "").await.unwrap();
    assert!(rows.contains(&format!("[[{ROWS}]]")), "nothing was inserted: {rows}");
}

#[tokio::test]
async fn a_whole_table_is_deleted_row_by_row_and_counted() {
    let world = World::new();
    let deleted = world.run("a", "DELETE FROM t", "").await.unwrap();
    assert_eq!(deleted, format!("{{\"columns\":[],\"rows\":[],\"changes\":{ROWS}}}"));
}
