//! An orchestrator in one file: a policy, a guest, a run, a report.
//!
//! `cargo run -p bailiwick --example embed`
#![expect(clippy::print_stdout, reason = "a program that shows something")]

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bailiwick::{Executor, Guest, Job, Stop};
use bailiwick_guard::{AuditLog, Clock, Life, SystemClock, Timestamp};
use bailiwick_policy::{Authority, Grant, Manifest, Principal, ScopeSet};
use serde_json::json;

/// What a person wrote. Mounts are relative to the folder that the job names.
const MANIFEST: &str = r#"
schema = 1
id = "digest"
agents = ["digest-bot"]

[limits]
timeout = "5s"
host_calls = 10

[[allow]]
id = "hash"
crypto = "-"
actions = ["hash"]
"#;

/// What an agent wrote: it hashes a word and makes the reply its result, then asks for a file.
const GUEST: &str = r#"
(module
  (import "bailiwick" "call" (func $call (param i32 i32 i32 i32) (result i64)))
  (import "bailiwick" "take" (func $take (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "crypto.hash{\"algorithm\":\"sha-256\",\"data\":\"abc\"}")
  (data (i32.const 64) "files.read{\"path\":\"/etc/passwd\"}")
  (data (i32.const 128) "result{\"value\":")
  (func (export "run") (local $len i32)
    (local.set $len (i32.wrap_i64 (call $call (i32.const 0) (i32.const 11) (i32.const 11) (i32.const 36))))
    (drop (call $take (i32.const 143) (local.get $len)))
    (i32.store8 (i32.add (i32.const 143) (local.get $len)) (i32.const 125)) ;; }
    (drop (call $call (i32.const 128) (i32.const 6) (i32.const 134) (i32.add (local.get $len) (i32.const 10))))
    (drop (call $call (i32.const 64) (i32.const 10) (i32.const 74) (i32.const 22)))))
"#;

fn main() -> ExitCode {
    // Untrusted code is compiled in a child of this very program. Before anything else:
    if let Some(code) = bailiwick::compile_child() {
        return code;
    }
    match run() {
        Ok(code) => code,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run() -> Result<ExitCode, Box<dyn Error>> {
    // Once for the process: where calls are recorded, and what runs guests.
    let (log, entries) = AuditLog::in_memory()?; // `AuditLog::open_in(folder, …)` keeps a file
    let executor = Executor::builder(log.clone()).build()?;

    // For each agent and task: what it may do. The call must be covered by all of these.
    let manifest = Manifest::parse(MANIFEST, "digest.toml").map_err(|findings| format!("{findings:?}"))?;
    let authority = Authority {
        principal: Principal {
            issuer: "orchestrator".into(),
            subject: "digest-bot".into(),
            agent: "digest-bot".into(),
        },
        token: ScopeSet::parse_token("openid crypto:hash:-")?,
        details: Vec::new(),
        registry: ScopeSet::parse_strict("crypto:hash,random:-")?,
        task: None,
    };
    let grant = Grant::new(Arc::new(manifest), None, authority);

    // For each run: the code, and for how long the authority lasts.
    let life = Life::until(Timestamp(SystemClock.now().0 + 60_000));
    let _revoker = life.revoker(); // `revoke()` from any thread ends the run
    let job = Job::new(Guest::from_bytes(GUEST.as_bytes().to_vec())?, grant, ".")
        .input(json!({ "month": 10 }))
        .task("task-7")
        .life(life);
    let report = tokio::time::timeout(Duration::from_secs(60), executor.run(job)).await??;

    println!("{}: {}", report.stop, report.result.clone().unwrap_or_default());
    for call in &report.calls {
        println!("{} {} -> {}", call.action, call.resource, call.code);
        if let Some(explanation) = &call.explanation {
            println!("{explanation}");
        }
    }
    log.flush().await?;
    println!("{} entries on record", entries.text().lines().count());
    Ok(if report.stop == Stop::Finished { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
