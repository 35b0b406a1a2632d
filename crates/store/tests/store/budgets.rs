//! Budgets: against a slow model, across processes, crashes and clocks that are set back.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bailiwick_guard::Timestamp;
use bailiwick_guard::budgets::{
    Ask, Budgets, Counter, Demand, MemoryBudgets, Refusal, Reservation, Settlement, Taken, What,
};

use super::*;

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.0.unpark();
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

pub(super) fn reserve(budgets: &dyn Budgets, demands: &[Demand], now: u64) -> Result<Reservation, Refusal> {
    wait(budgets.reserve(demands, Timestamp(now)))
}

pub(super) fn counter(rule: &str, what: What) -> Counter {
    Counter { agent: "bot".into(), manifest: "m".into(), rule: rule.into(), what }
}

fn part(rule: &str, amount: u64, max: u64, window: u64) -> Demand {
    let ask = Ask::Part { amount, max, window: Duration::from_millis(window) };
    Demand { counter: counter(rule, What::Sum("amount".into())), ask }
}

pub(super) const START: u64 = NOW * 1000;

/// What a random process does.
#[derive(Clone, Debug)]
enum Op {
    /// This much of these rules' budgets, all or nothing, after this time; a clock may go back.
    Reserve { process: usize, rules: Vec<usize>, amount: u64, later: i64 },
    /// Of the reservations so far, that one ends so; or once more, if it did already.
    Settle { process: usize, which: usize, used: bool },
    /// The process is killed, and another opens the database.
    Crash { process: usize },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let reserve = (0..3_usize, prop::sample::subsequence(vec![0, 1, 2], 1..=3), 0..6_u64, -400..1500_i64)
        .prop_map(|(process, rules, amount, later)| Op::Reserve { process, rules, amount, later });
    let settle =
        (0..3_usize, 0..12_usize, any::<bool>()).prop_map(|(process, which, used)| Op::Settle { process, which, used });
    let crash = (0..3_usize).prop_map(|process| Op::Crash { process });
    prop::collection::vec(prop_oneof![8 => reserve, 4 => settle, 1 => crash], 1..40)
}

/// Of each rule: max, and window in milliseconds.
const RULES: [(u64, u64); 3] = [(10, 1000), (7, 2500), (12, 100)];

/// Every event by itself: time, amount, and whether it was given back.
#[derive(Default)]
struct Model {
    events: Vec<(usize, u64, u64, bool)>,
    latest: HashMap<usize, u64>,
}

impl Model {
    fn now(&self, rule: usize, now: u64) -> u64 {
        self.latest.get(&rule).copied().unwrap_or(0).max(now)
    }

    /// What was taken of a rule and not given back, after that time.
    fn taken(&self, rule: usize, after: u64) -> u64 {
        self.events.iter().filter(|event| event.0 == rule && !event.3 && event.1 > after).map(|event| event.2).sum()
    }
}

