//! Signed logs: what an attacker who may write every file, but has not the key, cannot do unnoticed.

use std::fs;
use std::path::{Path, PathBuf};

use bailiwick_guard::audit::{
    Administration, AuditOptions, Authentication, Durability, MAX_PROOFS, Problem, Proof, Proofs, SignedError, prove,
    prove_run, verify, verify_proof, verify_signed,
};
use bailiwick_guard::tlog::{Checkpoint, Hash, NoteError, ProofError, Signer, TILE_WIDTH, Tile, Tree, VerifierKey};
use bailiwick_guard::{AuditError, AuditLog, Guard, Life, Run, SystemClock, Timestamp};
use bailiwick_policy::Code;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sha2::{Digest, Sha256};

fn signer() -> Signer {
    Signer::new("test", &[1; 32]).unwrap()
}

fn key() -> VerifierKey {
    signer().public().clone()
}

fn open(path: &Path) -> Result<AuditLog, AuditError> {
    let options = AuditOptions { durability: Durability::Buffered, signer: Some(signer()) };
    AuditLog::open(path, options, &SystemClock)
}

fn append(log: &AuditLog, count: u64) {
    for number in 0..count {
        let what = Administration {
            act: "agent.suspend",
            target: format!("agent-{number}"),
            reason: None,
            by: "test".to_owned(),
            failed: None,
        };
        log.administration(what, &SystemClock).unwrap();
    }
}

/// A log that was closed in good order.
fn written(entries: u64) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    append(&open(&path).unwrap(), entries);
    (folder, path)
}

fn problem(path: &Path) -> Option<Problem> {
    verify_signed(path, &key(), None).unwrap().problem
}

fn note(path: &Path) -> String {
    fs::read_to_string(path.with_extension("").join("checkpoint")).unwrap()
}

/// The same content in another place.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => fs::copy(entry.path(), target).map(drop).unwrap(),
        }
    }
}

/// Lines with their numbers and hashes made anew, as somebody does who rewrites a whole log.
fn chained<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut log = String::new();
    let mut head = "0".repeat(64);
    for (seq, line) in lines.enumerate() {
        let (before, rest) = line.split_once("\"hash\":").unwrap();
        let (_, rest) = rest.split_once(',').unwrap();
        let (middle, rest) = rest.split_once("\"prev\":").unwrap();
        let (_, rest) = rest.split_once(',').unwrap();
        let (others, rest) = rest.split_once("\"seq\":").unwrap();
        let (_, rest) = rest.split_once(',').unwrap();
        let after = format!("{middle}\"prev\":\"{head}\",{others}\"seq\":{seq},{rest}");
        head = data_encoding::HEXLOWER.encode(&Sha256::digest(format!("{before}{after}")));
        log += &format!("{before}\"hash\":\"{head}\",{after}\n");
    }
    log
}

/// Tiles for whatever the log at `path` has now, over those that are there.
fn retile(path: &Path) {
    let folder = path.with_extension("");
    let put = |tile: Tile, row: &[Hash]| {
        let at = folder.join(tile.path());
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, Tile::encode(row)).unwrap();
    };
    let mut tree = Tree::default();
    for line in fs::read_to_string(path).unwrap().lines() {
        tree.push(Hash::leaf(line.as_bytes()), |tile, row| put(tile, &row));
    }
    tree.partial_tiles().for_each(|(tile, row)| put(tile, row));
}

#[test]
fn a_closed_log_is_covered_to_its_end_and_goes_on() {
    let (_folder, path) = written(0);
    let mut entries = 0;
    // Sizes where a bundle and a tile end, and where checkpoints are due.
    for more in [1, 254, 1, 1, 255, 488, 1_000, 1, 2_500] {
        append(&open(&path).unwrap(), more);
        entries += more;
        let signed = verify_signed(&path, &key(), None).unwrap();
        assert_eq!((signed.entries, signed.covered, signed.problem), (entries, entries, None));
    }
    assert_eq!(verify(&*fs::read(&path).unwrap()).unwrap().entries, entries);
    let bundles = path.with_extension("").join("tile/entries");
    assert!(bundles.join("000").is_file() && !bundles.join("000.p").exists(), "a full bundle replaces partial ones");
}

#[tokio::test]
async fn a_checkpoint_comes_with_every_thousandth_entry() {
    let (_folder, path) = written(0);
    let log = open(&path).unwrap();
    append(&log, 1_500);
    log.flush().await.unwrap();
    // The writer signs before it takes what comes next.
    append(&log, 1);
    log.flush().await.unwrap();
    let signed = verify_signed(&path, &key(), None).unwrap();
    assert!(signed.covered >= 1_000 && signed.problem.is_none(), "{signed:?}");
}

