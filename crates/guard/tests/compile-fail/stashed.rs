// A permit cannot outlive its call.
#![allow(unused)]
#[path = "../all/support/actions.rs"]
mod actions;
use actions::*;
use bailiwick_guard::*;

use std::sync::Mutex;

struct Stash(Mutex<Option<Permit<'static, Hash>>>);

impl Perform<Hash> for Stash {
    async fn perform(&self, permit: Permit<'_, Hash>) -> Result<u8, HostError> {
        *self.0.lock().unwrap() = Some(permit);
        Ok(0)
    }
}

fn main() {}
