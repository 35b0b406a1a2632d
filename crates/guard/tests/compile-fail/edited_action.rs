// What was decided is what runs: the action inside a permit cannot be changed.
#![allow(unused)]
#[path = "../all/support/actions.rs"]
mod actions;
use actions::*;
use bailiwick_guard::*;

fn edit(permit: &mut Permit<'_, Hash>) {
    permit.action().0 = 2;
    permit.action = Hash(2);
}

fn main() {}
