//! Budgets at the door: what is taken, given back and kept, and what a refusal says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bailiwick_guard::budgets::{Budgets, Demand, Refusal, Reserving, Settlement, Taken};
use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::{
    Action, AuditLog, CallError, Effect, Guard, HostError, Life, MemoryBudgets, Outcome, Perform, Permit, Timestamp,
};
use bailiwick_policy::{ActionName, Arguments, Code, CustomKind, CustomResource, Decision, Resource, ToolName};

use crate::support::actions::{Brief, Hash, Host};
use crate::support::{SetClock, entries, guard, guard_on};

fn hashing(limits: &str) -> String {
    format!(
        "schema = 1\nid = \"m\"\nagents = [\"a\"]\n[[allow]]\nid = \"hash\"\ncrypto = \"-\"\nactions = [\"hash\"]\nlimits = {{ {limits} }}\n"
    )
}

const PAYING: &str = "schema = 1\nid = \"m\"\nagents = [\"a\"]\ntools.bank.command = [\"bank\"]\n[[allow]]\nid = \"pay\"\n\
    tool = \"bank/pay\"\nargs = { amount = { max = 5000 } }\nlimits = { sum = { arg = \"amount\", max = 20000, per = \"24h\" } }\n";

struct Pay(u64);

impl Action for Pay {
    const NAME: ActionName = ActionName::Call;
    const EFFECT: Effect = Effect::World;
    type Output = ();

    fn resource(&self) -> Resource {
        Resource::Tool(ToolName::parse("bank/pay").unwrap())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("pay");
    }

    fn arguments(&self) -> Arguments {
        Arguments::parse(&format!("{{\"amount\": {}}}", self.0)).unwrap()
    }
}

/// Ends every payment so.
struct Bank(Result<(), HostError>);

impl Perform<Pay> for Bank {
    async fn perform(&self, _permit: Permit<'_, Pay>) -> Result<(), HostError> {
        self.0
    }
}

/// Never answers.
struct Stuck;

impl<A: Action> Perform<A> for Stuck {
    async fn perform(&self, _permit: Permit<'_, A>) -> Result<A::Output, HostError> {
        std::future::pending().await
    }
}

fn shared(manifest: &str, budgets: &Arc<MemoryBudgets>) -> (Guard, Arc<SetClock>) {
    let (log, _memory) = AuditLog::in_memory().unwrap();
    let (guard, clock) = guard_on(log, manifest, Life::until(Timestamp(u64::MAX)));
    let budgets: Arc<dyn Budgets> = budgets.clone();
    (guard.budgets(budgets), clock)
}

#[tokio::test]
async fn calls_are_counted_in_a_window_that_slides() {
    let (log, memory) = AuditLog::in_memory().unwrap();
    let (guard, clock) = guard_on(log.clone(), &hashing("calls = \"2/min\""), Life::until(Timestamp(u64::MAX)));
    for at in [0, 30_000] {
        clock.set(at);
        guard.call(&Host, Hash(0)).await.unwrap();
    }
    clock.set(59_999);
    let refused = guard.call(&Untouchable, Hash(0)).await.unwrap_err();
    assert_eq!(refused, CallError::Limit(Code::RuleCalls));
    let record = guard.records().pop().unwrap();
    assert_eq!((record.decision, record.code, record.outcome), (Decision::Deny, Code::RuleCalls, None));
    assert_eq!(record.rule.as_ref().map(|rule| rule.id()), Some("hash"));
    let explanation = record.explanation.unwrap();
    for part in [
        "denied: crypto.hash -  [limit.rule_calls]",
        "rule `hash`, m.toml:4, allows it within calls 2/min: 0 calls are left",
        "fits again at 1970-01-01T00:01:00.600Z",
    ] {
        assert!(explanation.contains(part), "{part}\n{explanation}");
    }
    let (kind, _, decision, code) = entries(&log, &memory).await.pop().unwrap();
    assert_eq!((kind.as_str(), decision.as_str(), code.as_str()), ("intent", "deny", "limit.rule_calls"));
    clock.set(60_600);
    guard.call(&Host, Hash(0)).await.unwrap();
    assert_eq!(guard.call(&Host, Hash(0)).await.unwrap_err().code(), Code::RuleCalls);
    // A clock that is set back frees nothing.
    clock.set(0);
    assert_eq!(guard.call(&Host, Hash(0)).await.unwrap_err().code(), Code::RuleCalls);
}

struct Untouchable;

impl<A: Action> Perform<A> for Untouchable {
    async fn perform(&self, _permit: Permit<'_, A>) -> Result<A::Output, HostError> {
        panic!("no effect without budget")
    }
}

