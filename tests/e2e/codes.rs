//! Nothing in a list of codes without an end-to-end case, or a reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bailiwick::{Stop, TrapKind};
use bailiwick_policy::{Code, DiagnosticCode};
use libtest_mimic::Failed;

use crate::entries;

/// Codes that no case can bring about, and the test that covers each instead.
const ELSEWHERE: &[(Code, &str)] = &[
    // Values of secrets that do not fit their place, or are no more than a few bytes.
    (Code::SecretUnfit, "crates/host/tests/host/secrets.rs"),
    (Code::NoStore, "crates/host/tests/host/kv.rs"),
    // Keys grow old, and their files are damaged, where the clock and the folder are the test's.
    (Code::KeyExpired, "crates/host/tests/host/key_versions.rs"),
    (Code::KeyStore, "crates/host/tests/host/key_store.rs"),
    (Code::DatabaseBusy, "faults::database_held, faults::stores_held"),
    (Code::NoSpace, "faults::disk_full, files::disk_full"),
    (
        Code::Conflict,
        "files::conflict, and crates/host/tests/host/files_staged.rs: somebody else changes files meanwhile",
    ),
    (
        Code::BudgetsUnavailable,
        "crates/guard/tests/all/budgets.rs, crates/store/tests/store/budgets.rs: budgets that cannot be written",
    ),
    (Code::SqlMemory, "attacks::sql"),
    // A token beyond the registry is refused whole (`deny.token.privilege_injection`), so that the token always blames first.
    (Code::RegistryCapability, "crates/policy/tests/policy/decisions.rs"),
    (Code::AuditUnavailable, "crates/guard/tests/all/door.rs, with a log that fails on demand"),
    // Budgets end the run: the code is in records of the call that was under way, which these have none of.
    (Code::HostCalls, "case budget-host-calls, as the stop's `budget`"),
    (Code::OutputBytes, "case budget-output, as the stop's `budget`"),
    (Code::Internal, "a fault of the host; nothing a guest or a manifest does leads there"),
    // Nonces are a server's.
    (Code::ProofNonce, "crates/identity/tests/cases/proofs"),
    (
        Code::ReplayStore,
        "crates/identity/tests/possession.rs, crates/store/tests/store/replay.rs: a full store, and a broken one",
    ),
    // Issuers that publish their keys are servers, good and bad ones.
    (Code::IssuerUnreachable, "oidc::outage, and crates/identity/tests/fetching.rs"),
    (Code::IssuerAddress, "oidc::doctor, and crates/identity/tests/fetching.rs"),
    (Code::IssuerAnswer, "crates/identity/tests/fetching.rs"),
];

/// Every code is in some case's expected files.
pub(crate) fn codes() -> Result<(), Failed> {
    let seen = texts(Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").as_path(), &["report.json", "audit.json"]);
    let excused = |code: &Code| ELSEWHERE.iter().any(|(other, _)| other == code);
    complete(Code::ALL.iter().map(|code| (code.as_str(), excused(code))), &seen)
}

/// Every way in which a run can end is, too.
pub(crate) fn stops() -> Result<(), Failed> {
    let seen = texts(Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").as_path(), &["report.json"]);
    let elsewhere = |kind: &str| ["revoked", "cancelled", "not_applied"].contains(&kind); // hosting.rs, crash.rs, files.rs
    let kinds = [
        Stop::Finished,
        Stop::OutOfFuel,
        Stop::OutOfMemory,
        Stop::OutOfTime,
        Stop::Trapped(TrapKind::Other),
        Stop::Revoked,
        Stop::Cancelled,
        Stop::NotApplied(Code::Conflict),
    ];
    let kinds = kinds.iter().map(Stop::kind).chain(["refused", "failed", "out_of_budget"]);
    complete(kinds.map(|kind| (kind, elsewhere(kind))), &seen)?;
    let traps = [
        TrapKind::StackOverflow,
        TrapKind::MemoryOutOfBounds,
        TrapKind::TableOutOfBounds,
        TrapKind::IndirectCall,
        TrapKind::IntegerOverflow,
        TrapKind::DivisionByZero,
        TrapKind::BadConversion,
        TrapKind::Unreachable,
        TrapKind::BadCall,
        TrapKind::Other,
    ];
    complete(traps.iter().map(|trap| (trap.as_str(), false)), &seen)?;
    let refusals = [
        ("unrecognised", true), // case refused-source-text: such a guest is not even handed to the executor
        ("too_large", true),    // case refused-too-large, the same
        ("invalid", false),
        ("too_complex", false),
        ("unknown_import", false),
        ("no_entry_point", false),
        ("unliftable", false),
        ("compile_timeout", false),
        ("compile_memory", true), // crates/executor/tests/loading: within the bounds it takes a slow and large guest
        ("compile_failed", true), // crates/executor/tests/loading, with a program that dies
    ];
    complete(refusals.into_iter(), &seen)?;
    complete(["host_calls", "output", "disk", "files"].into_iter().map(|budget| (budget, false)), &seen)
}

/// Every finding in manifests is in the transcript of `policy check`.
pub(crate) fn diagnostics() -> Result<(), Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts/policy-check.txt");
    let seen = fs::read_to_string(path)?;
    // In crates/policy/tests/policy, manifests.rs and findings.rs: a warning, and what takes a megabyte of text.
    let elsewhere =
        [DiagnosticCode::SecretReach, DiagnosticCode::TooLarge, DiagnosticCode::TooManyRules, DiagnosticCode::More];
    let all = DiagnosticCode::ALL.iter().map(|code| (code.as_str(), elsewhere.contains(code)));
    complete(all, &seen)
}

/// Each name is in `seen` or excused, and none is both.
fn complete<'a>(names: impl Iterator<Item = (&'a str, bool)>, seen: &str) -> Result<(), Failed> {
    let (mut missing, mut needless) = (Vec::new(), Vec::new());
    for (name, excused) in names {
        match (is_in(name, seen), excused) {
            (false, false) => missing.push(name),
            (true, true) => needless.push(name),
            _ => {}
        }
    }
    if missing.is_empty() && needless.is_empty() {
        return Ok(());
    }
    Err(format!("in no case: {missing:?}; excused, and in a case all the same: {needless:?}").into())
}

/// In quotes, in quotes within a string, or in brackets.
fn is_in(name: &str, seen: &str) -> bool {
    [format!("\"{name}\""), format!("\"{name}\\\""), format!("[{name}]")].iter().any(|text| seen.contains(text))
}

fn texts(folder: &Path, names: &[&str]) -> String {
    let texts: BTreeSet<String> = entries(folder)
        .iter()
        .flat_map(|case| names.iter().filter_map(|name| fs::read_to_string(case.join(name)).ok()))
        .collect();
    texts.into_iter().collect()
}
