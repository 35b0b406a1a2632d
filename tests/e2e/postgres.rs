//! Guests' statements for a real PostgreSQL, which each scenario starts for itself: attacks, values, faults, and scripts.

mod rules;
mod scene;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use self::scene::{POLICY, Scene, TABLES, over_tls, query, same};
use crate::attacks::{self, LEAST};
use crate::cluster::{Cluster, PASSWORD};
use crate::stage::repository;
use crate::{calls, languages, program};

type Scenario = fn() -> Result<(), Failed>;

pub(crate) fn trials() -> Vec<Trial> {
    let scenarios: [(&str, Scenario); 10] = [
        ("attacks", attacks),
        ("values", values),
        ("parameters", parameters),
        ("scripts", scripts),
        ("faults", faults),
        ("connecting", connecting),
        ("configuration", configuration),
        ("rules", rules::fields),
        ("component", rules::component),
        ("vault", rules::vault),
    ];
    scenarios.into_iter().map(|(name, play)| Trial::test(format!("postgres::{name}"), play)).collect()
}

fn attacks() -> Result<(), Failed> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(tests.join(name));
    let attacks = attacks::read(&read("cases/sql-attacks-postgres.tsv")?)?;
    if attacks.iter().filter(|attack| attack.code != "allow").count() < LEAST {
        return Err("there are too few statements to be refused".into());
    }
    let cluster = Cluster::start(&read("common/attacked-postgres.sql")?)?;
    let scene = Scene::new(&cluster, &read("common/attacked-postgres.toml")?)?;
    let before = cluster.dump()?;
    let asked: Vec<Value> = attacks.iter().map(|attack| query(&attack.statement)).collect();
    let (lines, report) = scene.ask(&asked)?;
    let outcomes = attacks.iter().zip(&lines).map(|(attack, line)| (attack, line, attacks::outcome(line)));
    let wrong: Vec<String> = outcomes
        .filter(|(attack, _, outcome)| attack.code != *outcome)
        .map(|(attack, line, outcome)| format!("{outcome}, not {}\t{}\n\t{line}", attack.code, attack.statement))
        .collect();
    if !wrong.is_empty() {
        return Err(wrong.join("\n").into());
    }
    // The words of a statement may be in the report; what is in the rows may not.
    for canary in ["canary-hunter2", "canary-4711", "canary-0815", "canary-odd", "canary-vault", "default-canary"] {
        if report.to_string().contains(canary) {
            return Err(format!("`{canary}` came out").into());
        }
    }
    if cluster.dump()? != before {
        return Err("the database was changed".into());
    }
    Ok(())
}

