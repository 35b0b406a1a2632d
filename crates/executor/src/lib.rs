//! Bailiwick runs untrusted WebAssembly under a policy: every host call is checked, recorded, and only then performed.
//!
//! A table of contents, from untrusted bytes to a report.

#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "tests set up the folders that they hand in"))]

// Untrusted bytes become a loaded guest.
pub mod artifact;
pub mod compile;
pub mod engine;
mod guest;
mod load;
mod ticker;

// A loaded guest runs, and what it may import.
mod component;
mod core_abi;
mod executor;
mod linking;
mod ops;
mod run;

// The crates below, so that an embedder depends on this one alone.
pub use {bailiwick_guard as guard, bailiwick_host as host, bailiwick_policy as policy};

pub use executor::{Executor, ExecutorBuilder, RunError};
pub use run::{Anomaly, Busy, Failure, Job, Listen, Live, Outside, Report, Stop, Stream, TrapKind, Usage};

pub use artifact::cache::ArtifactCache;
pub use compile::{CompileIn, CompileOptions, compile_child};
pub use guest::{Form, Guest, GuestDigest, MAX_GUEST_BYTES};
pub use load::{Catalogue, Excerpt, Functions, Interface, LoadError, Loader, Measure, Refusal};

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
