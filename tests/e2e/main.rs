//! The end-to-end tests: folders of data, and a few scenarios that only code can act out. `tests/README.md` says how.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail; the lints do not recognise this harness as a test"
)]

mod bomb;
mod calls;
mod case;
mod golden;
mod normal;
mod program;
mod server;
mod stage;
mod token;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use case::Case;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut trials = Vec::new();
    for path in entries(&folder.join("cases")) {
        let name = format!("case::{}", path.file_name().unwrap_or_default().display());
        trials.push(Trial::test(name, move || stage::run(&Case::load(&path)?)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// What is in a folder, in order.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}
