//! Journals as files: a folder for each run, which holds all that a replay needs.
//!
//! ```text
//! FOLDER/RUN/journal        what crossed, in order
//! FOLDER/RUN/<SHA-256>      a value over 16 KiB, by its digest
//! FOLDER/blobs/ab/<SHA-256> the same file once more, for the next run that is given the same value
//! ```
//!
//! A journal is a Zstandard file: a skippable frame that says `bailiwick journal 1`, then one frame with the [records](record).
//! It is written while the run goes on, so that a run that was killed has a journal up to some millisecond before. Nothing is
//! synced: after a power failure the last journals may be torn, and reading them says so.
//!
//! A value is linked into the folder of each run that was given it. So no run needs another one's folder, deleting a folder
//! deletes what nobody else has, and what has a single link is garbage.

mod blob;
mod error;
mod folder;
mod options;
mod prune;
mod reader;
mod record;
mod writer;

pub use error::JournalError;
pub use folder::{JournalFolder, began, is_run};
pub use options::JournalOptions;
pub use prune::Pruned;
pub use reader::{Recorded, read};
