//! WASI preview 2.

mod clocks;
mod context;
mod filesystem;
mod http;
mod io_error;
mod keyvalue;
mod poll;
mod random;

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::p2::bindings as p2;
use wasmtime_wasi_io::bindings::wasi::io;

use self::clocks::{Clocks, HasClocks};
use self::filesystem::{Filesystem, HasFilesystem};
use self::io_error::{HasIoError, IoError};
use self::poll::{HasPolling, Polling};
use self::random::{HasRandom, Random};
use crate::run::RunState;

pub(crate) use context::wasi_ctx;
pub(crate) use http::Outgoing;

/// Names the table of a guest's handles for the linker.
struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

pub(super) fn add_to_linker(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    // Ours.
    filesystem::preopens::add_to_linker::<_, HasFilesystem>(linker, Filesystem::of)?;
    filesystem::types::add_to_linker::<_, HasFilesystem>(linker, Filesystem::of)?;
    io::error::add_to_linker::<_, HasIoError>(linker, IoError::of)?;
    io::poll::add_to_linker::<_, HasPolling>(linker, Polling::of)?;
    p2::clocks::monotonic_clock::add_to_linker::<_, HasClocks>(linker, Clocks::of)?;
    p2::clocks::wall_clock::add_to_linker::<_, HasClocks>(linker, Clocks::of)?;
    p2::random::insecure::add_to_linker::<_, HasRandom>(linker, Random::of)?;
    p2::random::insecure_seed::add_to_linker::<_, HasRandom>(linker, Random::of)?;
    p2::random::random::add_to_linker::<_, HasRandom>(linker, Random::of)?;
    http::add_to_linker(linker)?;
    keyvalue::add_to_linker(linker)?;

    // wasmtime-wasi's, over the context of `wasi_ctx` and the table.
    io::streams::add_to_linker::<_, HasTable>(linker, RunState::table)?;
    p2::cli::environment::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    p2::cli::exit::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    p2::cli::stderr::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    p2::cli::stdin::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    p2::cli::stdout::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    p2::cli::terminal_input::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    p2::cli::terminal_output::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    p2::cli::terminal_stderr::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    p2::cli::terminal_stdin::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    p2::cli::terminal_stdout::add_to_linker::<_, WasiCli>(linker, RunState::cli)
}
