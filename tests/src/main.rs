//! The `bailiwick` program, once more: the end-to-end tests run this one, because cargo builds it together with them.

fn main() -> std::process::ExitCode {
    bailiwick_cli::main()
}
