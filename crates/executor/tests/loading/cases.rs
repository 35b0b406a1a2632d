//! The tests.

use std::future::Future;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::time::Duration;

use bailiwick::artifact::{Code, Form};
use bailiwick::compile::{CompileError, danger};
use bailiwick::{CompileIn, CompileOptions, Guest, LoadError, Measure, Refusal};

use crate::bombs;
use crate::fixture::{Fixture, guest, patient, refusal};

type Case = fn(&'static Fixture) -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        pub(crate) const ALL: &[(&str, Case)] = &[$((stringify!($name), |fixture| Box::pin($name(fixture)))),+];
    };
}

cases![
    every_kind_of_guest_loads,
    bombs_are_refused_by_name,
    ordinary_sizes_are_within_the_bounds,
    what_the_bounds_let_through_is_stopped_by_the_clock,
    memory_has_a_limit,
    the_parent_does_not_grow,
    deep_types_and_text_leave_the_process_alive,
    invalid_guests_never_reach_the_compiler,
    imports_outside_the_catalogue_are_refused,
    without_an_entry_point_nothing_runs,
    liars_are_not_believed,
    a_child_that_fails_is_our_failure,
    a_child_that_dies_is_a_refusal,
    a_child_that_hangs_is_killed,
    dropping_the_future_kills_the_child,
    the_child_needs_an_absolute_path,
    a_neighbour_compiles_while_a_bomb_burns,
    the_cache_serves_what_was_compiled,
    a_tampered_cache_entry_is_rebuilt,
    trusted_guests_may_be_compiled_here,
];

const BARE: &str = r#"(module
    (import "bailiwick" "call" (func (param i32 i32 i32 i32) (result i64)))
    (memory (export "memory") 1) (func (export "run")))"#;

const PREVIEW_1: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1) (func (export "_start")))"#;

/// A component that exports what a command exports, and imports what is given.
fn component(imports: &str) -> String {
    format!(
        r#"(component {imports}
            (core module $m (func (export "run") (result i32) (i32.const 0)))
            (core instance $i (instantiate $m))
            (func $run (result (result)) (canon lift (core func $i "run")))
            (instance $cli (export "run" (func $run)))
            (export "wasi:cli/run@0.2.3" (instance $cli)))"#
    )
}

async fn every_kind_of_guest_loads(fixture: &'static Fixture) {
    let loader = fixture.loader();
    let component = component("");
    for (text, form) in [(BARE, Form::Module), (PREVIEW_1, Form::Lifted), (&component, Form::Component)] {
        let loaded = loader.load(&guest(text)).await.unwrap();
        assert_eq!(loaded.form(), form);
        assert_eq!(matches!(loaded.code(), Code::Module(_)), form == Form::Module);
        let binary = wat::parse_str(text).unwrap();
        assert_eq!(loader.load(&guest(&binary)).await.unwrap().form(), form);
    }
}

async fn bombs_are_refused_by_name(fixture: &'static Fixture) {
    let loader = fixture.loader();
    for (what, bomb) in [
        (Measure::LoopNesting, bombs::nested_loops(2_000)),
        (Measure::FunctionLocals, bombs::many_locals(20, 50_000)),
        (Measure::TotalLocals, bombs::many_locals(1_000, 2_000)),
        (Measure::Functions, bombs::many_functions(300_000)),
        (Measure::BranchTargets, bombs::branch_targets(1_000_000)),
        (Measure::Results, bombs::loop_parameters(50, 5_000)),
        (Measure::BlockValues, bombs::loop_parameters(20, 5_000)),
        (Measure::OperandStack, bombs::operands(50_000)),
        (Measure::FunctionBytes, bombs::straight_line(1_000_000)),
        (Measure::TypeNesting, bombs::nested_types(17)),
        (Measure::ComponentNesting, bombs::nested_components(20)),
    ] {
        match refusal(&loader, bomb).await {
            Refusal::TooComplex { what: found_what, found, limit } => {
                assert_eq!(found_what, what);
                assert_eq!(limit, what.limit());
                assert!(found > limit);
            }
            other => panic!("{what}: {other}"),
        }
    }
}

