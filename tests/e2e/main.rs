//! The end-to-end tests: folders of data, and a few scenarios that only code can act out. `tests/README.md` says how.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail; the lints do not recognise this harness as a test"
)]

mod api;
mod attacks;
mod audit;
mod bomb;
mod calls;
mod canary;
mod case;
mod cluster;
mod codes;
mod coverage;
mod crash;
mod databases;
mod exports;
mod extension;
mod faults;
mod files;
mod golden;
mod hosting;
mod interpreters;
mod languages;
mod lifted;
mod matrix;
mod normal;
mod oidc;
mod paths;
mod postgres;
mod program;
mod replays;
mod revocation;
mod secrets;
mod server;
mod sessions;
mod ssrf;
mod stage;
mod token;
mod tools;
mod transcript;
mod vault;
mod verifiers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use case::Case;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (scene, about) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let played = match scene.as_str() {
        hosting::ARGUMENT => Some(hosting::play(&about)),
        replays::ARGUMENT => Some(replays::play(&about)),
        _ => None,
    };
    if let Some(played) = played {
        return played.map_or_else(
            |problem| {
                eprintln!("{problem}");
                ExitCode::FAILURE
            },
            |()| ExitCode::SUCCESS,
        );
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut trials = Vec::new();
    for path in given(&folder.join("cases")).into_iter().filter(|path| path.is_dir()) {
        trials.push(Trial::test(named("case", &path), move || stage::run(&Case::load(&path)?)));
    }
    for path in given(&folder.join("transcripts")) {
        trials.push(Trial::test(named("transcript", &path), move || transcript::check(&path)));
    }
    for path in given(&stage::repository().join("policies"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "toml"))
    {
        trials.push(Trial::test(named("matrix", &path), move || matrix::check(&path)));
    }
    trials.push(Trial::test("attacks::sql", attacks::sql));
    trials.extend(audit::trials());
    trials.extend(verifiers::trials());
    trials.extend(exports::trials());
    trials.extend(faults::trials());
    trials.extend(files::trials());
    trials.extend(paths::trials());
    trials.extend(ssrf::trials());
    for scenario in hosting::scenarios() {
        trials.push(Trial::test(format!("hosting::{scenario}"), move || hosting::start(&scenario)));
    }
    trials.extend(revocation::trials());
    trials.extend(oidc::trials());
    trials.extend(postgres::trials());
    trials.extend(secrets::trials());
    trials.extend(sessions::trials());
    trials.extend(tools::trials());
    trials.extend(vault::trials());
    trials.extend(interpreters::trials());
    trials.extend(replays::trials());
    trials.extend(extension::trials());
    trials.extend([
        Trial::test("crash::killed_between_intent_and_outcome", crash::killed_between_intent_and_outcome),
        Trial::test("crash::asked_to_end", crash::asked_to_end),
        Trial::test("crash::changed_log", crash::changed_log),
        Trial::test("crash::two_at_once", crash::two_at_once),
        Trial::test("crash::killed_with_a_budget_reserved", crash::killed_with_a_budget_reserved),
        Trial::test("crash::budgets_of_processes", crash::budgets_of_processes),
        Trial::test("languages::offline", languages::offline),
        Trial::test("languages::damaged", languages::damaged),
        Trial::test("languages::removed", languages::removed),
        Trial::test("languages::packages", languages::packages),
        Trial::test("languages::packages_that_would_be_built", languages::packages_that_would_be_built),
        Trial::test("complete::capabilities", coverage::table),
        Trial::test("complete::codes", codes::codes),
        Trial::test("complete::stops", codes::stops),
        Trial::test("complete::diagnostics", codes::diagnostics),
    ]);
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn named(kind: &str, path: &Path) -> String {
    format!("{kind}::{}", path.file_stem().unwrap_or_default().display())
}

/// What is in a folder that tests are made of, in order.
///
/// # Panics
/// When there is nothing: no test of it would fail then.
fn given(folder: &Path) -> Vec<PathBuf> {
    let paths = entries(folder);
    assert!(!paths.is_empty(), "nothing in {}", folder.display());
    paths
}

/// What is in a folder, in order.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}
