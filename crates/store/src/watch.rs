//! Notices what takes authority away while runs are live, whoever wrote it.
//!
//! A change in this process wakes the thread at once. One in another process is seen at the next look: SQLite's
//! `data_version` says without reading a page whether anything was committed, and the `epoch` row whether it matters. What
//! was written past SQLite, and who may touch the files, their own times and permissions say.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::error::StoreError;
use crate::link::Link;
use crate::rows::{self, Standing};
use crate::schema::Place;
use bailiwick_identity::{Basis, EndRun, Watched, Withdrawal, Withdrawn};

/// Between two looks at the database while any run is live.
const PERIOD: Duration = Duration::from_millis(10);

pub(crate) struct Watch {
    shared: Arc<Shared>,
    place: Place,
    blind: Duration,
    clock: fn() -> u64,
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
    runs: BTreeMap<u64, Run>,
    next: u64,
    /// Something was committed in this process.
    stirred: bool,
    stopped: bool,
}

struct Run {
    basis: Basis,
    end: EndRun,
    /// The second from which its key serves no longer, as far as it is known.
    until: Option<u64>,
}

impl Watch {
    /// `clock` tells seconds since the Unix epoch.
    pub(crate) fn new(place: Place, blind: Duration, clock: fn() -> u64) -> Watch {
        Watch { shared: Arc::default(), place, blind, clock, thread: Mutex::default() }
    }

    pub(crate) fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.shared))
    }

    /// Watches a run from now on. The first one starts the thread.
    pub(crate) fn add(&self, basis: Basis, end: EndRun) -> Result<(u64, Watched), StoreError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_none_or(JoinHandle::is_finished) {
            let looker = Looker::new(self.place.clone(), self.blind, self.clock)?;
            let shared = Arc::clone(&self.shared);
            let started = thread::Builder::new().name("bailiwick-watch".into()).spawn(move || watch(looker, &shared));
            *thread =
                Some(started.map_err(|error| StoreError::Failed(format!("no thread could be started: {error}")))?);
        }
        drop(thread);
        let mut state = self.shared.state();
        let run = state.next;
        state.next = run.saturating_add(1);
        state.runs.insert(run, Run { basis, end, until: None });
        self.shared.changed.notify_all();
        let shared = Arc::clone(&self.shared);
        Ok((run, Watched::new(move || drop(shared.state().runs.remove(&run)))))
    }

    /// Notes what the basis of a run is worth, which ends it when that is nothing.
    pub(crate) fn settle(&self, run: u64, standing: Standing) {
        self.shared.settle(vec![(run, standing)]);
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
        self.state().runs.iter().map(|(id, run)| (*id, run.basis.clone())).collect()
    }

    fn settle(&self, standings: Vec<(u64, Standing)>) {
        let mut lost = Vec::new();
        for (id, standing) in standings {
            match (standing, self.state().runs.get_mut(&id)) {
                (Standing::Gone(withdrawal), _) => lost.push((id, withdrawal)),
                // An end is never put off.
                (Standing::Good(Some(until)), Some(run)) => {
                    run.until = Some(run.until.map_or(until, |it| it.min(until)))
                }
                (Standing::Good(_), _) => {}
            }
        }
        self.end(lost);
    }

    /// Ends the runs whose key has served its time.
    fn end_over(&self, now: u64) {
        let is_over = |run: &Run| run.until.is_some_and(|until| until <= now);
        let over: Vec<u64> = self.state().runs.iter().filter(|(_, run)| is_over(run)).map(|(id, _)| *id).collect();
        self.end(over.into_iter().map(|run| (run, Withdrawal { what: Withdrawn::KeyOver, reason: None })).collect());
    }

    fn end(&self, lost: Vec<(u64, Withdrawal)>) {
        let mut state = self.state();
        let ended: Vec<_> =
            lost.into_iter().filter_map(|(run, withdrawal)| Some((state.runs.remove(&run)?.end, withdrawal))).collect();
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
            Ok(standings) => shared.settle(standings),
            Err(Blind) => {
                tracing::warn!("revocations cannot be read; every run ends");
                shared.end_all();
            }
        }
        shared.end_over((looker.clock)());
        state = shared.state();
    }
}

/// The revocations cannot be read, or were not for too long.
struct Blind;

