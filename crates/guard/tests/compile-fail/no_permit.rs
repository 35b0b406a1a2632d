// An effect takes a permit, not an action.
#![allow(unused)]
#[path = "../all/support/actions.rs"]
mod actions;
use actions::*;
use bailiwick_guard::*;

async fn no_permit(host: &Host) {
    let _ = Perform::<Hash>::perform(host, Hash(1)).await;
}

fn main() {}
