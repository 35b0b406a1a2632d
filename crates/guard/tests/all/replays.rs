//! What is recorded of a run, and what a replay makes of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bailiwick_guard::journal::{
    ContentDigest, Crossing, Crossings, Divergence, End, Fingerprint, Lane, PastCall, Sink, SinkError,
};
use bailiwick_guard::{
    Action, Attempt, AuditLog, Budget, CallError, CallRecord, Effect, Guard, HostError, Life, Outcome, Perform, Permit,
    Run, StopCause, Timestamp,
};
use bailiwick_policy::{ActionName, Code, Decision, GuestPath, Kind, Resource};

use crate::support::actions::{Hash, Host, Random, Read};
use crate::support::{HASH_AND_RANDOM, HASH_ONLY, grant, guard_on};

/// Keeps what crosses.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Crossing>>>);

impl Sink for Kept {
    fn take(&mut self, crossing: Crossing) -> Result<(), SinkError> {
        self.0.lock().unwrap().push(crossing);
        Ok(())
    }

    fn end(self: Box<Self>, _end: &End) -> Result<ContentDigest, SinkError> {
        Err(SinkError::Io)
    }
}

impl Kept {
    fn crossings(&self) -> Vec<Crossing> {
        self.0.lock().unwrap().clone()
    }

    fn calls(&self) -> Vec<PastCall> {
        self.crossings().iter().map(|crossing| PastCall::read(crossing).expect("it is a call")).collect()
    }
}

/// Must not be reached.
struct Nobody;

impl<A: Action> Perform<A> for Nobody {
    async fn perform(&self, _permit: Permit<'_, A>) -> Result<A::Output, HostError> {
        panic!("a replay performs nothing")
    }
}

/// Fails in this way.
struct Failing(HostError);

impl<A: Action> Perform<A> for Failing {
    async fn perform(&self, permit: Permit<'_, A>) -> Result<A::Output, HostError> {
        permit.explain("the disk is on fire");
        Err(self.0)
    }
}

/// Never answers.
struct Stuck;

impl<A: Action> Perform<A> for Stuck {
    async fn perform(&self, _permit: Permit<'_, A>) -> Result<A::Output, HostError> {
        std::future::pending().await
    }
}

fn recording(manifest: &str) -> (Guard, Kept, Life) {
    let (log, _memory) = AuditLog::in_memory().unwrap();
    let (kept, life) = (Kept::default(), Life::until(Timestamp(1000)));
    let (guard, _clock) = guard_on(log, manifest, life.clone());
    (guard.journal(Crossings::recording(Box::new(kept.clone()))), kept, life)
}

fn replay(manifest: &str, recorded: Vec<Crossing>) -> Guard {
    Guard::replaying(grant(manifest), Run::default(), Crossings::replaying(recorded)).unwrap()
}

/// Everything that a report says of calls.
fn told(records: &[CallRecord]) -> Vec<String> {
    let told = records.iter().map(|record| {
        let rule = record.rule.as_ref().map(|rule| (rule.id().to_owned(), rule.location().to_owned()));
        let CallRecord { call, action, resource, decision, code, outcome, took, explanation, .. } = record;
        format!("{call} {action} {resource} {decision:?} {code} {rule:?} {outcome:?} {took:?} {explanation:?}")
    });
    told.collect()
}

fn attempt(resource: &str) -> Attempt<'_> {
    Attempt { kind: Kind::File, action: ActionName::Read, resource, code: Code::Ambiguous }
}

const ROOMY: &str = r#"
schema = 1
id = "m"
agents = ["a"]
[[allow]]
id = "both"
crypto = "-"
actions = ["hash", "random"]
"#;

#[tokio::test]
async fn a_replay_gives_the_same_results_and_records_and_reaches_no_host() {
    let (guard, kept, _life) = recording(ROOMY);
    let live = [
        guard.call(&Host, Hash(1)).await,
        guard.call(&Host, Hash(2)).await,
        guard.call(&Host, Random).await,
        guard.call(&Failing(HostError::Failed(Code::Io)), Hash(3)).await,
        guard.call(&Failing(HostError::Denied(Code::PrivateAddress)), Hash(3)).await,
        guard.call(&Failing(HostError::Limit(Code::CallDeadline)), Hash(3)).await,
        guard.call(&Failing(HostError::Failed(Code::Io)), Read("/m/a".into())).await,
        Err(guard.refuse(attempt("/m/../x"))),
        Err(guard.refuse_database("crm", "crm: SELECT \u{202e}1")),
        guard.call(&Host, Hash(1)).await,
    ];
    let again = replay(ROOMY, kept.crossings());
    let given = [
        again.call(&Nobody, Hash(1)).await,
        again.call(&Nobody, Hash(2)).await,
        again.call(&Nobody, Random).await,
        again.call(&Nobody, Hash(3)).await,
        again.call(&Nobody, Hash(3)).await,
        again.call(&Nobody, Hash(3)).await,
        again.call(&Nobody, Read("/m/a".into())).await,
        Err(again.refuse(attempt("/m/../x"))),
        Err(again.refuse_database("crm", "crm: SELECT \u{202e}1")),
        again.call(&Nobody, Hash(1)).await,
    ];
    assert_eq!(given, live);
    assert_eq!(told(&again.records()), told(&guard.records()));
    assert_eq!(again.refusal(), guard.refusal());
    assert_eq!(again.meter().calls_used(), 10);
    assert_eq!((again.crossings().divergence(), again.crossings().left(Lane::Call)), (None, 0));
    assert!(again.differences().is_empty() && again.stray().is_none());
}