/// The same operations on several handles, which share what is counted.
fn play(ops: &[Op], mut handles: Vec<Box<dyn Budgets>>, open: impl Fn() -> Option<Box<dyn Budgets>>) -> Vec<bool> {
    let mut model = Model::default();
    let mut made: Vec<(Vec<Taken>, Vec<usize>, bool)> = Vec::new();
    let mut now = START;
    let mut answers = Vec::new();
    for op in ops {
        match op {
            Op::Crash { process } => {
                if let Some(fresh) = open() {
                    handles[*process] = fresh;
                }
            }
            Op::Reserve { process, rules, amount, later } => {
                now = now.saturating_add_signed(*later);
                let demands: Vec<Demand> = rules
                    .iter()
                    .map(|rule| part(&format!("r{rule}"), *amount, RULES[*rule].0, RULES[*rule].1))
                    .collect();
                let answer = reserve(&*handles[*process], &demands, now);
                answers.push(answer.is_ok());
                match answer {
                    Ok(reservation) => {
                        assert!(reservation.wait.is_zero());
                        let mut events = Vec::new();
                        for rule in rules {
                            let then = model.now(*rule, now);
                            events.push(model.events.len());
                            model.events.push((*rule, then, *amount, false));
                            // A slice of the window is the most that a time is rounded.
                            model.latest.insert(*rule, then - then % (RULES[*rule].1 / 100));
                            let taken = model.taken(*rule, then.saturating_sub(RULES[*rule].1));
                            assert!(taken <= RULES[*rule].0, "rule {rule}: {taken} in one window");
                        }
                        made.push((reservation.taken, events, false));
                    }
                    Err(Refusal::Full { demand, full }) => {
                        let rule = rules[demand];
                        let (max, window) = RULES[rule];
                        // What left the window more than a slice ago is free.
                        let after = model.now(rule, now).saturating_sub(window + 2 * (window / 100));
                        let taken = model.taken(rule, after);
                        assert!(taken + amount > max, "rule {rule} refuses {amount} beside {taken}");
                        assert!(full.left < *amount && full.frees.is_some_and(|frees| frees.0 > now));
                    }
                    Err(unavailable) => panic!("{unavailable}"),
                }
            }
            Op::Settle { process, which, used } => {
                let Some((taken, events, settled)) = made.get_mut(*which) else { continue };
                let end = if *used { Settlement::Used } else { Settlement::Released };
                // Only the first counts.
                if !std::mem::replace(settled, true) {
                    handles[*process].settle(taken.clone(), end);
                    // What is settled is written behind what was asked before; other processes see it then.
                    let _ = reserve(&*handles[*process], &[], now);
                    for event in events.iter().filter(|_| !used) {
                        model.events[*event].3 = true;
                    }
                }
            }
        }
    }
    answers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Never more than there is, in no window; nothing is refused that fits; and memory and database say the same.
    #[test]
    fn random_processes_never_exceed_a_budget_together(ops in ops()) {
        let folder = tempfile::tempdir().unwrap();
        let fresh = || Box::new(open(folder.path())) as Box<dyn Budgets>;
        let durable = play(&ops, vec![fresh(), fresh(), fresh()], || Some(fresh()));
        let memory = Arc::new(MemoryBudgets::new());
        struct Shared(Arc<MemoryBudgets>);
        impl Budgets for Shared {
            fn reserve<'a>(&'a self, demands: &'a [Demand], now: Timestamp) -> bailiwick_guard::budgets::Reserving<'a> {
                self.0.reserve(demands, now)
            }
            fn settle(&self, taken: Vec<Taken>, end: Settlement) {
                self.0.settle(taken, end);
            }
        }
        let handles = (0..3).map(|_| Box::new(Shared(memory.clone())) as Box<dyn Budgets>).collect();
        prop_assert_eq!(durable, play(&ops, handles, || None));
    }
}

/// Another rule's call, at a time that is then taken back, makes nobody forget what still counts.
#[test]
fn a_clock_that_was_ahead_and_is_set_back_frees_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    reserve(&store, &[part("r", 3, 7, 2_500)], START).unwrap();
    reserve(&store, &[part("other", 0, 7, 2_500)], START + 10_000).unwrap();
    assert!(reserve(&store, &[part("r", 5, 7, 2_500)], START + 1).is_err());
    assert!(reserve(&store, &[part("r", 4, 7, 2_500)], START + 1).is_ok());
}

#[test]
fn of_many_at_once_as_many_succeed_as_fit_also_across_stores() {
    let folder = tempfile::tempdir().unwrap();
    let stores = [open(folder.path()), open(folder.path())];
    let barrier = Barrier::new(64);
    let granted: usize = std::thread::scope(|scope| {
        let attempt = |n: usize| {
            let (store, barrier) = (&stores[n % 2], &barrier);
            scope.spawn(move || {
                barrier.wait();
                usize::from(reserve(store, &[part("r", 7, 100, 60_000)], START).is_ok())
            })
        };
        let attempts: Vec<_> = (0..64).map(attempt).collect();
        attempts.into_iter().map(|attempt| attempt.join().unwrap()).sum()
    });
    assert_eq!(granted, 14);
}

