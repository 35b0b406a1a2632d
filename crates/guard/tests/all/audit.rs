//! The log on disk: what verifies, what does not, and what a crash leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::actions::{Hash, Host, Random};
use crate::support::{HASH_AND_RANDOM, guard_on};
use bailiwick_guard::audit::{AuditOptions, verify};
use bailiwick_guard::{AuditError, AuditLog, Life, SystemClock, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn open(path: &Path) -> Result<AuditLog, AuditError> {
    AuditLog::open(path, AuditOptions::default(), &SystemClock)
}

/// A folder with a log of one run: eight entries.
async fn written() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let (guard, _) = guard_on(open(&path).unwrap(), HASH_AND_RANDOM, Life::until(Timestamp(u64::MAX)));
    for _ in 0..3 {
        guard.call(&Host, Hash(1)).await.unwrap();
    }
    guard.run_ended("finished", None).await.unwrap();
    (folder, path)
}

/// A log as somebody else could write it, with all hashes right. `spoil` changes each line's text, its hash not being in it.
fn forged(bodies: impl IntoIterator<Item = Value>, spoil: impl Fn(String) -> String) -> String {
    let mut log = String::new();
    let mut prev = "0".repeat(64);
    for (seq, body) in bodies.into_iter().enumerate() {
        let mut members: BTreeMap<String, Value> = serde_json::from_value(body).unwrap();
        members.extend([("at".into(), json!("t")), ("prev".into(), json!(prev)), ("seq".into(), json!(seq))]);
        let line = spoil(serde_json::to_string(&members).unwrap());
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(&line));
        let (before, after) = line.split_once("\"prev\"").unwrap();
        log += &format!("{before}\"hash\":\"{hash}\",\"prev\"{after}\n");
        prev = hash;
    }
    log
}

#[test]
fn an_entry_that_is_not_canonical_is_refused_though_its_hash_is_right() {
    let bodies =
        || vec![json!({ "type": "x" }), json!({ "type": "run_started", "rationale": "é/\n", "calls": [1, 2] })];
    let fault_of = |spoil: &dyn Fn(String) -> String| verify(forged(bodies(), spoil).as_bytes()).unwrap().fault;
    assert_eq!(fault_of(&|line| line), None);
    let spoils: [(&str, &str); 7] = [
        ("[1,2]", "[1, 2]"),
        ("[1,2]", "[1,2.0]"),
        ("é", "\\u00e9"),
        ("/", "\\/"),
        ("\\n", "\\u000a"),
        ("{\"at\":\"t\",\"calls\":[1,2]", "{\"calls\":[1,2],\"at\":\"t\""),
        ("[1,2]", "[1,2],\"calls\":[1,2]"),
    ];
    for (from, to) in spoils {
        let fault = fault_of(&|line| line.replace(from, to)).unwrap();
        assert_eq!((fault.line, fault.what), (2, "the line is not canonical JSON (RFC 8785)"), "{to}");
    }
}

#[test]
fn calls_without_an_outcome_are_followed_within_bounds() {
    let intent = |call: usize| {
        let run = format!("{}\"{call}", "r".repeat(60_000));
        json!({ "type": "intent", "call": call, "decision": "allow", "context": { "run": run } })
    };
    let few = verify(forged((0..50).map(intent), |line| line).as_bytes()).unwrap();
    assert_eq!((few.dangling.len(), few.more_dangling, few.fault), (50, false, None));
    assert!(few.dangling[7].0.ends_with("r\"15"), "as the run is named, in order: {}", few.dangling[7].0.len());
    let many = verify(forged((0..300).map(intent), |line| line).as_bytes()).unwrap();
    assert!(many.more_dangling && many.dangling.len() < 150 && many.fault.is_none(), "{}", many.dangling.len());
    assert_eq!(many.entries, 300);
}

#[tokio::test]
async fn a_log_goes_on_where_it_ended() {
    let (_folder, path) = written().await;
    let first = verify(&*fs::read(&path).unwrap()).unwrap();
    assert_eq!((first.entries, first.fault, first.torn_bytes), (8, None, 0));
    let (guard, _) = guard_on(open(&path).unwrap(), HASH_AND_RANDOM, Life::until(Timestamp(u64::MAX)));
    guard.call(&Host, Random).await.unwrap();
    drop(guard);
    let second = verify(&*fs::read(&path).unwrap()).unwrap();
    assert_eq!(
        (second.entries, second.fault),
        (12, None),
        "start, intent, outcome, and the end of a run that was dropped"
    );
    assert!(second.dangling.is_empty());
}