#[tokio::test]
async fn a_journal_tells_what_the_calls_were() {
    let (guard, kept, _life) = recording(ROOMY);
    guard.call(&Host, Hash(1)).await.unwrap();
    guard.call(&Failing(HostError::Failed(Code::Io)), Random).await.unwrap_err();
    guard.call(&Host, Hash(9)).await.unwrap();
    guard.refuse(attempt("/m/../\n"));
    let calls = kept.calls();
    let told = calls.iter().map(|call| {
        let rule = call.rule.as_ref().map(|rule| format!("{} {}", rule.id, rule.location));
        (call.call, call.action.to_string(), call.resource.as_str(), call.code, rule, call.outcome, call.bytes)
    });
    let rule = Some("both m.toml:5".to_owned());
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (Some(1), "crypto.hash".into(), "-", Code::Allowed, rule.clone(), Some(Outcome::Done), 1),
            (Some(2), "crypto.random".into(), "-", Code::Allowed, rule.clone(), Some(Outcome::Failed(Code::Io)), 0),
            (Some(3), "crypto.hash".into(), "-", Code::Allowed, rule, Some(Outcome::Done), 1),
            (Some(4), "file.read".into(), "/m/../\\u{a}", Code::Ambiguous, None, None, 0),
        ]
    );
    assert!(calls[1].explanation.as_deref().is_some_and(|why| why.contains("on fire")));
    for (crossing, lane) in kept.crossings().into_iter().zip(Lane::ALL) {
        for length in 0..crossing.given.len() {
            let given = crossing.given[..length].to_vec();
            assert_eq!(PastCall::read(&Crossing { given, ..crossing.clone() }), None);
        }
        assert_eq!(PastCall::read(&Crossing { lane, ..crossing }).is_some(), lane == Lane::Call);
    }
}

#[tokio::test]
async fn what_was_not_asked_for_is_a_divergence_at_its_place() {
    let (guard, kept, _life) = recording(ROOMY);
    for n in [1, 2, 3] {
        guard.call(&Host, Hash(n)).await.unwrap();
    }
    let diverged = Err(CallError::Stopped(StopCause::Diverged));
    let at = |place, is_over| Some(Divergence { lane: Lane::Call, place, is_over });

    // Another argument.
    let again = replay(ROOMY, kept.crossings());
    again.call(&Nobody, Hash(1)).await.unwrap();
    assert_eq!(again.call(&Nobody, Hash(9)).await, diverged);
    assert_eq!(again.crossings().divergence(), at(1, false));
    let stray = again.stray().unwrap();
    assert_eq!((stray.action.to_string().as_str(), stray.resource.as_str()), ("crypto.hash", "-"));

    // Another order: the second had been asked for when the first had ended.
    let again = replay(ROOMY, kept.crossings());
    assert_eq!(again.call(&Nobody, Hash(2)).await, diverged);
    assert_eq!(again.crossings().divergence(), at(0, false));

    // A call left out.
    let again = replay(ROOMY, kept.crossings());
    again.call(&Nobody, Hash(1)).await.unwrap();
    assert_eq!(again.call(&Nobody, Hash(3)).await, diverged);
    assert_eq!(again.crossings().divergence(), at(1, false));

    // One call more.
    let again = replay(ROOMY, kept.crossings());
    for n in [1, 2, 3] {
        again.call(&Nobody, Hash(n)).await.unwrap();
    }
    assert_eq!(again.call(&Nobody, Hash(3)).await, diverged);
    assert_eq!(again.crossings().divergence(), at(3, true));

    // One that does not form an action, and one with another code.
    let again = replay(ROOMY, kept.crossings());
    assert_eq!(again.refuse(attempt("/x")), CallError::Stopped(StopCause::Diverged));
    assert_eq!(again.stray().map(|stray| stray.resource.clone()).as_deref(), Some("/x"));
}

