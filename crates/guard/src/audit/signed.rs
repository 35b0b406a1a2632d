//! Verifies a signed log, and makes and checks proofs about single entries of it.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use data_encoding::BASE64;

use super::folder::{MAX_CHECKPOINT, folder_of, read_file, read_tile};
use super::verify::{Fault, MAX_LINE, verify_each};
use crate::tlog::{
    Checkpoint, CheckpointError, Hash, InclusionProof, MAX_ENTRY, Nodes, NoteError, ProofError, TILE_WIDTH, Tile, Tree,
    VerifierKey, bundle_path, entries_of,
};

/// Bytes of the longest full bundle.
const MAX_BUNDLE: u64 = TILE_WIDTH * (MAX_ENTRY as u64 + 2);

/// The first line of a proof in a file (C2SP `tlog-proof`).
const PROOF: &str = "c2sp.org/tlog-proof@v1";

/// What a signed log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Whole entries before the end or the first fault of the chain.
    pub entries: u64,
    /// Entries that the checkpoint covers. Those after it are not signed yet: the log is being written, or was killed.
    pub covered: u64,
    pub root: Hash,
    /// The log's name in its checkpoint.
    pub origin: String,
    /// As in a [`Summary`](super::Summary).
    pub torn_bytes: u64,
    /// As in a [`Summary`](super::Summary).
    pub dangling: Vec<(String, u64)>,
    pub problem: Option<Problem>,
}

/// How a log is not the one that was signed. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A line is not an entry, or does not follow the one before it.
    Chain(Fault),
    /// This line is another one than was signed, although its chain is whole: it was written anew.
    Rewritten { line: u64 },
    /// Some line up to this one is another one than was signed; the tiles, which would say which, were altered as well.
    RewrittenBefore { line: u64 },
    /// The checkpoint covers more than there is.
    CutOff { entries: u64, covered: u64 },
    /// The log is signed, but it is not the earlier checkpoint's log with entries added.
    Forked { earlier: u64 },
    /// The log's checkpoint is older than the earlier one: everything after it was taken away.
    RolledBack { covered: u64, earlier: u64 },
}

/// Why nothing can be said about a log or a proof.
#[derive(Debug, thiserror::Error)]
pub enum SignedError {
    #[error("`{path}`: {error}")]
    Read { path: PathBuf, error: io::Error },
    #[error("audit log `{path}` has no checkpoint beside it: it was never signed, or the checkpoint was taken away")]
    Unsigned { path: PathBuf },
    #[error("audit log `{path}` is gone; its checkpoint is still there")]
    Gone { path: PathBuf },
    #[error("the checkpoint is of the log `{found}`, and not of `{expected}`")]
    OtherLog { expected: String, found: String },
    #[error("checkpoint `{path}`: {error}")]
    Note { path: PathBuf, error: NoteError },
    #[error("checkpoint `{path}`: {error}")]
    Checkpoint { path: PathBuf, error: CheckpointError },
    #[error("a proof is the lines `{PROOF}`, `extra ENTRY`, `index N` and Base64, an empty line, and a checkpoint")]
    Malformed,
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error("tile `{path}`: {problem}; verify the log")]
    Tile { path: PathBuf, problem: String },
}

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

