//! What building guests needs. None of it is needed to run them.

use std::process::{Command, Stdio};

use super::{Finding, State};

struct Tool {
    name: &'static str,
    /// Programs that do, the preferred first, and the arguments that make them say what they are.
    programs: &'static [&'static str],
    arguments: &'static [&'static str],
    serves: &'static str,
    get: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "cargo",
        programs: &["cargo"],
        arguments: &["--version"],
        serves: "guests in Rust",
        get: "https://rustup.rs",
    },
    Tool {
        name: "clang",
        programs: &["clang-22", "clang"],
        arguments: &["--version"],
        serves: "guests in C",
        get: "apt-get install clang lld wasi-libc libclang-rt-dev-wasm32",
    },
    Tool {
        name: "wasm-ld",
        programs: &["wasm-ld-22", "wasm-ld"],
        arguments: &["--version"],
        serves: "linking guests in C and Rust",
        get: "apt-get install lld",
    },
    Tool {
        name: "node",
        programs: &["node"],
        arguments: &["--version"],
        serves: "guests in AssemblyScript and JavaScript",
        get: "apt-get install nodejs",
    },
    Tool {
        name: "npm",
        programs: &["npm"],
        arguments: &["--version"],
        serves: "guests in AssemblyScript and JavaScript",
        get: "apt-get install npm",
    },
    Tool {
        name: "python3",
        programs: &["python3"],
        arguments: &["--version"],
        serves: "guests in Python",
        get: "apt-get install python3 python3-venv",
    },
];

pub(super) fn look() -> Vec<Finding> {
    let mut findings: Vec<Finding> = TOOLS.iter().map(tool).collect();
    findings.push(rust_target());
    findings
}

fn tool(tool: &Tool) -> Finding {
    match tool.programs.iter().find_map(|program| first_line(program, tool.arguments)) {
        Some(version) => Finding::new("building guests", tool.name, State::Good, version),
        None => Finding::new("building guests", tool.name, State::Missing, format!("not found; for {}", tool.serves))
            .help(tool.get),
    }
}

/// Whether the Rust compiler can compile for WASI.
fn rust_target() -> Finding {
    let name = "wasm32-wasip1";
    let library = first_line("rustc", &["--print", "target-libdir", "--target", name]);
    let present = library.is_some_and(|path| std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()));
    if present {
        Finding::new("building guests", name, State::Good, "Rust's standard library for WASI")
    } else {
        Finding::new("building guests", name, State::Missing, "not installed; for guests in Rust")
            .help("rustup target add wasm32-wasip1")
    }
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| text.lines().next().unwrap_or_default().to_owned())
}
