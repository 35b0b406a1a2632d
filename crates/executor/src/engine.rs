//! The engine: one set of compile settings, shared by the process that compiles and the process that runs, and the pool
//! in which guests run.
//!
//! Artifacts move from the first process to the second, so whatever changes generated code stands in
//! [`compile_settings`] and nowhere else; what only concerns running is added by [`run_settings`].

use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;

use sha2::{Digest, Sha256};
use wasmparser::WasmFeatures;
use wasmtime::{Config, Enabled, Inlining, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::Language;
use crate::ticker::{Ticker, Ticking};

/// What a guest may be made of. The validator and the engine take the same set.
///
/// Absent on purpose: threads and shared memory, 64-bit memories, garbage collection, function references, exceptions,
/// stack switching, asynchronous components, custom page sizes, wide arithmetic. No guest kind needs them, and each is
/// a piece of compiler that an attacker would otherwise reach.
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::COMPONENT_MODEL);

/// Bytes of stack for the own frames of a guest in WebAssembly.
pub const GUEST_STACK: usize = 512 << 10;

/// Bytes below the guest's frames, for the host functions that the guest calls.
const HOST_STACK: usize = (3 << 20) / 2;

/// How much room each run of an engine has. It shapes no code: artifacts fit all engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Bytes of stack for the guest's own frames.
    pub(crate) stack: usize,
    /// Core instances in the pool for each run: a count, not a reservation.
    pub(crate) instances: u32,
    /// Bytes at the beginning of each memory that are restored by copying when a run has ended. What lies beyond is given
    /// back to the kernel, and costs the next run a page fault for each page. They stay resident in each slot once used.
    pub(crate) restored: usize,
    /// The same for each table and each stack.
    pub(crate) cleared: usize,
}

impl Room {
    /// For guests that come as WebAssembly.
    pub(crate) const WASM: Room = Room { stack: GUEST_STACK, instances: 8, restored: 64 << 10, cleared: 64 << 10 };

    /// For an interpreter of source text. They recurse for nested data and nested source; with less stack that traps before
    /// their own limits, which scripts can catch. JavaScript's needs 16 MiB, Python's more than 32, for nested objects of JSON.
    pub(crate) const fn of(language: Language) -> Room {
        let (stack, restored) = match language {
            Language::Python => (64 << 20, 64 << 10), // of 30 MiB it writes to some 80 pages here and there
            // All of it, before it grows: copying takes less time than 110 page faults.
            Language::JavaScript => (32 << 20, 6 << 20),
        };
        Room { stack, instances: 20, restored, cleared: 128 << 10 }
    }
}

/// Core instances, memories and tables of one guest. A preview 1 guest takes 4 instances, 1 memory and 2 tables.
pub(crate) const INSTANCES_PER_GUEST: u32 = 32;
pub(crate) const MEMORIES_PER_GUEST: u32 = 8;
pub(crate) const TABLES_PER_GUEST: u32 = 8;

/// Elements of the largest table; a guest of several megabytes has some 10,000 functions in its table.
pub(crate) const TABLE_ELEMENTS: u32 = 128 << 10;

/// The engine that runs guests, with the clock that interrupts them. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    wasmtime: wasmtime::Engine,
    ticker: Ticker,
    fingerprint: Fingerprint,
}

impl Engine {
    /// An engine with room for `runs` guests at a time. Reserves address space (about 8 GiB a run), not memory.
    ///
    /// # Errors
    /// When the machine cannot hold such a pool or start the clock's thread.
    pub fn new(runs: NonZeroU32) -> Result<Engine, EngineError> {
        Engine::with_room(runs, Room::WASM)
    }

    pub(crate) fn with_room(runs: NonZeroU32, room: Room) -> Result<Engine, EngineError> {
        let wasmtime =
            wasmtime::Engine::new(&run_settings(runs, room)).map_err(|error| EngineError(format!("{error:#}")))?;
        let ticker = Ticker::start(&wasmtime).map_err(|error| EngineError(format!("no clock thread: {error}")))?;
        let fingerprint = Fingerprint::of(&wasmtime);
        Ok(Engine { wasmtime, ticker, fingerprint })
    }

