//! Guests in WebAssembly, one for each thing that differs from run to run or machine to machine.

use bailiwick::Guest;
use libtest_mimic::Failed;
use serde_json::Value;

use super::{Stage, elsewhere, policy, same};
use crate::calls;
use crate::interpreters::runtime;

/// A guest, and what its replay is.
pub(super) struct Recorded {
    pub(super) name: &'static str,
    module: Module,
    /// Texts of the policy, and what takes their place.
    limits: &'static [(&'static str, &'static str)],
    /// The kind of the stop.
    stop: &'static str,
    /// Two runs differ in what they print: there is something to record.
    differs: bool,
    likeness: &'static str,
}

enum Module {
    /// What follows the imports of preview 1 in WAT; it has `$print`, `$clock`, `$random`, `$poll`.
    Preview1(&'static str),
    /// Calls of the core ABI.
    Core(&'static str),
}

const EXACT: &str = "exact";
const AS_FAR: &str = "exact_as_far_as_recorded";

pub(super) const ALL: &[Recorded] = &[
    Recorded {
        name: "clocks_and_randomness",
        module: Module::Preview1(
            r#"(func (export "_start") (local $n i32)
              (loop $again
                (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 1024)))
                (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 1032)))
                (drop (call $random (i32.const 1040) (i32.const 24)))
                (call $print (i32.const 1024) (i32.const 40))
                (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20)))))"#,
        ),
        limits: &[],
        stop: "finished",
        differs: true,
        likeness: EXACT,
    },
    Recorded {
        name: "bits_of_nan_and_vectors",
        module: Module::Preview1(
            r#"(func (export "_start") (local $zero f64) (local $v v128)
              (f64.store (i32.const 1024) (f64.div (local.get $zero) (local.get $zero)))
              (f64.store (i32.const 1032) (f64.sqrt (f64.const -1)))
              (f64.store (i32.const 1040) (f64.add (f64.const nan:0x123) (local.get $zero)))
              (f32.store (i32.const 1048) (f32.demote_f64 (f64.const -nan:0x456789abcdef)))
              (f64.store (i32.const 1056) (f64.promote_f32 (f32.const nan:0x12345)))
              (f64.store (i32.const 1064) (f64.min (f64.const nan:0x77) (f64.const 1)))
              (f32.store (i32.const 1072) (f32.sub (f32.const inf) (f32.const inf)))
              (local.set $v (v128.const f32x4 nan:0x111 -nan:0x222 inf -0.0))
              (v128.store (i32.const 1088) (f32x4.add (local.get $v) (local.get $v)))
              (v128.store (i32.const 1104) (f64x2.sqrt (v128.const f64x2 -1 nan:0x9)))
              (v128.store (i32.const 1120) (f32x4.relaxed_min (local.get $v) (v128.const f32x4 0 1 nan 0)))
              (v128.store (i32.const 1136) (i8x16.relaxed_swizzle (local.get $v)
                (v128.const i8x16 0 1 15 16 17 31 32 100 127 -128 -1 -2 3 4 5 6)))
              (v128.store (i32.const 1152) (i32x4.relaxed_trunc_f32x4_s (v128.const f32x4 nan inf -inf 3e20)))
              (v128.store (i32.const 1168) (f32x4.relaxed_madd (v128.const f32x4 1.0000001 3 5 0.1)
                (v128.const f32x4 1.0000001 7 9 0.1) (v128.const f32x4 -1 -21 nan -0.01)))
              (v128.store (i32.const 1184) (i16x8.relaxed_q15mulr_s (v128.const i16x8 -32768 1 2 3 4 5 6 7)
                (v128.const i16x8 -32768 9 9 9 9 9 9 9)))
              (v128.store (i32.const 1200) (i8x16.relaxed_laneselect (local.get $v) (v128.const i64x2 -1 5)
                (v128.const i8x16 1 127 -128 -1 0 64 85 3 1 127 -128 -1 0 64 85 3)))
              (call $print (i32.const 1024) (i32.const 192)))"#,
        ),
        limits: &[],
        stop: "finished",
        differs: false,
        likeness: EXACT,
    },
    Recorded {
        name: "memory_that_does_not_grow",
        module: Module::Preview1(
            r#"(table $t 1 funcref)
            (func (export "_start") (local $n i32)
              (call $print (i32.const 1024) (i32.const 1))
              (loop $more
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (i32.store (i32.const 1024) (local.get $n))
                (br_if $more (i32.ne (memory.grow (i32.const 3)) (i32.const -1))))
              (loop $more
                (i32.store (i32.const 1028) (table.size $t))
                (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 100)) (i32.const -1))))
              (i32.store (i32.const 1032) (memory.size))
              (call $print (i32.const 1024) (i32.const 12)))"#,
        ),
        limits: &[("160MiB", "4MiB")],
        stop: "finished",
        differs: false,
        likeness: EXACT,
    },
    Recorded {
        name: "memory_beside_files",
        module: Module::Core(
            r#"[["files.write", {"path": "/tmp/a", "content": {"$repeat": ["", "x", 1000000, ""]}}],
                ["files.write", {"path": "/tmp/b", "content": {"$repeat": ["", "x", 1000000, ""]}}],
                ["files.write", {"path": "/tmp/c", "content": {"$repeat": ["", "x", 1000000, ""]}}],
                ["files.list", {"path": "/tmp"}],
                ["files.delete", {"path": "/tmp/a"}]]"#,
        ),
        limits: &[("160MiB", "7MiB")],
        stop: "finished",
        differs: false,
        likeness: EXACT,
    },
    Recorded {
        name: "depth_of_the_stack",
        module: Module::Preview1(
            r#"(func $deep (param $n i32) (result i32)
              (i32.store (i32.const 1024) (local.get $n))
              (if (i32.eqz (i32.rem_u (local.get $n) (i32.const 500)))
                (then (call $print (i32.const 1024) (i32.const 4))))
              (i32.add (i32.const 1) (call $deep (i32.add (local.get $n) (i32.const 1)))))
            (func (export "_start") (drop (call $deep (i32.const 0))))"#,
        ),
        limits: &[],
        stop: "trapped",
        differs: false,
        likeness: EXACT,
    },
    Recorded {
        name: "order_of_tables",
        module: Module::Preview1(
            r#"(type $f (func (result i32)))
            (table $t 4 40 funcref) (elem (table $t) (i32.const 1) func $one $two)
            (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
            (func (export "_start") (local $n i32)
              (drop (table.grow $t (ref.func $two) (i32.const 7)))
              (table.set $t (i32.const 0) (ref.func $one))
              (table.copy $t $t (i32.const 3) (i32.const 0) (i32.const 3))
              (loop $more
                (i32.store8 (i32.add (i32.const 1024) (local.get $n))
                  (if (result i32) (ref.is_null (table.get $t (local.get $n))) (then (i32.const 0))
                    (else (call_indirect $t (type $f) (local.get $n)))))
                (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (table.size $t))))
              (call $print (i32.const 1024) (local.get $n)))"#,
        ),
        limits: &[],
        stop: "finished",
        differs: false,
        likeness: EXACT,
    },
    Recorded {
        name: "what_is_ready_first",
        module: Module::Preview1(
            r#"(func $subscribe (param $at i32) (param $name i64) (param $nanos i64)
              (i64.store (local.get $at) (local.get $name)) (i32.store8 offset=8 (local.get $at) (i32.const 0))
              (i32.store offset=16 (local.get $at) (i32.const 1)) (i64.store offset=24 (local.get $at) (local.get $nanos)))
            (func (export "_start") (local $n i32)
              (call $subscribe (i32.const 1024) (i64.const 1) (i64.const 300000))
              (call $subscribe (i32.const 1072) (i64.const 2) (i64.const 0))
              (call $subscribe (i32.const 1120) (i64.const 3) (i64.const 310000))
              (i64.store (i32.const 1168) (i64.const 4)) (i32.store8 (i32.const 1176) (i32.const 2))
              (i32.store (i32.const 1184) (i32.const 1))
              (loop $more
                (drop (call $poll (i32.const 1024) (i32.const 2048) (i32.const 3) (i32.const 2000)))
                (call $print (i32.const 2000) (i32.const 160))
                (drop (call $poll (i32.const 1024) (i32.const 2048) (i32.const 4) (i32.const 2000)))
                (call $print (i32.const 2000) (i32.const 176))
                (i64.store (i32.const 1096) (i64.const 299000))
                (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 1992)))
                (call $print (i32.const 1992) (i32.const 8))
                (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20)))))"#,
        ),
        limits: &[],
        stop: "finished",
        differs: true,
        likeness: EXACT,
    },
    Recorded {
        name: "a_core_module",
        module: Module::Core(
            r#"[["time", {}], ["input", {}], ["args", {}], ["crypto.random", {"length": 20}], ["crypto.hash", {"algorithm": "sha-256", "data": "x"}],
                ["files.write", {"path": "/work/a", "content": "content"}], ["files.stat", {"path": "/work/a"}],
                ["files.read", {"path": "/work/a"}], ["files.list", {"path": "/work"}], ["files.list", {"path": "/"}],
                ["files.read", {"path": "/etc/passwd"}], ["files.read", {"path": "/work/../x"}], ["files.read", {"path": "/work/none"}],
                ["kv.set", {"store": "notes", "key": "a", "value": "b"}], ["kv.get", {"store": "notes", "key": "a"}],
                ["kv.increment", {"store": "notes", "key": "n"}], ["kv.list", {"store": "notes"}], ["kv.get", {"store": "other", "key": "a"}],
                ["no.such.thing", {}], ["files.read", "no object"], ["result", {"value": [1, 0.1]}]]"#,
        ),
        limits: &[],
        stop: "finished",
        differs: true,
        likeness: EXACT,
    },
    Recorded {
        name: "too_many_calls",
        module: Module::Core(
            r#"[["time", {}], ["crypto.random", {"length": 1}], ["crypto.random", {"length": 1}], ["crypto.random", {"length": 1}]]"#,
        ),
        limits: &[("host_calls = 10000", "host_calls = 2")],
        stop: "out_of_budget",
        differs: true,
        likeness: EXACT,
    },
    Recorded {
        name: "too_much_output",
        module: Module::Preview1(
            r#"(func (export "_start") (loop $l (call $print (i32.const 1024) (i32.const 1000)) (br $l)))"#,
        ),
        limits: &[("8MiB", "10KiB")],
        stop: "out_of_budget",
        differs: false,
        likeness: EXACT,
    },
    Recorded {
        name: "fuel",
        module: Module::Preview1(
            r#"(func (export "_start") (loop $l
              (drop (call $random (i32.const 1024) (i32.const 1)))
              (br_if $l (i32.ne (i32.load8_u (i32.const 1024)) (i32.const 256)))))"#,
        ),
        limits: &[("host_calls", "fuel = 2000000\nhost_calls")],
        stop: "out_of_fuel",
        differs: false,
        likeness: EXACT,
    },
    Recorded {
        name: "an_exit_code",
        module: Module::Preview1(
            r#"(func (export "_start") (drop (call $random (i32.const 1024) (i32.const 8)))
              (call $print (i32.const 1024) (i32.const 8)) (call $exit (i32.const 3)))"#,
        ),
        limits: &[],
        stop: "failed",
        differs: true,
        likeness: EXACT,
    },
    Recorded {
        name: "time_that_ran_out_in_sleep",
        module: Module::Preview1(
            r#"(func (export "_start")
              (call $print (i32.const 1024) (i32.const 5))
              (i32.store (i32.const 1040) (i32.const 1)) (i64.store (i32.const 1048) (i64.const 3600000000000))
              (drop (call $poll (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 2000)))
              (call $print (i32.const 1024) (i32.const 6)))"#,
        ),
        limits: &[("timeout = \"100s\"", "timeout = \"5s\"")],
        stop: "out_of_time",
        differs: false,
        likeness: AS_FAR,
    },
    Recorded {
        name: "time_that_ran_out",
        module: Module::Preview1(
            r#"(func (export "_start") (call $print (i32.const 1024) (i32.const 5)) (loop $l (br $l)))"#,
        ),
        limits: &[("timeout = \"100s\"", "timeout = \"5s\""), ("host_calls", "fuel = 1000000000000\nhost_calls")],
        stop: "out_of_time",
        differs: false,
        likeness: AS_FAR,
    },
];

