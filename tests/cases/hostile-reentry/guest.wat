(component
  (import "bailiwick:host/session@0.1.0" (instance $session
    (export "input" (func (result string)))))
  (core module $table
    (table (export "table") 1 funcref)
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      (call_indirect (param i32) (i32.const 128) (i32.const 0))
      (i32.const 1024)))
  (core instance $libc (instantiate $table))
  (core func $input (canon lower (func $session "input") (memory $libc "memory") (realloc (func $libc "cabi_realloc"))))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "libc" "table" (table 1 funcref))
    (import "host" "input" (func $input (param i32)))
    (elem (i32.const 0) $input)
    (func (export "run") (result i32) (call $input (i32.const 64)) (i32.const 16)))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "host" (instance (export "input" (func $input))))))
  (func (export "run") (result (result (error string)))
    (canon lift (core func $i "run") (memory $libc "memory") (realloc (func $libc "cabi_realloc")))))