    /// The engine proper.
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
    }

    /// Keeps the epoch advancing, every 5 ms, until the value is dropped. Every run holds one.
    pub fn live(&self) -> Ticking {
        self.ticker.live()
    }

    /// What an artifact must have been compiled for.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// The machine cannot hold an engine.
#[derive(Debug, thiserror::Error)]
#[error("the engine does not start: {0}")]
pub struct EngineError(String);

/// Names everything that decides whether an artifact fits an engine: wasmtime's version, the settings, the processor's
/// features, and the version of this crate's loading rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Raise it when bounds, lifting or the artifact's layout change, so that older cache entries are rebuilt.
    const LOADING_RULES: u32 = 2;

    pub(crate) fn of(engine: &wasmtime::Engine) -> Fingerprint {
        let mut hasher = Digesting(Sha256::new());
        hasher.write_u32(Self::LOADING_RULES);
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Fingerprint(hasher.0.finalize().into())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// SHA-256 as a `Hasher`, because std's hashers promise no stable result across builds.
struct Digesting(Sha256);

impl Hasher for Digesting {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0 // never asked for: the digest is taken from the field
    }
}

/// An engine that compiles and never runs: no pool, no clock.
pub(crate) fn compiling_engine() -> Result<wasmtime::Engine, EngineError> {
    wasmtime::Engine::new(&compile_settings()).map_err(|error| EngineError(format!("{error:#}")))
}

/// Whatever shapes generated code. Every line is stated even where it is wasmtime's default, so that an upgrade cannot
/// change it silently.
fn compile_settings() -> Config {
    let mut config = Config::new();
    config.strategy(wasmtime::Strategy::Cranelift); // never Winch: younger, and without the mitigations
    config.cranelift_opt_level(OptLevel::Speed); // guests compute; their compile time is bounded by the child
    config.compiler_inlining(Inlining::No); // a second way to blow up compile time

    config.wasm_features(WasmFeatures::all(), false); // start from nothing, so that new proposals stay off
    config.wasm_features(FEATURES, true);
    config.concurrency_support(false); // asynchronous components are off
    config.shared_memory(false); // so are threads

    config.consume_fuel(true); // the budget that is the same on every machine
    config.epoch_interruption(true); // fuel prices `memory.fill` of 256 MiB at 1; the clock sees the time it takes
    config.cranelift_nan_canonicalization(true); // the same bits on every machine, for replay
    config.relaxed_simd_deterministic(true); // same

    config.signals_based_traps(true); // guard pages instead of checks: faster, and the tested default
    config.memory_reservation(4 << 30); // with the guard below, every 32-bit address is caught by the MMU
    config.memory_guard_size(32 << 20); // offsets below this need no check
    config.guard_before_linear_memory(true); // a sign error in generated code hits a guard, too
    config.memory_may_move(false); // memories stay in their slot; growing never copies
    config.memory_init_cow(true); // instantiation maps the image instead of copying it
    config.memory_guaranteed_dense_image_size(4 << 20); // a sparse image beyond this is not built: artifacts stay in proportion to guests
    config.table_lazy_init(true); // large tables cost nothing until used

    config.wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Disable); // else an environment variable decides
    config.debug_symbols(false); // no DWARF in artifacts
    config.generate_address_map(false); // backtraces name functions, not offsets; a third off each artifact
    config.native_unwind_info(false); // only native debuggers read it
    config
}

