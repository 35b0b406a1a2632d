//! The `bailiwick` program.

fn main() -> std::process::ExitCode {
    bailiwick_cli::main()
}
