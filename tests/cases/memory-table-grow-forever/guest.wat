(module
  (memory (export "memory") 1)
  (table $t 0 funcref)
  (func (export "run") (loop $again (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $again))))
