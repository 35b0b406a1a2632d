//! Logs and proofs before verifiers that others wrote (`tests/verifiers/`): they say yes to ours, and no to what was altered.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bailiwick_guard::audit::{Administration, AuditOptions, prove, prove_run};
use bailiwick_guard::tlog::{ConsistencyProof, Hash, Nodes, ProofError, Signer, Tile, Tree};
use bailiwick_guard::{AuditLog, SystemClock};
use libtest_mimic::{Failed, Trial};

use crate::program;
use crate::stage::repository;

/// More than a tile, and a tile that is not full.
const ENTRIES: u64 = 700;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("verifiers::log", log),
        Trial::test("verifiers::proofs", proofs),
        Trial::test("verifiers::consistency", consistency),
    ]
}

struct Scene {
    _temporary: tempfile::TempDir,
    root: PathBuf,
    signer: Signer,
}

impl Scene {
    fn new() -> Result<Scene, Failed> {
        let temporary = tempfile::tempdir()?;
        let root = temporary.path().to_owned();
        let signer = Signer::new("others", &[3; 32])?;
        let options = AuditOptions { signer: Some(signer.clone()), ..AuditOptions::default() };
        let log = AuditLog::open(&root.join("log.jsonl"), options, &SystemClock)?;
        for number in 0..ENTRIES {
            let what = Administration {
                act: "agent.suspend",
                target: format!("agent-{number}"),
                reason: Some("\"é\u{1}\n\u{7f}\u{2028}😀/\\".to_owned()),
                by: "test".to_owned(),
                failed: None,
            };
            log.administration(what, &SystemClock)?;
        }
        drop(log);
        Ok(Scene { _temporary: temporary, root, signer })
    }

    fn log(&self) -> PathBuf {
        self.root.join("log.jsonl")
    }

    fn key(&self) -> String {
        self.signer.public().to_string()
    }

    /// Wants yes, or no for the reason whose first word this is.
    fn told(&self, words: &[&str], expected: Result<&str, &str>) -> Result<(), Failed> {
        let python = repository().join("target/verifiers/bin/python");
        if !python.is_file() {
            return Err("what checks the logs is not installed; run scripts/verifiers.sh".into());
        }
        let mut command = Command::new(python);
        command.arg(repository().join("tests/verifiers/check.py")).args(words).current_dir(&self.root);
        let ended = program::run(command.env_clear())?;
        let fits = match expected {
            Ok(text) => ended.code == Some(0) && ended.stdout.trim() == text,
            Err(reason) => ended.code == Some(1) && ended.stderr.starts_with(reason),
        };
        if fits { Ok(()) } else { Err(format!("{words:?}: wanted {expected:?}, got {ended:?}").into()) }
    }

    /// Puts `bytes` in place of a file, asks, and puts the file back.
    fn altered(&self, file: &Path, bytes: &[u8], reason: &str) -> Result<(), Failed> {
        let whole = fs::read(file)?;
        fs::write(file, bytes)?;
        self.told(&["log", "log.jsonl", &self.key()], Err(reason))?;
        Ok(fs::write(file, whole)?)
    }
}

/// Canonical form, tiles, bundles, checkpoint.
fn log() -> Result<(), Failed> {
    let scene = Scene::new()?;
    scene.told(&["log", "log.jsonl", &scene.key()], Ok("700 entries"))?;
    let text = fs::read_to_string(scene.log())?;
    let folder = scene.root.join("log");
    let checkpoint = fs::read_to_string(folder.join("checkpoint"))?;
    let changed = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    scene.altered(&scene.log(), &changed("{\"act\"", "{ \"act\""), "canonical: line 1")?;
    scene.altered(&scene.log(), &changed("agent-300", "agent-301"), "entries: line 301")?;
    scene.altered(&scene.log(), text.rsplit_once("{\"act\"").unwrap_or_default().0.as_bytes(), "size:")?;
    scene.altered(
        &folder.join("checkpoint"),
        checkpoint.replacen("\n700\n", "\n701\n", 1).as_bytes(),
        "checkpoint:",
    )?;
    for (name, reason) in [("tile/0/001", "tiles:"), ("tile/1/000.p/2", "tiles:"), ("tile/entries/002.p/188", "tiles:")]
    {
        let mut bytes = fs::read(folder.join(name))?;
        if let Some(byte) = bytes.get_mut(40) {
            *byte ^= 1;
        }
        scene.altered(&folder.join(name), &bytes, reason)?;
    }
    let stranger = Signer::new("others", &[4; 32])?;
    scene.told(&["log", "log.jsonl", &stranger.public().to_string()], Err("checkpoint:"))
}

/// What `audit prove` prints for an entry.
fn proofs() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let file = scene.root.join("proof");
    let key = scene.key();
    let ask = |text: &str, expected| {
        fs::write(&file, text)?;
        scene.told(&["proofs", "proof", &key], expected)
    };
    let mut proofs = Vec::new();
    for index in [0, 255, 256, 511, 512, 699] {
        proofs.push(prove(&scene.log(), index, scene.signer.public())?);
    }
    let all = bailiwick_guard::audit::Proofs(proofs.clone());
    ask(&all.to_string(), Ok("6 proofs"))?;
    for proof in proofs {
        let entry = bailiwick_guard::audit::Proof { entry: b"{}".to_vec(), ..proof.clone() };
        ask(&entry.to_string(), Err("inclusion:"))?;
        let place = bailiwick_guard::audit::Proof { index: proof.index ^ 1, ..proof.clone() };
        ask(&place.to_string(), Err("inclusion:"))?;
        let mut path = proof.clone();
        path.path.reverse();
        ask(&path.to_string(), Err("inclusion:"))?;
        ask(&proof.to_string().replace("\n700\n", "\n699\n"), Err("checkpoint:"))?;
    }
    match prove_run(&scene.log(), "r", scene.signer.public()) {
        Err(error) if error.to_string().contains("no entry of a run") => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

/// That a log is an earlier one with entries added.
fn consistency() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let text = fs::read_to_string(scene.log())?;
    let folder = scene.root.join("log");
    let root_of = |size: u64| {
        let mut tree = Tree::default();
        let leaves = text.lines().take(usize::try_from(size).unwrap_or(usize::MAX));
        leaves.for_each(|line| tree.push(Hash::leaf(line.as_bytes()), |_, _| {}));
        tree.root()
    };
    let root = root_of(ENTRIES);
    let ask = |proof: &ConsistencyProof, old_root: Hash, expected: Result<&str, &str>| {
        let mut lines =
            vec![proof.old_size.to_string(), proof.size.to_string(), old_root.to_base64(), root.to_base64()];
        lines.extend(proof.path.iter().map(|hash| hash.to_base64()));
        fs::write(scene.root.join("proof"), lines.join("\n"))?;
        scene.told(&["consistency", "proof"], expected)
    };
    for old in [1, 2, 255, 256, 257, 512, 699, 700] {
        let mut nodes = Nodes::new(ENTRIES, |tile: Tile| {
            let bytes = fs::read(folder.join(tile.path())).map_err(|_| ProofError::OtherRoot)?;
            tile.decode(&bytes).map_err(|_| ProofError::OtherRoot)
        });
        let proof = nodes.consistency(old)?;
        ask(&proof, root_of(old), Ok(&format!("700 entries begin with {old}")))?;
        ask(&proof, root_of(old - 1), Err("consistency:"))?;
        if proof.path.len() > 1 {
            let path = proof.path.iter().rev().copied().collect();
            ask(&ConsistencyProof { path, ..proof }, root_of(old), Err("consistency:"))?;
        }
    }
    Ok(())
}
