//! One guarded call (decide, budget, intent and outcome to the log's buffer) against the same effect without a guard.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench may panic")]

#[path = "../../../benches/floor.rs"]
mod floor;

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::{Action, AuditLog, Effect, Guard, HostError, Life, Perform, Permit, Run, SystemClock, Timestamp};
use bailiwick_policy::{ActionName, Authority, Grant, KeyName, Manifest, Principal, Resource};

struct Verify(KeyName);

struct Host;

impl Action for Verify {
    const NAME: ActionName = ActionName::Verify;
    const EFFECT: Effect = Effect::Pure;
    type Output = u64;

    fn resource(&self) -> Resource {
        Resource::Key(self.0.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("verify");
    }
}

impl Perform<Verify> for Host {
    async fn perform(&self, permit: Permit<'_, Verify>) -> Result<u64, HostError> {
        Ok(effect(permit.action()))
    }
}

fn effect(action: &Verify) -> u64 {
    black_box(action.0.key().len() as u64)
}

async fn unguarded(action: Verify) -> u64 {
    effect(&action)
}

fn grant(rules: usize) -> Grant {
    let mut text = "schema = 1\nid = \"m\"\nagents = [\"a\"]\n[limits]\nhost_calls = 1000000000000\n".to_owned();
    for rule in 0..rules {
        write!(text, "[[allow]]\nid = \"r{rule}\"\ncrypto = \"ring{rule}/**\"\nactions = [\"verify\"]\n").unwrap();
    }
    let manifest = Manifest::parse(&text, "m.toml").expect("valid");
    let scopes = manifest.scopes();
    let principal = Principal { issuer: "i".into(), subject: "s".into(), agent: "a".into() };
    let authority = Authority { principal, token: scopes.clone(), details: Vec::new(), registry: scopes, task: None };
    Grant::new(Arc::new(manifest), None, authority)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for rules in [10, 100, 1000, 10_000] {
        let path = folder.path().join(format!("{rules}.jsonl"));
        let log = AuditLog::open(&path, Default::default(), &SystemClock).unwrap();
        let life = Life::until(Timestamp(u64::MAX));
        let guard = Guard::new(grant(rules), Run::default(), life, log.clone(), Arc::new(SystemClock)).unwrap();
        let key = KeyName::parse(&format!("ring{}/key", rules / 2)).unwrap();
        // Calls come in bursts; a log that is written to for ever without a pause has the disk's speed, not the guard's.
        floor::compare_in_bursts(
            &format!("one guarded call, {rules} rules"),
            || {
                runtime.block_on(async {
                    black_box(guard.call(&Host, Verify(key.clone())).await.unwrap());
                })
            },
            || {
                runtime.block_on(async {
                    black_box(unguarded(Verify(key.clone())).await);
                })
            },
            || runtime.block_on(async { log.flush().await.unwrap() }),
        );
    }
}
