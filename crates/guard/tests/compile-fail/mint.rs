// Only the guard mints permits.
#![allow(unused)]
#[path = "../all/support/actions.rs"]
mod actions;
use actions::*;
use bailiwick_guard::*;

fn mint<'e>(meter: &'e Meter) -> Permit<'e, Hash> {
    Permit::mint(panic!(), Hash(1), meter, panic!())
}

fn main() {}
