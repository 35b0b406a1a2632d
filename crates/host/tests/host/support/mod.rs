//! A guard from manifest text, and what tests ask of it.

mod folder;
mod net;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bailiwick_guard::{AuditLog, CallError, Clock, Guard, Life, Run, SystemClock, Timestamp};
use bailiwick_policy::{Authority, Code, Grant, Manifest, Principal};

pub use folder::{Folder, SECRET, at};
pub use net::{Names, Network, certify, certify_for, public};
pub use server::{Asked, Server, Step, reply};

/// A guard for an agent whose token and registry entry say what `rules` say, so that the manifest alone decides.
pub fn guard(rules: &str) -> Guard {
    guard_with(rules, Life::until(Timestamp(u64::MAX)))
}

pub fn guard_with(rules: &str, life: Life) -> Guard {
    guard_by(rules, life, Arc::new(SystemClock))
}

pub fn guard_by(rules: &str, life: Life, clock: Arc<dyn Clock>) -> Guard {
    let (log, _memory) = AuditLog::in_memory().unwrap();
    let run = Run { id: "test".into(), ..Run::default() };
    Guard::new(grant(rules), run, life, log, clock).unwrap()
}

pub fn grant(rules: &str) -> Grant {
    let text = format!("schema = 1\nid = \"test\"\nagents = [\"bot\"]\n{rules}");
    let manifest = Arc::new(Manifest::parse(&text, "test.toml").unwrap_or_else(|errors| panic!("{errors:?}\n{text}")));
    let principal = Principal { issuer: "local".into(), subject: "bot".into(), agent: "bot".into() };
    let scopes = manifest.scopes();
    let authority = Authority { principal, token: scopes.clone(), details: Vec::new(), registry: scopes, task: None };
    Grant::new(manifest, None, authority)
}

/// A clock that is put forward by hand. Unix seconds.
#[derive(Debug, Default)]
pub struct HandClock(pub AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst) * 1000)
    }
}

/// The code that a call failed with.
pub fn code<T: std::fmt::Debug>(result: Result<T, CallError>) -> Code {
    result.expect_err("the call succeeded").code()
}

/// What was recorded: action, resource, and how it ended.
pub fn recorded(guard: &Guard) -> Vec<String> {
    let records = guard.records();
    let line = |record: &bailiwick_guard::CallRecord| {
        let code = record.outcome.and_then(|outcome| outcome.code()).unwrap_or(record.code);
        format!("{} {} {code}", record.action, record.resource)
    };
    records.iter().map(line).collect()
}
