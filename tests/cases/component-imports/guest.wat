(component
  (import "bailiwick:host/types@0.1.0" (instance $types
    (type $e (variant (case "denied" string) (case "failed" string) (case "limit" string)))
    (export "error" (type (eq $e)))))
  (alias export $types "error" (type $error))
  (import "bailiwick:host/session@0.1.0" (instance $session
    (alias outer 1 $error (type $e))
    (export "error" (type $error-here (eq $e)))
    (export "set-result" (func (param "json" string) (result (result (error $error-here)))))))
  (import "bailiwick:host/crypto@0.1.0" (instance $crypto
    (alias outer 1 $error (type $e))
    (export "error" (type $error-here (eq $e)))
    (export "random" (func (param "length" u32) (result (result (list u8) (error $error-here)))))))
  (core module $libc
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 4096))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (i32.and (i32.add (local.get 3) (i32.const 15)) (i32.const -16))))))
  (core instance $libc (instantiate $libc))
  (core func $set (canon lower (func $session "set-result") (memory $libc "memory") (realloc (func $libc "cabi_realloc"))))
  (core func $random (canon lower (func $crypto "random") (memory $libc "memory") (realloc (func $libc "cabi_realloc"))))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "host" "set" (func $set (param i32 i32 i32)))
    (import "host" "random" (func $random (param i32 i32)))
    (data (i32.const 64) "not json")
    (data (i32.const 80) "[1,2]")
    (func (export "run") (result i32)
      ;; A result that is not JSON: an error. The right one after it: kept.
      (call $set (i32.const 64) (i32.const 8) (i32.const 128))
      (call $set (i32.const 80) (i32.const 5) (i32.const 256))
      ;; Nobody granted randomness: denied. 
      (call $random (i32.const 8) (i32.const 384))
      ;; The run fails with the code that the first call was answered with.
      (i32.store8 (i32.const 512) (i32.load8_u (i32.const 128)))
      (i32.store (i32.const 516) (i32.load (i32.const 136)))
      (i32.store (i32.const 520) (i32.load (i32.const 140)))
      (i32.const 512)))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "host" (instance (export "set" (func $set)) (export "random" (func $random))))))
  (func (export "run") (result (result (error string)))
    (canon lift (core func $i "run") (memory $libc "memory") (realloc (func $libc "cabi_realloc")))))
