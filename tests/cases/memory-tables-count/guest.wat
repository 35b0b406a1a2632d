(module
  (memory (export "memory") 1)
  (table $t 0 funcref)
  (func (export "run") (result i32)
    ;; 64 KiB are left: 8,192 elements of 8 bytes.
    (if (i32.ne (table.grow $t (ref.null func) (i32.const 8000)) (i32.const 0)) (then (return (i32.const 1))))
    (if (i32.ne (table.grow $t (ref.null func) (i32.const 193)) (i32.const -1)) (then (return (i32.const 2))))
    (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then (return (i32.const 3))))
    (i32.const 0)))
