// Only the guard mints permits.
#![allow(unused)]
#[path = "../all/support/actions.rs"]
mod actions;
use actions::*;
use bailiwick_guard::*;
use std::sync::Arc;

fn mint<'e>(meter: &'e Arc<Meter>) -> Permit<'e, Hash> {
    Permit::mint(panic!(), Hash(1), panic!(), panic!(), panic!(), panic!())
}

fn main() {}
