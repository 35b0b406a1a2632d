//! One binary for all tests of the guard: linking costs more than running.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(unreachable_pub, reason = "`support` is shared with the compile-fail tests, which are crates of their own")]

mod audit;
mod budgets;
mod bypasses;
mod crash;
mod door;

mod journals;
mod replays;
mod signed;
mod support;
mod tlog;