#[test]
fn what_was_reserved_stays_taken_after_a_crash_and_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let used = reserve(&store, &[part("r", 4, 10, 60_000)], START).unwrap();
    let released = reserve(&store, &[part("r", 1, 10, 60_000)], START).unwrap();
    store.settle(used.taken.clone(), Settlement::Used);
    store.settle(released.taken.clone(), Settlement::Released);
    // Once more, and what was never taken: nothing goes below zero.
    store.settle(released.taken, Settlement::Released);
    store.settle(vec![Taken { amount: 99, ..used.taken[0].clone() }], Settlement::Released);
    reserve(&store, &[part("r", 5, 10, 60_000)], START + 1).unwrap();
    drop(store);
    let store = open(folder.path());
    let tallies = store.budgets_of("bot", Timestamp(START + 2)).unwrap();
    assert_eq!(tallies.len(), 1);
    assert_eq!((tallies[0].used, tallies[0].reserved, tallies[0].max), (4, 5, 10));
    assert_eq!(tallies[0].counter, counter("r", What::Sum("amount".into())));
    assert_eq!(store.budgets_of("other", Timestamp(START)).unwrap(), []);
    match reserve(&store, &[part("r", 2, 10, 60_000)], START + 2) {
        Err(Refusal::Full { demand: 0, full }) => {
            assert_eq!((full.left, full.frees), (1, Some(Timestamp(START + 60_600))));
        }
        other => panic!("{other:?}"),
    }
    assert!(reserve(&store, &[part("r", 2, 10, 60_000)], START - 10_000_000).is_err(), "a clock that is set back");
    reserve(&store, &[part("r", 10, 10, 60_000)], START + 60_600).unwrap();
}

#[test]
fn all_or_nothing_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let both = |amount| [part("wide", amount, 100, 1000), part("narrow", amount, 10, 1000)];
    reserve(&store, &both(8), START).unwrap();
    assert!(matches!(reserve(&store, &both(3), START), Err(Refusal::Full { demand: 1, .. })));
    let tallies = store.budgets_of("bot", Timestamp(START)).unwrap();
    assert_eq!(tallies.iter().map(|tally| tally.reserved).collect::<Vec<_>>(), [8, 8]);
}

#[test]
fn turns_come_one_after_the_other_also_across_stores_and_clocks() {
    let folder = tempfile::tempdir().unwrap();
    let stores = [open(folder.path()), open(folder.path())];
    let ask = Ask::Turn { spacing: Duration::from_millis(300), patience: Duration::from_secs(1) };
    let demand = [Demand { counter: counter("r", What::Rate), ask }];
    let turn =
        |n: usize, now: u64| reserve(&stores[n % 2], &demand, now).map(|reservation| reservation.wait.as_millis());
    assert_eq!((0..4).map(|n| turn(n, START).unwrap()).collect::<Vec<_>>(), [0, 300, 600, 900]);
    assert!(matches!(turn(0, START), Err(Refusal::Full { .. })), "not before 1.2 s");
    assert!(turn(0, START - 1000).is_err(), "a clock that is set back");
    assert_eq!(turn(1, START + 200).unwrap(), 1000);
    assert_eq!(turn(0, START + 10_000).unwrap(), 0);
}

#[test]
fn an_edited_manifest_keeps_what_was_used() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    reserve(&store, &[part("r", 8, 10, 60_000)], START).unwrap();
    assert!(reserve(&store, &[part("r", 3, 10, 60_000)], START).is_err());
    reserve(&store, &[part("r", 3, 11, 60_000)], START).unwrap();
    assert!(reserve(&store, &[part("r", 1, 5, 3_600_000)], START + 59_000).is_err());
    reserve(&store, &[part("other", 10, 10, 60_000)], START).unwrap();
}

#[test]
fn what_nobody_needs_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for n in 0..40 {
        reserve(&store, &[part(&format!("r{n}"), 1, 10, 1000)], START).unwrap();
    }
    // An hour after they count no more.
    for second in 0..200 {
        reserve(&store, &[part("busy", 0, 10, 1000)], START + 3_602_000 + second * 50).unwrap();
    }
    drop(store);
    let database = Connection::open(folder.path().join("state.db")).unwrap();
    let count = |table: &str| -> i64 {
        database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count("budget_counters"), 1);
    assert!(count("budget_slices") <= 102, "{}", count("budget_slices"));
}

#[test]
fn a_database_that_cannot_be_written_allows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    reserve(&store, &[part("r", 1, 10, 1000)], START).unwrap();
    fs::set_permissions(folder.path().join("state.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let refused = reserve(&store, &[part("r", 1, 10, 1000)], START);
    assert!(matches!(refused, Err(Refusal::Unavailable(_))), "{refused:?}");
}

#[test]
fn a_database_of_an_earlier_version_gets_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).register(agent("bot")).unwrap();
    let database = Connection::open(folder.path().join("state.db")).unwrap();
    database.execute_batch("DROP TABLE budget_slices; DROP TABLE budget_counters; PRAGMA user_version = 1;").unwrap();
    drop(database);
    let store = open(folder.path());
    assert!(store.agent(&name("bot")).unwrap().is_some());
    reserve(&store, &[part("r", 1, 10, 1000)], START).unwrap();
}
