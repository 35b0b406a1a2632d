(module
  (import "bailiwick" "call" (func (param i64) (result i64)))
  (memory (export "memory") 1)
  (func (export "run")))
