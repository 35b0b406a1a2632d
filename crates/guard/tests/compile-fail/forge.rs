// A permit cannot be put together from its parts.
#![allow(unused)]
#[path = "../all/support/actions.rs"]
mod actions;
use actions::*;
use bailiwick_guard::*;

fn forge<'e>() -> Permit<'e, Hash> {
    Permit { action: Hash(1), verdict: panic!(), place: panic!(), principal: panic!(), reason: panic!(), entry: panic!() }
}

fn main() {}
