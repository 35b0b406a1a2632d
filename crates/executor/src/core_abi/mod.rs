//! The core ABI: what a bare module imports. Two functions that carry JSON; behind them stand the same operations as
//! behind the WIT interfaces.
//!
//! `docs/src/reference/core-abi.md` is its reference.

mod arguments;
mod bodies;
mod crypto;
mod fetch;
mod files;
mod frame;
mod kv;
mod operation;
mod operations;

pub(crate) use bodies::Bodies;
pub(crate) use frame::{IMPORTS, Pending, add_to_linker};

/// The export that starts a bare module.
pub(crate) const ENTRY: &str = "run";
