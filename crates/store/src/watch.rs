//! Notices what takes authority away while runs are live, whoever wrote it.
//!
//! A change in this process wakes the thread at once. One in another process is seen at the next look: SQLite's
//! `data_version` says without reading a page whether anything was committed, and the `epoch` row whether it matters.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bailiwick_identity::{Basis, EndRun, Watched, Withdrawal, Withdrawn};
use rusqlite::Connection;

use crate::error::StoreError;
use crate::rows;
use crate::schema::Place;

/// Between two looks at the database while any run is live.
const PERIOD: Duration = Duration::from_millis(10);

pub(crate) struct Watch {
    shared: Arc<Shared>,
    place: Place,
    blind: Duration,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Tells the thread to look now.
pub(crate) struct Waker(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    runs: BTreeMap<u64, (Basis, EndRun)>,
    next: u64,
    /// Something was committed in this process.
    stirred: bool,
    stopped: bool,
}

impl Watch {
    pub(crate) fn new(place: Place, blind: Duration) -> Watch {
        Watch { shared: Arc::default(), place, blind, thread: Mutex::default() }
    }

    pub(crate) fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.shared))
    }

    /// Watches a run from now on. The first one starts the thread.
    pub(crate) fn add(&self, basis: Basis, end: EndRun) -> Result<(u64, Watched), StoreError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_none_or(JoinHandle::is_finished) {
            let looker = Looker::new(self.place.clone(), self.blind)?;
            let shared = Arc::clone(&self.shared);
            let started = thread::Builder::new().name("bailiwick-watch".into()).spawn(move || watch(looker, &shared));
            *thread =
                Some(started.map_err(|error| StoreError::Failed(format!("no thread could be started: {error}")))?);
        }
        drop(thread);
        let mut state = self.shared.state();
        let run = state.next;
        state.next = run.saturating_add(1);
        state.runs.insert(run, (basis, end));
        self.shared.changed.notify_all();
        let shared = Arc::clone(&self.shared);
        Ok((run, Watched::new(move || drop(shared.state().runs.remove(&run)))))
    }

    /// Ends a run that is still watched.
    pub(crate) fn end(&self, run: u64, withdrawal: Withdrawal) {
        self.shared.end(vec![(run, withdrawal)]);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Waker {
    pub(crate) fn wake(&self) {
        self.0.state().stirred = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Another thread that panicked changed the state by single statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bases(&self) -> Vec<(u64, Basis)> {
        self.state().runs.iter().map(|(run, (basis, _))| (*run, basis.clone())).collect()
    }

    fn end(&self, lost: Vec<(u64, Withdrawal)>) {
        let mut state = self.state();
        let ended: Vec<_> =
            lost.into_iter().filter_map(|(run, withdrawal)| Some((state.runs.remove(&run)?.1, withdrawal))).collect();
        drop(state);
        for (end, withdrawal) in ended {
            end(withdrawal);
        }
    }

    /// Nobody can tell what is revoked: every run ends.
    fn end_all(&self) {
        let runs: Vec<u64> = self.state().runs.keys().copied().collect();
        self.end(runs.into_iter().map(|run| (run, Withdrawal { what: Withdrawn::Unknown, reason: None })).collect());
    }
}

/// Ends every run when the thread ends, for whatever reason.
struct EndAllOnDrop<'a>(&'a Shared);

impl Drop for EndAllOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end_all();
    }
}

fn watch(mut looker: Looker, shared: &Shared) {
    let _ended = EndAllOnDrop(shared);
    let mut state = shared.state();
    loop {
        let idle = |state: &mut State| state.runs.is_empty() && !state.stopped;
        state = shared.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        let waiting = shared.changed.wait_timeout_while(state, PERIOD, |state| !state.stirred && !state.stopped);
        state = waiting.unwrap_or_else(PoisonError::into_inner).0;
        if state.stopped {
            return;
        }
        state.stirred = false;
        drop(state);
        match looker.look(|| shared.bases()) {
            Ok(lost) => shared.end(lost),
            Err(Blind) => shared.end_all(),
        }
        state = shared.state();
    }
}

/// The revocations cannot be read, or were not for too long.
struct Blind;

struct Looker {
    place: Place,
    connection: Connection,
    /// What SQLite and we called the state at the last look.
    version: Option<i64>,
    epoch: Option<u64>,
    /// Since when the database is locked.
    locked: Option<Instant>,
    patience: Duration,
}

impl Looker {
    fn new(place: Place, patience: Duration) -> Result<Looker, StoreError> {
        let connection = place.connect()?;
        // Waiting here would be waiting while nobody looks.
        connection.busy_timeout(Duration::ZERO)?;
        Ok(Looker { place, connection, version: None, epoch: None, locked: None, patience })
    }

    /// Which of the runs have lost their basis since the last look.
    fn look(&mut self, bases: impl FnOnce() -> Vec<(u64, Basis)>) -> Result<Vec<(u64, Withdrawal)>, Blind> {
        if self.place.check().is_err() {
            return Err(Blind);
        }
        match self.lost(bases) {
            Ok(lost) => {
                self.locked = None;
                Ok(lost)
            }
            Err(StoreError::Busy) if self.locked.get_or_insert_with(Instant::now).elapsed() < self.patience => {
                Ok(Vec::new())
            }
            Err(_) => Err(Blind),
        }
    }

    fn lost(&mut self, bases: impl FnOnce() -> Vec<(u64, Basis)>) -> Result<Vec<(u64, Withdrawal)>, StoreError> {
        let version = self.connection.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        if self.version == Some(version) {
            return Ok(Vec::new());
        }
        let transaction = self.connection.transaction()?;
        let epoch = rows::meta(&transaction, "epoch")?;
        let mut lost = Vec::new();
        if self.epoch != Some(epoch) {
            for (run, basis) in bases() {
                lost.extend(rows::withdrawn(&transaction, &basis)?.map(|withdrawal| (run, withdrawal)));
            }
        }
        drop(transaction);
        // INVARIANT: noted only after everything was looked at; what was committed meanwhile has another version.
        (self.version, self.epoch) = (Some(version), Some(epoch));
        Ok(lost)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "somebody else's connection")]
mod tests {
    use super::*;

    /// A database of ours is never locked against readers; another journal's is, and stands for whatever may do so.
    #[test]
    fn a_lock_is_waited_for_and_not_forever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("CREATE TABLE meta (name, value); INSERT INTO meta VALUES ('epoch', 1)").unwrap();
        let looker = |patience| Looker::new(Place::of_test(&path), patience).unwrap();
        let (mut patient, mut impatient) = (looker(Duration::from_secs(3600)), looker(Duration::ZERO));
        let sees = |looker: &mut Looker| looker.look(Vec::new).is_ok();
        assert!(sees(&mut patient) && sees(&mut impatient));
        writer.execute_batch("UPDATE meta SET value = 2; BEGIN EXCLUSIVE").unwrap();
        assert!(sees(&mut patient), "not for the first moment");
        assert!(patient.locked.is_some());
        assert!(!sees(&mut impatient), "nobody can tell any more");
        writer.execute_batch("ROLLBACK").unwrap();
        assert!(sees(&mut patient) && patient.locked.is_none() && patient.epoch == Some(2));
        std::fs::remove_file(&path).unwrap();
        assert!(!sees(&mut patient), "deleted");
    }
}
