(module
  (import "bailiwick" "call" (func $call (param i32 i32 i32 i32) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "print{\"text\":\"hello\\n\"}")
  (func (export "run")
    (drop (call $call (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 18)))))
