//! The store as the ports' users see it: what is kept, what is refused, and what holds across processes and restarts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "helpers of tests, which the lints do not recognise as such"
)]

mod budgets;
mod file;
mod registry;
mod replay;
mod waits;
mod watching;

use std::fs;
use std::num::NonZeroU64;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bailiwick_identity::{
    Agent, AgentId, AgentKey, Basis, Change, JtiHash, MemoryRegistrar, MissingKeys, Reason, Registrar,
    RegistryDocument, RegistryError, ReplayError, ReplayStore, Revocable, Revocation, Status, Subject, TaskId, Watched,
    Withdrawal, Withdrawn,
};
use bailiwick_policy::ScopeSet;
use bailiwick_store::{Imported, Store, StoreError, StoreOptions};
use proptest::prelude::*;
use rusqlite::Connection;

const NOW: u64 = 1_800_000_000;
/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

fn open(folder: &Path) -> Store {
    Store::open(folder, StoreOptions::default()).unwrap().0
}

fn id(n: usize) -> JtiHash {
    JtiHash::of("https://id.example", &n.to_string())
}

fn name(text: &str) -> AgentId {
    AgentId::parse(text).unwrap()
}

fn key(number: u8) -> AgentKey {
    let x = data_encoding::BASE64URL_NOPAD.encode(&[number + 1; 32]);
    AgentKey::parse(format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"k{number}","x":"{x}"}}"#).as_bytes(), NOW).unwrap()
}

fn agent(text: &str) -> Agent {
    let capabilities = ScopeSet::parse_strict("file:read:in/** fetch:get:api.example.com/**").unwrap();
    Agent::new(name(text), "https://id.example", Subject::parse(text).unwrap(), "alice", capabilities, NOW).unwrap()
}
