//! Proofs that single entries are in a signed log, which need neither the log nor its other entries.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use data_encoding::BASE64;

use super::canonical::Entry;
use super::folder::{folder_of, opened, read_bundle, read_checkpoint, read_tile};
use super::signed::SignedError;
use crate::tlog::{
    Checkpoint, Hash, InclusionProof, Nodes, ProofError, TILE_WIDTH, Tile, Tree, VerifierKey, bundle_path,
};

/// The first line of a proof in a file (C2SP `tlog-proof`).
const PROOF: &str = "c2sp.org/tlog-proof@v1";

/// Entries of a run that one file proves.
pub const MAX_PROOFS: usize = 1024;

/// An entry with the proof that it is in a signed log; as a text, a C2SP `tlog-proof` whose `extra` data is the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The line of the log, without its break.
    pub entry: Vec<u8>,
    /// Its place, from 0: the entry's `seq`.
    pub index: u64,
    pub path: Vec<Hash>,
    /// The signed note.
    pub checkpoint: String,
}

/// Proofs of one file: one after the other, with an empty line between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proofs(pub Vec<Proof>);

/// A log's tree and entries, as its folder has them, and the checkpoint that they must fit.
struct Source {
    folder: PathBuf,
    note: String,
    checkpoint: Checkpoint,
}

/// Proves that the entry number `index`, from 0, is in the log at `path` as far as its checkpoint goes, which `key` signed.
///
/// # Errors
/// When there is no such entry, the checkpoint does not cover it yet or is not signed by `key`, or a file cannot be read.
pub fn prove(path: &Path, index: u64, key: &VerifierKey) -> Result<Proof, SignedError> {
    let source = Source::of(path, key)?;
    let size = source.checkpoint.size;
    if index >= size {
        return Err(ProofError::NoEntry { index, size }.into());
    }
    let place = usize::try_from(index % TILE_WIDTH).unwrap_or(usize::MAX);
    let mut bundle = source.bundle(index / TILE_WIDTH)?;
    let entry = if place < bundle.len() { bundle.swap_remove(place) } else { return Err(source.wrong(index)) };
    source.prove(index, entry)
}

/// The same for every entry of a run. That none is left out is certain: all entries are read, and their root compared.
///
/// # Errors
/// As [`prove`]'s; also when the log has no entry of the run, or more than [`MAX_PROOFS`].
pub fn prove_run(path: &Path, run: &str, key: &VerifierKey) -> Result<Proofs, SignedError> {
    let source = Source::of(path, key)?;
    let size = source.checkpoint.size;
    let written = serde_json::Value::from(run).to_string();
    let written = written.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
    let (mut tree, mut found) = (Tree::default(), Vec::new());
    let (mut count, mut last) = (0_u64, 0);
    for bundle in 0..size.div_ceil(TILE_WIDTH) {
        for entry in source.bundle(bundle)? {
            let index = tree.size();
            tree.push(Hash::leaf(&entry), |_, _| {});
            if Entry::of(&entry).is_ok_and(|entry| entry.run == Some(written)) {
                (count, last) = (count.saturating_add(1), index);
                if found.len() < MAX_PROOFS {
                    found.push((index, entry));
                }
            }
        }
    }
    if tree.root() != source.checkpoint.root {
        return Err(SignedError::Altered { path: source.folder });
    }
    match found.first() {
        None => Err(SignedError::NoRun { run: run.to_owned() }),
        Some((first, _)) if count > MAX_PROOFS as u64 => Err(SignedError::LongRun { count, first: *first, last }),
        Some(_) => {
            found.into_iter().map(|(index, entry)| source.prove(index, entry)).collect::<Result<_, _>>().map(Proofs)
        }
    }
}

/// Checks that the proof's entry is in the log whose checkpoint `key` signed. Returns that checkpoint.
///
/// # Errors
/// When the proof does not show that.
pub fn verify_proof(proof: &Proof, key: &VerifierKey) -> Result<Checkpoint, SignedError> {
    let checkpoint = opened(Path::new("(of the proof)"), &proof.checkpoint, key)?;
    let Proof { entry, index, path, .. } = proof.clone();
    InclusionProof { index, size: checkpoint.size, path }.verify(Hash::leaf(&entry), checkpoint.root)?;
    Ok(checkpoint)
}

impl Source {
    fn of(path: &Path, key: &VerifierKey) -> Result<Source, SignedError> {
        let folder = folder_of(path);
        let at = folder.join("checkpoint");
        let note = read_checkpoint(&at)?;
        let checkpoint = opened(&at, &note, key)?;
        Ok(Source { folder, note, checkpoint })
    }

    fn bundle(&self, index: u64) -> Result<Vec<Vec<u8>>, SignedError> {
        read_bundle(&self.folder, index, self.checkpoint.size)
    }

    fn prove(&self, index: u64, entry: Vec<u8>) -> Result<Proof, SignedError> {
        let size = self.checkpoint.size;
        let mut nodes = Nodes::new(size, |tile: Tile| {
            let path = self.folder.join(tile.path());
            read_tile(&self.folder, tile).map_err(|error| SignedError::Tile { path, problem: error.to_string() })
        });
        let proof = Proof { entry, index, path: nodes.inclusion(index)?.path, checkpoint: self.note.clone() };
        // What was altered makes a proof that shows nothing; say so here rather than to whoever gets it.
        InclusionProof { index, size, path: proof.path.clone() }
            .verify(Hash::leaf(&proof.entry), self.checkpoint.root)
            .map_err(|_| self.wrong(index))?;
        Ok(proof)
    }

    fn wrong(&self, index: u64) -> SignedError {
        let path = self.folder.join(bundle_path(index / TILE_WIDTH, TILE_WIDTH));
        SignedError::Tile { path, problem: "it is not the one that the checkpoint covers".to_owned() }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{PROOF}\nextra {}\nindex {}", BASE64.encode(&self.entry), self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for Proof {
    type Err = SignedError;

    fn from_str(text: &str) -> Result<Proof, SignedError> {
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(SignedError::Malformed)?;
        let mut lines = proof.split('\n');
        let (Some(PROOF), Some(extra), Some(index)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(SignedError::Malformed);
        };
        let entry = extra.strip_prefix("extra ").and_then(|entry| BASE64.decode(entry.as_bytes()).ok());
        let index = index.strip_prefix("index ").and_then(|index| index.parse().ok());
        let path: Option<Vec<Hash>> = lines.take(65).map(Hash::from_base64).collect();
        match (entry, index, path) {
            (Some(entry), Some(index), Some(path)) => {
                Ok(Proof { entry, index, path, checkpoint: checkpoint.to_owned() })
            }
            _ => Err(SignedError::Malformed),
        }
    }
}

impl fmt::Display for Proofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, proof) in self.0.iter().enumerate() {
            write!(f, "{}{proof}", if number == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl FromStr for Proofs {
    type Err = SignedError;

    fn from_str(text: &str) -> Result<Proofs, SignedError> {
        let between = format!("\n\n{PROOF}\n");
        let parts: Vec<&str> = text.split(&between).take(MAX_PROOFS.saturating_add(1)).collect();
        if parts.len() > MAX_PROOFS {
            return Err(SignedError::Malformed);
        }
        let last = parts.len().saturating_sub(1);
        let whole = |(number, part): (usize, &&str)| {
            let head = if number == 0 { String::new() } else { format!("{PROOF}\n") };
            let end = if number == last { "" } else { "\n" };
            format!("{head}{part}{end}").parse()
        };
        parts.iter().enumerate().map(whole).collect::<Result<_, _>>().map(Proofs)
    }
}
