// A permit cannot be put together from its parts.
#![allow(unused)]
#[path = "../all/support/actions.rs"]
mod actions;
use actions::*;
use bailiwick_guard::*;

fn forge(meter: &std::sync::Arc<Meter>) -> Permit<'_, Hash> {
    Permit { action: Hash(1), verdict: panic!(), meter, principal: panic!(), reason: panic!(), entry: panic!() }
}

fn main() {}