#[test]
fn a_copy_from_the_middle_of_writing_goes_on_and_loses_nothing() {
    let (_folder, path) = written(300);
    let log = open(&path).unwrap();
    let other = tempfile::tempdir().unwrap();
    let copied = other.path().join("log.jsonl");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut before = 300;
    for more in [1, 10, 245, 700] {
        append(&log, more);
        runtime.block_on(log.flush()).unwrap();
        before += more;
        // As after kill -9: whatever is in the files at this moment.
        copy(path.parent().unwrap(), other.path());
        drop(open(&copied).unwrap());
        let signed = verify_signed(&copied, &key(), None).unwrap();
        // And the entry that says that there were unsigned ones.
        assert_eq!((signed.covered, signed.problem), (before + 1, None));
        let text = fs::read_to_string(&copied).unwrap();
        assert!(text.lines().last().unwrap().contains(&format!("\"unsigned\":{}", before - 300)), "{more}");
    }
}

/// The tamper test of one log of 10,000 entries: each change is found, and found where it was made.
#[test]
fn five_hundred_changes_are_all_found_where_they_were_made() {
    let (_folder, path) = written(10_000);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut runner = TestRunner::new(Config { cases: 500, ..Config::default() });
    let change = (0_usize..5, 0_usize..9_999, any::<prop::sample::Index>(), 0_u8..7);
    runner
        .run(&change, |(way, at, byte, bit)| {
            let line = at as u64 + 1;
            let mut changed = lines.clone();
            let flipped;
            let expected = match way {
                0 => {
                    let mut bytes = lines[at].as_bytes().to_vec();
                    let at_byte = byte.index(bytes.len());
                    bytes[at_byte] ^= 1 << bit;
                    prop_assume!(bytes[at_byte] != b'\n');
                    flipped = String::from_utf8(bytes).map_err(|_| TestCaseError::reject("no text"))?;
                    changed[at] = &flipped;
                    line
                }
                1 => {
                    changed.remove(at);
                    line
                }
                2 => {
                    changed.swap(at, at + 1);
                    line
                }
                3 => {
                    changed.insert(at, lines[at]);
                    line + 1
                }
                _ => {
                    changed.truncate(at);
                    line
                }
            };
            fs::write(&path, changed.iter().flat_map(|line| [*line, "\n"]).collect::<String>()).unwrap();
            let found = match problem(&path) {
                Some(Problem::Chain(fault)) => fault.line,
                Some(Problem::CutOff { entries, .. }) => entries + 1,
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            };
            prop_assert_eq!(found, expected);
            Ok(())
        })
        .unwrap();
    fs::write(&path, &text).unwrap();
    assert_eq!(problem(&path), None);
}

#[test]
fn a_log_that_was_written_anew_is_found_by_its_tiles_and_by_its_signature() {
    let (folder, path) = written(1_000);
    let whole = fs::read_to_string(&path).unwrap();
    for line in [1_usize, 256, 257, 999] {
        let changed: Vec<String> = whole
            .lines()
            .enumerate()
            .map(
                |(at, text)| {
                    if at + 1 == line { text.replace("agent.suspend", "agent.resume") } else { text.to_owned() }
                },
            )
            .collect();
        fs::write(&path, chained(changed.iter().map(String::as_str))).unwrap();
        assert_eq!(verify(&*fs::read(&path).unwrap()).unwrap().fault, None, "the chain alone is whole");
        assert_eq!(problem(&path), Some(Problem::Rewritten { line: line as u64 }));
        let other = tempfile::tempdir().unwrap();
        copy(folder.path(), other.path());
        let copied = other.path().join("log.jsonl");
        retile(&copied);
        assert_eq!(problem(&copied), Some(Problem::RewrittenBefore { line: 1_000 }));
        assert!(matches!(open(&copied), Err(AuditError::NotSigned { .. })), "line {line}");
        // Signed with another key, under the same name.
        let impostor = Signer::new("test", &[2; 32]).unwrap().of_log("log").unwrap();
        let checkpoint =
            Checkpoint { origin: "test/log".into(), size: 1_000, root: Hash::leaf(b""), extensions: vec![] };
        fs::write(copied.with_extension("").join("checkpoint"), impostor.sign(&checkpoint.to_string())).unwrap();
        let refused = verify_signed(&copied, &key(), None);
        assert!(matches!(refused, Err(SignedError::Note { error: NoteError::Unsigned(_), .. })), "{refused:?}");
        assert!(matches!(open(&copied), Err(AuditError::NotSigned { .. })));
    }
}

