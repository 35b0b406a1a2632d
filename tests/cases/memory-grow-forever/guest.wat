(module
  (memory (export "memory") 1)
  (func (export "run") (loop $again (drop (memory.grow (i32.const 1))) (br $again))))