/// The compile settings, and how guests are run.
fn run_settings(runs: NonZeroU32, room: Room) -> Config {
    let mut config = compile_settings();
    config.max_wasm_stack(room.stack); // deep recursion ends in a trap
    config.async_stack_size(room.stack.saturating_add(HOST_STACK));
    config.async_stack_zeroing(true); // a run never sees what an earlier one left on its stack
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16)); // for the operator; the guest never sees one

    let runs = runs.get();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(runs.saturating_mul(2)); // a component and one inner component each
    pool.total_core_instances(runs.saturating_mul(room.instances).max(INSTANCES_PER_GUEST));
    pool.total_memories(runs.saturating_mul(2).max(MEMORIES_PER_GUEST)); // 4 GiB of address space each
    pool.total_tables(runs.saturating_mul(4).max(TABLES_PER_GUEST));
    pool.total_stacks(runs.saturating_mul(2)); // one a run, and one for a call made while another is parked
    pool.max_core_instances_per_component(INSTANCES_PER_GUEST);
    pool.max_memories_per_component(MEMORIES_PER_GUEST);
    pool.max_tables_per_component(TABLES_PER_GUEST);
    pool.max_memories_per_module(MEMORIES_PER_GUEST);
    pool.max_tables_per_module(TABLES_PER_GUEST);
    pool.table_elements(usize::try_from(TABLE_ELEMENTS).unwrap_or(usize::MAX));
    pool.max_memory_size(4 << 30); // the run's own limit is lower and belongs to its store
    pool.max_core_instance_size(1 << 20); // bookkeeping of one instance, outside the run's memory limit
    pool.max_component_instance_size(1 << 20); // same
    pool.max_unused_warm_slots(16); // what stays mapped for the next run of the same guest
    pool.linear_memory_keep_resident(room.restored);
    pool.table_keep_resident(room.cleared);
    pool.async_stack_keep_resident(room.cleared);
    // INVARIANT: off. As of wasmtime 48 the scan passes over pages that a run wrote and the kernel has since swapped out or is
    // just moving: the next run in that slot would find them as they were left.
    pool.pagemap_scan(Enabled::No);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiling_and_the_running_engine_agree() {
        let running = Engine::new(NonZeroU32::new(4).unwrap()).unwrap();
        assert_eq!(Fingerprint::of(&compiling_engine().unwrap()), running.fingerprint());
    }

    #[test]
    fn settings_that_shape_code_shape_the_fingerprint() {
        let mut other = compile_settings();
        other.consume_fuel(false);
        let other = wasmtime::Engine::new(&other).unwrap();
        assert_ne!(Fingerprint::of(&compiling_engine().unwrap()), Fingerprint::of(&other));
    }

    #[test]
    fn a_slot_is_as_new_for_each_guest() {
        let text = r#"(module (memory (export "memory") 160) (table (export "table") 20000 funcref) (func $f)
            (data (i32.const 100) "near") (data (i32.const 9000000) "far") (elem (table 0) (i32.const 5) func $f))"#;
        for room in [Room::WASM, Room::of(Language::Python), Room::of(Language::JavaScript)] {
            let engine = Engine::with_room(NonZeroU32::MIN, room).unwrap();
            let module = wasmtime::Module::new(engine.wasmtime(), wat::parse_str(text).unwrap()).unwrap();
            for _ in 0..4 {
                let mut store = wasmtime::Store::new(engine.wasmtime(), ());
                store.set_fuel(1_000_000).unwrap();
                store.set_epoch_deadline(1);
                let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
                let memory = instance.get_memory(&mut store, "memory").unwrap();
                let table = instance.get_table(&mut store, "table").unwrap();
                let mut expected = vec![0; 160 << 16];
                expected[100..104].copy_from_slice(b"near");
                expected[9_000_000..9_000_003].copy_from_slice(b"far");
                assert!(memory.data(&store) == expected, "{room:?}");
                let full = (0..20_000).filter(|at| table.get(&mut store, *at).unwrap().unwrap_func().is_some());
                assert_eq!(full.collect::<Vec<_>>(), [5]);

                memory.grow(&mut store, 40).unwrap();
                memory.data_mut(&mut store).fill(0xaa);
                let function = table.get(&mut store, 5).unwrap();
                table.fill(&mut store, 0, function, 20_000).unwrap();
            }
        }
    }

    #[test]
    fn what_no_guest_needs_is_off() {
        let engine = compiling_engine().unwrap();
        for text in [
            r#"(module (memory 1 1 shared))"#,
            r#"(module (memory i64 1))"#,
            r#"(module (type (struct (field i32))))"#,
            r#"(module (tag))"#,
            r#"(module (memory 1 (pagesize 1)))"#,
            r#"(module (type $f (func)) (type (cont $f)))"#,
        ] {
            let binary = wat::parse_str(text).unwrap();
            assert!(engine.precompile_module(&binary).is_err(), "accepted: {text}");
        }
    }
}
