// A permit is good for one call.
#![allow(unused)]
#[path = "../all/support/actions.rs"]
mod actions;
use actions::*;
use bailiwick_guard::*;

async fn copy(host: &Host, permit: Permit<'_, Hash>) {
    let _ = host.perform(permit.clone()).await;
}

fn main() {}
