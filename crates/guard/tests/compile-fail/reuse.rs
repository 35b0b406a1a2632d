// A permit is used up by its effect.
#![allow(unused)]
#[path = "../all/support/actions.rs"]
mod actions;
use actions::*;
use bailiwick_guard::*;

async fn reuse(host: &Host, permit: Permit<'_, Hash>) {
    let _ = host.perform(permit).await;
    let _ = host.perform(permit).await;
}

fn main() {}
