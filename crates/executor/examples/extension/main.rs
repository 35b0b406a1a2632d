//! An orchestrator that gives its guests an ability of its own, which is decided about and recorded like every other.
//!
//! `cargo run -p bailiwick --example extension`
#![expect(clippy::print_stdout, reason = "a program that shows something")]

mod mail;

use std::error::Error;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};

use bailiwick::guard::{AuditLog, Clock, Life, SystemClock, Timestamp};
use bailiwick::host::Services;
use bailiwick::policy::{Authority, Grant, Manifest, Principal};
use bailiwick::{Executor, Guest, Job};

/// What a person wrote: mail to the team, with short subjects.
const MANIFEST: &str = r#"
schema = 1
id = "mailer"
agents = ["mail-bot"]

[[allow]]
id = "team-mail"
x-mail = "team/*"
actions = ["send"]
args = { subject = { max_length = 40 } }
"#;

/// What an agent wrote: a message to the team, and one to somebody else.
const GUEST: &str = r#"
(module
  (import "bailiwick" "call" (func $call (param i32 i32 i32 i32) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "extension.call")
  (data (i32.const 16) "{\"kind\":\"x-mail\",\"action\":\"send\",\"resource\":\"team/alice\",\"arguments\":{\"subject\":\"Done\"}}")
  (data (i32.const 128) "{\"kind\":\"x-mail\",\"action\":\"send\",\"resource\":\"board/zoe\",\"arguments\":{\"subject\":\"Hi\"}}")
  (func (export "run")
    (drop (call $call (i32.const 0) (i32.const 14) (i32.const 16) (i32.const 88)))
    (drop (call $call (i32.const 0) (i32.const 14) (i32.const 128) (i32.const 85)))))
"#;

fn main() -> ExitCode {
    if let Some(code) = bailiwick::compile_child() {
        return code;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run() -> Result<(), Box<dyn Error>> {
    let (post, messages) = mpsc::channel();
    let services = Services::builder().extension(mail::MAIL, mail::SendMail::make, mail::Post(post)).build();
    let (log, _entries) = AuditLog::in_memory()?;
    let executor = Executor::builder(log).services(services).build()?;

    let manifest = Arc::new(Manifest::parse(MANIFEST, "mailer.toml").map_err(|findings| format!("{findings:?}"))?);
    let principal = Principal { issuer: "local".into(), subject: "mail-bot".into(), agent: "mail-bot".into() };
    // Here the manifest alone decides. Otherwise these come from a verified token and from the registry.
    let (token, registry) = (manifest.scopes(), manifest.scopes());
    let grant = Grant::new(manifest, None, Authority { principal, token, details: Vec::new(), registry, task: None });
    let life = Life::until(Timestamp(SystemClock.now().0 + 60_000));
    let report = executor.run(Job::new(Guest::from_bytes(GUEST.as_bytes().to_vec())?, grant, ".").life(life)).await?;

    println!("{}", report.stop);
    for call in &report.calls {
        println!("{} {} -> {}", call.action, call.resource, call.code);
        println!("{}", call.explanation.as_deref().unwrap_or_default());
    }
    for message in messages.try_iter() {
        println!("delivered: {message}");
    }
    Ok(())
}
