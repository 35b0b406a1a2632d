;; The world of a module as bindings generators write it, into a section `component-type`: a component that exports a type.
(component
  (@custom "wit-component-encoding" "\04\00")
  (type $package (component
    (type $world (component
      (type $types (instance
        (type $moment (record (field "seconds" u64) (field "zone" (option string))))
        (export "moment" (type $exported (eq $moment)))
        (type $now (func (result $exported)))
        (export "now" (func (type $now)))))
      (import "fuzz:world/clock@0.1.0" (instance (type $types)))
      (type $outcome (result (error string)))
      (type $run (func (result $outcome)))
      (export "run" (func (type $run)))))
    (export "fuzz:world/guest@0.1.0" (component (type $world)))))
  (export "guest" (type $package)))