struct Looker {
    link: Link,
    clock: fn() -> u64,
    /// What SQLite and we called the state at the last look.
    version: Option<i64>,
    epoch: Option<u64>,
    /// The connection is another one than at the last look.
    anew: bool,
    /// Since when the database is locked, or cannot be read for lack of memory.
    hindered: Option<Instant>,
    patience: Duration,
}

impl Looker {
    fn new(place: Place, patience: Duration, clock: fn() -> u64) -> Result<Looker, StoreError> {
        // Waiting here would be waiting while nobody looks.
        let mut link = Link::new(place.impatient())?;
        // From here on it only grows.
        let epoch = rows::meta(link.connection(), "epoch").ok();
        Ok(Looker { link, clock, version: None, epoch, anew: true, hindered: None, patience })
    }

    /// What the bases of the runs are worth, when that may have changed since the last look.
    fn look(&mut self, bases: impl FnOnce() -> Vec<(u64, Basis)>) -> Result<Vec<(u64, Standing)>, Blind> {
        match self.standings(bases) {
            Ok(standings) => {
                self.hindered = None;
                Ok(standings)
            }
            // Both may pass.
            Err(StoreError::Busy | StoreError::NoMemory)
                if self.hindered.get_or_insert_with(Instant::now).elapsed() < self.patience =>
            {
                Ok(Vec::new())
            }
            Err(_) => Err(Blind),
        }
    }

    fn standings(&mut self, bases: impl FnOnce() -> Vec<(u64, Basis)>) -> Result<Vec<(u64, Standing)>, StoreError> {
        // Another connection counts versions anew, and what it reads may be anything.
        self.anew |= self.link.renew()?;
        let connection = self.link.connection();
        let version = connection.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        if self.version == Some(version) && !self.anew {
            return Ok(Vec::new());
        }
        let transaction = connection.transaction()?;
        let epoch = rows::meta(&transaction, "epoch")?;
        if self.epoch.is_some_and(|known| epoch < known) {
            return Err(StoreError::Failed("it was replaced by an older state of itself".to_owned()));
        }
        let mut standings = Vec::new();
        if self.epoch != Some(epoch) || self.anew {
            for (run, basis) in bases() {
                standings.push((run, rows::standing(&transaction, &basis, (self.clock)())?));
            }
        }
        drop(transaction);
        // INVARIANT: noted only after everything was looked at; what was committed meanwhile has another version.
        (self.version, self.epoch, self.anew) = (Some(version), Some(epoch), false);
        Ok(standings)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "somebody else's connection")]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// A database of ours is never locked against readers; another journal's is, and stands for whatever may do so.
    #[test]
    fn a_hindrance_is_waited_for_and_not_forever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        assert!(bailiwick_sqlite::divide());
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("CREATE TABLE meta (name, value); INSERT INTO meta VALUES ('epoch', 1)").unwrap();
        let looker = |patience| Looker::new(Place::of_test(&path), patience, || 0).unwrap();
        let (mut patient, mut impatient) = (looker(Duration::from_secs(3600)), looker(Duration::ZERO));
        let sees = |looker: &mut Looker| looker.look(Vec::new).is_ok();
        assert!(sees(&mut patient) && sees(&mut impatient));
        writer.execute_batch("UPDATE meta SET value = 2; BEGIN EXCLUSIVE").unwrap();
        assert!(sees(&mut patient), "not for the first moment");
        assert!(patient.hindered.is_some());
        assert!(!sees(&mut impatient), "nobody can tell any more");
        writer.execute_batch("ROLLBACK").unwrap();
        assert!(sees(&mut patient) && patient.hindered.is_none() && patient.epoch == Some(2));
        writer.execute_batch("UPDATE meta SET value = 3").unwrap();
        assert!(bailiwick_sqlite::within(0, || sees(&mut patient)), "nor without memory");
        assert!(patient.hindered.is_some() && patient.epoch == Some(2));
        assert!(!bailiwick_sqlite::within(0, || sees(&mut impatient)));
        assert!(sees(&mut patient) && patient.hindered.is_none() && patient.epoch == Some(3));
        std::fs::remove_file(&path).unwrap();
        assert!(!sees(&mut patient), "deleted");
    }
}
