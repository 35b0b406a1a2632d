//! The log on disk: durable appends of many callers against raw appends that are each synced, and verifying a whole log against
//! hashing its bytes.
//!
//! `cargo bench --bench log`; a number as an argument is the entries of the log that is verified, in place of a million.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench may panic")]

#[path = "../../../benches/floor.rs"]
mod floor;

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bailiwick_guard::audit::{AuditOptions, Durability, verify_signed};
use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::tlog::Signer;
use bailiwick_guard::{Action, AuditLog, Effect, Guard, HostError, Life, Perform, Permit, Run, SystemClock, Timestamp};
use bailiwick_policy::{ActionName, Authority, Grant, Manifest, Principal, Resource};
use sha2::{Digest, Sha256};

const ENTRIES: u64 = 1_000_000;
/// Callers that wait for their entries at the same time, and entries of each in a round.
const CALLERS: u64 = 1024;
const EACH: u64 = 8;
const ROUNDS: usize = 11;
/// Raw appends of a round: each costs a commit of the disk.
const RAW: u64 = 100;

const MANIFEST: &str = r#"
schema = 1
id = "m"
agents = ["a"]
[limits]
host_calls = 1000000000
[[allow]]
id = "all"
crypto = "-"
actions = ["hash", "random"]
"#;

/// Changes the world, so that its intent must be durable before.
struct Random;
struct Hash;
struct Host;

macro_rules! action {
    ($action:ident, $effect:ident) => {
        impl Action for $action {
            const NAME: ActionName = ActionName::$action;
            const EFFECT: Effect = Effect::$effect;
            type Output = u8;

            fn resource(&self) -> Resource {
                Resource::Keyless
            }

            fn fingerprint(&self, _: &mut Fingerprint) {}
        }

        impl Perform<$action> for Host {
            async fn perform(&self, _permit: Permit<'_, $action>) -> Result<u8, HostError> {
                Ok(4)
            }
        }
    };
}

action!(Random, World);
action!(Hash, Pure);

fn open(path: &Path, durability: Durability) -> AuditLog {
    let options = AuditOptions { durability, signer: Some(signer()) };
    AuditLog::open(path, options, &SystemClock).unwrap()
}

fn signer() -> Signer {
    Signer::new("bench", &[1; 32]).unwrap()
}

/// A run as the program has them, with hashes and an identifier of their usual length.
fn guard(log: &AuditLog) -> Guard {
    let manifest = Manifest::parse(MANIFEST, "m.toml").expect("valid");
    let scopes = manifest.scopes();
    let principal = Principal { issuer: "https://id.example".into(), subject: "subject".into(), agent: "a".into() };
    let authority = Authority { principal, token: scopes.clone(), details: Vec::new(), registry: scopes, task: None };
    let grant = Grant::new(Arc::new(manifest), None, authority);
    let run = Run {
        id: "01a2073c-98c0-71fc-a73f-61b2a372d2f7".into(),
        module: "0123456789abcdef".repeat(4),
        ..Run::default()
    };
    Guard::new(grant, run, Life::until(Timestamp(u64::MAX)), log.clone(), Arc::new(SystemClock)).unwrap()
}

/// Calls whose intents are durable before they begin, by many callers at once. Two entries a call.
fn append(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let path = folder.join("log.jsonl");
    let log = open(&path, Durability::Effects);
    let guard = Arc::new(guard(&log));
    let line = {
        runtime.block_on(async { guard.call(&Host, Random).await.unwrap() });
        runtime.block_on(async { log.flush().await.unwrap() });
        let text = std::fs::read_to_string(&path).unwrap();
        text.lines().nth(1).unwrap().as_bytes().to_vec()
    };
    let mut raw = OpenOptions::new().append(true).create(true).open(folder.join("raw")).unwrap();
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        runtime.block_on(async {
            let calls = (0..CALLERS).map(|_| {
                let guard = Arc::clone(&guard);
                tokio::spawn(async move {
                    for _ in 0..EACH {
                        guard.call(&Host, Random).await.unwrap();
                    }
                })
            });
            for call in calls.collect::<Vec<_>>() {
                call.await.unwrap();
            }
            log.flush().await.unwrap();
        });
        ours.push(began.elapsed().as_nanos() as f64 / (CALLERS * EACH * 2) as f64);
        let began = Instant::now();
        for _ in 0..RAW {
            raw.write_all(&line).unwrap();
            raw.sync_data().unwrap();
        }
        floor.push(began.elapsed().as_nanos() as f64 / RAW as f64);
    }
    let mut sorted = ours.clone();
    sorted.sort_by(f64::total_cmp);
    let rate = 1e9 / sorted.get(ROUNDS / 2).copied().unwrap_or(f64::NAN);
    let more = format!(",\"per_second\":{rate:.0},\"bytes_each\":{}", line.len());
    floor::compared(&format!("one durable entry, {CALLERS} callers"), ours, floor, &more);
}

/// Verifies chain, canonical form, tree and signature.
fn verify(folder: &Path, entries: u64) {
    let path = folder.join("long.jsonl");
    let log = open(&path, Durability::Buffered);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let guard = guard(&log);
    runtime.block_on(async {
        for _ in 0..entries / 2 {
            guard.call(&Host, Hash).await.unwrap();
        }
    });
    drop((guard, log));
    let bytes = std::fs::metadata(&path).unwrap().len();
    let key = signer().public().clone();
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let signed = verify_signed(&path, &key, None).unwrap();
        assert!(signed.problem.is_none() && signed.entries >= entries);
        ours.push(began.elapsed().as_nanos() as f64);
        let began = Instant::now();
        let mut hash = Sha256::new();
        let mut file = File::open(&path).unwrap();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = file.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            hash.update(buffer.get(..read).unwrap());
        }
        black_box(hash.finalize());
        floor.push(began.elapsed().as_nanos() as f64);
    }
    let more = format!(",\"entries\":{entries},\"log_bytes\":{bytes}");
    floor::compared(&format!("verify a signed log of {entries} entries"), ours, floor, &more);
}

fn main() {
    let entries = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(ENTRIES);
    let folder = tempfile::tempdir().unwrap();
    append(folder.path());
    verify(folder.path(), entries);
}
