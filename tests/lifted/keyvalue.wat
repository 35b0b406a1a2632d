;; Uses stores through `wasi:keyvalue`. Its arguments, three for each operation: a letter, a key, and a value or nothing.
;;
;;   o  opens the bucket of that name; the operations after it are for this one
;;   g  get            s  set           d  delete          e  exists
;;   l  list-keys, after the key if there is one
;;   i  increment by one digit
;;   c  compares and swaps
;;   f  the same, with another `set` in between, to `between`; then once more with the handle that the failure gave
;;   m  get-many of both texts          w  set-many of the pair               x  delete-many of both texts
;;
;; It prints a line for each: the letter, the key, and what came of it.
(module
  (type $i (func (param i32)))
  (import "bailiwick:host/session@0.1.0" "arguments" (func $arguments (type $i)))
  (import "bailiwick:host/script@0.1.0" "print" (func $print (param i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "open" (func $open (param i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "[method]bucket.get" (func $get (param i32 i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "[method]bucket.set" (func $set (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "[method]bucket.delete" (func $delete (param i32 i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "[method]bucket.exists" (func $exists (param i32 i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "[method]bucket.list-keys" (func $list (param i32 i32 i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "[resource-drop]bucket" (func $drop_bucket (type $i)))
  (import "wasi:keyvalue/atomics@0.2.0-draft2" "increment" (func $increment (param i32 i32 i32 i64 i32)))
  (import "wasi:keyvalue/atomics@0.2.0-draft2" "[static]cas.new" (func $cas (param i32 i32 i32 i32)))
  (import "wasi:keyvalue/atomics@0.2.0-draft2" "[method]cas.current" (func $current (param i32 i32)))
  (import "wasi:keyvalue/atomics@0.2.0-draft2" "swap" (func $swap (param i32 i32 i32 i32)))
  (import "wasi:keyvalue/batch@0.2.0-draft2" "get-many" (func $get_many (param i32 i32 i32 i32)))
  (import "wasi:keyvalue/batch@0.2.0-draft2" "set-many" (func $set_many (param i32 i32 i32 i32)))
  (import "wasi:keyvalue/batch@0.2.0-draft2" "delete-many" (func $delete_many (param i32 i32 i32 i32)))
  (memory (export "memory") 64)
  (data (i32.const 16) " \n")
  (data (i32.const 24) " no-such-store")
  (data (i32.const 40) " access-denied")
  (data (i32.const 56) " ok")
  (data (i32.const 64) " none")
  (data (i32.const 72) " yes")
  (data (i32.const 80) " no")
  (data (i32.const 88) " more")
  (data (i32.const 96) " failed")
  (data (i32.const 104) "between")
  (global $next (mut i32) (i32.const 65536))
  (global $bucket (mut i32) (i32.const 0))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func $text (param $at i32) (param $len i32) (call $print (i32.const 0) (local.get $at) (local.get $len)))
  (func $word (param $at i32) (param $len i32)
    (call $text (i32.const 16) (i32.const 1))
    (call $text (local.get $at) (local.get $len)))
  ;; An error of the interface at $at; always 1.
  (func $error (param $at i32) (result i32)
    (if (i32.eqz (i32.load8_u (local.get $at))) (then (call $text (i32.const 24) (i32.const 14)) (return (i32.const 1))))
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 1)) (then (call $text (i32.const 40) (i32.const 14)) (return (i32.const 1))))
    (call $word (i32.load offset=4 (local.get $at)) (i32.load offset=8 (local.get $at)))
    (i32.const 1))
  ;; Whether the result at 1024 is an error, whose payload is $payload bytes behind it.
  (func $failed (param $payload i32) (result i32)
    (if (result i32) (i32.load8_u (i32.const 1024))
      (then (call $error (i32.add (i32.const 1024) (local.get $payload))))
      (else (i32.const 0))))
  (func $done (if (i32.eqz (call $failed (i32.const 4))) (then (call $text (i32.const 56) (i32.const 3)))))
  (func $option (param $at i32)
    (if (i32.load8_u (local.get $at))
      (then (call $word (i32.load offset=4 (local.get $at)) (i32.load offset=8 (local.get $at))))
      (else (call $text (i32.const 64) (i32.const 5)))))
  (func $number (param $n i64)
    (local $at i32)
    (local.set $at (i32.const 1200))
    (loop $digits
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $n) (i64.const 10)))))
      (local.set $n (i64.div_u (local.get $n) (i64.const 10)))
      (br_if $digits (i32.wrap_i64 (local.get $n))))
    (call $word (local.get $at) (i32.sub (i32.const 1200) (local.get $at))))
  ;; What a swap came to; the handle to go on with, or 0.
  (func $swapped (result i32)
    (if (i32.eqz (i32.load8_u (i32.const 1024))) (then (call $text (i32.const 56) (i32.const 3)) (return (i32.const 0))))
    (if (i32.eqz (i32.load8_u (i32.const 1028))) (then (drop (call $error (i32.const 1032))) (return (i32.const 0))))
    (call $text (i32.const 96) (i32.const 7))
    (i32.load (i32.const 1032)))
  (func $one (param $args i32)
    (local $op i32) (local $key i32) (local $key_len i32) (local $value i32) (local $value_len i32) (local $at i32) (local $n i32)
    (local.set $op (i32.load8_u (i32.load (local.get $args))))
    (local.set $key (i32.load offset=8 (local.get $args)))
    (local.set $key_len (i32.load offset=12 (local.get $args)))
    (local.set $value (i32.load offset=16 (local.get $args)))
    (local.set $value_len (i32.load offset=20 (local.get $args)))
    (call $text (i32.load (local.get $args)) (i32.const 1))
    (call $word (local.get $key) (local.get $key_len))
    (if (i32.eq (local.get $op) (i32.const 111)) (then ;; o
      (call $open (local.get $key) (local.get $key_len) (i32.const 1024))
      (if (i32.eqz (call $failed (i32.const 4))) (then
        (if (global.get $bucket) (then (call $drop_bucket (global.get $bucket))))
        (global.set $bucket (i32.load (i32.const 1028)))
        (call $text (i32.const 56) (i32.const 3))))))
    (if (i32.eq (local.get $op) (i32.const 103)) (then ;; g
      (call $get (global.get $bucket) (local.get $key) (local.get $key_len) (i32.const 1024))
      (if (i32.eqz (call $failed (i32.const 4))) (then (call $option (i32.const 1028))))))
    (if (i32.eq (local.get $op) (i32.const 115)) (then ;; s
      (call $set (global.get $bucket) (local.get $key) (local.get $key_len) (local.get $value) (local.get $value_len) (i32.const 1024))
      (call $done)))
    (if (i32.eq (local.get $op) (i32.const 100)) (then ;; d
      (call $delete (global.get $bucket) (local.get $key) (local.get $key_len) (i32.const 1024))
      (call $done)))
    (if (i32.eq (local.get $op) (i32.const 101)) (then ;; e
      (call $exists (global.get $bucket) (local.get $key) (local.get $key_len) (i32.const 1024))
      (if (i32.eqz (call $failed (i32.const 4))) (then
        (if (i32.load8_u (i32.const 1028))
          (then (call $text (i32.const 72) (i32.const 4)))
          (else (call $text (i32.const 80) (i32.const 3))))))))
    (if (i32.eq (local.get $op) (i32.const 108)) (then ;; l
      (call $list (global.get $bucket) (i32.ne (local.get $key_len) (i32.const 0)) (local.get $key) (local.get $key_len) (i32.const 1024))
      (if (i32.eqz (call $failed (i32.const 4))) (then
        (local.set $at (i32.load (i32.const 1028)))
        (local.set $n (i32.load (i32.const 1032)))
        (block $end (loop $names
          (br_if $end (i32.eqz (local.get $n)))
          (call $word (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br $names)))
        (if (i32.load8_u (i32.const 1036)) (then (call $text (i32.const 88) (i32.const 5))))))))
    (if (i32.eq (local.get $op) (i32.const 105)) (then ;; i
      (call $increment (global.get $bucket) (local.get $key) (local.get $key_len)
        (i64.extend_i32_u (i32.sub (i32.load8_u (local.get $value)) (i32.const 48))) (i32.const 1024))
      (if (i32.eqz (call $failed (i32.const 8))) (then (call $number (i64.load (i32.const 1032)))))))
    (if (i32.or (i32.eq (local.get $op) (i32.const 99)) (i32.eq (local.get $op) (i32.const 102))) (then ;; c, f
      (call $cas (global.get $bucket) (local.get $key) (local.get $key_len) (i32.const 1024))
      (if (i32.eqz (call $failed (i32.const 4))) (then
        (local.set $n (i32.load (i32.const 1028)))
        (call $current (local.get $n) (i32.const 1024))
        (call $option (i32.const 1028))
        (if (i32.eq (local.get $op) (i32.const 102)) (then
          (call $set (global.get $bucket) (local.get $key) (local.get $key_len) (i32.const 104) (i32.const 7) (i32.const 1024))))
        (call $swap (local.get $n) (local.get $value) (local.get $value_len) (i32.const 1024))
        (local.set $n (call $swapped))
        (if (local.get $n) (then
          (call $current (local.get $n) (i32.const 1024))
          (call $option (i32.const 1028))
          (call $swap (local.get $n) (local.get $value) (local.get $value_len) (i32.const 1024))
          (drop (call $swapped))))))))
    (if (i32.eq (local.get $op) (i32.const 109)) (then ;; m
      (call $get_many (global.get $bucket) (i32.add (local.get $args) (i32.const 8)) (i32.const 2) (i32.const 1024))
      (if (i32.eqz (call $failed (i32.const 4))) (then
        (local.set $at (i32.load (i32.const 1028)))
        (call $option (i32.add (local.get $at) (i32.const 8)))
        (call $option (i32.add (local.get $at) (i32.const 28)))))))
    (if (i32.eq (local.get $op) (i32.const 119)) (then ;; w
      (call $set_many (global.get $bucket) (i32.add (local.get $args) (i32.const 8)) (i32.const 1) (i32.const 1024))
      (call $done)))
    (if (i32.eq (local.get $op) (i32.const 120)) (then ;; x
      (call $delete_many (global.get $bucket) (i32.add (local.get $args) (i32.const 8)) (i32.const 2) (i32.const 1024))
      (call $done)))
    (call $text (i32.const 17) (i32.const 1)))
  (func (export "run") (result i32)
    (local $args i32) (local $end i32)
    (call $arguments (i32.const 1088))
    (local.set $args (i32.load (i32.const 1088)))
    (local.set $end (i32.add (local.get $args) (i32.mul (i32.const 8) (i32.load (i32.const 1092)))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $args) (local.get $end)))
        (call $one (local.get $args))
        (local.set $args (i32.add (local.get $args) (i32.const 24)))
        (br $next)))
    (i32.const 8)))
