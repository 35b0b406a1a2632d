;; The demonstration: an agent that does its job, then tries two things that it must not do.
;;
;; It reads a month of sales, adds up the amounts, hashes the file and signs a one-line summary. Then it asks for
;; /etc/passwd and for the cloud's metadata service. Both are refused, and the program goes on to its end.
;;
;;   policy:  policies/summary.toml
;;   run:     bailiwick run guest-examples/summary.wat --policy policies/summary.toml --as summary-bot
;;
;; A bare module has two imports (docs/src/reference/core-abi.md): `call` an operation, `take` its reply. Operation,
;; argument and reply are text; a reply is JSON without blanks, so it can be pasted into the next argument.
(module
  (import "bailiwick" "call" (func $host_call (param i32 i32 i32 i32) (result i64)))
  (import "bailiwick" "take" (func $host_take (param i32 i32) (result i32)))

  ;; Page 0: the steps. Page 1: the argument being written. Pages 2 to 6: the replies to the first, second, third, fifth
  ;; and seventh step. Page 7: replies that nobody reads.
  (memory (export "memory") 8)

  ;; Each step is an operation and its argument, both ended by a zero byte. In an argument these bytes stand for:
  ;; 01 number of rows, 02 text of the file, 03 to 06 the whole reply on that page, 07 total, 08 digest, 09 outcome.
  (data (i32.const 0x000) "files.read\00{\"path\":\"/sales/2026-10.csv\"}")
  (data (i32.const 0x080) "crypto.hash\00{\"algorithm\":\"sha-256\",\"data\":\"\02\"}")
  (data (i32.const 0x100)
    "crypto.sign\00{\"key\":\"reports/summary\",\"data\":\"2026-10: \01 rows, total \07, sha-256 \08\"}")
  (data (i32.const 0x180) "print\00{\"text\":\"2026-10: \01 rows, total \07, sha-256 \08\\n\"}")
  (data (i32.const 0x200) "files.read\00{\"path\":\"/etc/passwd\"}")
  (data (i32.const 0x280) "print\00{\"text\":\"/etc/passwd: \09\\n\"}")
  (data (i32.const 0x300) "fetch\00{\"url\":\"http://169.254.169.254/latest/meta-data\",\"method\":\"GET\"}")
  (data (i32.const 0x380) "print\00{\"text\":\"169.254.169.254: \09\\n\"}")
  (data (i32.const 0x400)
    "result\00{\"value\":{\"rows\":\01,\"total\":\07,\"hash\":\03,\"signature\":\04,"
    "\"passwd\":\05,\"metadata\":\06}}")
  (data (i32.const 0x480) "answered\00refused\00")

  (global $end (mut i32) (i32.const 0x10000))  ;; where the argument being written ends
  (global $error (mut i32) (i32.const 0))      ;; 1 when the last reply was an error
  (global $rows (mut i64) (i64.const -1))      ;; the heading ends a line too, but is not a row
  (global $cents (mut i64) (i64.const 0))      ;; the sum of the column `amount`

  (func (export "run") (result i32)
    ;; The work. Without any of these three there is no report: end with an exit code.
    (if (call $step (i32.const 0x000) (i32.const 0x20000)) (then (return (i32.const 1))))
    (call $add_up (i32.const 0x2000c))
    (if (call $step (i32.const 0x080) (i32.const 0x30000)) (then (return (i32.const 2))))
    (if (call $step (i32.const 0x100) (i32.const 0x40000)) (then (return (i32.const 3))))
    (drop (call $step (i32.const 0x180) (i32.const 0x70000)))

    ;; The mischief. A refusal is a reply like any other, not a trap: the program decides how to go on.
    (drop (call $step (i32.const 0x200) (i32.const 0x50000)))
    (drop (call $step (i32.const 0x280) (i32.const 0x70000)))
    (drop (call $step (i32.const 0x300) (i32.const 0x60000)))
    (drop (call $step (i32.const 0x380) (i32.const 0x70000)))

    ;; The result of the run: what was done, and both refusals word for word. 0: all is well.
    (call $step (i32.const 0x400) (i32.const 0x70000)))

  ;; Performs one step, puts the reply on a page, and says whether it is an error.
  (func $step (param $op i32) (param $page i32) (result i32)
    (local $op_end i32) (local $reply i64)
    (local.set $op_end (call $find (local.get $op) (i32.const 0)))
    (global.set $end (i32.const 0x10000))
    (call $write (i32.add (local.get $op_end) (i32.const 1)))
    (local.set $reply (call $host_call
      (local.get $op) (i32.sub (local.get $op_end) (local.get $op))
      (i32.const 0x10000) (i32.sub (global.get $end) (i32.const 0x10000))))
    (drop (call $host_take (local.get $page) (i32.const 0xff00)))
    (global.set $error (i32.wrap_i64 (i64.shr_u (local.get $reply) (i64.const 32))))  ;; bit 32; below it the length
    (global.get $error))

  ;; Adds up the last column. Inside JSON a line ends with the two characters `\n`. Every amount has two decimals, so
  ;; leaving out the point leaves cents. A comma begins a new number.
  (func $add_up (param $at i32)
    (local $byte i32) (local $number i64)
    (loop $next
      (local.set $byte (i32.load8_u (local.get $at)))
      (if (i32.eq (local.get $byte) (i32.const 0x2c)) (then (local.set $number (i64.const 0))))
      (if (i32.lt_u (i32.sub (local.get $byte) (i32.const 0x30)) (i32.const 10))
        (then (local.set $number (i64.add
          (i64.mul (local.get $number) (i64.const 10))
          (i64.extend_i32_u (i32.sub (local.get $byte) (i32.const 0x30)))))))
      (if (i32.eq (local.get $byte) (i32.const 0x5c))
        (then
          (global.set $rows (i64.add (global.get $rows) (i64.const 1)))
          (global.set $cents (i64.add (global.get $cents) (local.get $number)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.ne (local.get $byte) (i32.const 0x22)))))  ;; the quote that closes the text

  ;; Writes an argument, with its stand-ins replaced.
  (func $write (param $from i32)
    (loop $next
      (if (i32.load8_u (local.get $from))
        (then
          (call $put (i32.load8_u (local.get $from)))
          (local.set $from (i32.add (local.get $from) (i32.const 1)))
          (br $next)))))

  (func $put (param $byte i32)
    (block $outcome (block $digest (block $total (block $reply (block $text (block $rows (block $plain
      (br_table $plain $rows $text $reply $reply $reply $reply $total $digest $outcome $plain (local.get $byte)))
      (i32.store8 (global.get $end) (local.get $byte))
      (return (global.set $end (i32.add (global.get $end) (i32.const 1)))))
      (return (call $number (global.get $rows))))
      (return (call $copy (i32.const 0x2000c) (i32.const 0x22))))  ;; {"content":" is 12 bytes long
      (return (call $copy (i32.shl (local.get $byte) (i32.const 16)) (i32.const 0))))
      (call $number (i64.div_u (global.get $cents) (i64.const 100)))
      (call $put (i32.const 0x2e))
      (call $number (i64.div_u (i64.rem_u (global.get $cents) (i64.const 100)) (i64.const 10)))
      (return (call $number (i64.rem_u (global.get $cents) (i64.const 10)))))
      (return (call $copy (i32.const 0x30040) (i32.const 0x22))))  ;; {"digest":"…44…","hex":" is 64 bytes long
    (call $copy (select (i32.const 0x489) (i32.const 0x480) (global.get $error)) (i32.const 0)))

  (func $number (param $value i64)
    (if (i64.ge_u (local.get $value) (i64.const 10))
      (then (call $number (i64.div_u (local.get $value) (i64.const 10)))))
    (call $put (i32.add (i32.const 0x30) (i32.wrap_i64 (i64.rem_u (local.get $value) (i64.const 10))))))

  (func $copy (param $from i32) (param $stop i32)
    (local $count i32)
    (local.set $count (i32.sub (call $find (local.get $from) (local.get $stop)) (local.get $from)))
    (memory.copy (global.get $end) (local.get $from) (local.get $count))
    (global.set $end (i32.add (global.get $end) (local.get $count))))

  (func $find (param $at i32) (param $byte i32) (result i32)
    (loop $next
      (if (i32.ne (i32.load8_u (local.get $at)) (local.get $byte))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next))))
    (local.get $at)))
