(component
  (core module $m (func (export "run") (param i32)))
  (core instance $i (instantiate $m))
  (func (export "run") (param "x" u32) (canon lift (core func $i "run"))))
