//! From a list of core ABI calls to a guest that makes them: `calls.json`.
//!
//! Each element is `[operation, argument]` or `[operation, argument, times]`. The argument is JSON, or a string that is
//! passed as it is, or `{"$repeat": [before, character, times, after]}` for one that is too long to write down. The
//! guest prints a line with operation and reply for each element; for a repeated one, after its last time.

use serde_json::Value;

const SCRATCH: usize = 1024;
const REPLY: usize = 8 * 1024;
const LINE: usize = 16 * 1024;
const TEXTS: usize = 64 * 1024;
/// A longer reply is printed as its length.
const SHOWN: usize = 3000;

/// The guest, as WAT.
///
/// # Errors
/// When the list is not written as described above.
pub(crate) fn guest(text: &str) -> Result<String, String> {
    let calls: Vec<Vec<Value>> = serde_json::from_str(text).map_err(|error| format!("calls.json: {error}"))?;
    let mut texts = Texts::default();
    let mut steps = String::new();
    for call in &calls {
        let (operation, argument, times) = match call.as_slice() {
            [Value::String(operation), argument] => (operation, argument, 1),
            [Value::String(operation), argument, times] => (operation, argument, times.as_u64().unwrap_or(1)),
            other => return Err(format!("calls.json: {other:?} is not [operation, argument]")),
        };
        let (op_at, op_len) = texts.add(operation);
        let (at, len) = match argument {
            Value::String(raw) => texts.add(raw),
            Value::Object(members) if members.contains_key("$repeat") => {
                texts.add_long(&members["$repeat"], &mut steps)?
            }
            json => texts.add(&json.to_string()),
        };
        steps += &format!(
            "    (call $perform (i32.const {op_at}) (i32.const {op_len}) (i32.const {at}) (i32.const {len}) (i32.const {times}))\n"
        );
    }
    let pages = (TEXTS + texts.size) / 65536 + 1;
    Ok(format!(
        "(module\n{IMPORTS}  (memory (export \"memory\") {pages})\n  (data (i32.const {SCRATCH}) \"{{\\22text\\22:\\22\")\n{}{FUNCTIONS}  (func (export \"run\")\n{steps}  ))\n",
        texts.data
    ))
}

#[derive(Default)]
struct Texts {
    data: String,
    size: usize,
}

impl Texts {
    fn add(&mut self, text: &str) -> (usize, usize) {
        let at = TEXTS + self.size;
        let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        self.data += &format!("  (data (i32.const {at}) \"{escaped}\")\n");
        self.size += text.len();
        (at, text.len())
    }

    /// Reserves room for a long text, and adds the step that writes it there.
    fn add_long(&mut self, parts: &Value, steps: &mut String) -> Result<(usize, usize), String> {
        let (Some(before), Some(fill), Some(times), Some(after)) =
            (parts[0].as_str(), parts[1].as_str(), parts[2].as_u64(), parts[3].as_str())
        else {
            return Err("calls.json: $repeat takes [before, character, times, after]".to_owned());
        };
        let [byte] = fill.as_bytes() else { return Err("calls.json: $repeat fills with one character".to_owned()) };
        let times = usize::try_from(times).map_err(|error| error.to_string())?;
        let (at, _) = self.add(before);
        let filled = at + before.len();
        self.size += times;
        self.add(after);
        *steps += &format!("    (memory.fill (i32.const {filled}) (i32.const {byte}) (i32.const {times}))\n");
        Ok((at, before.len() + times + after.len()))
    }
}

const IMPORTS: &str = r#"  (import "bailiwick" "call" (func $call (param i32 i32 i32 i32) (result i64)))
  (import "bailiwick" "take" (func $take (param i32 i32) (result i32)))
"#;

/// `$perform` makes the call and prints `{"text":"operation reply\n"}`. What it copies into JSON it escapes.
const FUNCTIONS: &str = r#"  (data (i32.const 1100) "print")
  (global $end (mut i32) (i32.const 0))
  (func $put (param $byte i32)
    (i32.store8 (global.get $end) (local.get $byte))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))
  (func $copy (param $at i32) (param $len i32) (local $byte i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $len)))
      (local.set $byte (i32.load8_u (local.get $at)))
      (if (i32.or (i32.eq (local.get $byte) (i32.const 34)) (i32.eq (local.get $byte) (i32.const 92)))
        (then (call $put (i32.const 92))))
      (call $put (select (i32.const 63) (local.get $byte) (i32.lt_u (local.get $byte) (i32.const 32))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $len (i32.sub (local.get $len) (i32.const 1)))
      (br $next))))
  (func $number (param $value i32)
    (if (i32.ge_u (local.get $value) (i32.const 10))
      (then (call $number (i32.div_u (local.get $value) (i32.const 10)))))
    (call $put (i32.add (i32.const 48) (i32.rem_u (local.get $value) (i32.const 10)))))
  (func $perform (param $op i32) (param $op_len i32) (param $at i32) (param $len i32) (param $times i32)
    (local $reply i32)
    (loop $again
      (local.set $reply (i32.wrap_i64
        (call $call (local.get $op) (local.get $op_len) (local.get $at) (local.get $len))))
      (local.set $times (i32.sub (local.get $times) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $times) (i32.const 0))))
    (drop (call $take (i32.const 8192) (i32.const 3000)))
    (memory.copy (i32.const 16384) (i32.const 1024) (i32.const 9))
    (global.set $end (i32.const 16393))
    (call $copy (local.get $op) (local.get $op_len))
    (call $put (i32.const 32))
    (if (i32.gt_u (local.get $reply) (i32.const 3000))
      (then
        (call $number (local.get $reply))
        (call $put (i32.const 32)) (call $put (i32.const 98)))
      (else (call $copy (i32.const 8192) (local.get $reply))))
    (call $put (i32.const 92)) (call $put (i32.const 110)) (call $put (i32.const 34)) (call $put (i32.const 125))
    (drop (call $call (i32.const 1100) (i32.const 5) (i32.const 16384)
      (i32.sub (global.get $end) (i32.const 16384)))))
"#;

// INVARIANT: `FUNCTIONS` is written for these.
const _: () = assert!(SCRATCH == 1024 && REPLY == 8192 && LINE == 16384 && SHOWN == 3000);
