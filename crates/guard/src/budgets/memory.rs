//! Budgets in the memory of a process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{
    Ask, Budgets, Counter, Demand, GRACE, Refusal, Reservation, Reserving, Settlement, Slice, Taken, admit, next_turn,
    then, wait,
};
use crate::Timestamp;

/// Counters that are looked through for what nobody needs any more.
const SWEEP_AT: usize = 1024;

/// Budgets that hold for all runs that share this, and are forgotten with it: what is used of `per = "24h"` is unknown to the
/// next process. Whoever runs guests in several processes, or wants a restart to free nothing, uses a store.
#[derive(Default)]
pub struct MemoryBudgets {
    tallies: Mutex<HashMap<Counter, Tally>>,
}

#[derive(Default)]
struct Tally {
    /// By where they start.
    slices: BTreeMap<u64, Slice>,
    window: Duration,
    /// When the next turn is, in microseconds since the Unix epoch.
    turn: u64,
}

impl MemoryBudgets {
    pub fn new() -> MemoryBudgets {
        MemoryBudgets::default()
    }

    /// As [`Budgets::reserve`], at once.
    pub(super) fn take(&self, demands: &[Demand], now: Timestamp) -> Result<Reservation, Refusal> {
        let mut tallies = self.tallies();
        if tallies.len() >= SWEEP_AT && demands.iter().any(|demand| !tallies.contains_key(&demand.counter)) {
            let long_ago = Timestamp(now.0.saturating_sub(GRACE));
            tallies.retain(|_, tally| tally.is_needed(long_ago));
        }
        let turn_of = |counter: &Counter| tallies.get(counter).map_or(0, |tally| tally.turn);
        let wait = wait(demands, turn_of, now)?;
        // Calls count from the moment at which they are made.
        let then = then(now, wait);
        let mut taken = Vec::new();
        for (at, demand) in demands.iter().enumerate() {
            let Ask::Part { amount, max, window } = demand.ask else { continue };
            let slices: Vec<Slice> =
                tallies.get(&demand.counter).map(|tally| tally.slices.values().copied().collect()).unwrap_or_default();
            let slice = admit(&slices, amount, max, window, then).map_err(|full| Refusal::Full { demand: at, full })?;
            taken.push((Taken { counter: demand.counter.clone(), slice: slice.start, amount }, slice, window));
        }
        for (taken, slice, window) in &taken {
            let tally = tallies.entry(taken.counter.clone()).or_default();
            tally.window = *window;
            tally.slices.retain(|_, old| old.counts(now, *window));
            let booked = tally.slices.entry(slice.start).or_insert(*slice);
            booked.end = booked.end.max(slice.end);
            booked.reserved = booked.reserved.saturating_add(taken.amount);
        }
        for demand in demands {
            if let Ask::Turn { spacing, .. } = demand.ask {
                tallies.entry(demand.counter.clone()).or_default().turn = next_turn(now, wait, spacing);
            }
        }
        Ok(Reservation { taken: taken.into_iter().map(|(taken, ..)| taken).collect(), wait })
    }

    fn tallies(&self) -> MutexGuard<'_, HashMap<Counter, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Budgets for MemoryBudgets {
    fn reserve<'a>(&'a self, demands: &'a [Demand], now: Timestamp) -> Reserving<'a> {
        Box::pin(std::future::ready(self.take(demands, now)))
    }

    fn settle(&self, taken: Vec<Taken>, end: Settlement) {
        let mut tallies = self.tallies();
        for Taken { counter, slice, amount } in taken {
            let slice = tallies.get_mut(&counter).and_then(|tally| tally.slices.get_mut(&slice));
            // One that has left the window is gone, and one that was settled has nothing to give.
            let Some(slice) = slice.filter(|slice| slice.reserved >= amount) else { continue };
            slice.reserved -= amount;
            if end == Settlement::Used {
                slice.used = slice.used.saturating_add(amount);
            }
        }
    }
}

impl Tally {
    fn is_needed(&self, now: Timestamp) -> bool {
        self.turn / 1000 >= now.0 || self.slices.values().any(|slice| slice.counts(now, self.window))
    }
}