/// Verifies the log at `path` from its first byte, against the checkpoint beside it and `key`, or the key's log of that
/// name, and against an `earlier` checkpoint (a signed note) that was kept elsewhere.
///
/// What it finds is what was changed, removed, inserted, reordered, cut off or written anew. That the log was rolled back
/// to a checkpoint of its own shows only against an earlier checkpoint from elsewhere.
///
/// # Errors
/// When a file cannot be read, or a checkpoint is not signed by `key`.
pub fn verify_signed(path: &Path, key: &VerifierKey, earlier: Option<&str>) -> Result<Signed, SignedError> {
    let read = |error| SignedError::Read { path: path.to_owned(), error };
    let at = folder_of(path).join("checkpoint");
    let checkpoint = match (path.exists(), at.exists()) {
        (true, false) => return Err(SignedError::Unsigned { path: path.to_owned() }),
        (false, true) => return Err(SignedError::Gone { path: path.to_owned() }),
        (true, true) | (false, false) => opened(&at, &read_checkpoint(&at)?, key)?,
    };
    let earlier = earlier.map(|note| opened(Path::new("(earlier)"), note, key)).transpose()?;
    if let Some(earlier) = earlier.as_ref().filter(|earlier| earlier.origin != checkpoint.origin) {
        return Err(SignedError::OtherLog { expected: checkpoint.origin, found: earlier.origin.clone() });
    }
    if !fs::metadata(path).map_err(read)?.is_file() {
        return Err(read(io::Error::other("not a regular file")));
    }
    let log = BufReader::new(File::open(path).map_err(read)?);
    let mut tree = Tree::default();
    let (mut covered, mut before) = ((checkpoint.size == 0).then(|| tree.root()), None);
    let summary = verify_each(log, |line| {
        tree.push(Hash::leaf(line), |_, _| {});
        if tree.size() == checkpoint.size {
            covered = Some(tree.root());
        }
        if earlier.as_ref().is_some_and(|earlier| earlier.size == tree.size()) {
            before = Some(tree.root());
        }
    })
    .map_err(read)?;
    let problem = match (&summary.fault, covered, &earlier) {
        (Some(fault), _, _) => Some(Problem::Chain(fault.clone())),
        (None, None, _) => Some(Problem::CutOff { entries: summary.entries, covered: checkpoint.size }),
        (None, Some(root), _) if root != checkpoint.root => Some(rewritten(path, &checkpoint).map_err(read)?),
        (None, Some(_), Some(earlier)) if earlier.size > checkpoint.size => {
            Some(Problem::RolledBack { covered: checkpoint.size, earlier: earlier.size })
        }
        (None, Some(_), Some(earlier)) if earlier.size > 0 && before != Some(earlier.root) => {
            Some(Problem::Forked { earlier: earlier.size })
        }
        (None, Some(_), _) => None,
    };
    Ok(Signed {
        entries: summary.entries,
        covered: checkpoint.size,
        root: checkpoint.root,
        origin: checkpoint.origin,
        torn_bytes: summary.torn_bytes,
        dangling: summary.dangling,
        problem,
    })
}

