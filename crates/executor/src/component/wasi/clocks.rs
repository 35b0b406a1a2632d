//! `wasi:clocks`: both clocks of the run, and what becomes ready with time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use crate::component::trap;
use crate::run::{RunState, Told};

/// What `wasi:clocks` is linked with.
pub(super) struct Clocks<'a> {
    told: Arc<Told>,
    table: &'a mut ResourceTable,
}

/// Names [`Clocks`] for the linker.
pub(super) struct HasClocks;

impl HasData for HasClocks {
    type Data<'a> = Clocks<'a>;
}

/// A point in time that somebody may wait for.
struct Timer {
    told: Arc<Told>,
    due: Due,
}

enum Due {
    /// Now, after others had their turn: programs ask so whether something else is ready.
    Now {
        yielded: bool,
    },
    At(Instant),
    /// Further away than any run lasts.
    Never,
}

impl Clocks<'_> {
    pub(super) fn of(state: &mut RunState) -> Clocks<'_> {
        Clocks { told: state.told(), table: state.table() }
    }

    fn steady(&self) -> wasmtime::Result<u64> {
        let now = self.told.steady().map_err(trap)?;
        Ok(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
    }

    fn timer(&mut self, nanos: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let due = match Instant::now().checked_add(Duration::from_nanos(nanos)) {
            _ if nanos == 0 => Due::Now { yielded: false },
            Some(at) => Due::At(at),
            None => Due::Never,
        };
        let timer = self.table.push(Timer { told: Arc::clone(&self.told), due })?;
        subscribe(self.table, timer)
    }
}

impl wall_clock::Host for Clocks<'_> {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let now = self.told.wall().map_err(trap)?;
        Ok(wall_clock::Datetime { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1 })
    }
}

impl monotonic_clock::Host for Clocks<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.steady()
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let now = self.steady()?;
        self.timer(when.saturating_sub(now))
    }

    fn subscribe_duration(&mut self, nanos: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.timer(nanos)
    }
}

#[async_trait]
impl Pollable for Timer {
    async fn ready(&mut self) {
        self.told.until_shown().await;
        if self.told.is_replay() {
            return;
        }
        match &mut self.due {
            Due::Now { yielded: true } => {}
            Due::Now { yielded } => {
                *yielded = true;
                tokio::task::yield_now().await;
            }
            Due::At(at) => tokio::time::sleep_until(*at).await,
            Due::Never => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::tests::World;

    #[tokio::test]
    async fn times_are_those_of_the_run() {
        use monotonic_clock::Host as _;
        let world = World::new(serde_json::Value::Null, &[]);
        let mut state = world.state();
        let mut clocks = Clocks::of(&mut state);
        let (first, second) = (clocks.now().unwrap(), clocks.now().unwrap());
        assert!(first <= second);
        assert!(wall_clock::Host::now(&mut clocks).unwrap().seconds > 1_700_000_000);
    }
}
