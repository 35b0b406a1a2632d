(component
  (import "wasi:sockets/instance-network@0.2.3" (instance
    (export "network" (type $network (sub resource)))
    (export "instance-network" (func (result (own $network))))))
  (core module $m (func (export "run")))
  (core instance $i (instantiate $m))
  (func (export "run") (canon lift (core func $i "run"))))
