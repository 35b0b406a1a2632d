//! What a guest's store holds, and the only things that glue code may do with it.

use std::sync::Arc;

use bailiwick_guard::{Attempt, CallError, Guard};
use bailiwick_host::Host;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::limiter::MemoryLimiter;
use super::output::Output;
use super::told::Told;
use crate::component::{Outgoing, wasi_ctx};
use crate::core_abi::{Bodies, Pending};

/// Handles that a guest may hold, of all kinds.
const MAX_RESOURCES: usize = 1000;

/// The state of one run's store. Its fields are private: glue reaches the world through [`RunState::door`] alone.
pub(crate) struct RunState {
    door: Door,
    io: Arc<GuestIo>,
    limiter: MemoryLimiter,
    /// Made when a component first asks for it; bare modules never do.
    wasi: Option<WasiCtx>,
    table: ResourceTable,
    outgoing: Arc<Outgoing>,
    bodies: Arc<Bodies>,
    pending: Pending,
}

/// The way out of the sandbox: every verb goes through the guard. Cheap to clone, so that an asynchronous host function
/// does not hold the store.
#[derive(Clone)]
pub(crate) struct Door {
    guard: Arc<Guard>,
    host: Arc<Host>,
    told: Arc<Told>,
}

/// What a guest is given and what it gives back, without the world being touched.
pub(crate) struct GuestIo {
    /// JSON text.
    pub(crate) input: String,
    pub(crate) args: Vec<String>,
    /// Whether there is a `/tmp` in memory.
    pub(crate) has_tmp: bool,
    pub(crate) output: Output,
}

impl RunState {
    pub(crate) fn new(door: Door, io: Arc<GuestIo>, limiter: MemoryLimiter) -> RunState {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let (outgoing, bodies) = (Arc::default(), Arc::default());
        RunState { door, io, limiter, wasi: None, table, outgoing, bodies, pending: Pending::default() }
    }

    pub(crate) fn door(&self) -> Door {
        self.door.clone()
    }

    pub(crate) fn io(&self) -> Arc<GuestIo> {
        Arc::clone(&self.io)
    }

    /// What the guest learns without a call.
    pub(crate) fn told(&self) -> Arc<Told> {
        Arc::clone(&self.door.told)
    }

    pub(crate) fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    /// What a bare module has opened.
    pub(crate) fn bodies(&self) -> Arc<Bodies> {
        Arc::clone(&self.bodies)
    }

    /// What the guest is about to send.
    pub(crate) fn outgoing(&self) -> Arc<Outgoing> {
        Arc::clone(&self.outgoing)
    }

    pub(crate) fn limiter(&mut self) -> &mut MemoryLimiter {
        &mut self.limiter
    }

    /// The reply that a bare module has not taken yet.
    pub(crate) fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }
}

impl Door {
    pub(crate) fn new(guard: Arc<Guard>, host: Arc<Host>, told: Arc<Told>) -> Door {
        Door { guard, host, told }
    }

    /// Records and refuses what does not form an action.
    pub(crate) fn refuse(&self, attempt: Attempt<'_>) -> CallError {
        self.guard.refuse(attempt)
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn told(&self) -> &Arc<Told> {
        &self.told
    }
}

impl WasiView for RunState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.wasi.get_or_insert_with(|| wasi_ctx(&self.io));
        WasiCtxView { ctx, table: &mut self.table }
    }
}
