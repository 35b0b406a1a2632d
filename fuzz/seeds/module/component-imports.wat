(component
  (import "wasi:cli/environment@0.2.0" (instance $env
    (export "get-arguments" (func (result (list string))))))
  (type (record (field "a" u8) (field "b" (option (tuple string f64)))))
  (component (import "x" (func)) (export "y" (func 0))))
