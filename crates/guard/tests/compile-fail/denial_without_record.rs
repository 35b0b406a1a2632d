// A refusal is made only by the guard, from an open audit entry.
#![allow(unused)]
#[path = "../all/support/actions.rs"]
mod actions;
use actions::*;
use bailiwick_guard::*;

use bailiwick_policy::Code;

fn refuse() -> CallError {
    CallError::Denied(Denied { code: Code::ManifestNoRule })
}

fn refuse_by_code() -> CallError {
    CallError::Denied(Code::ManifestNoRule)
}

fn main() {}
