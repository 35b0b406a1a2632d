//! Whole runs and host calls against raw wasmtime with the same engine, and how late a limit is noticed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a bench may panic"
)]

#[path = "../../../benches/floor.rs"]
mod floor;

use std::net::TcpListener;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bailiwick::artifact::Code;
use bailiwick::engine::Engine;
use bailiwick::{Catalogue, CompileIn, CompileOptions, Executor, Guest, Job, Loader, Stop};
use bailiwick_guard::journal::files::{JournalFolder, JournalOptions};
use bailiwick_guard::{AuditLog, Life, Timestamp};
use bailiwick_policy::{Authority, Grant, Manifest, Principal, ScopeSet};
use tokio::runtime::Runtime;
use wasmtime::{Caller, Linker, Store};

const HELLO: &str = r#"(module (memory (export "memory") 1) (func (export "run")))"#;

const LOOP: &str = r#"(module (memory (export "memory") 1) (func (export "run") (loop $again (br $again))))"#;

/// Fills 64 MiB again and again: few instructions, much time.
const FILL: &str = r#"(module (memory (export "memory") 1024)
  (func (export "run") (loop $again
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x4000000)) (br $again))))"#;

/// Asks a server that accepts and never answers.
const FETCH: &str = r#"(module
  (import "bailiwick" "call" (func $call (param i32 i32 i32 i32) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "fetch{\"url\":\"http://127.0.0.1:PORT/\"}")
  (func (export "run") (drop (call $call (i32.const 0) (i32.const 5) (i32.const 5) (i32.const LENGTH)))))"#;

