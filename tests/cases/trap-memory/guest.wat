(module
  (memory (export "memory") 1)
  (func (export "run") (drop (i32.load (i32.const 0x7fffffff)))))