/// Each type as JSON, and as what it was after it went back.
fn values() -> Result<(), Failed> {
    let cluster = Cluster::start(&format!(
        "CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE DOMAIN small AS integer CHECK (VALUE < 10);
         CREATE TABLE odd (id integer, i2 smallint, i8 bigint, f4 real, f8 double precision, n numeric, b boolean, t text,
           c char(3), y bytea, j json, k jsonb, u uuid, d date, h time, s timestamp, z timestamptz, v interval, m mood, w small,
           a integer[], e text[], net inet);
         INSERT INTO odd VALUES (1, -2, 9007199254740993, 0.1, 'NaN', 12345.6700, true, 'it''s', 'ab', '\\x00ff', '{{\"a\": [1.50]}}',
           '{{\"a\": 1}}', '00112233-4455-6677-8899-aabbccddeeff', '2026-11-23', '01:02:03.5', '2026-11-23 17:00:00',
           '2026-11-23 17:00:00+02', '1 year 2 days 3.5 seconds', 'bad', 7, '{{{{1,2}},{{3,NULL}}}}', '{{\"a b\",NULL}}', '10.0.0.1');
         {TABLES}"
    ))?;
    let scene = Scene::new(&cluster, POLICY)?;
    let columns = "id, i2, i8, f4, f8, n, b, t, c, y, j, k, u, d, h, s, z, v, m, w, a, e";
    let (lines, _) = scene.ask(&[
        query(&format!("SELECT {columns}, NULL AS nothing FROM odd")),
        query("SELECT net FROM odd"),
        query("SELECT net::text FROM odd"),
        json!({"database": "crm", "statement": "INSERT INTO odd (id, i8, f8, n, b, t, y, k, s, m, a) VALUES
               (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING i8, f8, n, b, t, y, k, s, m, a",
               "parameters": [2, 9007199254740993_i64, 1.5, "12.340", true, "ü\"'", {"$bytes": "AP8="}, "[1, 2]",
                              "2026-01-02 03:04:05", "good", "{1,2}"]}),
    ])?;
    let rows: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
    let expected = json!([[
        1, -2, 9_007_199_254_740_993_i64, 0.1, "NaN", "12345.6700", true, "it's", "ab ", {"$bytes": "AP8="}, {"a": [1.50]},
        {"a": 1}, "00112233-4455-6677-8899-aabbccddeeff", "2026-11-23", "01:02:03.500000", "2026-11-23T17:00:00",
        "2026-11-23T15:00:00Z", "P12M2DT3.500000S", "bad", 7, [[1, 2], [3, null]], ["a b", null], null
    ]]);
    same(&rows[0]["rows"], &expected)?;
    same(&rows[1]["error"]["code"], &json!("failed.sql_statement"))?;
    same(&rows[2]["rows"], &json!([["10.0.0.1/32"]]))?;
    let expected = json!([[
        9_007_199_254_740_993_i64, 1.5, "12.340", true, "ü\"'", {"$bytes": "AP8="}, [1, 2], "2026-01-02T03:04:05", "good", [1, 2]
    ]]);
    same(&rows[3]["rows"], &expected)?;
    same(&rows[3]["changes"], &json!(1))
}

/// The ways in which parameters are written, and values that are no parameters.
fn parameters() -> Result<(), Failed> {
    let cluster = Cluster::start(&format!("CREATE TABLE odd (id integer); {TABLES}"))?;
    let scene = Scene::new(&cluster, POLICY)?;
    let with = |statement: &str, parameters: Value| json!({"database": "crm", "statement": statement, "parameters": parameters});
    let (lines, report) = scene.ask(&[
        with("SELECT line FROM log WHERE id = ? AND line = ?", json!([1, "first"])),
        with("SELECT line FROM log WHERE line = $2 AND id = $1", json!([1, "first"])),
        with("SELECT line FROM log WHERE id = :id AND (line = :line OR id = :id)", json!({"id": 1, "line": "first"})),
        with("SELECT line FROM log WHERE line = ?", json!(["' OR true --"])),
        with("SELECT line FROM log WHERE id = ?", json!([])),
        with("SELECT line FROM log WHERE id = ?", json!([1, 2])),
        with("SELECT line FROM log WHERE id = :id", json!({"other": 1})),
        with("SELECT line FROM log WHERE id = ?", json!(["first"])),
        with("SELECT line FROM log WHERE line = ?", json!(["a\u{0}b"])),
        with("INSERT INTO log (line) VALUES (?)", json!(["first"])),
        with("INSERT INTO log (line, parent) VALUES (?, ?)", json!(["x", 99])),
        with("INSERT INTO log (line) VALUES (NULL)", json!([])),
        with("SELECT id / 0 FROM log", json!([])),
        with("INSERT INTO log (line) VALUES (?), (?) RETURNING line", json!(["a", "b"])),
        with("SELECT count(*) FROM log", json!([])),
    ])?;
    let outcomes: Vec<String> = lines.iter().map(|line| attacks::outcome(line)).collect();
    let statement = "failed.sql_statement";
    let constraint = "failed.sql_constraint";
    let expected = [
        "allow", "allow", "allow", "allow", statement, statement, statement, statement, statement, constraint,
        constraint, constraint, statement, "allow", "allow",
    ];
    if outcomes != expected {
        return Err(format!("{lines:#?}").into());
    }
    for (at, rows) in [(0, r#"[["first"]]"#), (1, r#"[["first"]]"#), (2, r#"[["first"]]"#), (3, "[]"), (14, "[[3]]")] {
        if !lines[at].contains(&format!("\"rows\":{rows}")) {
            return Err(format!("{}: not {rows}", lines[at]).into());
        }
    }
    let told = report["calls"].as_array().map_or(0, Vec::len);
    if told < expected.len() { Err(format!("{told} records").into()) } else { Ok(()) }
}

/// The libraries of both languages, as they are for SQLite.
fn scripts() -> Result<(), Failed> {
    let cluster = Cluster::start(&format!("CREATE TABLE odd (id integer); {TABLES}"))?;
    let scene = Scene::new(&cluster, POLICY)?;
    scene.write(
        "main.py",
        r#"
import bailiwick
crm = bailiwick.sql("crm")
crm.query("insert into log (line) values (?)", ["from Python"])
rows = crm.query("select line from log where line = :line", {"line": "from Python"}).dicts()
try:
    crm.query("select * from pg_shadow")
    refused = "nothing"
except PermissionError as error:
    refused = str(error)
result = {"rows": rows, "refused": "deny.request.unsupported" in refused}
"#,
    )?;
    scene.write(
        "main.js",
        r#"
const crm = bailiwick.sql("crm");
crm.query("insert into log (line) values (?)", ["from JavaScript"]);
const rows = crm.query("select line from log where line = :line", { line: "from JavaScript" });
const refused = [];
for (const statement of ["select * from pg_shadow", "select * from odd, absent", "delete from log"]) {
  try {
    crm.query(statement);
  } catch (error) {
    refused.push(error.code);
  }
}
result = [[...rows].length, refused];
"#,
    )?;
    for script in ["main.py", "main.js"] {
        let language = languages::of(Path::new(script)).ok_or("no language")?;
        // What is lent holds both languages.
        match script {
            "main.py" => languages::lend(language, &scene.root.join("state"))?,
            _ => drop(languages::install(language)?),
        }
        let ended = scene.run(script)?;
        if ended.code != Some(0) {
            return Err(format!("{script}: {}\n{}", ended.stdout, ended.stderr).into());
        }
        let report: Value = serde_json::from_str(&ended.stdout)?;
        let expected = match script {
            "main.py" => json!({"rows": [{"line": "from Python"}], "refused": true}),
            _ => json!([1, ["deny.request.unsupported", "failed.sql_statement", "deny.manifest.no_rule"]]),
        };
        same(&report["result"], &expected)?;
    }
    let text = r#"{"called": ["ada", "nobody"]}"#;
    cluster.run(
        "crm",
        "CREATE TABLE customers (id integer PRIMARY KEY, name text, note text, address text);
         CREATE TABLE orders (customer integer, total numeric(10, 2), placed date);
         INSERT INTO customers VALUES (1, 'ada', NULL, 'canary street'), (2, 'bo', NULL, 'canary lane');
         INSERT INTO orders VALUES (1, 5, '2026-01-01'), (2, 7.50, '2026-01-02'), (2, 2, '2026-01-03');
         GRANT SELECT (id, name, note), UPDATE (note) ON customers TO agents; GRANT SELECT ON orders TO agents;",
    )?;
    scene.write("policy.toml", &POLICY.replace("tables = {", "tables = { orders = [\"select\"], customers = { select = [\"id\", \"name\", \"note\"], update = [\"note\"] },"))?;
    fs::copy(repository().join("guest-examples/crm.py"), scene.work.join("crm.py"))?;
    let mut run = program::program(
        &scene.work,
        ["run", "crm.py", "--policy", "policy.toml", "--as", "bot", "--json", "--input", text, "--state"],
    );
    let ended = program::run(run.arg(scene.root.join("state")))?;
    let report: Value = serde_json::from_str(&ended.stdout).map_err(|error| format!("{error}: {}", ended.stderr))?;
    same(&report["result"], &json!({"noted": 1, "waiting": [{"name": "bo", "orders": 2, "total": "9.50"}]}))?;
    same(&report["stdout"], &json!("there is no customer nobody\n"))?;
    let lines = cluster.run("crm", "SELECT line FROM log ORDER BY id")?;
    if lines == "first\nfrom Python\nfrom JavaScript" { Ok(()) } else { Err(lines.into()) }
}

/// What may happen to a statement while it runs. Nothing of it stays.
fn faults() -> Result<(), Failed> {
    let cluster = Cluster::start(&format!("CREATE TABLE odd (id integer); {TABLES}"))?;
    let scene = Scene::new(&cluster, POLICY)?;
    let before = cluster.run("crm", "SELECT count(*) FROM log")?;

    // Somebody else holds the table.
    let mut holder = cluster.psql("crm").stdin(Stdio::piped()).spawn()?;
    let mut words = holder.stdin.take().ok_or("no stdin")?;
    words.write_all(b"BEGIN;\nLOCK TABLE log;\nSELECT 1;\n")?;
    words.flush()?;
    let mut said = String::new();
    BufReader::new(holder.stdout.as_mut().ok_or("no stdout")?).read_line(&mut said)?;
    scene.expect("SELECT count(*) FROM log", "failed.database_busy")?;
    drop(words);
    holder.wait()?;
    scene.expect("SELECT count(*) FROM log", "allow")?;

    // More than an answer holds: in rows, in bytes, in one row.
    scene.expect("SELECT a.n FROM big a, big b", "limit.response_bytes")?;
    scene.expect("SELECT body FROM big", "limit.response_bytes")?;
    scene.expect("SELECT string_agg(a.body, '') FROM big a, generate_series(1, 5) AS g", "limit.response_bytes")?;
    let inserting = "INSERT INTO log (line) SELECT a.body || a.n::text FROM big a RETURNING line";
    scene.expect(inserting, "limit.response_bytes")?;

    // It takes too long.
    let endless = "SELECT count(*) FROM big a, big b, big c, big d WHERE a.body || b.body < c.body || d.body";
    scene.expect(endless, "limit.deadline")?;

    // Reading that writes: the transaction does not let it.
    scene.expect("SELECT id FROM writer", "deny.request.unsupported")?;

    // The connection is cut while the statement runs.
    let cut = "DO $$ BEGIN LOOP PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bailiwick' AND state = 'active' \
               AND query LIKE '%big%'; EXIT WHEN FOUND; PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$;\n";
    let mut cutter = cluster.psql("crm").stdin(Stdio::piped()).spawn()?;
    let mut words = cutter.stdin.take().ok_or("no stdin")?;
    words.write_all(cut.as_bytes())?;
    drop(words);
    let (lines, _) = scene.ask(&[query(endless), query("SELECT count(*) FROM log")])?;
    cutter.wait()?;
    let outcomes: Vec<String> = lines.iter().map(|line| attacks::outcome(line)).collect();
    if outcomes != ["failed.io", "allow"] {
        return Err(format!("{lines:?}").into());
    }
    let after = cluster.run("crm", "SELECT count(*) FROM log")?;
    if after == before { Ok(()) } else { Err(format!("{before} rows, and then {after}").into()) }
}

/// Servers that are not there, are somebody else, or refuse.
fn connecting() -> Result<(), Failed> {
    let mut cluster = Cluster::start(&format!("CREATE TABLE odd (id integer); {TABLES}"))?;
    let scene = Scene::new(&cluster, POLICY)?;
    let select = "SELECT count(*) FROM log";
    let good = over_tls(cluster.port());
    scene.expect(select, "allow")?;
    let socket = format!(
        "host = \"{}\"\nport = {}\ndatabase = \"crm\"\nuser = \"bailiwick\"\nrole = \"agents\"\n",
        cluster.socket().display(),
        cluster.port()
    );
    scene.configure(&socket)?;
    scene.expect(select, "allow")?;
    scene.configure(&good.replace("ca_file = \"ca.pem\"\n", "tls = \"off\"\n"))?;
    scene.expect(select, "allow")?;
    // Without the role the user has no right.
    scene.configure(&good.replace("role = \"agents\"\n", ""))?;
    scene.expect(select, "failed.host_permission")?;
    scene.configure(&good.replace("ca_file = \"ca.pem\"\n", ""))?;
    scene.expect(select, "failed.tls")?;
    scene.configure(&good)?;
    scene.write("crm.password", "wrong")?;
    scene.expect(select, "failed.host_permission")?;
    scene.write("crm.password", PASSWORD)?;
    cluster.stop();
    scene.expect(select, "failed.connect")
}

/// Mistakes in the configuration, which no run starts with.
fn configuration() -> Result<(), Failed> {
    let cluster = Cluster::start(&format!("CREATE TABLE odd (id integer); {TABLES}"))?;
    let scene = Scene::new(&cluster, POLICY)?;
    scene.write("calls.wat", &calls::guest("[]")?)?;
    let good = over_tls(5432);
    for (section, problem) in [
        (good.replace("127.0.0.1", "db.example") + "tls = \"off\"\n", "is reached over a network"),
        (good.clone() + "password_env = \"X\"\n", "keep one"),
        (
            good.replace("password_file = \"crm.password\"", "password_env = \"NOT_THERE\""),
            "has no variable `NOT_THERE`",
        ),
        (good.replace("ca.pem", "absent.pem"), "absent.pem"),
        (good.replace("ca.pem", "policy.toml"), "there is no certificate in it"),
        (good.clone() + "connections = 0\n", "1 to 100"),
        (good.clone() + "schema = \"\"\n", "takes a name"),
        (good.clone() + "tls = \"prefer\"\n", "unknown variant"),
    ] {
        scene.configure(&section)?;
        let ended = scene.run("calls.wat")?;
        if ended.code != Some(2) || !ended.stderr.contains(problem) {
            return Err(format!("{problem}: {:?}\n{}", ended.code, ended.stderr).into());
        }
    }
    scene.configure(&good)?;
    scene.permit("crm.password", 0o640)?;
    let ended = scene.run("calls.wat")?;
    if ended.code != Some(2) || !ended.stderr.contains("chmod 600") {
        return Err(format!("{:?}\n{}", ended.code, ended.stderr).into());
    }
    scene.permit("crm.password", 0o600)?;
    scene.write("bailiwick.toml", "")?;
    let ended = scene.run("calls.wat")?;
    if ended.code == Some(0) || !ended.stderr.contains("[postgres.crm]") {
        return Err(format!("{:?}\n{}", ended.code, ended.stderr).into());
    }
    // One in the current folder says nothing about databases.
    scene.configure(&good)?;
    let mut run =
        program::program(&scene.work, ["run", "calls.wat", "--policy", "policy.toml", "--as", "bot", "--state"]);
    let ended = program::run(run.env_remove("BAILIWICK_CONFIG").arg(scene.root.join("state")))?;
    if ended.code == Some(2) && ended.stderr.contains("by lying in the current folder") {
        Ok(())
    } else {
        Err(format!("{:?}\n{}", ended.code, ended.stderr).into())
    }
}
