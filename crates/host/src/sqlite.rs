//! SQLite off the asynchronous threads: bounded, and stopped when nobody waits for it any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailiwick_guard::HostError;
use bailiwick_policy::Code;
use rusqlite::{Connection, ErrorCode, InterruptHandle};
use tokio::sync::Semaphore;

/// Virtual machine instructions between two looks at whether the work is still wanted: well below a millisecond.
const STEPS: i32 = 100;

/// Places for work with databases, shared by all runs. Work that is under way keeps its place to its end.
#[derive(Clone, Debug)]
pub(crate) struct Lanes(Arc<Semaphore>);

/// Whether somebody still waits for a piece of work.
#[derive(Clone)]
pub(crate) struct Wanted(Arc<Work>);

struct Work {
    is_wanted: AtomicBool,
    /// What stops the connection that is at work, where SQLite looks at nothing else: counting a large table is one
    /// instruction.
    running: Mutex<Option<InterruptHandle>>,
}

/// A connection stops for as long as this lives when the work is not wanted any more.
#[must_use]
pub(crate) struct Watching(Wanted);

/// Takes the wish back when the call that waits is dropped.
struct Waiting(Wanted);

impl Lanes {
    pub(crate) fn new(places: usize) -> Lanes {
        Lanes(Arc::new(Semaphore::new(places)))
    }

    /// Runs `work` on a thread for blocking work, as soon as there is a place.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Wanted) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        let internal = HostError::Failed(Code::Internal);
        let place = Arc::clone(&self.0).acquire_owned().await.map_err(|_closed| internal)?;
        let wanted = Wanted::new();
        let _waiting = Waiting(wanted.clone());
        let work = move || {
            let _place = place;
            if wanted.holds() { work(&wanted) } else { Err(HostError::Limit(Code::CallDeadline)) }
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(internal))
    }
}

impl Wanted {
    fn new() -> Wanted {
        Wanted(Arc::new(Work { is_wanted: AtomicBool::new(true), running: Mutex::default() }))
    }

    pub(crate) fn holds(&self) -> bool {
        self.0.is_wanted.load(Ordering::Acquire)
    }

    /// Makes every statement of the connection stop once this work is not wanted any more.
    pub(crate) fn watch(&self, connection: &Connection) -> Watching {
        let wanted = self.clone();
        connection.progress_handler(STEPS, Some(move || !wanted.holds()));
        *self.running() = Some(connection.get_interrupt_handle());
        Watching(self.clone())
    }

    fn running(&self) -> MutexGuard<'_, Option<InterruptHandle>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // INVARIANT: an interruption reaches no later work of the connection, because this waits for its end.
        *self.0.running() = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.is_wanted.store(false, Ordering::Release);
        if let Some(running) = self.0.running().as_ref() {
            running.interrupt();
        }
    }
}

/// Extended codes of SQLite: a change that somebody left half done would have to be undone first, by who may write.
const HALF_DONE: [i32; 2] = [rusqlite::ffi::SQLITE_READONLY_ROLLBACK, rusqlite::ffi::SQLITE_READONLY_RECOVERY];

/// The code of an error of SQLite that is nobody's statement's fault.
pub(crate) fn failure(error: &rusqlite::Error) -> HostError {
    if error.sqlite_error().is_some_and(|error| HALF_DONE.contains(&error.extended_code)) {
        return HostError::Failed(Code::DatabaseDamaged);
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => HostError::Failed(Code::DatabaseBusy),
        Some(ErrorCode::OperationInterrupted) => HostError::Limit(Code::CallDeadline),
        Some(ErrorCode::OutOfMemory) => HostError::Limit(Code::SqlMemory),
        Some(ErrorCode::TooBig) => HostError::Limit(Code::ArgumentBytes),
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => HostError::Failed(Code::HostPermission),
        Some(ErrorCode::DiskFull) => HostError::Failed(Code::NoSpace),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => HostError::Failed(Code::DatabaseDamaged),
        _ => HostError::Failed(Code::Io),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a database in memory, to make an error with")]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_is_to_blame_for_has_a_code() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("PRAGMA max_page_count = 2; CREATE TABLE t (a)").unwrap();
        let full = connection.execute("INSERT INTO t VALUES (zeroblob(10000))", []).unwrap_err();
        assert_eq!(failure(&full), HostError::Failed(Code::NoSpace));
        for (primary, extended, code) in [
            (ErrorCode::DatabaseCorrupt, rusqlite::ffi::SQLITE_CORRUPT, Code::DatabaseDamaged),
            (ErrorCode::NotADatabase, rusqlite::ffi::SQLITE_NOTADB, Code::DatabaseDamaged),
            (ErrorCode::ReadOnly, rusqlite::ffi::SQLITE_READONLY_ROLLBACK, Code::DatabaseDamaged),
            (ErrorCode::ReadOnly, rusqlite::ffi::SQLITE_READONLY, Code::HostPermission),
            (ErrorCode::DatabaseBusy, rusqlite::ffi::SQLITE_BUSY, Code::DatabaseBusy),
            (ErrorCode::SystemIoFailure, rusqlite::ffi::SQLITE_IOERR_WRITE, Code::Io),
        ] {
            let error = rusqlite::ffi::Error { code: primary, extended_code: extended };
            assert_eq!(failure(&rusqlite::Error::SqliteFailure(error, None)), HostError::Failed(code), "{primary:?}");
        }
    }
}
