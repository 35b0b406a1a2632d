//! The interfaces of `bailiwick:host`: from WIT to [`ops`](crate::ops) and back.

mod crypto;
mod fetch;
mod files;
mod session;

use std::sync::Arc;

use bailiwick_guard::CallError;
use wasmtime::component::{HasData, Linker};

use self::generated::bailiwick::host as wit;
use self::generated::bailiwick::host::types::Error;
use super::error::trap;
use crate::run::{Door, GuestIo, RunState};

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "guest",
        imports: {
            "bailiwick:host/session": trappable,
            default: async | trappable,
        },
        trappable_error_type: {
            "bailiwick:host/types.error" => bailiwick_guard::CallError,
        },
    });
}

/// What `bailiwick:host` is linked with. It does not borrow the store, so that a call under way holds nothing of it.
struct HostView {
    door: Door,
    io: Arc<GuestIo>,
}

/// Names [`HostView`] for the linker.
struct HasHost;

impl HasData for HasHost {
    type Data<'a> = HostView;
}

impl HostView {
    fn of(state: &mut RunState) -> HostView {
        HostView { door: state.door(), io: state.io() }
    }
}

pub(super) fn add_to_linker(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    wit::types::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::session::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::files::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::crypto::add_to_linker::<_, HasHost>(linker, HostView::of)?;
    wit::fetch::add_to_linker::<_, HasHost>(linker, HostView::of)
}

impl wit::types::Host for HostView {
    fn convert_error(&mut self, error: CallError) -> wasmtime::Result<Error> {
        let code = error.code().as_str().to_owned();
        match error {
            CallError::Denied(_) => Ok(Error::Denied(code)),
            CallError::Failed(_) => Ok(Error::Failed(code)),
            CallError::Limit(_) => Ok(Error::Limit(code)),
            CallError::Stopped(cause) => Err(trap(cause)),
        }
    }
}