#[test]
fn a_log_that_was_cut_or_lost_its_checkpoint_is_not_gone_on_with() {
    let (_folder, path) = written(600);
    let whole = fs::read_to_string(&path).unwrap();
    for kept in [599, 512, 300, 0] {
        fs::write(&path, whole.split_inclusive('\n').take(kept).collect::<String>()).unwrap();
        let entries = kept as u64;
        assert_eq!(problem(&path), Some(Problem::CutOff { entries, covered: 600 }));
        assert!(matches!(open(&path), Err(AuditError::NotSigned { .. })), "{kept}");
    }
    fs::write(&path, whole).unwrap();
    fs::remove_file(path.with_extension("").join("checkpoint")).unwrap();
    assert!(matches!(open(&path), Err(AuditError::NotSigned { what, .. }) if what.contains("no checkpoint")));
    assert!(matches!(verify_signed(&path, &key(), None), Err(SignedError::Unsigned { .. })));
    fs::remove_file(&path).unwrap();
    assert!(matches!(verify_signed(&path, &key(), None), Err(SignedError::Read { .. })));
}

#[test]
fn tiles_that_a_power_failure_damaged_are_made_again() {
    let (_folder, path) = written(1_000);
    let tiles = path.with_extension("").join("tile");
    for damage in ["remove", "empty"] {
        match damage {
            "remove" => fs::remove_dir_all(tiles.join("0/003.p")).unwrap(),
            _ => fs::write(tiles.join(Tile::of(0, 3, 1_002).unwrap().path().trim_start_matches("tile/")), "").unwrap(),
        }
        append(&open(&path).unwrap(), 2);
        assert_eq!(problem(&path), None, "{damage}");
    }
    assert!(prove(&path, 1_003, &key()).is_ok());
}

#[test]
fn a_missing_tile_accuses_no_innocent_line_and_evidence_is_not_written_over() {
    let (_folder, path) = written(600);
    let text = fs::read_to_string(&path).unwrap();
    let changed: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(at, text)| if at == 299 { text.replace("agent.suspend", "agent.resume") } else { text.to_owned() })
        .collect();
    fs::write(&path, chained(changed.iter().map(String::as_str))).unwrap();
    assert_eq!(problem(&path), Some(Problem::Rewritten { line: 300 }));
    let tiles = path.with_extension("").join("tile/0");
    let kept = fs::read(tiles.join("001")).unwrap();
    // The edge is damaged, so that the next run reads the log in place of it.
    fs::remove_dir_all(tiles.join("002.p")).unwrap();
    assert!(matches!(open(&path), Err(AuditError::NotSigned { .. })));
    assert_eq!(fs::read(tiles.join("001")).unwrap(), kept);
    fs::remove_file(tiles.join("000")).unwrap();
    assert_eq!(problem(&path), Some(Problem::RewrittenBefore { line: 600 }));
}

#[test]
fn a_log_that_was_moved_away_in_use_does_not_write_into_the_next_one() {
    let (folder, path) = written(10);
    let log = open(&path).unwrap();
    append(&log, 1);
    let away = tempfile::tempdir().unwrap();
    fs::rename(&path, away.path().join("log.jsonl")).unwrap();
    fs::rename(path.with_extension(""), away.path().join("log")).unwrap();
    append(&open(&path).unwrap(), 3);
    append(&log, 300);
    drop(log);
    let signed = verify_signed(&path, &key(), None).unwrap();
    assert_eq!((signed.entries, signed.covered, signed.problem), (3, 3, None));
    assert_eq!(problem(&away.path().join("log.jsonl")), None);
    drop(folder);
}

#[test]
fn links_in_the_folder_lead_nowhere() {
    let (folder, path) = written(10);
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, path.with_extension("").join("checkpoint.new")).unwrap();
    assert!(open(&path).is_err());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    for name in ["checkpoint", "tile/0/000.p/10"] {
        let at = path.with_extension("").join(name);
        fs::remove_file(&at).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &at).unwrap();
        assert!(prove(&path, 3, &key()).is_err(), "{name}");
    }
}

#[test]
fn partial_tiles_do_not_pile_up() {
    let (_folder, path) = written(0);
    for _ in 0..20 {
        append(&open(&path).unwrap(), 1);
    }
    for folder in ["tile/0/000.p", "tile/entries/000.p"] {
        let files = fs::read_dir(path.with_extension("").join(folder)).unwrap().count();
        assert!(files <= 3, "{files} in {folder}");
    }
}

