(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $resize (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "in/a.txt")
  (data (i32.const 16) "\00\00\00\00\08\00\00\00")
  (func $try (param $flags i32) (param $rights i64) (result i32)
    (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8) (local.get $flags)
      (local.get $rights) (local.get $rights) (i32.const 0) (i32.const 32)))
  (func (export "_start")
    ;; truncate (8) while reading (2), truncate while writing (64), write without truncating
    (if (i32.eqz (call $try (i32.const 8) (i64.const 2))) (then (call $exit (i32.const 1))))
    (if (i32.eqz (call $try (i32.const 8) (i64.const 64))) (then (call $exit (i32.const 2))))
    (if (i32.eqz (call $try (i32.const 0) (i64.const 66))) (then (call $exit (i32.const 3))))
    ;; A descriptor that was opened for reading neither writes nor changes the size.
    (if (call $try (i32.const 0) (i64.const 2)) (then (call $exit (i32.const 4))))
    (if (i32.eqz (call $write (i32.load (i32.const 32)) (i32.const 16) (i32.const 1) (i32.const 40)))
      (then (call $exit (i32.const 5))))
    (if (i32.eqz (call $resize (i32.load (i32.const 32)) (i64.const 0))) (then (call $exit (i32.const 6))))
    (call $exit (i32.const 99))))
