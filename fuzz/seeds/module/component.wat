(component
  (core module $m
    (func (export "run") (result i32) (i32.const 0))
    (memory (export "memory") 1))
  (core instance $i (instantiate $m))
  (type $t (result (error string)))
  (func (export "run") (result $t) (canon lift (core func $i "run") (memory $i "memory"))))