#[test]
fn an_entry_that_fits_no_bundle_is_refused_before_it_is_written() {
    let (_folder, path) = written(1);
    let log = open(&path).unwrap();
    let actors = vec!["a".repeat(1_000); 100];
    let what =
        Authentication { issuer: "i".into(), agent: "a".into(), jti: String::new(), actors, code: Code::Allowed };
    log.authentication(what, &SystemClock).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(matches!(runtime.block_on(log.flush()), Err(AuditError::Unavailable(_))));
    drop(log);
    append(&open(&path).unwrap(), 1);
    assert_eq!(verify_signed(&path, &key(), None).unwrap().entries, 2);
}

#[test]
fn an_earlier_checkpoint_from_elsewhere_shows_a_fork_and_a_roll_back() {
    let (folder, path) = written(300);
    let early = note(&path);
    let kept = tempfile::tempdir().unwrap();
    copy(folder.path(), kept.path());
    append(&open(&path).unwrap(), 300);
    let late = note(&path);
    assert_eq!(verify_signed(&path, &key(), Some(&early)).unwrap().problem, None);
    assert_eq!(verify_signed(&path, &key(), Some(&late)).unwrap().problem, None);
    // The whole folder as it was: every file of it is genuine.
    let old = kept.path().join("log.jsonl");
    assert_eq!(verify_signed(&old, &key(), None).unwrap().problem, None);
    let rolled_back = verify_signed(&old, &key(), Some(&late)).unwrap().problem;
    assert_eq!(rolled_back, Some(Problem::RolledBack { covered: 300, earlier: 600 }));
    // And gone on with in another way.
    append(&open(&old).unwrap(), 400);
    assert_eq!(verify_signed(&old, &key(), Some(&early)).unwrap().problem, None);
    let forked = verify_signed(&old, &key(), Some(&late)).unwrap().problem;
    assert_eq!(forked, Some(Problem::Forked { earlier: 600 }));
    let stranger = Signer::new("test", &[2; 32]).unwrap().sign("test/log\n1\n");
    assert!(matches!(verify_signed(&path, &key(), Some(&stranger)), Err(SignedError::Note { .. })));
}

#[test]
fn an_entry_is_proved_with_nothing_but_the_key() {
    let (_folder, path) = written(700);
    let text = fs::read_to_string(&path).unwrap();
    for index in [0, 1, 255, 256, 511, 512, 698, 699] {
        let proof = prove(&path, index, &key()).unwrap();
        assert_eq!(proof.entry, text.lines().nth(usize::try_from(index).unwrap()).unwrap().as_bytes());
        let read: Proof = proof.to_string().parse().unwrap();
        assert_eq!(read, proof);
        let checkpoint = verify_proof(&read, &key()).unwrap();
        assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("test/log", 700));
        let other_entry = Proof { entry: b"{}".to_vec(), ..proof.clone() };
        assert!(matches!(verify_proof(&other_entry, &key()), Err(SignedError::Proof(ProofError::OtherRoot))));
        let other_place = Proof { index: index ^ 1, ..proof.clone() };
        assert!(matches!(verify_proof(&other_place, &key()), Err(SignedError::Proof(_))));
        let other_key = Signer::new("test", &[2; 32]).unwrap();
        assert!(matches!(verify_proof(&proof, other_key.public()), Err(SignedError::Note { .. })));
    }
    assert!(matches!(
        prove(&path, 700, &key()),
        Err(SignedError::Proof(ProofError::NoEntry { index: 700, size: 700 }))
    ));
    for text in ["", "c2sp.org/tlog-proof@v1\n\n", "c2sp.org/tlog-proof@v1\nextra e30=\nindex x\n\nlog\n"] {
        assert!(matches!(text.parse::<Proof>(), Err(SignedError::Malformed)), "{text:?}");
    }
}

/// Entries of the runs `0`, `1` and `2"` in turn.
fn runs(entries: u64) -> (tempfile::TempDir, PathBuf) {
    use crate::support::{HASH_AND_RANDOM, grant};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let log = open(&path).unwrap();
    let clock = std::sync::Arc::new(SystemClock);
    for number in 0..entries / 2 {
        let id = ["0", "1", "2\""][usize::try_from(number % 3).unwrap()];
        let run = Run { id: id.into(), ..Run::default() };
        // Its start and, dropped, its end.
        let life = Life::until(Timestamp(u64::MAX));
        drop(Guard::new(grant(HASH_AND_RANDOM), run, life, log.clone(), clock.clone()).unwrap());
    }
    drop(log);
    (folder, path)
}

