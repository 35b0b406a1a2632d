//! What a component can import: WASI preview 2, and the interfaces of `bailiwick:host`.
//!
//! [`add_to_linker`] links exactly [`CATALOGUE`]. Whatever can touch the world goes through the run's [`Door`]; from
//! `wasmtime-wasi` come only standard streams and exit, with a context that inherits nothing.
//! Sockets are absent: they are not refused, they do not exist.
//!
//! [`Door`]: crate::run::Door

mod error;
mod host;
mod wasi;

#[cfg(test)]
mod tests;

use wasmtime::component::Linker;

use crate::load::Interface;
use crate::run::RunState;

pub(crate) use error::{BadCall, trap};
pub(crate) use wasi::{Outgoing, wasi_ctx};

/// Every interface that a component may import. Its functions are those that the linker has.
pub(crate) const CATALOGUE: &[Interface] = &[
    Interface::linked("bailiwick:host/crypto@0.1.0"),
    Interface::linked("bailiwick:host/extension@0.1.0"),
    Interface::linked("bailiwick:host/fetch@0.1.0"),
    Interface::linked("bailiwick:host/files@0.1.0"),
    Interface::linked("bailiwick:host/kv@0.1.0"),
    Interface::linked("bailiwick:host/script@0.1.0"),
    Interface::linked("bailiwick:host/secrets@0.1.0"),
    Interface::linked("bailiwick:host/session@0.1.0"),
    Interface::linked("bailiwick:host/sql@0.1.0"),
    Interface::linked("bailiwick:host/tools@0.1.0"),
    Interface::linked("bailiwick:host/types@0.1.0"),
    Interface::linked("wasi:cli/environment@0.2"),
    Interface::linked("wasi:cli/exit@0.2"),
    Interface::linked("wasi:cli/stderr@0.2"),
    Interface::linked("wasi:cli/stdin@0.2"),
    Interface::linked("wasi:cli/stdout@0.2"),
    Interface::linked("wasi:cli/terminal-input@0.2"),
    Interface::linked("wasi:cli/terminal-output@0.2"),
    Interface::linked("wasi:cli/terminal-stderr@0.2"),
    Interface::linked("wasi:cli/terminal-stdin@0.2"),
    Interface::linked("wasi:cli/terminal-stdout@0.2"),
    Interface::linked("wasi:clocks/monotonic-clock@0.2"),
    Interface::linked("wasi:clocks/wall-clock@0.2"),
    Interface::linked("wasi:filesystem/preopens@0.2"),
    Interface::linked("wasi:filesystem/types@0.2"),
    Interface::linked("wasi:http/outgoing-handler@0.2"),
    Interface::linked("wasi:http/types@0.2"),
    Interface::linked("wasi:io/error@0.2"),
    Interface::linked("wasi:io/poll@0.2"),
    Interface::linked("wasi:io/streams@0.2"),
    Interface::linked("wasi:keyvalue/atomics@0.2.0-draft2"),
    Interface::linked("wasi:keyvalue/batch@0.2.0-draft2"),
    Interface::linked("wasi:keyvalue/store@0.2.0-draft2"),
    Interface::linked("wasi:random/insecure-seed@0.2"),
    Interface::linked("wasi:random/insecure@0.2"),
    Interface::linked("wasi:random/random@0.2"),
];

/// Links every interface of [`CATALOGUE`], and nothing else.
///
/// # Errors
/// When two of them collide, which is a defect of ours.
pub(crate) fn add_to_linker(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    wasi::add_to_linker(linker)?;
    host::add_to_linker(linker)
}