async fn ordinary_sizes_are_within_the_bounds(fixture: &'static Fixture) {
    let loader = fixture.loader();
    let export = r#"(memory (export "memory") 1) (func (export "run"))"#;
    for (name, text) in [
        ("functions", format!("(module {export} {})", "(func)".repeat(5_000))),
        ("blocks", format!("(module {export} (func {} {}))", "block ".repeat(3_300), "end ".repeat(3_300))),
        ("loops", format!("(module {export} (func {} {}))", "loop ".repeat(20), "end ".repeat(20))),
        ("data", format!("(module {export} {})", r#"(data (i32.const 0) "x")"#.repeat(15_000))),
        ("locals", format!("(module {export} (func (local {})))", "i32 ".repeat(1_000))),
    ] {
        if let Err(error) = loader.load(&guest(text)).await {
            panic!("{name}: {error}");
        }
    }
}

async fn what_the_bounds_let_through_is_stopped_by_the_clock(fixture: &'static Fixture) {
    let options = CompileOptions { time: Duration::from_millis(500), ..CompileOptions::default() };
    let loader = fixture.loader_with(options, None);
    assert_eq!(refusal(&loader, bombs::merging_values(1_000, 100)).await, Refusal::CompileTimeout { limit_ms: 500 });
}

async fn memory_has_a_limit(fixture: &'static Fixture) {
    let memory = NonZeroU64::new(300 << 20).unwrap();
    let loader = fixture.loader_with(CompileOptions { memory, ..patient() }, None);
    loader.load(&guest(BARE)).await.unwrap();
    let refused = refusal(&loader, bombs::merging_values(2_000, 40)).await;
    assert_eq!(refused, Refusal::CompileMemory { limit: memory.get() });
}

/// Bytes of this process's memory, at most, since it started.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

async fn the_parent_does_not_grow(fixture: &'static Fixture) {
    let loader = fixture.loader_with(CompileOptions { time: Duration::from_millis(500), ..patient() }, None);
    let bombs = [bombs::many_functions(300_000), bombs::loop_parameters(50, 5_000), bombs::merging_values(1_000, 100)];
    for bomb in &bombs {
        refusal(&loader, bomb).await;
    }
    let before = peak_memory();
    for bomb in bombs.iter().cycle().take(9) {
        refusal(&loader, bomb).await;
    }
    // Other tests run beside this one and hold a few guests of a megabyte each.
    assert!(peak_memory() < before + (64 << 20), "from {before} to {}", peak_memory());
}

async fn deep_types_and_text_leave_the_process_alive(fixture: &'static Fixture) {
    let loader = fixture.loader();
    for depth in [17, 1_000, 43_600, 1_000_000] {
        let refused = refusal(&loader, bombs::nested_types(depth)).await;
        assert!(matches!(refused, Refusal::TooComplex { .. }), "{depth}: {refused}");
    }
    for text in [
        "(module ".to_owned() + &"(".repeat(1_000_000),
        "(component ".repeat(100_000) + &")".repeat(100_000),
        "(module (func ".to_owned() + &"(drop ".repeat(500_000),
        "(module (func ".to_owned() + &"(block ".repeat(500_000) + &")".repeat(500_002),
    ] {
        let refused = refusal(&loader, text).await;
        assert!(matches!(refused, Refusal::Invalid { .. } | Refusal::TooComplex { .. }), "{refused}");
    }
}

async fn invalid_guests_never_reach_the_compiler(fixture: &'static Fixture) {
    let loader = fixture.loader();
    let whole = wat::parse_str(BARE).unwrap();
    for len in 9..whole.len() {
        // A module may end after any section; then its exports are missing instead.
        let refused = refusal(&loader, &whole[..len]).await;
        assert!(matches!(refused, Refusal::Invalid { .. } | Refusal::NoEntryPoint { .. }), "{len} bytes: {refused}");
    }
    for text in [
        r#"(module (func (result i32)))"#,
        r#"(module (func (local.set 7 (i32.const 0))))"#,
        r#"(module (memory 1 1 shared))"#,
        r#"(module (memory i64 1))"#,
        r#"(module (memory 70000))"#,
        r#"(module $unfinished"#,
    ] {
        let refused = refusal(&loader, text).await;
        assert!(matches!(refused, Refusal::Invalid { .. }), "{text}: {refused}");
    }
}

async fn imports_outside_the_catalogue_are_refused(fixture: &'static Fixture) {
    let loader = fixture.loader();
    for (text, unknown, near) in [
        (BARE.replace("\"call\"", "\"cal\""), "bailiwick::cal", Some("bailiwick::call")),
        (
            PREVIEW_1.replace("fd_write", "fd_wrote"),
            "wasi_snapshot_preview1::fd_wrote",
            Some("wasi_snapshot_preview1::fd_write"),
        ),
        (BARE.replace("\"bailiwick\"", "\"env\"").replace("\"call\"", "\"zz\""), "env::zz", None),
        (
            component(r#"(import "wasi:cli/environ@0.2.0" (instance))"#),
            "wasi:cli/environ@0.2.0",
            Some("wasi:cli/environment@0.2"),
        ),
        (component(r#"(import "wasi:cli/exit@0.3.0" (instance))"#), "wasi:cli/exit@0.3.0", Some("wasi:cli/exit@0.2")),
        (
            component(r#"(import "test:host/files@0.1.0" (instance (export "raed" (func))))"#),
            "test:host/files@0.1.0#raed",
            Some("test:host/files@0.1.0#read"),
        ),
    ] {
        let Refusal::UnknownImport { import, nearest_known } = refusal(&loader, &text).await else { panic!("{text}") };
        assert_eq!(import.as_str(), unknown);
        assert_eq!(nearest_known.as_ref().map(|name| name.as_str()), near, "{unknown}");
    }
    // An import of the right name and the wrong kind.
    let text =
        r#"(module (import "bailiwick" "call" (global i32)) (memory (export "memory") 1) (func (export "run")))"#;
    assert!(matches!(refusal(&loader, text).await, Refusal::UnknownImport { .. }));
    let text = component(r#"(import "exit" (func))"#);
    assert!(matches!(refusal(&loader, text).await, Refusal::UnknownImport { .. }));
    // A name of the terminal's language instead of the reader's.
    let text = BARE.replace("\"call\"", "\"\\1b[2Jcall\"");
    assert!(!refusal(&loader, text).await.to_string().contains('\u{1b}'));

    let known = component(r#"(import "test:host/files@0.1.0" (instance (export "read" (func))))"#);
    loader.load(&guest(known)).await.unwrap();
}

async fn without_an_entry_point_nothing_runs(fixture: &'static Fixture) {
    let loader = fixture.loader();
    for text in [
        "(module)",
        "(component)",
        r#"(module (func (export "run")))"#,
        r#"(module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))) (func (export "_initialize")))"#,
    ] {
        let refused = refusal(&loader, text).await;
        assert!(matches!(refused, Refusal::NoEntryPoint { .. }), "{text}: {refused}");
    }
}

async fn liars_are_not_believed(fixture: &'static Fixture) {
    for program in ["echo", "garbage", "brief", "silent", "endless"] {
        let error = fixture.loader_of(program).load(&guest(BARE)).await.unwrap_err();
        let not_authentic = matches!(error, LoadError::Compile(CompileError::NotAuthentic));
        assert!(not_authentic, "{program}: {error:?}");
    }
}

async fn a_child_that_fails_is_our_failure(fixture: &'static Fixture) {
    let error = fixture.loader_of("fails").load(&guest(BARE)).await.unwrap_err();
    let LoadError::Compile(CompileError::NoAnswer(why)) = error else { panic!("{error:?}") };
    assert_eq!(why.as_str(), "no such luck");
    let error = fixture.loader_of("shouts").load(&guest(BARE)).await.unwrap_err();
    assert!(error.to_string().len() < 1_000, "{error}");
    let error = fixture.loader_of("does not exist").load(&guest(BARE)).await.unwrap_err();
    assert!(matches!(error, LoadError::Compile(CompileError::Start(_))), "{error:?}");
}

async fn a_child_that_dies_is_a_refusal(fixture: &'static Fixture) {
    let error = fixture.loader_of("dies").load(&guest(BARE)).await.unwrap_err();
    assert!(matches!(error, LoadError::Refused(Refusal::CompileFailed { .. })), "{error:?}");
}

/// The process of the program `hangs`, once it runs.
fn hanging(fixture: &Fixture) -> Option<String> {
    let pid = std::fs::read_to_string(fixture.path("hangs.pid")).ok()?;
    pid.ends_with('\n').then(|| pid.trim().to_owned())
}

fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // One that was killed and not yet reaped is a zombie, and harms nobody.
    !stat.is_empty() && !stat.contains(") Z ")
}

async fn a_child_that_hangs_is_killed(fixture: &'static Fixture) {
    // One test for both ways to end a child that hangs, because they share the file with its number.
    let place = CompileIn::program(fixture.path("hangs"));
    let options = CompileOptions { place, time: Duration::from_secs(3), ..patient() };
    let loader = fixture.loader_with(options, None);
    assert_eq!(refusal(&loader, BARE).await, Refusal::CompileTimeout { limit_ms: 3_000 });
    let pid = hanging(fixture).unwrap();
    assert!(!is_alive(&pid));
}

async fn dropping_the_future_kills_the_child(fixture: &'static Fixture) {
    // A copy of the program in a folder of its own, linked because a fresh file might still be open for writing.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("hangs");
    std::fs::hard_link(fixture.path("hangs"), &program).unwrap();
    let loader = fixture.loader_with(CompileOptions { place: CompileIn::program(program), ..patient() }, None);
    let bare = guest(BARE);
    let mut load = Box::pin(loader.load(&bare));
    let pid = loop {
        tokio::select! {
            biased;
            done = &mut load => panic!("{done:?}"),
            () = tokio::task::yield_now() => {}
        }
        let pid = std::fs::read_to_string(folder.path().join("hangs.pid")).unwrap_or_default();
        if pid.ends_with('\n') {
            break pid.trim().to_owned();
        }
    };
    assert!(is_alive(&pid));
    drop(load);
    while is_alive(&pid) {
        tokio::task::yield_now().await;
    }
}

async fn the_child_needs_an_absolute_path(fixture: &'static Fixture) {
    let options = CompileOptions { place: CompileIn::program("bin/compiler"), ..patient() };
    let error = fixture.loader_with(options, None).load(&guest(BARE)).await.unwrap_err();
    assert!(matches!(error, LoadError::Compile(CompileError::RelativeProgram(_))), "{error:?}");
}

async fn a_neighbour_compiles_while_a_bomb_burns(fixture: &'static Fixture) {
    let concurrent = std::num::NonZeroUsize::new(2).unwrap();
    let loader = fixture.loader_with(CompileOptions { concurrent, ..patient() }, None);
    let bomb = guest(bombs::merging_values(1_000, 100));
    let mut burning = Box::pin(loader.load(&bomb));
    let bare = guest(BARE);
    tokio::select! {
        biased;
        done = &mut burning => panic!("{done:?}"),
        loaded = loader.load(&bare) => { loaded.unwrap(); }
    }
}

async fn the_cache_serves_what_was_compiled(fixture: &'static Fixture) {
    let folder = tempfile::tempdir().unwrap();
    let loader = fixture.loader_with(patient(), Some(fixture.cache(folder.path(), 1)));
    loader.load(&guest(BARE)).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    // Another loader, as in another process, whose compile child cannot answer.
    let options = CompileOptions { place: CompileIn::program(fixture.path("fails")), ..patient() };
    let other = fixture.loader_with(options, Some(fixture.cache(folder.path(), 1)));
    assert_eq!(other.load(&guest(BARE)).await.unwrap().form(), Form::Module);
    assert!(other.load(&guest(PREVIEW_1)).await.is_err());
}

async fn a_tampered_cache_entry_is_rebuilt(fixture: &'static Fixture) {
    let folder = tempfile::tempdir().unwrap();
    fixture.loader_with(patient(), Some(fixture.cache(folder.path(), 1))).load(&guest(BARE)).await.unwrap();
    let entry = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let good = std::fs::read(&entry).unwrap();
    let mut bad = good.clone();
    let last = bad.len() - 1;
    bad[last] ^= 1;
    std::fs::write(&entry, &bad).unwrap();

    let options = CompileOptions { place: CompileIn::program(fixture.path("fails")), ..patient() };
    let broken = fixture.loader_with(options, Some(fixture.cache(folder.path(), 1)));
    assert!(broken.load(&guest(BARE)).await.is_err(), "a tampered entry was loaded");
    assert!(!entry.exists());

    // Under another key every entry is foreign.
    std::fs::write(&entry, &good).unwrap();
    let options = CompileOptions { place: CompileIn::program(fixture.path("fails")), ..patient() };
    let foreign = fixture.loader_with(options, Some(fixture.cache(folder.path(), 2)));
    assert!(foreign.load(&guest(BARE)).await.is_err(), "a foreign entry was loaded");

    std::fs::write(&entry, &bad).unwrap();
    fixture.loader_with(patient(), Some(fixture.cache(folder.path(), 1))).load(&guest(BARE)).await.unwrap();
    assert_ne!(std::fs::read(&entry).unwrap(), bad);
}

async fn trusted_guests_may_be_compiled_here(fixture: &'static Fixture) {
    let place = danger::compile_trusted_guests_in_this_process();
    let loader = fixture.loader_with(CompileOptions { place, ..patient() }, None);
    assert_eq!(loader.load(&guest(PREVIEW_1)).await.unwrap().form(), Form::Lifted);
    assert!(matches!(refusal(&loader, "(module)").await, Refusal::NoEntryPoint { .. }));
    assert!(Guest::from_bytes(*b"print(1)").is_err());
}
