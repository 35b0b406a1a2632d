//! A guard over a manifest, a log in memory, and a clock that the test sets.

pub mod actions;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bailiwick_guard::audit::MemoryLog;
use bailiwick_guard::{AuditLog, Clock, Guard, Life, Run, Timestamp};
use bailiwick_policy::{Authority, Grant, Manifest, Principal};
use serde_json::Value;

/// Allows hashing, and nothing else that the tests ask for.
pub const HASH_ONLY: &str = r#"
schema = 1
id = "m"
agents = ["a"]
[[allow]]
id = "hash"
crypto = "-"
actions = ["hash"]
"#;

/// The same and random bytes, which the test action calls a change of the world.
pub const HASH_AND_RANDOM: &str = r#"
schema = 1
id = "m"
agents = ["a"]
[limits]
host_calls = 3
[[allow]]
id = "both"
crypto = "-"
actions = ["hash", "random"]
"#;

#[derive(Default)]
pub struct SetClock(AtomicU64);

impl SetClock {
    pub fn set(&self, ms: u64) {
        self.0.store(ms, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

pub fn grant(manifest: &str) -> Grant {
    let manifest = Manifest::parse(manifest, "m.toml").expect("the manifest is valid");
    let scopes = manifest.scopes();
    let principal = Principal { issuer: "i".into(), subject: "s".into(), agent: "a".into() };
    let authority = Authority { principal, token: scopes.clone(), details: Vec::new(), registry: scopes, task: None };
    Grant::new(Arc::new(manifest), None, authority)
}

pub fn guard_on(log: AuditLog, manifest: &str, life: Life) -> (Guard, Arc<SetClock>) {
    let clock = Arc::new(SetClock::default());
    let run = Run { id: "r".into(), ..Run::default() };
    (Guard::new(grant(manifest), run, life, log, clock.clone()).expect("the log takes the start"), clock)
}

pub fn guard(manifest: &str) -> (Guard, AuditLog, MemoryLog) {
    let (log, memory) = AuditLog::in_memory().expect("a thread");
    let (guard, _) = guard_on(log.clone(), manifest, Life::until(Timestamp(u64::MAX)));
    (guard, log, memory)
}

/// The log's entries so far, as (type, call, decision or outcome, code).
pub async fn entries(log: &AuditLog, memory: &MemoryLog) -> Vec<(String, u64, String, String)> {
    log.flush().await.expect("memory does not fail");
    let field = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let lines = memory.text();
    let entries = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("every line is JSON"));
    entries
        .map(|entry| {
            let what = if entry["outcome"].is_string() { "outcome" } else { "decision" };
            (field(&entry, "type"), entry["call"].as_u64().unwrap_or(0), field(&entry, what), field(&entry, "code"))
        })
        .collect()
}