#[tokio::test]
async fn calls_of_one_run_are_not_those_of_another() {
    let budgets = Arc::new(MemoryBudgets::new());
    for _ in 0..2 {
        let (guard, _) = shared(&hashing("calls = 2"), &budgets);
        for _ in 0..2 {
            guard.call(&Host, Hash(0)).await.unwrap();
        }
        let refused = guard.call(&Untouchable, Hash(0)).await.unwrap_err();
        assert_eq!(refused, CallError::Limit(Code::RuleCalls));
        let explanation = guard.records().pop().unwrap().explanation.unwrap();
        assert!(explanation.contains("nothing is free again in this run"), "{explanation}");
    }
}

#[tokio::test]
async fn sums_are_of_all_runs_that_share_them() {
    let budgets = Arc::new(MemoryBudgets::new());
    let (first, _) = shared(PAYING, &budgets);
    let (second, clock) = shared(PAYING, &budgets);
    for guard in [&first, &second, &first] {
        guard.call(&Bank(Ok(())), Pay(5000)).await.unwrap();
    }
    second.call(&Bank(Ok(())), Pay(4000)).await.unwrap();
    let refused = second.call(&Untouchable, Pay(1001)).await.unwrap_err();
    assert_eq!(refused, CallError::Limit(Code::RuleSum));
    let explanation = second.records().pop().unwrap().explanation.unwrap();
    assert!(explanation.contains("`amount` is 1001, and 1000 is left"), "{explanation}");
    first.call(&Bank(Ok(())), Pay(1000)).await.unwrap();
    assert_eq!(first.call(&Untouchable, Pay(1)).await.unwrap_err().code(), Code::RuleSum);
    first.call(&Bank(Ok(())), Pay(0)).await.unwrap();
    clock.set(24 * 3_600_000 + 864_000);
    second.call(&Bank(Ok(())), Pay(5000)).await.unwrap();
}

#[tokio::test]
async fn what_did_not_happen_is_given_back_and_what_nobody_knows_is_kept() {
    for (end, kept) in [
        (HostError::Denied(Code::PrivateAddress), false),
        (HostError::Denied(Code::ToolUnaccepted), false),
        (HostError::Failed(Code::ConnectFailed), false),
        (HostError::Failed(Code::DnsFailed), false),
        (HostError::Limit(Code::RequestBytes), false),
        (HostError::Failed(Code::HttpFailed), true),
        (HostError::Failed(Code::TlsFailed), true),
        (HostError::Failed(Code::ToolServer), true),
        (HostError::Limit(Code::ResponseBytes), true),
        (HostError::Limit(Code::CallDeadline), true),
    ] {
        let budgets = Arc::new(MemoryBudgets::new());
        let (guard, _) = shared(PAYING, &budgets);
        for _ in 0..4 {
            guard.call(&Bank(Err(end)), Pay(5000)).await.unwrap_err();
        }
        let next = guard.call(&Bank(Ok(())), Pay(1)).await;
        assert_eq!(next.is_err(), kept, "{end}: {next:?}");
    }
}

const MAIL: CustomKind = CustomKind::new("x-mail");

/// Of a kind that an embedder added.
struct Send;

impl Action for Send {
    const NAME: ActionName = ActionName::Send;
    const EFFECT: Effect = Effect::World;
    type Output = ();

    fn resource(&self) -> Resource {
        Resource::Custom(CustomResource::parse(MAIL, "team/alice").unwrap())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("send");
    }
}

impl Perform<Send> for Bank {
    async fn perform(&self, _permit: Permit<'_, Send>) -> Result<(), HostError> {
        self.0
    }
}

