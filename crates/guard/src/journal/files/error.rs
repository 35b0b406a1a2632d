//! Why a journal cannot be read.

use std::io;

use crate::journal::ContentDigest;

/// What is wrong with a journal, for whoever wants to replay it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("there is no journal of the run `{0}`; it was not recorded, or was deleted since")]
    None(String),
    #[error("the journal cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("the file is not a journal")]
    NotAJournal,
    #[error("the journal is of another version; read it with the version of Bailiwick that wrote it")]
    Version,
    #[error("the journal is damaged at record {record}: {what}")]
    Damaged { record: u64, what: &'static str },
    #[error("the journal holds more than {0} bytes; read it with a larger limit")]
    TooLong(u64),
    #[error("the journal's value {digest} {what}")]
    Blob { digest: ContentDigest, what: &'static str },
}
