(component
  (import "bailiwick:host/session@0.1.0" (instance $session
    (export "input" (func (result string)))))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      (i32.const 0x7ffffff0)))
  (core instance $libc (instantiate $libc))
  (core func $input (canon lower (func $session "input") (memory $libc "memory") (realloc (func $libc "cabi_realloc"))))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "host" "input" (func $input (param i32)))
    (func (export "run") (result i32) (call $input (i32.const 64)) (i32.const 16)))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "host" (instance (export "input" (func $input))))))
  (func (export "run") (result (result (error string)))
    (canon lift (core func $i "run") (memory $libc "memory") (realloc (func $libc "cabi_realloc")))))
