// An effect's own error does not become an answer to the guest without the guard.
#![allow(unused)]
#[path = "../all/support/actions.rs"]
mod actions;
use actions::*;
use bailiwick_guard::*;

fn bypass(error: HostError) -> CallError {
    error.into()
}

fn main() {}