#[tokio::test]
async fn calls_that_were_under_way_together_may_end_in_another_order() {
    let (guard, kept, _life) = recording(ROOMY);
    let (first, second) = tokio::join!(guard.call(&Late, Hash(1)), guard.call(&Host, Hash(2)));
    assert_eq!((first, second), (Ok(1), Ok(2)));
    assert_eq!(kept.calls().iter().map(|call| call.call).collect::<Vec<_>>(), [Some(2), Some(1)]);
    let again = replay(ROOMY, kept.crossings());
    assert_eq!(again.call(&Nobody, Hash(1)).await, Ok(1));
    assert_eq!(again.call(&Nobody, Hash(2)).await, Ok(2));
    assert_eq!(told(&again.records()), told(&guard.records()));
    assert_eq!(again.crossings().divergence(), None);
}

/// Answers after others did.
struct Late;

impl Perform<Hash> for Late {
    async fn perform(&self, permit: Permit<'_, Hash>) -> Result<u8, HostError> {
        tokio::task::yield_now().await;
        Ok(permit.action().0)
    }
}

#[tokio::test]
async fn a_call_that_was_given_up_stays_without_an_end() {
    let (guard, kept, _life) = recording(ROOMY);
    let given_up = tokio::time::timeout(Duration::ZERO, guard.call(&Stuck, Hash(1))).await;
    assert!(given_up.is_err());
    guard.call(&Host, Hash(2)).await.unwrap();
    assert_eq!(kept.calls()[0].outcome, Some(Outcome::Abandoned));
    let again = replay(ROOMY, kept.crossings());
    assert!(tokio::time::timeout(Duration::ZERO, again.call(&Nobody, Hash(1))).await.is_err());
    assert_eq!(again.call(&Nobody, Hash(2)).await, Ok(2));
    assert!(told(&again.records())[0].contains("Abandoned"));
    assert_eq!(again.crossings().divergence(), None);
}

#[tokio::test]
async fn the_end_of_a_run_is_given_back_too() {
    let (guard, kept, _life) = recording(HASH_AND_RANDOM);
    for n in [1, 2, 3] {
        guard.call(&Host, Hash(n)).await.unwrap();
    }
    let over = Err(CallError::Stopped(StopCause::Budget(Budget::HostCalls)));
    assert_eq!(guard.call(&Host, Hash(4)).await, over);
    assert_eq!(kept.calls()[3].call, None);
    assert_eq!(kept.calls()[3].code, Code::HostCalls);
    let again = replay(HASH_AND_RANDOM, kept.crossings());
    for n in [1, 2, 3] {
        again.call(&Nobody, Hash(n)).await.unwrap();
    }
    assert_eq!(again.call(&Nobody, Hash(4)).await, over);
    assert_eq!(again.meter().stopped(), Some(StopCause::Budget(Budget::HostCalls)));
    assert_eq!(told(&again.records()), told(&guard.records()));

    let (guard, kept, life) = recording(ROOMY);
    life.revoker().revoke();
    let revoked = Err(CallError::Stopped(StopCause::Revoked));
    assert_eq!(guard.call(&Host, Hash(1)).await, revoked);
    let again = replay(ROOMY, kept.crossings());
    assert_eq!(again.call(&Nobody, Hash(1)).await, revoked);
    assert_eq!(again.meter().stopped(), Some(StopCause::Revoked));
}

#[tokio::test]
async fn a_replay_needs_no_authority_and_takes_no_time() {
    let (log, _memory) = AuditLog::in_memory().unwrap();
    let (guard, clock) = guard_on(log, ROOMY, Life::until(Timestamp(1000)));
    let kept = Kept::default();
    let guard = guard.journal(Crossings::recording(Box::new(kept.clone())));
    clock.set(999);
    guard.call(&Host, Hash(1)).await.unwrap();
    clock.set(1000);
    let expired = guard.call(&Host, Hash(1)).await;
    assert_eq!(expired.map_err(CallError::code), Err(Code::TokenExpired));
    assert_eq!(kept.calls()[0].at, Timestamp(999));
    // Its grant allows nothing.
    let again = replay("schema = 1\nid = \"m\"\nagents = [\"a\"]\n", kept.crossings());
    assert_eq!(again.call(&Nobody, Hash(1)).await, Ok(1));
    assert_eq!(again.call(&Nobody, Hash(1)).await, expired);
}

