//! What is used once.

use super::*;

fn small(folder: &Path, capacity: u64) -> Store {
    let options = StoreOptions { capacity: NonZeroU64::new(capacity).unwrap(), ..StoreOptions::default() };
    Store::open(folder, options).unwrap().0
}

#[test]
fn of_a_hundred_at_once_one_succeeds_also_across_stores_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let stores = [open(folder.path()), open(folder.path()), open(folder.path())];
    for round in 0..5 {
        let barrier = Barrier::new(100);
        let granted: usize = std::thread::scope(|scope| {
            let attempt = |n: usize| {
                let (store, barrier) = (&stores[n % 3], &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    usize::from(store.use_once(id(round), NOW + 60, NOW).is_ok())
                })
            };
            let attempts: Vec<_> = (0..100).map(attempt).collect();
            attempts.into_iter().map(|attempt| attempt.join().unwrap()).sum()
        });
        assert_eq!(granted, 1);
    }
    drop(stores);
    let store = open(folder.path());
    for round in 0..5 {
        assert_eq!(store.use_once(id(round), NOW + 60, NOW + 59), Err(ReplayError::Used));
    }
}

#[test]
fn a_flood_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = small(folder.path(), 100);
    store.use_once(id(0), NOW + 60, NOW).unwrap();
    let flood = |from: usize| {
        std::thread::scope(|scope| {
            let attempt = |n| (n..n + 50).filter(|n| store.use_once(id(*n), NOW + 60, NOW).is_ok()).count();
            let parts: Vec<_> = (0..20).map(|part| scope.spawn(move || attempt(from + part * 50))).collect();
            parts.into_iter().map(|part| part.join().unwrap()).sum::<usize>()
        })
    };
    assert_eq!((flood(1), flood(10_000)), (99, 0));
    assert_eq!(store.use_once(id(0), NOW + 60, NOW), Err(ReplayError::Used));
    drop(store);
    let store = small(folder.path(), 100);
    assert_eq!(store.use_once(id(0), NOW + 60, NOW), Err(ReplayError::Used));
    assert_eq!(store.use_once(id(20_000), NOW + 60, NOW + 59), Err(ReplayError::Full));
    store.use_once(id(20_000), NOW + 120, NOW + 60).unwrap();
    let rows: i64 = Connection::open(folder.path().join("state.db"))
        .unwrap()
        .query_row("SELECT count(*) FROM uses", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 1, "what expired is gone");
}

#[test]
fn what_is_over_stays_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert_eq!(store.use_once(id(1), NOW, NOW), Err(ReplayError::Over));
    store.use_once(id(1), NOW + 10, NOW).unwrap();
    store.use_once(id(2), NOW + 100, NOW + 10).unwrap();
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.use_once(id(1), NOW + 10, NOW), Err(ReplayError::Over), "the clock was set back");
    assert_eq!(store.use_once(id(2), NOW + 100, NOW), Err(ReplayError::Used));
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { busy: Duration::from_millis(50), ..StoreOptions::default() };
    let store = Store::open(folder.path(), options).unwrap().0;
    let other = Connection::open(folder.path().join("state.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(store.use_once(id(1), NOW + 60, NOW), Err(ReplayError::Unavailable));
    other.execute_batch("ROLLBACK").unwrap();
    store.use_once(id(1), NOW + 60, NOW).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is asked in whatever order, restarts included: the durable store answers as the one in memory does.
    #[test]
    fn it_answers_as_the_one_in_memory(
        asked in prop::collection::vec((0..6_usize, 0..30_u64, 0..30_u64, prop::bool::weighted(0.1)), 1..40)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let memory = bailiwick_identity::MemoryReplayStore::new(std::num::NonZeroUsize::new(4).unwrap());
        let mut store = small(folder.path(), 4);
        let mut latest = 0;
        for (n, until, now, restart) in asked {
            // A refusal as full tells the one in memory the time, and the durable one nothing: clocks go forward here.
            latest = now.max(latest);
            if restart {
                drop(store);
                store = small(folder.path(), 4);
            }
            prop_assert_eq!(store.use_once(id(n), until, latest), memory.use_once(id(n), until, latest));
        }
    }
}
