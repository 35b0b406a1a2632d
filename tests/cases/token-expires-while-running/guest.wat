(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "in/a.txt")
  ;; a subscription: the monotonic clock (1 at offset 16), 10 s from now (at offset 24)
  (data (i32.const 80) "\01")
  (data (i32.const 88) "\00\e4\0b\54\02\00\00\00")
  (func $read (result i32)
    (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 0)
      (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 32)))
  (func (export "_start")
    ;; Granted at first. The token lives for 4 s, and its issuer's clock may be 5 s off.
    (if (call $read) (then unreachable))
    (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 48)))
    (if (i32.eqz (call $read)) (then unreachable))
    (call $exit (i32.const 1))))
