//! What the log gives to people and to other systems: queries, following, OCSF, OpenTelemetry; and what the program tells about
//! itself.
//!
//! Events of OCSF are checked against its published schema, and OpenTelemetry is sent to a collector that is not ours;
//! `scripts/telemetry.sh` installs both.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::calls;
use crate::program::{self, Ended, Home, PATIENCE};
use crate::stage::repository;

const POLICY: &str = r#"
schema = 1
id = "log"
agents = ["bot", "other"]
[[allow]]
id = "hashes"
crypto = "-"
actions = ["hash"]
[[allow]]
id = "local"
fetch = "http://127.0.0.1:9/**"
methods = ["GET"]
[[deny]]
id = "no-random"
crypto = "-"
actions = ["random"]
[[allow]]
id = "account"
fetch = "http://127.0.0.1:10/account"
methods = ["GET"]
private = true
secret = [{ name = "account-key", header = "authorization", plaintext = true }]
"#;

/// Done, refused by nobody's rule, by a deny rule, as ambiguous, and by the effect.
const CALLS: &str = r#"[
  ["crypto.hash", {"algorithm": "sha-256", "data": "a"}],
  ["files.read", {"path": "/etc/passwd"}],
  ["crypto.random", {"length": 1}],
  ["files.read", {"path": "/a/../b"}],
  ["fetch", {"url": "http://127.0.0.1:9/x?token=hidden-query"}],
  ["secrets.placeholder", {"name": "account-key"}]
]"#;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const SECRET: &str = "the-secret-value-5f1c";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("exports::query", query),
        Trial::test("exports::slips", slips),
        Trial::test("exports::altered", altered),
        Trial::test("exports::tail", tail),
        Trial::test("exports::follow", follow),
        Trial::test("exports::jsonl", jsonl),
        Trial::test("exports::ocsf", ocsf),
        Trial::test("exports::otel", otel),
        Trial::test("exports::trace_out", trace_out),
        Trial::test("exports::collector", collector),
        Trial::test("exports::collector_away", collector_away),
        Trial::test("exports::logging", logging),
    ]
}

struct Scene {
    home: Home,
}

impl Scene {
    /// After one run.
    fn new() -> Result<Scene, Failed> {
        let home = Home::new()?;
        fs::write(home.join("policy.toml"), POLICY)?;
        fs::write(home.join("guest.wat"), calls::guest(CALLS)?)?;
        fs::write(home.join("secret.txt"), SECRET)?;
        let scene = Scene { home };
        scene.told("secret set account-key --from-file secret.txt", 0, &[])?;
        scene.run("bot")?;
        Ok(scene)
    }

    fn run(&self, agent: &str) -> Result<Ended, Failed> {
        self.told(&format!("run guest.wat --policy policy.toml --as {agent}"), 0, &[])
    }

    /// Runs a command with these words and wants this exit code, and these texts on standard error.
    fn told(&self, words: &str, exit: i32, texts: &[&str]) -> Result<Ended, Failed> {
        self.ended(&mut self.home.program(words.split(' ')), exit, texts)
    }

    fn ended(&self, command: &mut Command, exit: i32, texts: &[&str]) -> Result<Ended, Failed> {
        let ended = program::run(command)?;
        if ended.code != Some(exit) || texts.iter().any(|text| !ended.stderr.contains(text)) {
            return Err(format!("{command:?}: wanted {exit} and {texts:?}, got {ended:?}").into());
        }
        Ok(ended)
    }

    /// The entries that a command prints, as JSON lines.
    fn lines(&self, words: &str) -> Result<Vec<Value>, Failed> {
        let text = self.told(words, 0, &[])?.stdout;
        text.lines().map(|line| serde_json::from_str(line).map_err(|error| format!("{error}: {line}").into())).collect()
    }

    fn log(&self) -> PathBuf {
        self.home.join("state/audit/log.jsonl")
    }
}