#[tokio::test]
async fn every_changed_removed_swapped_or_repeated_line_is_found_where_it_is() {
    let (_folder, path) = written().await;
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let joined = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let fault_of = |text: &str| verify(text.as_bytes()).unwrap().fault.map(|fault| fault.line);
    for at in 0..lines.len() {
        let number = at as u64 + 1;
        for byte in 0..lines[at].len() {
            let mut changed = lines[at].as_bytes().to_vec();
            changed[byte] ^= 1;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            if changed.contains('\n') {
                continue;
            }
            let mut copy = lines.clone();
            copy[at] = &changed;
            assert_eq!(fault_of(&joined(&copy)), Some(number), "byte {byte} of line {number}");
        }
        let mut repeated = lines.clone();
        repeated.insert(at, lines[at]);
        assert_eq!(fault_of(&joined(&repeated)), Some(number + 1));
        if at + 1 < lines.len() {
            let mut removed = lines.clone();
            removed.remove(at);
            assert_eq!(fault_of(&joined(&removed)), Some(number));
            let mut swapped = lines.clone();
            swapped.swap(at, at + 1);
            assert_eq!(fault_of(&joined(&swapped)), Some(number));
        }
    }
}

#[tokio::test]
async fn a_torn_last_line_is_cut_off_and_the_cut_recorded() {
    let (_folder, path) = written().await;
    let whole = fs::read(&path).unwrap();
    for kept in [1, 40, 200] {
        let torn = [&whole[..], &whole[..kept]].concat();
        fs::write(&path, &torn).unwrap();
        drop(open(&path).unwrap());
        let text = fs::read_to_string(&path).unwrap();
        let last = text.lines().last().unwrap();
        assert!(last.contains(&format!("\"bytes\":{kept},")) && last.contains("\"type\":\"recovered\""), "{text}");
        assert_eq!(verify(text.as_bytes()).unwrap().fault, None);
    }
}

#[tokio::test]
async fn a_log_that_does_not_verify_is_not_opened() {
    let (_folder, path) = written().await;
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"allow\"", "\"deny\"", 1)).unwrap();
    assert!(matches!(open(&path), Err(AuditError::Corrupt { fault, .. }) if fault.line == 2));
}

#[tokio::test]
async fn a_long_log_is_opened_by_its_end() {
    let (_folder, path) = written().await;
    // Far more than is verified: 16,000 entries of half a kilobyte.
    let log = open(&path).unwrap();
    let manifest = HASH_AND_RANDOM.replace("host_calls = 3", "host_calls = 100000");
    let (guard, _) = guard_on(log, &manifest, Life::until(Timestamp(u64::MAX)));
    for _ in 0..8000 {
        guard.call(&Host, Hash(1)).await.unwrap();
    }
    guard.run_ended("finished", None).await.unwrap();
    drop(guard);
    let before = verify(&*fs::read(&path).unwrap()).unwrap();
    assert!(before.bytes > 5 << 20, "{} bytes", before.bytes);
    let (guard, _) = guard_on(open(&path).unwrap(), &manifest, Life::until(Timestamp(u64::MAX)));
    guard.run_ended("finished", None).await.unwrap();
    drop(guard);
    let after = verify(&*fs::read(&path).unwrap()).unwrap();
    assert_eq!((after.fault, after.entries), (None, before.entries + 2));

    let mut torn = fs::read(&path).unwrap();
    torn.extend_from_slice(b"{\"seq\":");
    fs::write(&path, torn).unwrap();
    drop(open(&path).unwrap());
    let text = fs::read(&path).unwrap();
    assert_eq!(verify(&*text).unwrap().entries, after.entries + 1);
}

#[test]
fn one_log_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let _first = open(&path).unwrap();
    assert!(matches!(open(&path), Err(AuditError::InUse { .. })));
    let _other = AuditLog::open_in(folder.path(), AuditOptions::default(), &SystemClock).unwrap();
    assert!(folder.path().join("log-2.jsonl").exists());
}

#[test]
fn a_log_is_a_regular_file() {
    assert!(matches!(open("/dev/zero".as_ref()), Err(AuditError::Open { .. })));
}

#[test]
fn a_log_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let _log = open(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn hostile_lines_are_faults_and_not_panics() {
    let long = "x".repeat(3 << 20);
    for text in
        ["\n", "{}\n", "\0\n", "é\n", &format!("{long}\n"), &long, &format!(",\"hash\":\"{}\"}}\n", "0".repeat(64))]
    {
        assert_eq!(verify(text.as_bytes()).unwrap().fault.map(|fault| fault.line), Some(1));
    }
    assert_eq!(verify("half a line".as_bytes()).unwrap().torn_bytes, 11);
}
