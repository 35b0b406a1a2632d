//! Small preview 1 programs, put together from calls.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as ADAPTER,
};
use wit_component::ComponentEncoder;

/// A preview 1 program that does one thing after the other and prints the error number of each, as a byte.
#[derive(Default)]
pub(super) struct Program {
    data: String,
    used: usize,
    body: String,
}

const PREVIEW1: &[(&str, &str)] = &[
    ("fd_filestat_get", "i32 i32"),
    ("fd_filestat_set_size", "i32 i64"),
    ("fd_pread", "i32 i32 i32 i64 i32"),
    ("fd_pwrite", "i32 i32 i32 i64 i32"),
    ("fd_read", "i32 i32 i32 i32"),
    ("fd_readdir", "i32 i32 i32 i64 i32"),
    ("fd_write", "i32 i32 i32 i32"),
    ("path_create_directory", "i32 i32 i32"),
    ("path_filestat_get", "i32 i32 i32 i32 i32"),
    ("path_link", "i32 i32 i32 i32 i32 i32 i32"),
    ("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32"),
    ("path_readlink", "i32 i32 i32 i32 i32 i32"),
    ("path_remove_directory", "i32 i32 i32"),
    ("path_rename", "i32 i32 i32 i32 i32 i32"),
    ("path_symlink", "i32 i32 i32 i32 i32"),
    ("path_unlink_file", "i32 i32 i32"),
    ("random_get", "i32 i32"),
];

/// Addresses of the program: a byte to print, a list of one buffer, a result, an opened descriptor, a buffer.
const ERRNO: u32 = 16;
const VECTOR: u32 = 32;
pub(super) const RESULT: u32 = 48;
const OPENED: u32 = 64;
pub(super) const BUFFER: u32 = 4096;
const TEXTS: usize = 1024;

/// Preview 1's error numbers.
pub(super) const OK: u8 = 0;
pub(super) const BADF: u8 = 8;
pub(super) const EXIST: u8 = 20;
pub(super) const INVAL: u8 = 28;
pub(super) const ISDIR: u8 = 31;
pub(super) const NOTDIR: u8 = 54;
pub(super) const NOTEMPTY: u8 = 55;
pub(super) const PERM: u8 = 63;

/// The preopened root, and the descriptor that `open` gave last.
pub(super) const ROOT: &str = "(i32.const 3)";
pub(super) const LAST: &str = "(i32.load (i32.const 64))";

/// `oflags` of `path_open`.
pub(super) const CREATE: u32 = 1;
pub(super) const DIRECTORY: u32 = 2;
pub(super) const EXCLUSIVE: u32 = 4;
pub(super) const TRUNCATE: u32 = 8;
/// Rights of `path_open`.
pub(super) const READ: u64 = 2;
pub(super) const WRITE: u64 = 64;

impl Program {
    /// A text in memory, as pointer and length.
    pub(super) fn text(&mut self, text: &str) -> String {
        let at = TEXTS + self.used;
        self.used += text.len();
        let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        self.data += &format!("(data (i32.const {at}) \"{escaped}\")\n");
        format!("(i32.const {at}) (i32.const {})", text.len())
    }

    /// Calls a function with these arguments, given as expressions.
    pub(super) fn call(&mut self, function: &str, arguments: &str) -> &mut Program {
        self.body += &format!("(call $say (call ${function} {arguments}))\n");
        self
    }

    /// Calls a function of a directory and a path.
    pub(super) fn path(&mut self, function: &str, directory: &str, path: &str) -> &mut Program {
        let path = self.text(path);
        self.call(function, &format!("{directory} {path}"))
    }

    pub(super) fn open(&mut self, directory: &str, path: &str, oflags: u32, rights: u64) -> &mut Program {
        let path = self.text(path);
        let rest =
            format!("(i32.const {oflags}) (i64.const {rights}) (i64.const 0) (i32.const 0) (i32.const {OPENED})");
        self.call("path_open", &format!("{directory} (i32.const 0) {path} {rest}"))
    }

    pub(super) fn stat(&mut self, directory: &str, path: &str) -> &mut Program {
        let path = self.text(path);
        self.call("path_filestat_get", &format!("{directory} (i32.const 1) {path} (i32.const {BUFFER})"))
    }

    /// Writes a text to a descriptor, or reads so many bytes from one, with `fd_write` or `fd_read`.
    pub(super) fn transfer(&mut self, function: &str, descriptor: &str, buffer: &str) -> &mut Program {
        self.body += &format!("(call $vector {buffer})\n");
        self.call(function, &format!("{descriptor} (i32.const {VECTOR}) (i32.const 1) (i32.const {RESULT})"))
    }

    /// The same at offset 0, with `fd_pwrite` or `fd_pread`.
    pub(super) fn transfer_at(&mut self, function: &str, descriptor: &str, buffer: &str) -> &mut Program {
        self.body += &format!("(call $vector {buffer})\n");
        let rest = format!("(i32.const {VECTOR}) (i32.const 1) (i64.const 0) (i32.const {RESULT})");
        self.call(function, &format!("{descriptor} {rest}"))
    }

    /// Prints the entries of a directory, as they are in memory.
    pub(super) fn list(&mut self, descriptor: &str) -> &mut Program {
        let rest = format!("(i32.const {BUFFER}) (i32.const 4096) (i64.const 0) (i32.const {RESULT})");
        self.call("fd_readdir", &format!("{descriptor} {rest}"));
        self.print_buffer(&format!("(i32.load (i32.const {RESULT}))"))
    }

    /// Prints what was read last.
    pub(super) fn print_buffer(&mut self, len: &str) -> &mut Program {
        self.body += &format!("(call $vector (i32.const {BUFFER}) {len})\n");
        let stdout = format!("(i32.const 1) (i32.const {VECTOR}) (i32.const 1) (i32.const {RESULT})");
        self.body += &format!("(drop (call $fd_write {stdout}))\n");
        self
    }

    pub(super) fn component(&self) -> Vec<u8> {
        let import = |(name, params): &(&str, &str)| {
            format!("(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param {params}) (result i32)))\n")
        };
        let imports: String = PREVIEW1.iter().map(import).collect();
        let module = format!(
            r#"(module {imports} (memory (export "memory") 2)
            {data}
            (func $vector (param $at i32) (param $len i32)
                (i32.store (i32.const {VECTOR}) (local.get $at))
                (i32.store offset=4 (i32.const {VECTOR}) (local.get $len)))
            (func $say (param $errno i32)
                (i32.store8 (i32.const {ERRNO}) (local.get $errno))
                (call $vector (i32.const {ERRNO}) (i32.const 1))
                (drop (call $fd_write (i32.const 1) (i32.const {VECTOR}) (i32.const 1) (i32.const 24))))
            (func (export "_start") {body}))"#,
            data = self.data,
            body = self.body,
        );
        let module = wat::parse_str(module).expect("the program is well-formed");
        let encoder = ComponentEncoder::default().module(&module).and_then(|encoder| encoder.adapter(NAME, ADAPTER));
        encoder.and_then(|mut encoder| encoder.encode()).expect("the program is a command")
    }
}