/// Terms of a query find entries, and outcomes by what their calls were.
fn query() -> Result<(), Failed> {
    let scene = Scene::new()?;
    scene.run("other")?;
    let count = |query: &str, wanted: usize| -> Result<(), Failed> {
        let found = scene.lines(&format!("audit query --json {query}"))?.len();
        if found == wanted { Ok(()) } else { Err(format!("`{query}` finds {found}, wanted {wanted}").into()) }
    };
    count("type=run_ended", 2)?;
    count("agent=bot type=run_ended", 1)?;
    count("agent=bot decision=deny", 3)?;
    count("decision=deny rule=no-random", 2)?;
    count("outcome=denied code=deny.network.* agent=b*", 1)?;
    count("action=hash agent=bot", 2)?;
    count("kind=fetch agent=bot since=1h", 2)?;
    count("until=1h", 0)?;
    count("act=secret.set", 1)?;
    let table = scene.told("audit query agent=bot kind=crypto", 0, &[])?.stdout;
    for wanted in ["TIME ", "crypto.hash -", "done", "deny ", "rule `no-random`, policy.toml:"] {
        if !table.contains(wanted) {
            return Err(format!("no `{wanted}` in {table}").into());
        }
    }
    let run = scene.lines("audit query --json type=run_started agent=other")?[0]["context"]["run"].clone();
    count(
        &format!("run={}", run.as_str().unwrap_or_default()),
        scene.lines("audit query --json agent=other")?.len() - 1,
    )
}

fn slips() -> Result<(), Failed> {
    let scene = Scene::new()?;
    scene.told("audit query agents=bot", 2, &["there is no term `agents`; there are `act`"])?;
    scene.told("audit tail decision=denied", 2, &["`decision` cannot be `denied`; it is one of `allow`"])?;
    scene.told("audit query since=noon", 2, &["`noon` is no time"])?;
    scene.told("audit query --log none.jsonl", 2, &["none.jsonl"])?;
    scene.told("audit export --format ocsf --endpoint http://127.0.0.1:9", 2, &["--format otel"])?;
    scene.told("audit export --format otel --endpoint localhost:4318", 2, &["is no URL of a collector"])?;
    scene.told("audit export --format jsonl --out policy.toml", 2, &["not there yet"])?;
    let trace = "run guest.wat --policy policy.toml --as bot --traceparent 00-1";
    scene.told(trace, 2, &["W3C `traceparent`"]).map(drop)
}

/// Lines that are no entries are told and passed over, and the exit code says so.
fn altered() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let entries = scene.lines("audit query --json")?.len();
    let text = fs::read_to_string(scene.log())?;
    let (first, rest) = text.split_once('\n').ok_or("one line")?;
    fs::write(scene.log(), format!("{first}\nno entry \u{1b}[31m\n{rest}"))?;
    let ended = scene.told("audit query --json", 1, &["line 2 is no entry", "audit verify"])?;
    if ended.stdout.lines().count() != entries || ended.stderr.contains('\u{1b}') {
        return Err(format!("{ended:?}").into());
    }
    Ok(())
}

fn tail() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let all = scene.lines("audit tail --json -n 1000")?;
    let last = scene.lines("audit tail --json -n 3")?;
    if last.as_slice() != all.get(all.len().saturating_sub(3)..).unwrap_or_default() || last[2]["type"] != "run_ended" {
        return Err(format!("{last:?}").into());
    }
    if scene.lines("audit tail --json -n 2 decision=deny")?.iter().any(|entry| entry["decision"] != "deny") {
        return Err("another decision".into());
    }
    let none = Home::new()?;
    let ended = program::run(&mut none.program(["audit", "tail"]))?;
    if ended.code == Some(0) { Ok(()) } else { Err(format!("{ended:?}").into()) }
}

