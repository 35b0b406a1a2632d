//! Windows of calls that wait for their turn: none is ever fuller than its rule says.

use bailiwick_guard::budgets::{Ask, Budgets, Demand, MemoryBudgets, What};

use super::budgets::{START, counter, reserve};
use super::*;

/// So many calls in so many milliseconds.
const CALLS: (u64, u64) = (3, 2000);

/// A call: so long after the one before it, and under one of three ceilings, two of which make calls wait. One that another rule
/// allows takes a turn, and is not counted.
#[derive(Clone, Copy, Debug)]
struct Call {
    later: u64,
    ceiling: usize,
    other: bool,
}

/// Between two calls, in microseconds. One of them is no whole number of milliseconds.
const SPACINGS: [Option<u64>; 3] = [None, Some(1_700_000), Some(333_333)];

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = (prop_oneof![4 => Just(0), 2 => 1..300_u64, 1 => 300..4000_u64], 0..SPACINGS.len(), any::<bool>());
    prop::collection::vec(call.prop_map(|(later, ceiling, other)| Call { later, ceiling, other }), 1..60)
}

/// When each call is made, in microseconds, that is admitted; and which are.
fn play(calls: &[Call], budgets: &dyn Budgets) -> (Vec<u64>, Vec<bool>) {
    let (mut now, mut made, mut admitted) = (START, Vec::new(), Vec::new());
    for Call { later, ceiling, other } in calls {
        now += later;
        let mut demands = if *other { Vec::new() } else { vec![one_of_calls()] };
        if let Some(spacing) = SPACINGS[*ceiling] {
            let ask = Ask::Turn { spacing: Duration::from_micros(spacing), patience: Duration::from_secs(30) };
            demands.push(Demand { counter: counter(&format!("ceiling{ceiling}"), What::Rate), ask });
        }
        let reserved = reserve(budgets, &demands, now);
        admitted.push(reserved.is_ok());
        if let Ok(reserved) = reserved
            && !other
        {
            made.push(now * 1000 + u64::try_from(reserved.wait.as_micros()).unwrap());
        }
    }
    made.sort_unstable();
    (made, admitted)
}

fn no_window_is_too_full(made: &[u64]) {
    let too_many = usize::try_from(CALLS.0).unwrap() + 1;
    for window in made.windows(too_many) {
        let time = window[too_many - 1] - window[0];
        assert!(time >= CALLS.1 * 1000, "{too_many} calls within {time} µs: {window:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_window_has_more_calls_than_its_rule_says(calls in calls()) {
        no_window_is_too_full(&play(&calls, &MemoryBudgets::new()).0);
    }

    /// Calls that do not wait, and come late enough, are admitted.
    #[test]
    fn a_window_that_was_left_is_empty(calls in calls()) {
        let calls: Vec<Call> = calls.into_iter().map(|call| Call { ceiling: 0, other: false, ..call }).collect();
        let (_, admitted) = play(&calls, &MemoryBudgets::new());
        for (call, admitted) in calls.iter().zip(admitted) {
            prop_assert!(admitted || call.later < CALLS.1 + CALLS.1 / 50, "{:?}", call);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_database_says_what_memory_says(calls in calls()) {
        let folder = tempfile::tempdir().unwrap();
        let durable = play(&calls, &open(folder.path()));
        no_window_is_too_full(&durable.0);
        prop_assert_eq!(durable, play(&calls, &MemoryBudgets::new()));
    }
}

#[test]
fn what_is_booked_ahead_does_not_push_out_what_was_just_made() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [Box<dyn Budgets>; 2] = [Box::new(open(folder.path())), Box::new(MemoryBudgets::new())];
    for budgets in stores {
        let call = |ceiling, other, later| Call { later, ceiling, other };
        // Three at once; then one that waits longer than a window, because another rule's calls are before it; then one more.
        let calls = [call(0, false, 0), call(0, false, 0), call(0, false, 0), call(1, true, 0), call(1, true, 0)];
        let (made, admitted) = play(&[&calls[..], &[call(1, false, 0), call(0, false, 1)]].concat(), &*budgets);
        assert_eq!(admitted, [true, true, true, true, true, true, false]);
        assert_eq!(made, [0, 0, 0, 3_400_000].map(|at| START * 1000 + at));
        // The first three have left the window, and the one that waits counts.
        let at = START + CALLS.1 + 100;
        let admitted = [0, 1, 2].map(|later| reserve(&*budgets, &[one_of_calls()], at + later).is_ok());
        assert_eq!(admitted, [true, true, false]);
    }
}

fn one_of_calls() -> Demand {
    let ask = Ask::Part { amount: 1, max: CALLS.0, window: Duration::from_millis(CALLS.1) };
    Demand { counter: counter("calls", What::Calls), ask }
}
