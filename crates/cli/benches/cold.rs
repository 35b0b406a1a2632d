//! `bailiwick run` from the start of its process to its end, with everything in its caches, against the same text in `python3`
//! and `node` without a sandbox.
//!
//! Takes the interpreters that the end-to-end tests installed, as the bench `scripts` of `languages` does. For guests in
//! WebAssembly the floor is `wasmtime run` on the same module, compiled before, when there is such a program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench may panic"
)]

#[path = "../../../benches/floor.rs"]
mod floor;
#[path = "../../../benches/programs.rs"]
mod programs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const BAILIWICK: &str = env!("CARGO_BIN_EXE_bailiwick");
const POLICY: &str = "schema = 1\nid = \"cold\"\nagents = [\"bot\"]\n";
const WAT: &str = r#"(module (memory (export "memory") 1) (func (export "run")) (func (export "_start")))"#;
const PYTHON: &str = "print('hello')";
const JAVASCRIPT: &str = "console.log('hello')";

fn main() {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target").canonicalize().unwrap();
    // Beside the installed interpreters, so that they can be linked instead of copied.
    let folder = tempfile::tempdir_in(&target).unwrap();
    for part in ["languages", "cache"] {
        link(&target.join("languages-test-state").join(part), &folder.path().join("state").join(part));
    }
    for (name, text) in [("policy.toml", POLICY), ("hello.py", PYTHON), ("hello.js", JAVASCRIPT), ("hello.wat", WAT)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let ours = |guest: &str| {
        let mut command = Command::new(BAILIWICK);
        command.current_dir(folder.path()).env("BAILIWICK_STATE", "state");
        command.args(["run", guest, "--policy", "policy.toml", "--as", "bot"]);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(status.success(), "{guest}");
    };
    let (python, node) = (programs::python(), programs::node());
    floor::compare(
        "P10 bailiwick run hello.py, cold; floor: python3 -I -c",
        || ours("hello.py"),
        || programs::finish(&python, &["-I", "-c", PYTHON]),
    );
    floor::compare(
        "P10 bailiwick run hello.js, cold; floor: node -e",
        || ours("hello.js"),
        || programs::finish(&node, &["-e", JAVASCRIPT]),
    );
    match wasmtime(folder.path()) {
        Some(module) => floor::compare(
            "P10 bailiwick run of a wasm guest, cold; floor: wasmtime run, compiled before",
            || ours("hello.wat"),
            || programs::finish(Path::new("wasmtime"), &["run", "--allow-precompiled", module.to_str().unwrap()]),
        ),
        None => {
            ours("hello.wat");
            let samples = (0..101).map(|_| {
                let began = Instant::now();
                ours("hello.wat");
                began.elapsed().as_nanos() as f64
            });
            floor::report("P10 bailiwick run of a wasm guest, cold", samples.collect());
        }
    }
}

/// The module, compiled by the program `wasmtime`; `None` without that program.
fn wasmtime(folder: &Path) -> Option<PathBuf> {
    let module = folder.join("hello.cwasm");
    let mut command = Command::new("wasmtime");
    command.arg("compile").arg(folder.join("hello.wat")).arg("-o").arg(&module);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success()).then_some(module)
}

/// The same files under another folder.
fn link(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).expect("installed interpreters") {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() { link(&entry.path(), &to) } else { fs::hard_link(entry.path(), to).unwrap() }
    }
}
