//! Guests that tests run.

use std::fs;

use crate::place::{Place, Ran};

/// Reads `/data/note.txt` through the core ABI, prints what it got, and asks for `/etc/passwd`.
const READER: &str = r#"(module
  (import "bailiwick" "call" (func $call (param i32 i32 i32 i32) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "files.read")
  (data (i32.const 16) "{\"path\":\"/data/note.txt\"}")
  (data (i32.const 64) "{\"path\":\"/etc/passwd\"}")
  (func (export "run")
    (drop (call $call (i32.const 0) (i32.const 10) (i32.const 16) (i32.const 25)))
    (drop (call $call (i32.const 0) (i32.const 10) (i32.const 64) (i32.const 22)))))"#;

/// Prints a line, and then never ends.
const BUSY: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\05\00\00\00busy\0a")
  (func (export "_start")
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))
    (loop (br 0))))"#;

/// Prints a line, and then more than any pipe holds.
const FLOOD: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 9)
  (data (i32.const 0) "\10\00\00\00\05\00\00\00busy\0a")
  (data (i32.const 16) "busy\0a")
  (data (i32.const 32) "\40\00\00\00\00\00\08\00")
  (func (export "_start")
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))
    (drop (call $w (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 100)))
    (loop (br 0))))"#;

/// Prints a report of its own, without the end of the line, on standard error.
const POSER: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\2c\00\00\00\e2\94\80\e2\94\80 run 1 \e2\94\80\e2\94\80\0afinished  poser.wat as x")
  (func (export "_start")
    (drop (call $w (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 100)))
    unreachable))"#;

const SPIN: &str = r#"(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))"#;
pub(crate) const QUIET: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;
const TRAP: &str = r#"(module (memory (export "memory") 1) (func (export "_start") unreachable))"#;

/// Prints what would clear a terminal and hide the rest.
const HOSTILE: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\07\00\00\00\1b[2Jx\0a\0a")
  (func (export "_start") (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))))"#;

const MANIFEST: &str = r#"
schema = 1
id = "notes"
agents = ["note-bot"]
[[allow]]
id = "read-notes"
file = "data/**"
actions = ["read"]
[mounts]
data = "./data"
"#;

impl Place {
    /// A folder with guests, a manifest for them, and a note.
    pub(crate) fn with_guests() -> Place {
        let place = Place::new();
        place.write("notes.toml", MANIFEST);
        for (name, text) in [
            ("reader", READER),
            ("busy", BUSY),
            ("flood", FLOOD),
            ("poser", POSER),
            ("spin", SPIN),
            ("quiet", QUIET),
            ("trap", TRAP),
            ("hostile", HOSTILE),
        ] {
            place.write(&format!("{name}.wat"), text);
        }
        fs::create_dir(place.path("data")).unwrap();
        place.write("data/note.txt", "hello");
        place
    }

    pub(crate) fn guest(&self, guest: &str, more: &[&str]) -> Ran {
        self.run(&[&["run", guest, "--policy", "notes.toml", "--as", "note-bot"], more].concat())
    }
}
