//! The clock that interrupts guests: a thread that advances the engine's epoch while any run is live, and otherwise waits
//! without waking.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::EngineWeak;

/// The time between two epochs. A guest that loops is seen at most this late, plus one basic block.
pub(crate) const PERIOD: Duration = Duration::from_millis(5);

/// A handle on the clock's thread, which ends when the last handle is dropped.
#[derive(Clone)]
pub(crate) struct Ticker {
    stop: Arc<StopOnDrop>,
}

impl Ticker {
    pub(crate) fn start(engine: &wasmtime::Engine) -> std::io::Result<Ticker> {
        let shared = Arc::new(Shared { state: Mutex::new(State { live: 0, stopped: false }), changed: Condvar::new() });
        let (engine, theirs) = (engine.weak(), Arc::clone(&shared));
        std::thread::Builder::new().name("bailiwick-epoch".into()).spawn(move || tick(&engine, &theirs))?;
        Ok(Ticker { stop: Arc::new(StopOnDrop(shared)) })
    }

    pub(crate) fn live(&self) -> Ticking {
        self.stop.0.update(|state| state.live += 1);
        Ticking { shared: Arc::clone(&self.stop.0) }
    }
}

/// Held by a run; while one exists, epochs advance.
#[must_use = "the clock stands still once this is dropped"]
pub struct Ticking {
    shared: Arc<Shared>,
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.shared.update(|state| state.live = state.live.saturating_sub(1));
    }
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    live: usize,
    stopped: bool,
}

impl Shared {
    fn update(&self, change: impl FnOnce(&mut State)) {
        // A poisoned lock only means that another thread panicked; the two numbers are still consistent.
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }
}

struct StopOnDrop(Arc<Shared>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.update(|state| state.stopped = true);
    }
}

fn tick(engine: &EngineWeak, shared: &Shared) {
    let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        state = shared
            .changed
            .wait_while(state, |state| state.live == 0 && !state.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        // Wakes early only to stop: new and ending runs must not make epochs shorter than the period.
        let (guard, _) = shared
            .changed
            .wait_timeout_while(state, PERIOD, |state| !state.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        state = guard;
        if state.stopped {
            return;
        }
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spinning() -> (wasmtime::Engine, wasmtime::Store<()>, wasmtime::Instance) {
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true);
        let engine = wasmtime::Engine::new(&config).unwrap();
        let binary = wat::parse_str(r#"(module (func (export "run") (loop (br 0))))"#).unwrap();
        let module = wasmtime::Module::new(&engine, binary).unwrap();
        let mut store = wasmtime::Store::new(&engine, ());
        store.set_epoch_deadline(2);
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
        (engine, store, instance)
    }

    #[test]
    fn a_live_run_is_interrupted() {
        let (engine, mut store, instance) = spinning();
        let ticker = Ticker::start(&engine).unwrap();
        let _live = ticker.live();
        let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
        let error = run.call(&mut store, ()).unwrap_err();
        assert_eq!(error.downcast_ref::<wasmtime::Trap>(), Some(&wasmtime::Trap::Interrupt));
    }

    #[test]
    fn the_thread_ends_with_the_last_handle() {
        let (engine, ..) = spinning();
        let ticker = Ticker::start(&engine).unwrap();
        let live = ticker.live();
        let shared = Arc::downgrade(&live.shared);
        drop(live);
        drop(ticker);
        // The thread's own handle is the last one; joining by waiting for it to go.
        while shared.upgrade().is_some() {
            std::thread::yield_now();
        }
    }
}
