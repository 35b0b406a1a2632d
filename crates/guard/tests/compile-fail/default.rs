// There is no permit by default.
#![allow(unused)]
#[path = "../all/support/actions.rs"]
mod actions;
use actions::*;
use bailiwick_guard::*;

async fn default(host: &Host) {
    let permit: Permit<'static, Hash> = Default::default();
    let _ = host.perform(permit).await;
}

fn main() {}