/// What other processes write is shown as it comes; an interrupt and a reader that goes away both end it well.
fn follow() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let start = || -> Result<(Child, BufReader<std::process::ChildStdout>), Failed> {
        let mut command = scene.home.program(["audit", "tail", "--json", "-n", "1", "-f", "type=run_ended"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let out = child.stdout.take().ok_or("no standard output")?;
        Ok((child, BufReader::new(out)))
    };
    let read = |lines: &mut BufReader<std::process::ChildStdout>| -> Result<Value, Failed> {
        let mut line = String::new();
        lines.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    };
    let (child, mut lines) = start()?;
    let first = read(&mut lines)?;
    scene.run("other")?;
    let next = read(&mut lines)?;
    if first["context"]["agent"] != "bot" || next["context"]["agent"] != "other" {
        return Err(format!("{first} {next}").into());
    }
    kill_process(Pid::from_child(&child), Signal::INT)?;
    let interrupted = program::finish(child)?;
    let (child, mut lines) = start()?;
    read(&mut lines)?;
    drop(lines);
    let unread = program::finish(child)?;
    for ended in [interrupted, unread] {
        if ended.code != Some(0) || !ended.stderr.is_empty() {
            return Err(format!("{ended:?}").into());
        }
    }
    Ok(())
}

/// The lines of the log, byte by byte.
fn jsonl() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let exported = scene.told("audit export --format jsonl", 0, &[])?.stdout;
    scene.told("audit export --format jsonl --out copy.jsonl", 0, &[])?;
    if exported != fs::read_to_string(scene.log())? || exported != fs::read_to_string(scene.home.join("copy.jsonl"))? {
        return Err("the export is not the log".into());
    }
    Ok(())
}

/// All classes, valid by the published schema; and what is not valid is found.
fn ocsf() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let events = scene.told("audit export --format ocsf", 0, &[])?.stdout;
    let all = ["api_activity authentication authorize_session detection_finding"];
    checked(&events, true, &all)?;
    if events.contains("hidden-query") || events.contains(SECRET) {
        return Err("an event has what the log has not".into());
    }
    checked(&events.replacen("\"severity_id\":1", "\"severity_id\":1,\"made_up\":1", 1), false, &["made_up"])?;
    checked(&events.replacen("\"time\":", "\"tyme\":", 1), false, &["'time' is a required property"])
}

