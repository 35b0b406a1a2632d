//! Bailiwick runs untrusted WebAssembly under a policy: every host call is checked, recorded, and only then performed.
//!
//! A table of contents, from untrusted bytes to a report.

#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "tests set up the folders that they hand in"))]

// Untrusted bytes become a loaded guest.
pub mod artifact;
pub mod compile;
pub mod engine;
mod guest;
mod interpreter;
mod load;
mod ticker;

// A loaded guest runs, and what it may import.
mod component;
mod core_abi;
mod executor;
mod linking;
mod ops;
mod random;
mod replay;
mod run;
mod station;

// The crates below, so that an embedder depends on this one alone.
pub use {bailiwick_guard as guard, bailiwick_host as host, bailiwick_policy as policy};

pub use bailiwick_host::files::{LeftFile, Settled, Settlement};
pub use executor::{Executor, ExecutorBuilder, ReplayError};
pub use run::{
    Anomaly, Busy, Failure, Job, Listen, Live, MAX_REPORTED, MAX_REPORTED_FILE, Outside, Report, RunError, Session,
    Stop, Stream, TrapKind, Usage,
};

pub use artifact::cache::ArtifactCache;
pub use compile::{CompileIn, CompileOptions, compile_child};
pub use guest::{Form, Guest, GuestDigest, MAX_GUEST_BYTES, MAX_SOURCE_BYTES};
pub use interpreter::{Interpreter, Language};
pub use load::{Catalogue, Excerpt, Functions, Interface, LoadError, Loader, Measure, Refusal};
pub use replay::{Departure, HeaderError, Likeness, RecordEnd, Recorded, Replayed};

/// The WIT package `bailiwick:host`, as (path, text): what components are built against.
pub const WIT: &[(&str, &str)] = &[("bailiwick.wit", include_str!("../wit/bailiwick.wit"))];

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
