(module
  (memory (export "memory") 1000)
  (func (export "run")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 65000000))
      (memory.copy (i32.const 0) (i32.const 1) (i32.const 65000000))
      (br $again))))