/// A thousand hashes of three bytes: the cheapest thing that passes the guard.
const CALLS: &str = r#"(module
  (import "bailiwick" "call" (func $call (param i32 i32 i32 i32) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "crypto.hash{\"algorithm\":\"sha-256\",\"data\":\"abc\"}")
  (func (export "run") (local $left i32)
    (local.set $left (i32.const 1000))
    (loop $again
      (drop (call $call (i32.const 0) (i32.const 11) (i32.const 11) (i32.const 36)))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"#;

/// What an orchestrator has at hand before a run: the parsed manifest and the agent's scopes.
struct Policy {
    manifest: Arc<Manifest>,
    scopes: ScopeSet,
}

impl Policy {
    fn new(timeout: &str) -> Policy {
        let port = silent_server();
        let text = format!(
            "schema = 1\nid = \"m\"\nagents = [\"a\"]\n[limits]\nhost_calls = 100000\ntimeout = \"{timeout}\"\n\
             fuel = 1000000000000\n\
             [[allow]]\nid = \"hash\"\ncrypto = \"-\"\nactions = [\"hash\"]\n\
             [[allow]]\nid = \"silent\"\nfetch = \"http://127.0.0.1:{port}/\"\nprivate = true\n"
        );
        let manifest = Manifest::parse(&text, "m.toml").expect("valid");
        let scopes = manifest.scopes();
        Policy { manifest: Arc::new(manifest), scopes }
    }

    fn grant(&self) -> Grant {
        let principal = Principal { issuer: "i".into(), subject: "s".into(), agent: "a".into() };
        let authority = Authority {
            principal,
            token: self.scopes.clone(),
            details: Vec::new(),
            registry: self.scopes.clone(),
            task: None,
        };
        Grant::new(Arc::clone(&self.manifest), None, authority)
    }
}

/// The port of a server that accepts connections and never answers.
fn silent_server() -> u16 {
    static LISTENER: OnceLock<TcpListener> = OnceLock::new();
    let listener = LISTENER.get_or_init(|| TcpListener::bind("127.0.0.1:0").unwrap());
    listener.local_addr().unwrap().port()
}

/// The guest that waits for it.
fn waiting() -> String {
    let url = format!("{{\"url\":\"http://127.0.0.1:{}/\"}}", silent_server());
    let port = silent_server().to_string();
    FETCH.replace("PORT", &port).replace("LENGTH", &url.len().to_string())
}

fn guest(text: &str) -> Guest {
    Guest::from_bytes(text.as_bytes().to_vec()).unwrap()
}

fn job(text: &str, policy: &Policy) -> Job {
    Job::new(guest(text), policy.grant(), ".")
}

fn options() -> CompileOptions {
    CompileOptions { place: CompileIn::this_program(), time: Duration::from_secs(30), ..CompileOptions::default() }
}

fn main() -> std::process::ExitCode {
    if let Some(code) = bailiwick::compile_child() {
        return code;
    }
    let runtime = Runtime::new().unwrap();
    let (log, _memory) = AuditLog::in_memory().unwrap();
    let executor = Executor::builder(log.clone()).compile(options()).build().unwrap();
    let raw = Raw::new(&runtime);
    let (generous, tight) = (Policy::new("30s"), Policy::new("200ms"));
    let rest = || runtime.block_on(async { log.flush().await.unwrap() });

    floor::compare_in_bursts(
        "W1 hello: grant, guard, sandbox, report",
        || run(&runtime, &executor, HELLO, &generous),
        || raw.run(&runtime, HELLO),
        rest,
    );
    floor::compare_in_bursts(
        "W4 1,000 host calls from wasm",
        || run(&runtime, &executor, CALLS, &generous),
        || raw.run(&runtime, CALLS),
        rest,
    );
    let folder = tempfile::tempdir().unwrap();
    let journals = JournalFolder::at(folder.path(), JournalOptions::default());
    let recording = Executor::builder(log.clone()).compile(options()).journals(Arc::new(journals)).build().unwrap();
    floor::compare_in_bursts(
        "P12 W4 with a journal; floor: without",
        || run(&runtime, &recording, CALLS, &generous),
        || run(&runtime, &executor, CALLS, &generous),
        rest,
    );
    let waiting = waiting();
    for (workload, text) in [
        ("W5 endless loop", LOOP),
        ("W5 endless memory.fill of 64 MiB", FILL),
        ("W5 host call that is never answered", &waiting),
    ] {
        let late = (0..25).map(|_| late(&runtime, &executor, text, &tight)).collect();
        floor::report(&format!("{workload}: control back after a 200 ms limit"), late);
    }
    for (workload, text) in
        [("an endless loop", LOOP), ("an endless memory.fill of 64 MiB", FILL), ("a call that waits", &waiting)]
    {
        let revoked = (0..25).map(|_| revoked(&runtime, &executor, text, &generous)).collect();
        floor::report(&format!("P11 revocation of {workload}: control back"), revoked);
    }
    std::process::ExitCode::SUCCESS
}

fn run(runtime: &Runtime, executor: &Executor, text: &str, policy: &Policy) {
    let report = runtime.block_on(executor.run(job(text, policy))).unwrap();
    assert_eq!(report.stop, Stop::Finished);
}

/// Nanoseconds between the limit and the report.
fn late(runtime: &Runtime, executor: &Executor, text: &str, policy: &Policy) -> f64 {
    let began = Instant::now();
    let report = runtime.block_on(executor.run(job(text, policy))).unwrap();
    let took = began.elapsed();
    assert_eq!(report.stop, Stop::OutOfTime);
    took.saturating_sub(Duration::from_millis(200)).as_nanos() as f64
}

/// Nanoseconds between a revocation and the report.
fn revoked(runtime: &Runtime, executor: &Executor, text: &str, policy: &Policy) -> f64 {
    let life = Life::until(Timestamp(u64::MAX));
    let revoker = life.revoker();
    let at = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        let at = Instant::now();
        revoker.revoke();
        at
    });
    let report = runtime.block_on(executor.run(job(text, policy).life(life))).unwrap();
    let ended = Instant::now();
    assert_eq!(report.stop, Stop::Revoked);
    ended.duration_since(at.join().unwrap()).as_nanos() as f64
}

/// The floor: the same engine and settings, the same modules, and a host function that does the same without asking.
struct Raw {
    engine: Engine,
    loader: Loader,
    linker: Linker<()>,
}

impl Raw {
    fn new(runtime: &Runtime) -> Raw {
        const IMPORTS: &[(&str, &str)] = &[("bailiwick", "call"), ("bailiwick", "take")];
        let engine = Engine::new(NonZeroU32::new(16).unwrap()).unwrap();
        let catalogue = Catalogue { core: IMPORTS, interfaces: &[], entry_points: &["run"] };
        let loader = Loader::new(engine.clone(), catalogue, options(), None);
        let mut linker = Linker::new(engine.wasmtime());
        linker
            .func_wrap_async(
                "bailiwick",
                "call",
                |mut caller: Caller<'_, ()>, (_, _, at, len): (i32, i32, i32, i32)| {
                    Box::new(async move {
                        let memory = caller.get_export("memory").unwrap().into_memory().unwrap();
                        let argument = memory.data(&caller)[at as usize..][..len as usize].to_vec();
                        let argument: serde_json::Value = serde_json::from_slice(&argument).unwrap();
                        let digest = aws_lc_rs::digest::digest(
                            &aws_lc_rs::digest::SHA256,
                            argument["data"].as_str().unwrap().as_bytes(),
                        );
                        let reply = serde_json::to_vec(&data_encoding::HEXLOWER.encode(digest.as_ref())).unwrap();
                        Ok::<i64, wasmtime::Error>(std::hint::black_box(reply).len() as i64)
                    })
                },
            )
            .unwrap();
        let raw = Raw { engine, loader, linker };
        raw.run(runtime, HELLO);
        raw
    }

    fn run(&self, runtime: &Runtime, text: &str) {
        runtime.block_on(async {
            let loaded = self.loader.load(&guest(text)).await.unwrap();
            let Code::Module(module) = loaded.code() else { panic!("a core module") };
            let _live = self.engine.live();
            let mut store = Store::new(self.engine.wasmtime(), ());
            store.set_fuel(1_000_000_000).unwrap();
            store.epoch_deadline_async_yield_and_update(1);
            let pre = self.linker.instantiate_pre(module).unwrap();
            let instance = pre.instantiate_async(&mut store).await.unwrap();
            let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
            run.call_async(&mut store, ()).await.unwrap();
        });
    }
}
