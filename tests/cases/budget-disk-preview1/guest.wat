(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "out/file")
  (data (i32.const 16) "\00\10\00\00\64\00\00\00")  ;; 100 bytes at 4096
  (func (export "_start") (local $errno i32)
    ;; fd 3 is the root; create (1) and write (64)
    (local.set $errno (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 1)
      (i64.const 64) (i64.const 64) (i32.const 0) (i32.const 32)))
    (if (local.get $errno) (then (call $exit (local.get $errno))))
    (loop $again
      (local.set $errno (call $write (i32.load (i32.const 32)) (i32.const 16) (i32.const 1) (i32.const 40)))
      (br_if $again (i32.eqz (local.get $errno))))
    (call $exit (i32.add (i32.const 100) (local.get $errno)))))