#[test]
fn every_entry_of_a_run_is_proved_and_none_can_be_hidden() {
    let (_folder, path) = runs(1_500);
    let whole = fs::read_to_string(&path).unwrap();
    for run in ["0", "1", "2\""] {
        let proofs = prove_run(&path, run, &key()).unwrap();
        let read: Proofs = proofs.to_string().parse().unwrap();
        assert_eq!(read, proofs);
        assert_eq!(proofs.0.len(), 500);
        for proof in &proofs.0 {
            verify_proof(proof, &key()).unwrap();
            let line = whole.lines().nth(usize::try_from(proof.index).unwrap()).unwrap();
            assert!(proof.entry == line.as_bytes() && line.contains(&format!("\"run\":{}", serde_json::json!(run))));
        }
    }
    assert!(matches!(prove_run(&path, "3", &key()), Err(SignedError::NoRun { .. })));
    let stranger = Signer::new("test", &[2; 32]).unwrap();
    assert!(matches!(prove_run(&path, "0", stranger.public()), Err(SignedError::Note { .. })));
    assert!(matches!(prove(&path, 0, stranger.public()), Err(SignedError::Note { .. })));
    // An entry of the run that now seems to be another's.
    let bundle = path.with_extension("").join("tile/entries/001");
    let text = String::from_utf8_lossy(&fs::read(&bundle).unwrap()).into_owned();
    assert!(text.contains("\"run\":\"0\""));
    let bytes = fs::read(&bundle).unwrap();
    let at = bytes.windows(9).position(|part| part == b"\"run\":\"0\"").unwrap();
    let mut changed = bytes;
    changed[at + 7] = b'1';
    fs::write(&bundle, changed).unwrap();
    assert!(matches!(prove_run(&path, "0", &key()), Err(SignedError::Altered { .. })));
}

#[test]
fn a_file_of_proofs_has_a_bound() {
    let (_folder, path) = runs(3 * 1_026);
    let refused = prove_run(&path, "0", &key());
    assert!(matches!(refused, Err(SignedError::LongRun { count: 1_026, first: 0, last: 3_073 })), "{refused:?}");
    let proof = prove(&path, 0, &key()).unwrap();
    let many = Proofs(vec![proof.clone(); MAX_PROOFS]);
    assert_eq!(many.to_string().parse::<Proofs>().unwrap(), many);
    let more = Proofs(vec![proof; MAX_PROOFS + 1]).to_string();
    assert!(matches!(more.parse::<Proofs>(), Err(SignedError::Malformed)));
    for text in ["", "\n\nc2sp.org/tlog-proof@v1\n", &many.to_string()[1..]] {
        assert!(matches!(text.parse::<Proofs>(), Err(SignedError::Malformed)));
    }
}

/// After a clean end there is nothing that nobody signed: what is there was added by somebody else.
#[test]
fn what_was_added_after_a_log_was_closed_is_refused_and_nothing_is_written() {
    let (folder, path) = written(300);
    let other = tempfile::tempdir().unwrap();
    copy(folder.path(), other.path());
    append(&open(&path).unwrap(), 20);
    let longer = fs::read_to_string(&path).unwrap();
    let copied = other.path().join("log.jsonl");
    let whole = fs::read_to_string(&copied).unwrap();
    let tiles = note(&copied);
    for text in [longer, whole.clone() + "{\"at\":", whole.clone() + "\n"] {
        fs::write(&copied, &text).unwrap();
        let found = problem(&copied);
        let chain = text.ends_with("\n\n");
        assert!(chain || found == Some(Problem::Added { line: 301 }), "{found:?}");
        let refused = open(&copied);
        let closed = matches!(&refused, Err(AuditError::NotSigned { what, .. }) if what.contains("closed after 300"));
        assert!(closed || (chain && matches!(refused, Err(AuditError::Corrupt { .. }))));
        assert_eq!((fs::read_to_string(&copied).unwrap(), note(&copied)), (text, tiles.clone()));
    }
    fs::write(&copied, whole).unwrap();
    append(&open(&copied).unwrap(), 1);
    assert_eq!(problem(&copied), None);
}

#[test]
fn a_bundle_that_was_altered_makes_no_proof() {
    let (_folder, path) = written(TILE_WIDTH);
    let bundle = path.with_extension("").join("tile/entries/000");
    let bytes = fs::read(&bundle).unwrap();
    let at = bytes.windows(7).position(|part| part == b"agent-9").unwrap();
    let mut changed = bytes.clone();
    changed[at + 6] = b'8';
    for content in [changed, bytes[..100].to_vec()] {
        fs::write(&bundle, content).unwrap();
        assert!(matches!(prove(&path, 9, &key()), Err(SignedError::Tile { .. })));
    }
}
