//! Verifies a signed log.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::folder::{folder_of, opened, read_checkpoint, read_tile};
use super::published::CLOSED;
use super::verify::{Chain, Fault, GENESIS, MAX_LINE};
use crate::tlog::{Checkpoint, CheckpointError, Hash, NoteError, ProofError, TILE_WIDTH, Tile, Tree, VerifierKey};

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
    /// As in a [`Summary`](super::Summary).
    pub more_dangling: bool,
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
    /// The log was closed before this line, and nobody has opened it since: somebody else added it.
    Added { line: u64 },
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
    #[error(
        "a proof is the lines `c2sp.org/tlog-proof@v1`, `extra ENTRY`, `index N` and Base64, an empty line, and a checkpoint"
    )]
    Malformed,
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error("tile `{path}`: {problem}; verify the log")]
    Tile { path: PathBuf, problem: String },
    #[error("the entries of `{path}` are not the ones that its checkpoint covers; verify the log")]
    Altered { path: PathBuf },
    #[error("the log has no entry of a run `{run}`, as far as its checkpoint goes")]
    NoRun { run: String },
    #[error(
        "the run has {count} entries, from {first} to {last}; one file proves up to 1024, so prove single ones by their number"
    )]
    LongRun { count: u64, first: u64, last: u64 },
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
    let at = folder_of(path).join("checkpoint");
    let before = read_checkpoint(&at).ok();
    let signed = verify_now(path, key, earlier)?;
    match signed.problem {
        // Somebody opened the log while it was read: what was added then is no problem.
        Some(Problem::Added { .. }) if read_checkpoint(&at).ok() != before => verify_now(path, key, earlier),
        _ => Ok(signed),
    }
}

fn verify_now(path: &Path, key: &VerifierKey, earlier: Option<&str>) -> Result<Signed, SignedError> {
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
    let log = File::open(path).map_err(read)?;
    let mut tree = Tree::default();
    let (mut covered, mut before) = ((checkpoint.size == 0).then(|| tree.root()), None);
    let mut chain = Chain::from(0, GENESIS);
    let followed = chain.follow_file(log, |leaf| {
        tree.push(leaf, |_, _| {});
        if tree.size() == checkpoint.size {
            covered = Some(tree.root());
        }
        if earlier.as_ref().is_some_and(|earlier| earlier.size == tree.size()) {
            before = Some(tree.root());
        }
    });
    let summary = followed.map(|()| chain.summary()).map_err(read)?;
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
        (None, Some(_), _) => {
            let closed = checkpoint.extensions.iter().any(|line| line == CLOSED);
            let more = summary.entries > checkpoint.size || summary.torn_bytes > 0;
            (closed && more).then(|| Problem::Added { line: checkpoint.size.saturating_add(1) })
        }
    };
    Ok(Signed {
        entries: summary.entries,
        covered: checkpoint.size,
        root: checkpoint.root,
        origin: checkpoint.origin,
        torn_bytes: summary.torn_bytes,
        dangling: summary.dangling,
        more_dangling: summary.more_dangling,
        problem,
    })
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
            Problem::Added { line } => write!(f, "line {line}: it was added after the log was closed"),
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