/// Shows events to the validator, which must say these texts.
fn checked(events: &str, are_valid: bool, texts: &[&str]) -> Result<(), Failed> {
    let mut command = Command::new(installed("bin/python")?);
    command.arg(repository().join("tests/telemetry/ocsf.py"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("no standard input")?;
    input.write_all(events.as_bytes())?;
    drop(input);
    let ended = program::finish(child)?;
    let said = format!("{}{}", ended.stdout, ended.stderr);
    if (ended.code == Some(0)) != are_valid || texts.iter().any(|text| !said.contains(text)) {
        return Err(format!("wanted {texts:?}, got {ended:?} for\n{events}").into());
    }
    Ok(())
}

/// The same spans each time, in the trace of what started the run, whether that was said or inherited.
fn otel() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let typed = format!("run guest.wat --policy policy.toml --as other --traceparent {PARENT}");
    scene.told(&typed, 0, &[])?;
    let words = ["run", "guest.wat", "--policy", "policy.toml", "--as", "other"];
    scene.ended(scene.home.program(words).env("TRACEPARENT", PARENT), 0, &[])?;
    let ignored = "TRACEPARENT is no W3C traceparent";
    scene.ended(scene.home.program(words).env("TRACEPARENT", "nonsense"), 0, &[ignored])?;
    let exported = scene.lines("audit export --format otel")?;
    let [traces, metrics] = exported.as_slice() else { return Err(format!("{exported:?}").into()) };
    let spans = traces["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().ok_or("no spans")?;
    let joined = spans.iter().filter(|span| span["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736").count();
    let below = spans.iter().filter(|span| span["parentSpanId"] == "00f067aa0ba902b7").count();
    if (spans.len(), joined, below) != (4 * 7, 2 * 7, 2) {
        return Err(format!("{} spans, {joined} joined, {below} below: {traces:#}", spans.len()).into());
    }
    if exported != scene.lines("audit export --format otel")? || metrics["resourceMetrics"].is_null() {
        return Err("another export".into());
    }
    // A part is a part of the same trace.
    let part = scene.lines("audit export --format otel decision=deny")?;
    let parts = part[0]["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().ok_or("no spans")?;
    if parts.is_empty() || !parts.iter().all(|span| spans.contains(span)) { Err("other spans".into()) } else { Ok(()) }
}

/// A request carries the trace where its rule says so, in place of the guest's own, and nowhere else.
fn trace_out() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let server = std::thread::spawn(move || -> std::io::Result<Vec<String>> {
        let mut heads = Vec::new();
        for stream in listener.incoming().take(2) {
            let mut stream = stream?;
            let lines = BufReader::new(stream.try_clone()?).lines();
            let head = lines.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()));
            heads.push(head.collect::<Result<Vec<_>, _>>()?.join("\n"));
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
        }
        Ok(heads)
    });
    let rule = |path: &str, more: &str| {
        format!(
            "[[allow]]\nid = \"{path}\"\nfetch = \"http://127.0.0.1:{port}/{path}\"\nmethods = [\"GET\"]\nprivate = true\nheaders = [\"traceparent\"]\n{more}\n"
        )
    };
    let policy = POLICY.to_owned() + &rule("told", "trace = true") + &rule("untold", "");
    fs::write(scene.home.join("policy.toml"), policy)?;
    let call = |path: &str, headers: &str| {
        format!(r#"["fetch", {{"url": "http://127.0.0.1:{port}/{path}", "headers": {headers}}}]"#)
    };
    let own = r#"[["traceparent", "00-11111111111111111111111111111111-2222222222222222-00"]]"#;
    fs::write(
        scene.home.join("guest.wat"),
        calls::guest(&format!("[{}, {}]", call("told", own), call("untold", "[]")))?,
    )?;
    scene.told(&format!("run guest.wat --policy policy.toml --as bot --traceparent {PARENT}"), 0, &[])?;
    let heads = server.join().map_err(|_| "the server panicked")??;
    let spans = scene.lines("audit export --format otel kind=fetch outcome=done")?;
    let span =
        spans[0]["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"].as_str().unwrap_or_default().to_owned();
    let wanted = format!("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-{span}-01");
    match heads.as_slice() {
        [told, untold] if told.contains(&wanted) && !told.contains("1111") && !untold.contains("traceparent") => Ok(()),
        _ => Err(format!("wanted `{wanted}` in the first alone: {heads:?}").into()),
    }
}

/// A collector that is not ours takes both, and shows what it took.
fn collector() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let port = free_port()?;
    let mut command = Command::new(installed("lib/python3.11/site-packages/rotel/rotel-agent")?);
    command.args(["start", "--exporter", "blackhole", "--debug-log", "traces", "--debug-log", "metrics"]);
    command.args(["--debug-log-verbosity", "detailed", "--otlp-http-endpoint", &format!("127.0.0.1:{port}")]);
    command.args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{}", free_port()?)]);
    let child = command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let collector = Collector(Some(child));
    let begun = Instant::now();
    let words = format!("audit export --format otel --endpoint http://127.0.0.1:{port}");
    // Its port opens when it is ready; until then nobody answers there.
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begun.elapsed() > PATIENCE {
            return Err("the collector does not listen".into());
        }
        std::thread::yield_now();
    }
    scene.told(&words, 0, &[])?;
    let said = collector.stop()?;
    let run = scene.lines("audit query --json type=run_started")?[0]["context"]["run"].clone();
    let trace = run.as_str().unwrap_or_default().replace('-', "");
    for wanted in [
        trace.as_str(),
        "service.name: Str(bailiwick)",
        "Name           : bailiwick.run",
        "Name           : crypto.hash",
        "bailiwick.resource: Str(http://127.0.0.1:9/x?…)",
        "STATUS_CODE_ERROR",
        "-> Name: bailiwick.calls",
        "DataType: Sum",
        "-> Name: bailiwick.run.duration",
        "DataType: Histogram",
        "-> Name: bailiwick.run.fuel",
    ] {
        if !said.contains(wanted) {
            return Err(format!("the collector has no `{wanted}`: {said}").into());
        }
    }
    if said.contains("hidden-query") { Err("a query of a URL was sent".into()) } else { Ok(()) }
}

