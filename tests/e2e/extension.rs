//! An ability that the embedding program adds is decided about, recorded and explained like our own, in every language.

#[path = "../../crates/executor/examples/extension/mail.rs"]
mod mail;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use bailiwick::host::Services;
use bailiwick::{CompileIn, CompileOptions, Executor, ExecutorBuilder, Guest, Job, Language, Report, Stop};
use bailiwick_guard::AuditLog;
use bailiwick_policy::Manifest;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::interpreters::{Stage, runtime, text};
use crate::program::{PATIENCE, PROGRAM};
use crate::{calls, matrix};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("extension::decided_and_recorded", decided_and_recorded),
        Trial::test("extension::absent", absent),
        Trial::test("extension::fails", fails),
        Trial::test("extension::python", || script(Language::Python, PYTHON)),
        Trial::test("extension::javascript", || script(Language::JavaScript, JAVASCRIPT)),
    ]
}

const POLICY: &str = r#"
schema = 1
id = "mailer"
agents = ["bot"]
[limits]
timeout = "100s"
[[allow]]
id = "team-mail"
x-mail = "team/*"
actions = ["send"]
args = { subject = { max_length = 10 }, urgent = { in = [false], optional = true } }
[[deny]]
id = "not-bob"
x-mail = "team/bob"
"#;

