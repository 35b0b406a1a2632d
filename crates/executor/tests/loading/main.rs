//! From untrusted bytes to a loaded guest, through a real compile child: this very program, started again.
//!
//! No harness, because the child must be noticed before anything else happens.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test program; clippy knows tests by their harness, and this one has none"
)]

mod bombs;
mod cases;
mod fixture;

use std::process::ExitCode;

use fixture::Fixture;
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(code) = bailiwick::compile_child() {
        return code;
    }
    // Made before any test starts: a program that is being written cannot be executed.
    let fixture: &'static Fixture = Box::leak(Box::new(Fixture::new()));
    let trials = cases::ALL.iter().map(|(name, case)| {
        Trial::test(*name, move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            runtime.block_on(case(fixture));
            Ok(())
        })
    });
    let code = libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code();
    fixture.clean();
    code
}
