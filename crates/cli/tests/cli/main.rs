//! The program as people and scripts use it: one folder and one process for each test.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, which the lint does not recognise as such"
)]

mod agents;
mod guests;
mod place;
mod running;
mod runs;
mod tokens;
mod trust;
mod verbs;
mod withdrawal;