/// Proves that the entry number `index`, from 0, is in the log at `path` as far as its checkpoint goes.
///
/// # Errors
/// When there is no such entry, the checkpoint does not cover it yet, or a file cannot be read.
pub fn prove(path: &Path, index: u64) -> Result<Proof, SignedError> {
    let folder = folder_of(path);
    let at = folder.join("checkpoint");
    let note = read_checkpoint(&at)?;
    let (text, _) = note.rsplit_once("\n\n").ok_or(SignedError::Malformed)?;
    let checkpoint: Checkpoint =
        format!("{text}\n").parse().map_err(|error| SignedError::Checkpoint { path: at, error })?;
    let mut nodes = Nodes::new(checkpoint.size, |tile| {
        let path = folder.join(tile.path());
        read_tile(&folder, tile).map_err(|error| SignedError::Tile { path, problem: error.to_string() })
    });
    let proof = nodes.inclusion(index)?;
    let place = index % TILE_WIDTH;
    let width = checkpoint.size.saturating_sub(index.saturating_sub(place)).min(TILE_WIDTH);
    let bundle = folder.join(bundle_path(index / TILE_WIDTH, width));
    // A partial bundle goes when it becomes full.
    let full = folder.join(bundle_path(index / TILE_WIDTH, TILE_WIDTH));
    let bytes = read_file(&bundle, MAX_BUNDLE).or_else(|_| read_file(&full, MAX_BUNDLE));
    let bytes = bytes.map_err(|error| SignedError::Read { path: bundle.clone(), error })?;
    let wrong = |problem: &dyn fmt::Display| SignedError::Tile { path: bundle.clone(), problem: problem.to_string() };
    let entries = entries_of(&bytes).map_err(|error| wrong(&error))?;
    let entry = usize::try_from(place).ok().and_then(|place| entries.get(place)).map(|entry| entry.to_vec());
    let entry = entry.ok_or_else(|| wrong(&"it has fewer entries than it should"))?;
    let proof = Proof { entry, index, path: proof.path, checkpoint: note };
    // What was altered makes a proof that shows nothing; say so here rather than to whoever gets it.
    InclusionProof { index, size: checkpoint.size, path: proof.path.clone() }
        .verify(Hash::leaf(&proof.entry), checkpoint.root)
        .map_err(|_| wrong(&"it is not the one that the checkpoint covers"))?;
    Ok(proof)
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

/// Which line is not the one that the checkpoint covers, if the tiles are those of the checkpoint.
fn rewritten(path: &Path, checkpoint: &Checkpoint) -> io::Result<Problem> {
    let folder = folder_of(path);
    let before = Problem::RewrittenBefore { line: checkpoint.size };
    let mut signed = Tree::default();
    let mut leaves = Vec::new();
    for index in 0..checkpoint.size.div_ceil(TILE_WIDTH) {
        let row = Tile::of(0, index, checkpoint.size).and_then(|tile| read_tile(&folder, tile).ok());
        let Some(row) = row else { return Ok(before) };
        row.iter().for_each(|leaf| signed.push(*leaf, |_, _| {}));
        leaves.extend(row);
    }
    if signed.root() != checkpoint.root {
        return Ok(before);
    }
    let mut log = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    for (number, leaf) in (1_u64..).zip(leaves) {
        line.clear();
        log.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        if Hash::leaf(line.strip_suffix(b"\n").unwrap_or(&line)) != leaf {
            return Ok(Problem::Rewritten { line: number });
        }
    }
    Ok(before)
}

fn read_checkpoint(path: &Path) -> Result<String, SignedError> {
    let bytes = read_file(path, MAX_CHECKPOINT).map_err(|error| SignedError::Read { path: path.to_owned(), error })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A checkpoint that `key` signed, under its own name or that of one of its logs.
fn opened(path: &Path, note: &str, key: &VerifierKey) -> Result<Checkpoint, SignedError> {
    let wrong = |error| SignedError::Note { path: path.to_owned(), error };
    let origin = note.lines().next().unwrap_or_default();
    let log = origin.strip_prefix(key.name()).and_then(|rest| rest.strip_prefix('/'));
    let key = log.map_or_else(|| Ok(key.clone()), |log| key.of_log(log)).map_err(wrong)?;
    let text = key.open(note).map_err(wrong)?;
    let parsed = text.parse().map_err(|error| SignedError::Checkpoint { path: path.to_owned(), error });
    parsed.and_then(|checkpoint: Checkpoint| match checkpoint.origin == key.name() {
        true => Ok(checkpoint),
        false => Err(wrong(NoteError::Unsigned(checkpoint.origin))),
    })
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

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Chain(fault) => write!(f, "{fault}"),
            Problem::Rewritten { line } => write!(f, "line {line}: the entry is not the one that was signed"),
            Problem::RewrittenBefore { line } => {
                write!(
                    f,
                    "line {line} or one before it is not the entry that was signed, and the tiles were altered, too"
                )
            }
            Problem::CutOff { entries, covered } => {
                write!(f, "after line {entries}: the end was cut off; {covered} entries were signed")
            }
            Problem::Forked { earlier } => {
                write!(
                    f,
                    "line {earlier} or one before it is not the entry that the earlier checkpoint covers: two logs were signed"
                )
            }
            Problem::RolledBack { covered, earlier } => {
                write!(f, "after line {covered}: rolled back; the earlier checkpoint covers {earlier} entries")
            }
        }
    }
}
