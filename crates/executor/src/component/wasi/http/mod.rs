//! `wasi:http` for requests that a guest sends. What is sent is the action behind `bailiwick:host/fetch`.
//!
//! A request is asked for when its body is finished; one without a body at once. Nothing runs beside the guest: the call is
//! driven while the guest waits for it or asks for it, so that it ends with the run.
//!
//! | WASI | what happens |
//! |---|---|
//! | `outgoing-handler.handle` | a `fetch` of the method on the URL, decided and recorded |
//! | the body that comes in | read piece by piece, under the rule's terms: see [`bailiwick_host::fetch::open`] |
//! | the body that goes out | kept until it is finished, at most [`MAX_OUTGOING`] bytes of all bodies of the run |
//! | trailers | none come in; some that go out fail with `HTTP-request-trailer-section-size` |
//! | `first-byte-timeout`, `between-bytes-timeout` | kept within the rule's; `connect-timeout` is not supported |
//! | incoming requests, outgoing responses | do not exist: a guest is no server |
//!
//! Bindings of our own, not `wasmtime-wasi-http`'s: through its hook a call could fail, but not end the run, and it brings
//! a server.

mod body;
mod error;
mod exchange;
mod fields;
mod request;
mod response;

use std::sync::Arc;

use wasmtime::component::{HasData, Linker, ResourceTable};

use crate::component::BadCall;
use crate::run::{Door, RunState};

pub(crate) use self::body::Outgoing;
pub(super) use self::generated::wasi::http::types::ErrorCode;
use self::generated::wasi::http::{outgoing_handler, types};

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "
            package bailiwick:imports;
            world http {
                import wasi:http/types@0.2.12;
                import wasi:http/outgoing-handler@0.2.12;
            }
        ",
        world: "bailiwick:imports/http",
        imports: { default: trappable },
        require_store_data_send: true,
        trappable_error_type: {
            "wasi:http/types.error-code" => super::error::HttpError,
            "wasi:http/types.header-error" => super::error::FieldError,
        },
        with: {
            "wasi:io": wasmtime_wasi_io::bindings::wasi::io,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:http/types.fields": super::fields::Fields,
            "wasi:http/types.future-incoming-response": super::exchange::Exchange,
            "wasi:http/types.future-trailers": super::response::Trailers,
            "wasi:http/types.incoming-body": super::response::IncomingBody,
            "wasi:http/types.incoming-response": super::response::IncomingResponse,
            "wasi:http/types.outgoing-body": super::body::OutgoingBody,
            "wasi:http/types.outgoing-request": super::request::OutgoingRequest,
            "wasi:http/types.request-options": super::request::RequestOptions,
        },
    });
}

/// Most bytes of the bodies that a run is sending, all together.
const MAX_OUTGOING: usize = 32 << 20;

/// What `wasi:http` is linked with: the way out, and the guest's handles.
pub(super) struct Http<'a> {
    door: Door,
    outgoing: Arc<Outgoing>,
    table: &'a mut ResourceTable,
}

/// Names [`Http`] for the linker.
struct HasHttp;

impl HasData for HasHttp {
    type Data<'a> = Http<'a>;
}

impl Http<'_> {
    fn of(state: &mut RunState) -> Http<'_> {
        Http { door: state.door(), outgoing: state.outgoing(), table: state.table() }
    }
}

pub(super) fn add_to_linker(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, HasHttp>(linker, &types::LinkOptions::default(), Http::of)?;
    outgoing_handler::add_to_linker::<_, HasHttp>(linker, Http::of)
}

/// A guest cannot get what it calls here.
fn absent<T>() -> wasmtime::Result<T> {
    Err(BadCall("a part of `wasi:http` that only servers have").into())
}
