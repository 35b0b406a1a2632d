//! A transparency log's mathematics and formats: what lets others check an audit log without trusting who kept it.
//!
//! The tree is the one of RFC 6962 over SHA-256. Tiles, checkpoints and signed notes are those of C2SP (`tlog-tiles`,
//! `tlog-checkpoint`, `signed-note`), so that tools that are not ours can read them. Nothing here touches a disk or a clock.

mod checkpoint;
mod hash;
mod note;
mod proof;
mod tile;
mod tree;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use hash::Hash;
pub use note::{NoteError, Signer, VerifierKey};
pub use proof::{ConsistencyProof, InclusionProof, Nodes, ProofError};
pub use tile::{MAX_ENTRY, TILE_WIDTH, Tile, TileError, bundle, bundle_path, entries_of};
pub use tree::Tree;