/// Nobody there, and somebody who is no collector.
fn collector_away() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let words = format!("audit export --format otel --endpoint http://127.0.0.1:{}", free_port()?);
    scene.told(&words, 7, &["cannot be reached"])?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let answer = std::thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        BufReader::new(stream.try_clone()?).read_line(&mut String::new())?;
        stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
    });
    scene.told(&format!("audit export --format otel --endpoint http://127.0.0.1:{port}"), 7, &["status 404"])?;
    answer.join().map_err(|_| "the listener panicked")??;
    Ok(())
}

/// Runs and calls are told at `debug`, in text and in JSON; nothing by default; and never an argument, a resource, a secret or a
/// placeholder.
fn logging() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let words = ["run", "guest.wat", "--policy", "policy.toml", "--as", "bot", "--json"];
    let quiet = scene.ended(&mut scene.home.program(words), 0, &[])?;
    if !quiet.stderr.is_empty() {
        return Err(format!("{quiet:?}").into());
    }
    let events = ["run started", "call ended", "call refused", "code=deny.manifest.no_rule", "run{run=", "run ended"];
    let text = scene.ended(scene.home.program(words).env("RUST_LOG", "trace"), 0, &events)?;
    let json =
        scene.ended(scene.home.program(words).args(["--log-format", "json"]).env("RUST_LOG", "trace"), 0, &[])?;
    let lines: Vec<Value> = json.stderr.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let refused = lines.iter().find(|line| line["message"] == "call refused").ok_or("nothing refused")?;
    if refused["spans"][0]["agent"] != "bot"
        || refused["fields"]["action"] != "file.read"
        || refused["level"] != "debug"
    {
        return Err(format!("{refused:#}").into());
    }
    for hidden in ["hidden-query", SECRET, "bailiwick-secret-", "/etc/passwd", "127.0.0.1"] {
        if text.stderr.contains(hidden) || json.stderr.contains(hidden) {
            return Err(format!("`{hidden}` is told: {}", text.stderr).into());
        }
    }
    // Only what was asked for, and a level that nobody understands is said to be left out.
    let one = scene.ended(scene.home.program(words).env("RUST_LOG", "bailiwick_cli=debug"), 0, &["identity judged"])?;
    if one.stderr.contains("call ended") {
        return Err(format!("{one:?}").into());
    }
    scene.ended(scene.home.program(words).env("RUST_LOG", "a[b]=c=d"), 0, &["RUST_LOG is left out"]).map(drop)
}

/// Stopped when the test ends.
struct Collector(Option<Child>);

impl Collector {
    /// Asks it to end, and gives back what it said.
    fn stop(mut self) -> Result<String, Failed> {
        let child = self.0.take().ok_or("no collector")?;
        kill_process(Pid::from_child(&child), Signal::TERM)?;
        let ended = program::finish(child)?;
        Ok(ended.stdout + &ended.stderr)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port that nobody listened on a moment ago.
fn free_port() -> Result<u16, Failed> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn installed(path: &str) -> Result<PathBuf, Failed> {
    let folder = repository().join("target/telemetry");
    let wanted = fs::read(repository().join("tests/telemetry/requirements.txt"))?;
    if fs::read(Path::new(&folder).join("requirements.txt")).is_ok_and(|there| there == wanted) {
        Ok(folder.join(path))
    } else {
        Err("what exports are checked with is not installed; run scripts/telemetry.sh".into())
    }
}
