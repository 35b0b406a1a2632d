//! The module loader: no bytes panic it, a refusal can be shown, and what is accepted is valid. Small guests then run.
//!
//! The input is a guest in any form: a component, a core module, or WAT. Anything else is taken as choices from which a
//! guest is generated.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::thread;

use bailiwick::compile::danger::compile_trusted_guests_in_this_process;
use bailiwick::{CompileOptions, Executor, Form, Guest, Job, Refusal, fuzzing};
use bailiwick_guard::AuditLog;
use bailiwick_policy::{Authority, Grant, Manifest, Principal, ScopeSet};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use wasm_smith::{Component, Config, Module};
use wasmparser::{Validator, WasmFeatures};

/// The stack that the compile child gives to parsing and compiling.
const STACK: usize = 64 << 20;
/// Larger guests are examined and not run: compiling them takes most of the time.
const MAX_RUN: usize = 2 << 10;

const MANIFEST: &str = r#"
schema = 1
id = "fuzz"
agents = ["fuzz-bot"]
limits = { fuel = 100_000, memory = "1MiB", timeout = "10s", output = "16KiB", host_calls = 50 }
"#;

static GRANTED: LazyLock<Arc<Manifest>> =
    LazyLock::new(|| Arc::new(Manifest::parse(MANIFEST, "fuzz.toml").expect("the manifest has no errors")));

static EXECUTOR: LazyLock<(Runtime, Executor)> = LazyLock::new(|| {
    let (log, _) = AuditLog::in_memory().expect("a log");
    let compile = CompileOptions { place: compile_trusted_guests_in_this_process(), ..CompileOptions::default() };
    let executor = Executor::builder(log).compile(compile).build().expect("an engine");
    (tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"), executor)
});

fuzz_target!(|data: &[u8]| {
    let guest = match Guest::from_bytes(data) {
        Ok(guest) => guest,
        Err(refusal) => {
            check_refusal(&refusal);
            let Ok(bytes) = generate(&mut Unstructured::new(data)) else { return };
            Guest::from_bytes(bytes).expect("what is generated is WebAssembly")
        }
    };
    let examined = thread::scope(|scope| {
        let work = || fuzzing::examine(&guest);
        let examined = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).expect("a thread").join();
        examined.expect("examining does not panic")
    });
    match examined {
        Ok(binary) => check_accepted(&guest, &binary),
        Err(refusal) => check_refusal(&refusal),
    }
});

fn check_refusal(refusal: &Refusal) {
    let shown = refusal.to_string();
    assert!(!shown.is_empty() && shown.len() < 8192 && !shown.contains(char::is_control), "{shown:?}");
    let sent = serde_json::to_vec(refusal).expect("a refusal can be sent");
    assert_eq!(&serde_json::from_slice::<Refusal>(&sent).expect("and received"), refusal);
}

fn check_accepted(guest: &Guest, binary: &[u8]) {
    Validator::new_with_features(WasmFeatures::default()).validate_all(binary).expect("what is accepted is valid");
    let again = Guest::from_bytes(binary).expect("what is accepted is WebAssembly");
    if guest.form() != Form::CoreModule {
        assert!(guest.form() == Form::Text || binary == guest.bytes());
    }
    if binary.len() <= MAX_RUN {
        run(again);
    }
}

/// It may do what it likes; there is a report.
fn run(guest: Guest) {
    let principal = Principal { issuer: "i".into(), subject: "s".into(), agent: "fuzz-bot".into() };
    let (token, registry) = (ScopeSet::empty(), ScopeSet::empty());
    let grant = Grant::new(Arc::clone(&GRANTED), None, Authority { principal, token, details: Vec::new(), registry, task: None });
    let (runtime, executor) = &*EXECUTOR;
    let report = runtime.block_on(executor.run(Job::new(guest, grant, "."))).expect("every run has a report");
    assert_eq!(executor.panics(), 0);
    serde_json::to_string(&report).expect("a report can be written");
}

fn generate(choices: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut config = Config {
        max_funcs: 20,
        max_types: 50,
        max_type_size: 200,
        max_memories: 2,
        max_tables: 2,
        max_table_elements: 1_000,
        max_memory32_bytes: 4 << 20,
        // Proposals that are off, `externref` among them; a few guests have them all the same, to be refused.
        exceptions_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        reference_types_enabled: false,
        threads_enabled: false,
        ..Config::default()
    };
    match choices.arbitrary::<u8>()? % 8 {
        0 => return Ok(Component::new(config, choices)?.to_bytes()),
        // Anything at all.
        1 => config = Config { allow_invalid_funcs: true, generate_custom_sections: true, ..Config::default() },
        2 => {
            config.exports = Some(COMMAND.clone());
            config.available_imports = Some(PREVIEW1.clone());
        }
        3 => {
            config.exports = Some(WORLD_EXPORTS.clone());
            config.available_imports = Some(PREVIEW1.clone());
            let world = changed(&WORLD, choices)?;
            return Ok(with_world(Module::new(config, choices)?.to_bytes(), &world));
        }
        _ => {
            config.exports = Some(BARE.clone());
            config.available_imports = Some(CORE_ABI.clone());
        }
    }
    Ok(Module::new(config, choices)?.to_bytes())
}

/// The bytes with a few of them replaced, cut out or doubled.
fn changed(bytes: &[u8], choices: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    for _ in 0..choices.int_in_range(0..=6)? {
        let at = choices.choose_index(bytes.len())?;
        let end = bytes.len().min(at + choices.int_in_range(0..=8)?);
        match choices.int_in_range(0..=3)? {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.extend_from_within(at..end),
            _ => bytes[at] = choices.arbitrary()?,
        }
    }
    Ok(bytes)
}

fn with_world(mut module: Vec<u8>, world: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"component-type";
    let mut leb = |mut n: usize| {
        while n >= 0x80 {
            module.push(0x80 | (n & 0x7f) as u8);
            n >>= 7;
        }
        module.push(n as u8);
    };
    leb(0); // a custom section
    leb(1 + NAME.len() + world.len());
    leb(NAME.len());
    module.extend_from_slice(NAME);
    module.extend_from_slice(world);
    module
}

static WORLD: LazyLock<Vec<u8>> = LazyLock::new(|| wasm(include_str!("world.wat")));

static WORLD_EXPORTS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    wasm(
        r#"(module
            (memory (export "memory") 1)
            (func (export "run") (result i32) unreachable)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable))"#,
    )
});

static BARE: LazyLock<Vec<u8>> =
    LazyLock::new(|| wasm(r#"(module (memory (export "memory") 1) (func (export "run")))"#));

static COMMAND: LazyLock<Vec<u8>> =
    LazyLock::new(|| wasm(r#"(module (memory (export "memory") 1) (func (export "_start")))"#));

static PREVIEW1: LazyLock<Vec<u8>> = LazyLock::new(|| {
    wasm(
        r#"(module
            (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "path_open" (func
              (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32))))"#,
    )
});

static CORE_ABI: LazyLock<Vec<u8>> = LazyLock::new(|| {
    wasm(
        r#"(module
            (import "bailiwick" "call" (func (param i32 i32 i32 i32) (result i64)))
            (import "bailiwick" "take" (func (param i32 i32) (result i32))))"#,
    )
});

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("it is WAT")
}