#[tokio::test]
async fn another_grant_tells_what_it_would_decide() {
    let (guard, kept, _life) = recording(ROOMY);
    guard.call(&Host, Hash(1)).await.unwrap();
    guard.call(&Host, Random).await.unwrap();
    guard.call(&Nobody, Read("/m/a".into())).await.unwrap_err();
    guard.refuse(attempt("/m/../x"));
    let mut again = replay(ROOMY, kept.crossings());
    let reading = "schema = 1\nid = \"m\"\nagents = [\"a\"]\nmounts.m = \".\"\n[[allow]]\nid = \"r\"\nfile = \"m/**\"\n\
        actions = [\"read\"]\n[[allow]]\nid = \"h\"\ncrypto = \"-\"\nactions = [\"hash\"]\n";
    again = again.compare_with(grant(reading));
    // It goes on with what was recorded.
    assert_eq!(again.call(&Nobody, Hash(1)).await, Ok(1));
    assert_eq!(again.call(&Nobody, Random).await, Ok(4));
    assert!(again.call(&Nobody, Read("/m/a".into())).await.is_err());
    again.refuse(attempt("/m/../x"));
    let differences = again.differences();
    let told = differences.iter().map(|difference| {
        let rule = difference.would_be.rule.as_ref().map(|rule| rule.id.as_str());
        let decisions = (difference.was.decision, difference.would_be.decision);
        (difference.call, difference.action.to_string(), &*difference.resource, decisions, rule)
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (2, "crypto.random".into(), "-", (Decision::Allow, Decision::Deny), None),
            (3, "file.read".into(), "/m/a", (Decision::Deny, Decision::Allow), Some("r")),
        ]
    );
}

#[tokio::test]
async fn a_damaged_journal_is_a_divergence_and_no_panic() {
    let (guard, kept, _life) = recording(HASH_ONLY);
    guard.call(&Host, Hash(1)).await.unwrap();
    let [crossing] = kept.crossings().try_into().unwrap();
    for length in 0..crossing.given.len() {
        let given = crossing.given[..length].to_vec();
        let again = replay(HASH_ONLY, vec![Crossing { given, ..crossing.clone() }]);
        let given = tokio::time::timeout(Duration::ZERO, again.call(&Nobody, Hash(1))).await;
        // A single byte may say that it was given up.
        assert!(matches!(given, Ok(Err(CallError::Stopped(StopCause::Diverged))) | Err(_)), "{length}");
    }
    for at in 0..crossing.given.len() {
        let mut given = crossing.given.clone();
        given[at] ^= 0xff;
        let again = replay(HASH_ONLY, vec![Crossing { given, ..crossing.clone() }]);
        let _ = tokio::time::timeout(Duration::ZERO, again.call(&Nobody, Hash(1))).await;
    }
}

#[tokio::test]
async fn a_full_journal_lets_the_run_go_on() {
    struct Full;

    impl Sink for Full {
        fn take(&mut self, _crossing: Crossing) -> Result<(), SinkError> {
            Err(SinkError::Full)
        }

        fn end(self: Box<Self>, _end: &End) -> Result<ContentDigest, SinkError> {
            Err(SinkError::Io)
        }
    }

    let (log, _memory) = AuditLog::in_memory().unwrap();
    let (guard, _clock) = guard_on(log, ROOMY, Life::until(Timestamp(1000)));
    let guard = guard.journal(Crossings::recording(Box::new(Full)));
    assert_eq!(guard.call(&Host, Hash(1)).await, Ok(1));
    assert_eq!(guard.call(&Host, Hash(2)).await, Ok(2));
    assert_eq!(guard.crossings().cut(), Some(SinkError::Full));
}

/// What the host does at the end, which is no call of the guest's.
struct Apply;

impl Action for Apply {
    const NAME: ActionName = ActionName::Write;
    const EFFECT: Effect = Effect::World;
    const COUNTED: bool = false;
    type Output = ();

    fn resource(&self) -> Resource {
        Resource::File(GuestPath::parse("/m/a").unwrap())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("apply");
    }
}

impl Perform<Apply> for Host {
    async fn perform(&self, _permit: Permit<'_, Apply>) -> Result<(), HostError> {
        Ok(())
    }
}

#[tokio::test]
async fn what_the_host_does_by_itself_is_neither_recorded_nor_replayed() {
    let writing = "schema = 1\nid = \"m\"\nagents = [\"a\"]\nmounts.m = \".\"\n[[allow]]\nid = \"w\"\nfile = \"m/**\"\n\
        actions = [\"write\"]\n";
    let (guard, kept, _life) = recording(writing);
    guard.call(&Host, Apply).await.unwrap();
    assert!(kept.crossings().is_empty());
    let again = replay(writing, Vec::new());
    assert_eq!(again.call(&Nobody, Apply).await, Err(CallError::Failed(Code::Internal)));
    assert_eq!(again.crossings().divergence(), None);
}
