//! What passes the door, what does not, and what is on record afterwards.

use std::os::fd::AsRawFd;
use std::time::Duration;

use bailiwick_guard::audit::verify;
use bailiwick_guard::{
    Action, Attempt, AuditLog, Budget, CallError, Effect, HostError, Life, Outcome, Perform, Permit, Sensitive,
    StopCause, Timestamp,
};
use bailiwick_policy::{ActionName, Code, Decision, Kind, Resource};
use rustix::fs::{MemfdFlags, SealFlags};

use crate::support::actions::{Brief, Hash, Host, Random, Read};
use crate::support::{HASH_AND_RANDOM, HASH_ONLY, entries, guard, guard_on};

fn row(kind: &str, call: u64, what: &str, code: &str) -> (String, u64, String, String) {
    (kind.into(), call, what.into(), code.into())
}

#[tokio::test]
async fn an_allowed_call_has_an_intent_and_an_outcome() {
    let (guard, log, memory) = guard(HASH_ONLY);
    assert_eq!(guard.call(&Host, Hash(7)).await.unwrap(), 7);
    assert_eq!(
        entries(&log, &memory).await,
        [row("run_started", 0, "", ""), row("intent", 1, "allow", "allow"), row("outcome", 1, "done", ""),]
    );
    let records = guard.records();
    assert_eq!((records.len(), records[0].outcome), (1, Some(Outcome::Done)));
    assert_eq!(records[0].rule.as_ref().map(|rule| (rule.id(), rule.location())), Some(("hash", "m.toml:5")));
}

#[tokio::test]
async fn a_run_that_is_dropped_has_an_end_on_record() {
    let (guard, log, memory) = guard(HASH_ONLY);
    drop(guard);
    assert_eq!(entries(&log, &memory).await.pop().unwrap().0, "run_ended");
    assert!(memory.text().contains("\"stop\":\"abandoned\""));
}

#[tokio::test]
async fn a_refused_call_is_on_record_and_has_no_effect() {
    let (guard, log, memory) = guard(HASH_ONLY);
    let error = guard.call(&Untouchable, Random).await.unwrap_err();
    assert_eq!(error.code(), Code::ManifestNoRule);
    assert_eq!(entries(&log, &memory).await[1], row("intent", 1, "deny", "deny.manifest.no_rule"));
    let record = &guard.records()[0];
    assert_eq!(record.outcome, None);
    assert!(record.explanation.as_deref().is_some_and(|text| text.contains("[[allow]]")), "{record:?}");
}

#[tokio::test]
async fn the_last_refusal_is_known_until_the_next_call() {
    let (guard, _log, _memory) = guard(HASH_ONLY);
    assert_eq!(guard.refusal(), None);
    guard.call(&Untouchable, Random).await.unwrap_err();
    assert_eq!(guard.refusal(), Some(Code::ManifestNoRule));
    guard.call(&Host, Hash(7)).await.unwrap();
    assert_eq!(guard.refusal(), None);
}

#[tokio::test]
async fn what_does_not_parse_is_on_record_too_and_shown_safely() {
    let (guard, log, memory) = guard(HASH_ONLY);
    let attempt = Attempt {
        kind: Kind::File,
        action: ActionName::Read,
        resource: "../x\n{\"seq\":0}\x1b[2J",
        code: Code::Ambiguous,
    };
    assert!(matches!(guard.refuse(attempt), CallError::Denied(denied) if denied.code() == Code::Ambiguous));
    assert_eq!(entries(&log, &memory).await.len(), 2, "a newline does not make a second entry");
    assert_eq!(&*guard.records()[0].resource, "../x\\u{a}{\"seq\":0}\\u{1b}[2J");
}

#[tokio::test]
async fn a_long_resource_takes_little_of_the_log_when_it_is_refused() {
    let (guard, log, memory) = guard(HASH_ONLY);
    let path = format!("/{}", ["x".repeat(200).as_str(); 20].join("/"));
    assert_eq!(guard.call(&Untouchable, Read(path.clone())).await.unwrap_err().code(), Code::ManifestNoRule);
    let resource = guard.records()[0].resource.to_string();
    assert!(resource.len() < 620 && path.starts_with(&resource[..500]), "{resource}");
    assert!(resource.contains(&format!("({} bytes, sha256 ", path.len())), "{resource}");
    assert_eq!(entries(&log, &memory).await.len(), 2);
    assert!(memory.text().lines().all(|line| line.len() < 2000), "{}", memory.text());
}

#[tokio::test]
async fn the_budget_of_calls_ends_the_run() {
    let (guard, log, memory) = guard(HASH_AND_RANDOM);
    for _ in 0..3 {
        guard.call(&Host, Hash(0)).await.unwrap();
    }
    let over = CallError::Stopped(StopCause::Budget(Budget::HostCalls));
    assert_eq!(guard.call(&Untouchable, Random).await.unwrap_err(), over);
    let attempt = Attempt { kind: Kind::File, action: ActionName::Read, resource: "x", code: Code::Ambiguous };
    assert_eq!(guard.refuse(attempt), over, "refusals count, or probing would be free");
    assert_eq!(entries(&log, &memory).await.len(), 1 + 3 * 2);
}