const PREVIEW1: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func $print (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
"#;

/// Records it twice, and replays each twice, in another process.
pub(super) fn check(recorded: &Recorded) -> Result<(), Failed> {
    let stage = Stage::new()?;
    let runtime = runtime()?;
    let module = match recorded.module {
        Module::Preview1(rest) => format!("{PREVIEW1}{rest})"),
        Module::Core(list) => calls::guest(list)?,
    };
    let policy = recorded.limits.iter().fold(policy()?, |policy, (from, to)| policy.replace(from, to));
    let guest = Guest::from_bytes(module.into_bytes())?;
    let (one, _) = runtime.block_on(stage.record(guest.clone(), &policy))?;
    let (two, _) = runtime.block_on(stage.record(guest, &policy))?;
    if one.stop.kind() != recorded.stop {
        return Err(format!("it ended as {}: {}", one.stop, String::from_utf8_lossy(&one.stderr)).into());
    }
    if (one.stdout == two.stdout) == recorded.differs {
        return Err("two runs are not as different as they should be".into());
    }
    let replayed = elsewhere(&stage)?;
    for (report, replayed) in [&one, &one, &two, &two].into_iter().zip(&replayed) {
        let likeness: &Value = &replayed["likeness"];
        if likeness["kind"] != recorded.likeness || replayed["is_other_engine"] != false {
            return Err(format!("it replays {likeness}: {}", replayed["report"]["stop"]).into());
        }
        if recorded.likeness == EXACT && !same(report, replayed) {
            return Err(format!("an exact replay of {report:?} has the report {}", replayed["report"]).into());
        }
    }
    if replayed.len() == 4 { Ok(()) } else { Err(format!("{} replays", replayed.len()).into()) }
}
