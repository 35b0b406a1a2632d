//! How long a durable use takes, alone and in company, and how soon a revocation by another process is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a bench may panic"
)]

#[path = "../../../benches/floor.rs"]
mod floor;

use std::sync::Barrier;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use bailiwick_identity::{Basis, JtiHash, Registrar, ReplayStore, Revocable};
use bailiwick_store::{Store, StoreOptions};

const NOW: u64 = 1_800_000_000;

fn id(n: usize) -> JtiHash {
    JtiHash::of("https://id.example", &n.to_string())
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Store::open(folder.path(), StoreOptions::default()).unwrap().0;
    let (store, elsewhere) = (open(), open());
    let nanoseconds = |since: Instant| since.elapsed().as_nanos() as f64;

    let alone = (0..200).map(|n| {
        let began = Instant::now();
        store.use_once(id(n), NOW + 60, NOW).unwrap();
        nanoseconds(began)
    });
    floor::report("one durable use", alone.collect());

    let together = (1..20).map(|round| {
        let barrier = Barrier::new(101);
        std::thread::scope(|scope| {
            for n in 0..100 {
                let (store, barrier) = (&store, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    store.use_once(id(round * 1000 + n), NOW + 60, NOW).unwrap();
                });
            }
            barrier.wait();
            Instant::now()
        })
    });
    floor::report("100 durable uses at once, all of them", together.map(nanoseconds).collect());

    let basis = |n| Basis { token: id(n), agent: None, key: None, task: None };
    let began = Instant::now();
    for _ in 0..10_000 {
        assert!(store.withdrawn(&basis(0), NOW).unwrap().is_none());
    }
    floor::report("asking whether a basis still holds", vec![nanoseconds(began) / 10_000.0]);

    let told = (100_000..100_100).map(|n| {
        let (tell, told) = channel();
        let watched = store.watch(basis(n), Box::new(move |_| tell.send(Instant::now()).unwrap())).unwrap();
        std::thread::sleep(Duration::from_millis(15));
        elsewhere.revoke(Revocable::Token(id(n)), None, NOW).unwrap();
        let committed = Instant::now();
        let at = told.recv().unwrap();
        drop(watched);
        at.saturating_duration_since(committed).as_nanos() as f64
    });
    floor::report("P11 a revocation elsewhere: told after its commit", told.collect());
}
