//! The glue as guests see it: real components, lifted from small preview 1 programs, over a real guard and host.

mod catalogue;
mod files;
mod program;
mod streams;
mod world;

use std::path::PathBuf;
use std::sync::Arc;

use bailiwick_guard::journal::Crossings;
use bailiwick_guard::{AuditLog, Guard, Life, Run, SystemClock, Timestamp};
use bailiwick_host::Services;
use bailiwick_host::files::Mounts;
use bailiwick_policy::{Authority, Grant, Manifest, Principal};
use serde_json::Value;
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

use self::program::Program;
use super::*;
use crate::run::{Door, Entry, Failure, GuestIo, Live, MemoryLimiter, Output, Outside, Runnable, Told};

/// Every right below the mount `m`, but for what lies below `m/no`.
const MANIFEST: &str = r#"
    schema = 1
    id = "test"
    agents = ["test"]
    [limits]
    output = "1KiB"
    disk = "4KiB"
    [[allow]]
    id = "below"
    file = "m/**"
    actions = ["read", "write", "list", "delete"]
    [[allow]]
    id = "itself"
    file = "m"
    actions = ["list"]
    [[allow]]
    id = "keyless"
    crypto = "-"
    actions = ["hash"]
    [[deny]]
    id = "no"
    file = "m/no/**"
    actions = ["read", "write", "list", "delete"]
    [mounts]
    m = "m"
    unnamed = "unnamed"
"#;

/// One run's worth of everything but the guest.
pub(super) struct World {
    pub(super) door: Door,
    pub(super) io: Arc<GuestIo>,
    guard: Arc<Guard>,
    pub(super) dir: tempfile::TempDir,
}

impl World {
    pub(super) fn new(input: Value, args: &[&str]) -> World {
        let dir = tempfile::tempdir().unwrap();
        for name in ["m", "m/no", "unnamed"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let manifest = Arc::new(Manifest::parse(MANIFEST, "test.toml").expect("the manifest is valid"));
        let principal = Principal { issuer: "local".into(), subject: "test".into(), agent: "test".into() };
        let scopes = manifest.scopes();
        let authority =
            Authority { principal, token: scopes.clone(), details: Vec::new(), registry: scopes, task: None };
        let grant = Grant::new(manifest, None, authority);
        let (log, _) = AuditLog::in_memory().unwrap();
        let life = Life::until(Timestamp(u64::MAX));
        let guard = Arc::new(Guard::new(grant, Run::default(), life, log, Arc::new(SystemClock)).unwrap());
        let mounts = [("m", dir.path().join("m")), ("unnamed", dir.path().join("unnamed"))];
        let mounts = Mounts::open(mounts.iter().map(|(name, path)| (*name, path.as_path()))).unwrap();
        let host = Arc::new(Services::builder().build().host(mounts));
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let io = Arc::new(GuestIo {
            input: input.to_string(),
            args,
            has_tmp: false,
            output: Output::new(Arc::clone(guard.meter()), None),
        });
        let told = Arc::new(Told::new(Arc::new(Live::new()), Crossings::default(), Arc::clone(guard.meter())));
        World { door: Door::new(Arc::clone(&guard), host, told), io, guard, dir }
    }

    pub(super) fn mount(&self) -> PathBuf {
        self.dir.path().join("m")
    }

    /// What a guest would be told whose time and randomness come from there.
    pub(super) fn told(&self, outside: Arc<dyn Outside>) -> Arc<Told> {
        Arc::new(Told::new(outside, Crossings::default(), Arc::clone(self.guard.meter())))
    }

    pub(super) fn state(&self) -> RunState {
        let limiter = MemoryLimiter::new(Arc::new(bailiwick_guard::MemoryAccount::new(64 << 20)));
        RunState::new(self.door.clone(), Arc::clone(&self.io), limiter)
    }

    /// Runs a component to its end.
    async fn run(&self, component: &[u8]) -> wasmtime::Result<Result<(), Failure>> {
        let (engine, linker) = linker();
        let component = Component::new(&engine, component)?;
        let entry = Entry::find(&component).expect("an entry point");
        let runnable = Runnable::Component(linker.instantiate_pre(&component)?, entry);
        runnable.start(&mut Store::new(&engine, self.state()), None).await
    }

    /// Runs a program and gives the error numbers that it saw.
    async fn errnos(&self, program: &Program) -> Vec<u8> {
        self.run(&program.component()).await.expect("the program ends").expect("without failure");
        self.io.output.take().stdout
    }

    /// The calls so far: action, resource, code.
    pub(super) fn calls(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let records = self.guard.records();
        let records = records.iter().map(|record| serde_json::to_value(record).unwrap());
        records
            .map(|call| format!("{} {} {}", text(&call["action"]), text(&call["resource"]), text(&call["code"])))
            .collect()
    }
}

fn linker() -> (Engine, Linker<RunState>) {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    add_to_linker(&mut linker).expect("interfaces do not collide");
    (engine, linker)
}
