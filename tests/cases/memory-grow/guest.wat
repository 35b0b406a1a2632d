(module
  (memory (export "memory") 1)
  (func (export "run") (result i32)
    (if (i32.ne (memory.grow (i32.const 15)) (i32.const 1)) (then (return (i32.const 1))))
    (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then (return (i32.const 2))))
    (i32.ne (memory.size) (i32.const 16))))
