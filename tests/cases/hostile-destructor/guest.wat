(component
  (core module $d (func (export "dtor") (param i32) (loop $again (br $again))))
  (core instance $d (instantiate $d))
  (type $r (resource (rep i32) (dtor (func $d "dtor"))))
  (core func $new (canon resource.new $r))
  (core func $drop (canon resource.drop $r))
  (core module $m
    (import "r" "new" (func $new (param i32) (result i32)))
    (import "r" "drop" (func $drop (param i32)))
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "run") (result i32)
      (call $drop (call $new (i32.const 1)))
      (i32.const 16)))
  (core instance $i (instantiate $m
    (with "r" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
  (func (export "run") (result (result (error string)))
    (canon lift (core func $i "run") (memory $i "memory") (realloc (func $i "cabi_realloc")))))