/// What is asked, and with which code it is answered.
const CALLS: &[(&str, &str)] = &[
    (r#"{"kind": "x-mail", "action": "send", "resource": "team/alice", "arguments": {"subject": "Done"}}"#, "allow"),
    (
        r#"{"kind": "x-mail", "action": "send", "resource": "team/bob", "arguments": {"subject": "Done"}}"#,
        "deny.manifest.rule",
    ),
    (
        r#"{"kind": "x-mail", "action": "send", "resource": "board/zoe", "arguments": {"subject": "Done"}}"#,
        "deny.manifest.no_rule",
    ),
    (
        r#"{"kind": "x-mail", "action": "send", "resource": "team/alice", "arguments": {"subject": "Far too long"}}"#,
        "deny.manifest.argument",
    ),
    (
        r#"{"kind": "x-mail", "action": "send", "resource": "team/alice", "arguments": {"subject": "Done", "urgent": true}}"#,
        "deny.manifest.argument",
    ),
    (
        r#"{"kind": "x-mail", "action": "send", "resource": "team/alice", "arguments": {"subject": 5}}"#,
        "deny.request.malformed",
    ),
    (
        r#"{"kind": "x-mail", "action": "send", "resource": "team/../board/zoe", "arguments": {"subject": "Done"}}"#,
        "deny.request.ambiguous",
    ),
    (r#"{"kind": "x-mail", "action": "delete", "resource": "team/alice"}"#, "deny.request.unsupported"),
    (r#"{"kind": "x-fax", "action": "send", "resource": "team/alice"}"#, "deny.request.unsupported"),
    (r#"{"kind": "x-mail", "action": "shout", "resource": "team/alice"}"#, "deny.request.malformed"),
    (r#"{"kind": "file", "action": "read", "resource": "etc/passwd"}"#, "deny.request.malformed"),
    (r#"{"kind": "x-mail"}"#, "deny.request.malformed"),
];

const PYTHON: &str = r#"
import bailiwick
result = [bailiwick.call("x-mail", "send", "team/alice", subject="Done")]
try:
    bailiwick.call("x-mail", "send", "board/zoe", subject="Done")
except PermissionError as refused:
    result.append(refused.code)
"#;

const JAVASCRIPT: &str = r#"
const result = [await bailiwick.call("x-mail", "send", "team/alice", { subject: "Done" })];
try {
    await bailiwick.call("x-mail", "send", "board/zoe", { subject: "Done" });
} catch (refused) {
    result.push(refused.code);
}
result
"#;

fn decided_and_recorded() -> Result<(), Failed> {
    let (post, delivered) = post();
    let (log, entries) = AuditLog::in_memory()?;
    let report = run(log.clone(), post, CALLS.iter().map(|(argument, _)| *argument))?;
    let codes: Vec<&str> = report.calls.iter().map(|call| call.code.as_str()).collect();
    let expected: Vec<&str> = CALLS.iter().map(|(_, code)| *code).collect();
    if report.stop != Stop::Finished || codes != expected {
        return Err(format!("{}: {codes:#?} instead of {expected:#?}", report.stop).into());
    }
    let delivered: Vec<String> = delivered.try_iter().collect();
    if delivered != ["team/alice: \"Done\""] {
        return Err(format!("delivered were {delivered:?}").into());
    }
    runtime()?.block_on(log.flush())?;
    let lines: Vec<Value> = entries.text().lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let about =
        |what: &str| lines.iter().filter(|line| line["action"] == "x-mail.send" && line["type"] == what).count();
    if about("intent") < 1 {
        return Err(format!("the log does not have the call: {lines:#?}").into());
    }
    let refused = report.calls.get(2).and_then(|call| call.explanation.clone()).unwrap_or_default();
    for part in ["x-mail send board/zoe", "x-mail = \"board/zoe\"", "actions = [\"send\"]"] {
        if !refused.contains(part) {
            return Err(format!("`{part}` is not in: {refused}").into());
        }
    }
    Ok(())
}

/// A host without extensions has none, whatever the manifest allows.
fn absent() -> Result<(), Failed> {
    let report = run(AuditLog::in_memory()?.0, |builder| builder, CALLS.iter().map(|(argument, _)| *argument).take(1))?;
    let codes: Vec<&str> = report.calls.iter().map(|call| call.code.as_str()).collect();
    if codes == ["deny.request.unsupported"] { Ok(()) } else { Err(format!("{codes:?}").into()) }
}

/// Nobody listens any more: the effect fails, and that is its outcome on record.
fn fails() -> Result<(), Failed> {
    let (post, delivered) = post();
    drop(delivered);
    let report = run(AuditLog::in_memory()?.0, post, CALLS.iter().map(|(argument, _)| *argument).take(1))?;
    let outcomes: Vec<String> = report.calls.iter().map(|call| format!("{:?}", call.outcome)).collect();
    if outcomes == ["Some(Failed(Io))"] { Ok(()) } else { Err(format!("{outcomes:?}").into()) }
}

fn script(language: Language, source: &str) -> Result<(), Failed> {
    let (post, delivered) = post();
    let stage = Stage::build(language, POLICY, post)?;
    let report = runtime()?.block_on(stage.run(source))?;
    let expected = json!([{ "sent": true }, "deny.manifest.no_rule"]);
    if report.stop != Stop::Finished || report.result.as_ref() != Some(&expected) {
        return Err(format!("{report:?}").into());
    }
    if delivered.try_iter().count() == 1 { Ok(()) } else { Err("it was not delivered once".into()) }
}

fn post() -> (impl FnOnce(ExecutorBuilder) -> ExecutorBuilder, Receiver<String>) {
    let (sender, delivered) = mpsc::channel();
    let services = Services::builder().extension(mail::MAIL, mail::SendMail::make, mail::Post(sender)).build();
    (move |builder: ExecutorBuilder| builder.services(services), delivered)
}

/// A guest that makes these calls, with what `equip` gives the executor.
fn run<'a>(
    log: AuditLog,
    equip: impl FnOnce(ExecutorBuilder) -> ExecutorBuilder,
    arguments: impl Iterator<Item = &'a str>,
) -> Result<Report, Failed> {
    let calls: Vec<String> = arguments.map(|argument| format!("[\"extension.call\", {argument}]")).collect();
    let guest = Guest::from_bytes(calls::guest(&format!("[{}]", calls.join(",")))?.into_bytes())?;
    let manifest = Manifest::parse(POLICY, "mailer.toml").map_err(|findings| format!("{findings:?}"))?;
    let folder = tempfile::tempdir()?;
    let place = CompileIn::program(Path::new(PROGRAM));
    let compile = CompileOptions { place, time: PATIENCE, ..CompileOptions::default() };
    let executor = equip(Executor::builder(log).compile(compile)).build()?;
    let job = Job::new(guest, matrix::grant(Arc::new(manifest), None), folder.path());
    Ok(runtime()?.block_on(executor.run(job)).map_err(text)?)
}
