//! Why the store cannot serve.

use std::path::PathBuf;

use bailiwick_identity::RegistryError;
use rusqlite::ErrorCode;

/// The store cannot be opened, read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot use the database `{path}`: {problem}")]
    File { path: PathBuf, problem: String },
    #[error("the database `{path}` can be read or written by others (mode {mode:o}); run `chmod 600 {path}`")]
    Permissions { path: PathBuf, mode: u32 },
    #[error("the owner of the database `{path}` may not read and write it (mode {mode:o}); run `chmod 600 {path}`")]
    Locked { path: PathBuf, mode: u32 },
    #[error("`{path}` is not a database of this program; move it away, or name another state folder")]
    NotOurs { path: PathBuf },
    #[error(
        "the database `{path}` is damaged ({problem}); restore it from a backup, or move it away and register the agents again"
    )]
    Damaged { path: PathBuf, problem: String },
    #[error("the database `{path}` has schema {found}; this version knows {known} and older ones: use a newer version")]
    Newer { path: PathBuf, found: i64, known: i64 },
    /// The registry of an earlier version, which is brought into the database when that is made.
    #[error("`{path}`: {problem}")]
    OldRegistry { path: PathBuf, problem: String },
    #[error("the database is in use by another process for too long")]
    Busy,
    #[error("there is no memory for the database at the moment")]
    NoMemory,
    #[error("the database failed: {0}")]
    Failed(String),
    #[error("the database is closed")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
            Some(ErrorCode::OutOfMemory) => StoreError::NoMemory,
            _ => StoreError::Failed(error.to_string()),
        }
    }
}

impl From<StoreError> for RegistryError {
    fn from(error: StoreError) -> RegistryError {
        RegistryError::Unavailable(error.to_string())
    }
}
