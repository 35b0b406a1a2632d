// A permit for one action does not serve another.
#![allow(unused)]
#[path = "../all/support/actions.rs"]
mod actions;
use actions::*;
use bailiwick_guard::*;

async fn wrong_action(host: &Host, permit: Permit<'_, Hash>) {
    let _ = Perform::<Random>::perform(host, permit).await;
}

fn main() {}
