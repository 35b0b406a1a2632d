(module
  (import "bailiwick" "call" (func $call (param i32 i32 i32 i32) (result i64)))
  (import "bailiwick" "take" (func $take (param i32 i32) (result i32)))
  (memory (export "memory") 1 2)
  (data (i32.const 0) "print{\"text\":\"hello\"}")
  (func (export "run") (result i32)
    (drop (call $call (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 16)))
    (call $take (i32.const 64) (i32.const 64))))
