(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (data (i32.const 16) "\01\00\00\00\40\00\00\00\13\00\00\00")
    (data (i32.const 64) "\1b[31mno rows\n\1b[0m!!")
    (func (export "run") (result i32) (i32.const 16)))
  (core instance $i (instantiate $m))
  (func (export "run") (result (result (error string)))
    (canon lift (core func $i "run") (memory $i "memory") (realloc (func $i "cabi_realloc")))))
