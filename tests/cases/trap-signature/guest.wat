(module
  (memory (export "memory") 1)
  (table funcref (elem $other))
  (func $other)
  (func (export "run") (call_indirect (param i32) (i32.const 1) (i32.const 0))))