#[tokio::test]
async fn authority_ends_at_expiry_and_at_revocation() {
    let (log, _memory) = AuditLog::in_memory().unwrap();
    let life = Life::until(Timestamp(1000));
    let (guard, clock) = guard_on(log, HASH_ONLY, life.clone());
    clock.set(999);
    guard.call(&Host, Hash(0)).await.unwrap();
    clock.set(1000);
    assert_eq!(guard.call(&Host, Hash(0)).await.unwrap_err().code(), Code::TokenExpired);
    let explanation = guard.records().pop().unwrap().explanation.unwrap();
    assert!(
        explanation.starts_with("denied: crypto hash -  [deny.token.expired]\n  the authority ended at 19"),
        "{explanation}"
    );
    life.revoker().revoke();
    assert_eq!(guard.call(&Host, Hash(0)).await.unwrap_err(), CallError::Stopped(StopCause::Revoked));
}

#[tokio::test]
async fn a_sensitive_call_needs_fresh_proof() {
    let manifest = "schema = 1\nid = \"m\"\nagents = [\"a\"]\n\
                    [[allow]]\nid = \"hash\"\ncrypto = \"-\"\nactions = [\"hash\"]\nsensitive = true\n\
                    [[allow]]\nid = \"random\"\ncrypto = \"-\"\nactions = [\"random\"]\n";
    let forever = || Life::until(Timestamp(u64::MAX));
    for (life, codes) in [
        (forever(), [Code::TokenNotBound, Code::TokenNotBound]),
        (forever().sensitive(Sensitive::Until(Timestamp(1000))), [Code::Allowed, Code::TokenTooOld]),
        (
            Life::until(Timestamp(1001)).sensitive(Sensitive::Until(Timestamp(1000))),
            [Code::Allowed, Code::TokenExpired],
        ),
    ] {
        let (log, memory) = AuditLog::in_memory().unwrap();
        let (guard, clock) = guard_on(log.clone(), manifest, life);
        for (now, code) in [1000, 1001].into_iter().zip(codes) {
            clock.set(now);
            let called = guard.call(&Host, Hash(0)).await.map_or_else(|error| error.code(), |_| Code::Allowed);
            assert_eq!(called, code);
            let record = guard.records().pop().unwrap();
            assert_eq!((record.code, record.explanation.is_some()), (code, code != Code::Allowed));
        }
        let (.., recorded) = entries(&log, &memory).await.pop().unwrap();
        assert_eq!(recorded, codes[1].as_str());
        clock.set(1000);
        guard.call(&Host, Random).await.expect("other calls go on");
    }
    let (log, _memory) = AuditLog::in_memory().unwrap();
    let (guard, _) = guard_on(log, manifest, forever());
    guard.call(&Host, Hash(0)).await.unwrap_err();
    let explanation = guard.records().pop().unwrap().explanation.unwrap();
    let expected =
        "denied: crypto hash -  [deny.token.not_bound]\n  sensitive by rule `hash`, m.toml:4: the token is not bound";
    assert!(explanation.starts_with(expected), "{explanation}");
}

#[tokio::test]
async fn a_dropped_call_is_recorded_as_abandoned() {
    let (guard, log, memory) = guard(HASH_ONLY);
    let (entered, signal) = tokio::sync::oneshot::channel();
    let host = Hanging(std::sync::Mutex::new(Some(entered)));
    tokio::select! {
        _ = guard.call(&host, Hash(0)) => unreachable!("it hangs"),
        entered = signal => entered.unwrap(),
    }
    assert_eq!(entries(&log, &memory).await[2], row("outcome", 1, "abandoned", "failed.abandoned"));
    assert_eq!(guard.records()[0].outcome, Some(Outcome::Abandoned), "the report has it, too");
}

#[tokio::test]
async fn a_host_that_never_answers_meets_the_actions_deadline() {
    let (guard, log, memory) = guard(HASH_ONLY);
    let host = Hanging(std::sync::Mutex::new(None));
    assert_eq!(guard.call(&host, Brief).await.unwrap_err(), CallError::Limit(Code::CallDeadline));
    assert_eq!(entries(&log, &memory).await[2], row("outcome", 1, "limit", "limit.deadline"));
}

#[tokio::test]
async fn a_call_does_not_outlast_the_authority() {
    let (log, memory) = AuditLog::in_memory().unwrap();
    let (guard, clock) = guard_on(log.clone(), HASH_ONLY, Life::until(Timestamp(1050)));
    clock.set(1000);
    let host = Hanging(std::sync::Mutex::new(None));
    assert_eq!(guard.call(&host, Hash(0)).await.unwrap_err().code(), Code::TokenExpired);
    assert_eq!(entries(&log, &memory).await[2], row("outcome", 1, "denied", "deny.token.expired"));
}