#[tokio::test]
async fn what_an_embedder_says_did_not_happen_is_given_back_too() {
    let manifest = "schema = 1\nid = \"m\"\nagents = [\"a\"]\n[[allow]]\nid = \"mail\"\nx-mail = \"team/*\"\n\
        actions = [\"send\"]\nlimits = { calls = \"1/h\" }\n";
    for (end, kept) in [
        (HostError::Failed(Code::ConnectFailed), false),
        (HostError::Failed(Code::DnsFailed), false),
        (HostError::Failed(Code::NoKey), false),
        (HostError::Failed(Code::NoSecret), false),
        (HostError::Failed(Code::Io), true),
        (HostError::Failed(Code::Internal), true),
        (HostError::Limit(Code::CallDeadline), true),
    ] {
        let (guard, _) = shared(manifest, &Arc::new(MemoryBudgets::new()));
        guard.call(&Bank(Err(end)), Send).await.unwrap_err();
        let next = guard.call(&Bank(Ok(())), Send).await;
        assert_eq!(next.is_err(), kept, "{end}: {next:?}");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_or_late_keeps_what_it_took() {
    let budgets = Arc::new(MemoryBudgets::new());
    let (guard, _) = shared(PAYING, &budgets);
    for _ in 0..4 {
        let call = guard.call(&Stuck, Pay(5000));
        let mut call = std::pin::pin!(call);
        // Until the effect is under way; then the run ends.
        while guard.records().last().is_none_or(|record| record.outcome != Some(Outcome::Abandoned)) {
            assert!(look(call.as_mut()).await.is_none());
        }
        for _ in 0..100 {
            assert!(look(call.as_mut()).await.is_none());
        }
    }
    assert_eq!(guard.call(&Bank(Ok(())), Pay(1)).await.unwrap_err().code(), Code::RuleSum);
    let (guard, _) = shared(&hashing("calls = \"1/h\""), &budgets);
    assert_eq!(guard.call(&Stuck, Brief).await.unwrap_err().code(), Code::CallDeadline);
    assert_eq!(guard.call(&Host, Hash(0)).await.unwrap_err().code(), Code::RuleCalls);
}

/// One look at a future, and a turn for everybody else.
async fn look<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let found = std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context))).await;
    tokio::task::yield_now().await;
    match found {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

/// Has patience for a millisecond.
struct Quick;

impl Action for Quick {
    const NAME: ActionName = ActionName::Hash;
    const EFFECT: Effect = Effect::Pure;
    type Output = ();

    fn resource(&self) -> Resource {
        Resource::Keyless
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("quick");
    }

    fn deadline(&self) -> Duration {
        Duration::from_millis(1)
    }
}

impl Perform<Quick> for Host {
    async fn perform(&self, _permit: Permit<'_, Quick>) -> Result<(), HostError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_call_waits_for_its_turn_and_not_too_long() {
    let (log, _memory) = AuditLog::in_memory().unwrap();
    let (guard, clock) = guard_on(log, &hashing("rate = \"5000/s\""), Life::until(Timestamp(u64::MAX)));
    let began = std::time::Instant::now();
    // The guard's clock stands still, so that all come at once: turns after 0, 0.2, 0.4, 0.6, 0.8 and 1 ms, and then none.
    for _ in 0..6 {
        guard.call(&Host, Quick).await.unwrap();
    }
    assert!(began.elapsed() >= Duration::from_millis(3), "each waited by itself");
    assert_eq!(guard.call(&Untouchable, Quick).await.unwrap_err(), CallError::Limit(Code::RuleRate));
    let explanation = guard.records().pop().unwrap().explanation.unwrap();
    assert!(explanation.contains("its turn comes later than the call can wait"), "{explanation}");
    clock.set(1);
    guard.call(&Host, Quick).await.unwrap();
}

/// Counts what is asked of it, and knows nothing.
#[derive(Default)]
struct Broken(AtomicUsize);

impl Budgets for Broken {
    fn reserve<'a>(&'a self, _demands: &'a [Demand], _now: Timestamp) -> Reserving<'a> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Err(Refusal::Unavailable("the disk is gone".into())) })
    }

    fn settle(&self, _taken: Vec<Taken>, _end: Settlement) {}
}

#[tokio::test]
async fn budgets_that_cannot_be_read_allow_nothing_and_rules_without_them_do_not_ask() {
    let broken = Arc::new(Broken::default());
    let (asking, _log, _memory) = guard(&hashing("calls = \"5/h\""));
    let asking = asking.budgets(broken.clone());
    let refused = asking.call(&Untouchable, Hash(0)).await.unwrap_err();
    assert!(matches!(refused, CallError::Denied(denied) if denied.code() == Code::BudgetsUnavailable), "{refused:?}");
    assert_eq!(asking.records()[0].code, Code::BudgetsUnavailable);
    for limits in ["calls = 5", "timeout = 1"] {
        let text = if limits == "calls = 5" { hashing(limits) } else { crate::support::HASH_ONLY.to_owned() };
        let (guard, _log, _memory) = guard(&text);
        guard.budgets(broken.clone()).call(&Host, Hash(0)).await.unwrap();
    }
    assert_eq!(broken.0.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_at_once_do_not_exceed_it_together() {
    let budgets = Arc::new(MemoryBudgets::new());
    let performed = Arc::new(AtomicUsize::new(0));
    struct Counting(Arc<AtomicUsize>);
    impl Perform<Pay> for Counting {
        async fn perform(&self, permit: Permit<'_, Pay>) -> Result<(), HostError> {
            self.0.fetch_add(usize::try_from(permit.action().0).unwrap(), Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(())
        }
    }
    let runs: Vec<_> = (0..8)
        .map(|_| {
            let (guard, _) = shared(PAYING, &budgets);
            let (guard, host) = (Arc::new(guard), Arc::new(Counting(performed.clone())));
            tokio::spawn(async move {
                let mut calls = tokio::task::JoinSet::new();
                for _ in 0..20 {
                    let (guard, host) = (guard.clone(), host.clone());
                    calls.spawn(async move { guard.call(&*host, Pay(700)).await.is_ok() });
                }
                calls.join_all().await.into_iter().filter(|allowed| *allowed).count()
            })
        })
        .collect();
    let mut allowed = 0;
    for run in runs {
        allowed += run.await.unwrap();
    }
    assert_eq!((allowed, performed.load(Ordering::SeqCst)), (28, 28 * 700), "20000 / 700");
}
