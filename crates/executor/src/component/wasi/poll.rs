//! `wasi:io/poll`: which of several things is ready, kept in the run's journal, or as it was.

use std::sync::Arc;

use bailiwick_guard::StopCause;
use bailiwick_guard::journal::Asked;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi_io::bindings::wasi::io::poll::{Host, HostPollable};

use crate::component::trap;
use crate::run::{RunState, Told};

/// What `wasi:io/poll` is linked with.
pub(super) struct Polling<'a> {
    told: Arc<Told>,
    table: &'a mut ResourceTable,
}

/// Names [`Polling`] for the linker.
pub(super) struct HasPolling;

impl HasData for HasPolling {
    type Data<'a> = Polling<'a>;
}

type Handle = Resource<DynPollable>;

impl Polling<'_> {
    pub(super) fn of(state: &mut RunState) -> Polling<'_> {
        Polling { told: state.told(), table: state.table() }
    }

    /// Looks at something, as the recorded run did, that was not ready then.
    async fn look_at_unready(&mut self, pollable: u32) -> wasmtime::Result<()> {
        self.told.hold(true);
        let looked = self.table.ready(Resource::new_borrow(pollable)).await;
        self.told.hold(false);
        looked.map(drop)
    }
}

impl Host for Polling<'_> {
    async fn poll(&mut self, pollables: Vec<Handle>) -> wasmtime::Result<Vec<u32>> {
        for pollable in &pollables {
            self.table.get(pollable)?;
        }
        let handles: Vec<u32> = pollables.iter().map(Resource::rep).collect();
        if handles.is_empty() || !self.told.is_replay() {
            let ready = self.table.poll(pollables).await?;
            return self.told.now(|| asked("poll", &handles), || ready).map_err(trap);
        }
        let ready: Vec<u32> = self.told.now(|| asked("poll", &handles), Vec::new).map_err(trap)?;
        // What was ready comes first: the calls that were under way in the rest had not ended by then.
        for at in &ready {
            let handle = usize::try_from(*at).ok().and_then(|at| handles.get(at));
            let Some(handle) = handle else { return Err(trap(StopCause::Diverged)) };
            self.table.block(Resource::new_borrow(*handle)).await?;
        }
        let was_ready = |at: &usize| u32::try_from(*at).is_ok_and(|at| ready.contains(&at));
        for (_, handle) in handles.iter().enumerate().filter(|(at, _)| !was_ready(at)) {
            self.look_at_unready(*handle).await?;
        }
        Ok(ready)
    }
}

impl HostPollable for Polling<'_> {
    async fn block(&mut self, pollable: Handle) -> wasmtime::Result<()> {
        let handle = pollable.rep();
        self.table.get(&pollable)?;
        let (told, table) = (&self.told, &mut *self.table);
        if told.is_replay() {
            told.ready(|| asked("block", &[handle]), std::future::pending::<()>()).await.map_err(trap)?;
            return table.block(pollable).await;
        }
        let mut blocked = Ok(());
        told.ready(|| asked("block", &[handle]), async { blocked = table.block(pollable).await })
            .await
            .map_err(trap)?;
        blocked
    }

    async fn ready(&mut self, pollable: Handle) -> wasmtime::Result<bool> {
        let handle = pollable.rep();
        self.table.get(&pollable)?;
        if !self.told.is_replay() {
            let is_ready = self.table.ready(pollable).await?;
            return self.told.now(|| asked("ready", &[handle]), || is_ready).map_err(trap);
        }
        let was_ready = self.told.now(|| asked("ready", &[handle]), || false).map_err(trap)?;
        if was_ready {
            self.table.block(pollable).await?;
        } else {
            self.look_at_unready(handle).await?;
        }
        Ok(was_ready)
    }

    fn drop(&mut self, pollable: Handle) -> wasmtime::Result<()> {
        HostPollable::drop(self.table, pollable)
    }
}

fn asked(what: &str, handles: &[u32]) -> Asked {
    let handles: Vec<u8> = handles.iter().flat_map(|handle| handle.to_le_bytes()).collect();
    Asked::of(&[what.as_bytes(), &handles])
}
