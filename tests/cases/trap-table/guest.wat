(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (func (export "run") (call_indirect (i32.const 5))))