#[tokio::test]
async fn each_failure_of_an_effect_is_its_outcome() {
    for (error, word) in [
        (HostError::Denied(Code::PrivateAddress), "denied"),
        (HostError::Failed(Code::NotFound), "failed"),
        (HostError::Limit(Code::ResponseBytes), "limit"),
    ] {
        let (guard, log, memory) = guard(HASH_ONLY);
        let seen = guard.call(&Failing(error), Hash(0)).await.unwrap_err();
        let entry = entries(&log, &memory).await.pop().unwrap();
        assert_eq!((entry.2.as_str(), entry.3.as_str()), (word, seen.code().as_str()));
    }
}

#[tokio::test]
async fn a_log_that_cannot_be_written_refuses_every_call() {
    // A file that the kernel does not let grow, as on a full disk.
    let file = rustix::fs::memfd_create("log", MemfdFlags::ALLOW_SEALING).unwrap();
    rustix::fs::fcntl_add_seals(&file, SealFlags::GROW).unwrap();
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let log = AuditLog::open(path.as_ref(), Default::default(), &bailiwick_guard::SystemClock).unwrap();
    let (guard, _) = guard_on(log.clone(), HASH_AND_RANDOM, Life::until(Timestamp(u64::MAX)));
    let error = guard.call(&Untouchable, Random).await.unwrap_err();
    assert_eq!(error.code(), Code::AuditUnavailable, "a change of the world waits for its intent");
    let error = guard.call(&Untouchable, Hash(0)).await.unwrap_err();
    assert_eq!(error.code(), Code::AuditUnavailable, "and then nothing is allowed any more");
    let last = guard.records().pop().unwrap();
    assert_eq!((last.decision, last.code, last.outcome), (Decision::Deny, Code::AuditUnavailable, None));
    assert!(log.flush().await.is_err() && guard.run_ended("finished", None).await.is_err());
}

#[tokio::test]
async fn the_intent_of_a_change_of_the_world_is_durable_before_the_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let log = AuditLog::open(&path, Default::default(), &bailiwick_guard::SystemClock).unwrap();
    let (guard, _) = guard_on(log, HASH_AND_RANDOM, Life::until(Timestamp(u64::MAX)));
    guard.call(&ReadsLog(path), Random).await.unwrap();
}

/// Must not be reached.
struct Untouchable;

impl<A: Action> Perform<A> for Untouchable {
    async fn perform(&self, _permit: Permit<'_, A>) -> Result<A::Output, HostError> {
        panic!("the effect of a refused call ran");
    }
}

/// Says that it was entered and never comes back.
struct Hanging(std::sync::Mutex<Option<tokio::sync::oneshot::Sender<()>>>);

impl<A: Action> Perform<A> for Hanging {
    async fn perform(&self, _permit: Permit<'_, A>) -> Result<A::Output, HostError> {
        if let Some(entered) = self.0.lock().unwrap().take() {
            entered.send(()).unwrap();
        }
        std::future::pending().await
    }
}

struct Failing(HostError);

impl Perform<Hash> for Failing {
    async fn perform(&self, _permit: Permit<'_, Hash>) -> Result<u8, HostError> {
        Err(self.0)
    }
}

/// Finds its own intent in the log file, without an outcome.
struct ReadsLog(std::path::PathBuf);

impl Perform<Random> for ReadsLog {
    async fn perform(&self, _permit: Permit<'_, Random>) -> Result<u8, HostError> {
        let log = std::fs::read(&self.0).unwrap();
        let summary = verify(&*log).unwrap();
        assert_eq!((summary.fault, summary.dangling), (None, vec![("r".to_owned(), 1)]));
        Ok(0)
    }
}

#[test]
fn a_deadline_has_a_default() {
    assert_eq!(Hash(0).deadline(), Duration::from_secs(30));
    assert_eq!((Hash(0).effect(), Random.effect()), (Effect::Pure, Effect::World));
    assert_eq!(Hash(0).resource(), Resource::Keyless);
}

#[tokio::test]
async fn a_database_without_rights_is_refused_with_the_reason() {
    let (guard, log, memory) = guard(HASH_ONLY);
    let refused = guard.refuse_database("ledger", "ledger: SELECT a\n");
    assert!(matches!(refused, CallError::Denied(denied) if denied.code() == Code::ManifestNoRule));
    assert_eq!(entries(&log, &memory).await.len(), 2);
    let record = guard.records().pop().unwrap();
    assert_eq!((&*record.resource, record.code), ("ledger: SELECT a\\u{a}", Code::ManifestNoRule));
    let explanation = record.explanation.unwrap();
    assert!(explanation.starts_with("denied: sql.select ledger: SELECT a\\u{a}  "), "{explanation}");
    assert!(explanation.contains("no rule is about database `ledger`"), "{explanation}");
    assert!(explanation.contains("sql = \"ledger\"\n    tables = {"), "{explanation}");
}
