;; Calls tools. Its arguments, three for each call: server, tool, and the arguments as JSON. It prints a line for each: the
;; reply, or the code of the error.
(module
  (import "bailiwick:host/session@0.1.0" "arguments" (func $arguments (param i32)))
  (import "bailiwick:host/script@0.1.0" "print" (func $print (param i32 i32 i32)))
  (import "bailiwick:host/tools@0.1.0" "call" (func $call (param i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 16)
  (data (i32.const 16) "\n")
  (global $next (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func $text (param $at i32) (call $print (i32.const 0) (i32.load (local.get $at)) (i32.load offset=4 (local.get $at))))
  (func (export "run") (result i32)
    (local $args i32) (local $end i32)
    (call $arguments (i32.const 32))
    (local.set $args (i32.load (i32.const 32)))
    (local.set $end (i32.add (local.get $args) (i32.mul (i32.const 8) (i32.load (i32.const 36)))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $args) (local.get $end)))
        (call $call
          (i32.load (local.get $args)) (i32.load offset=4 (local.get $args))
          (i32.load offset=8 (local.get $args)) (i32.load offset=12 (local.get $args))
          (i32.load offset=16 (local.get $args)) (i32.load offset=20 (local.get $args))
          (i32.const 64))
        ;; A reply is at 68, the text of an error behind its own kind.
        (call $text (select (i32.const 72) (i32.const 68) (i32.load8_u (i32.const 64))))
        (call $print (i32.const 0) (i32.const 16) (i32.const 1))
        (local.set $args (i32.add (local.get $args) (i32.const 24)))
        (br $next)))
    (i32.const 80)))
