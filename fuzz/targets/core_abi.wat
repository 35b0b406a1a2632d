;; Does to the host what its input says. The input is a string of hexadecimal digits, which stand for steps one after the
;; other, each a byte for its kind and then little-endian words of four bytes:
;;
;;   01 name-length argument-length name argument      calls, and takes the reply
;;   02 name-at name-length argument-at argument-length  calls with these pointers
;;   03 at length                                      takes to this pointer
;;
;; Any other byte ends it. The steps are decoded to 0x10000; replies go to 0x20000.
(module
  (import "bailiwick" "call" (func $call (param i32 i32 i32 i32) (result i64)))
  (import "bailiwick" "take" (func $take (param i32 i32) (result i32)))
  (memory (export "memory") 4)
  (data (i32.const 0) "input{}")
  (global $at (mut i32) (i32.const 0x10000))

  (func (export "run") (local $kind i32) (local $name i32) (local $name_length i32) (local $length i32)
    (drop (call $call (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 2)))
    (drop (call $take (i32.const 0x20000) (i32.const 0x20000)))
    (call $decode (i32.const 0x2000a) (i32.const 0x10000)) ;; after `{"input":"`
    (loop $step
      (local.set $kind (i32.load8_u (global.get $at)))
      (call $skip (i32.const 1))
      (if (i32.eq (local.get $kind) (i32.const 1)) (then
        (local.set $name_length (call $word))
        (local.set $length (call $word))
        (local.set $name (global.get $at))
        (call $skip (i32.add (local.get $name_length) (local.get $length)))
        (drop (call $call (local.get $name) (local.get $name_length)
          (i32.add (local.get $name) (local.get $name_length)) (local.get $length)))
        (drop (call $take (i32.const 0x20000) (i32.const 0x20000)))
        (br $step)))
      (if (i32.eq (local.get $kind) (i32.const 2)) (then
        (drop (call $call (call $word) (call $word) (call $word) (call $word)))
        (br $step)))
      (if (i32.eq (local.get $kind) (i32.const 3)) (then
        (drop (call $take (call $word) (call $word)))
        (br $step)))))

  (func $skip (param $bytes i32)
    (global.set $at (i32.add (global.get $at) (local.get $bytes))))

  (func $word (result i32)
    (i32.load (global.get $at))
    (call $skip (i32.const 4)))

  ;; Hexadecimal digits up to a quotation mark.
  (func $decode (param $from i32) (param $to i32)
    (block $end (loop $more
      (br_if $end (i32.eq (i32.load8_u (local.get $from)) (i32.const 0x22)))
      (i32.store8 (local.get $to) (i32.or
        (i32.shl (call $digit (i32.load8_u (local.get $from))) (i32.const 4))
        (call $digit (i32.load8_u offset=1 (local.get $from)))))
      (local.set $from (i32.add (local.get $from) (i32.const 2)))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (br $more))))

  (func $digit (param $letter i32) (result i32)
    (select
      (i32.sub (local.get $letter) (i32.const 0x30))
      (i32.sub (local.get $letter) (i32.const 0x57)) ;; from `a` on
      (i32.le_u (local.get $letter) (i32.const 0x39)))))
