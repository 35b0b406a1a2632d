//! The thread that writes: takes what waits, does it in one transaction, and tells nobody before that is durable.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::StoreError;
use crate::link::Link;

/// Jobs of one transaction at most.
const GROUP: usize = 512;

/// Does its part of a transaction, where there is one, and says whom to tell how that ended.
type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Told + Send>;
type Told = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A handle on the thread, which ends when this is dropped and everything is written.
pub(crate) struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// `committed` is called after each transaction, before anybody is told.
    pub(crate) fn start(link: Link, committed: impl Fn() + Send + 'static) -> std::io::Result<Writer> {
        let (jobs, waiting) = channel();
        let thread =
            thread::Builder::new().name("bailiwick-store".into()).spawn(move || work(link, &waiting, &committed))?;
        Ok(Writer { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Does `job` in a transaction and waits until that is durable. An error of the job takes its part of the
    /// transaction back and no other's.
    pub(crate) fn write<T, E>(&self, job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (tell, told) = channel();
        self.write_later(job, move |done| {
            // Whoever asked may have gone.
            let _ = tell.send(done);
        });
        told.recv().unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
    }

    /// Does `job` in a transaction and calls `tell` when that is durable. It is dropped when the thread has ended.
    pub(crate) fn write_later<T, E>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        tell: impl FnOnce(Result<T, E>) + Send + 'static,
    ) where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let job: Job = Box::new(move |connection| {
            let done = connection.map_err(E::from).and_then(|connection| part(connection, job));
            Box::new(move |committed| tell(done.and_then(|done| committed.map(|()| done).map_err(E::from))))
        });
        if let Some(jobs) = &self.jobs {
            // Without a receiver the job is dropped, and with it whatever waits for its end.
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(mut link: Link, waiting: &Receiver<Job>, committed: &impl Fn()) {
    while let Ok(first) = waiting.recv() {
        let group: Vec<Job> = std::iter::once(first).chain(waiting.try_iter().take(GROUP - 1)).collect();
        let (ended, told) = match begin(&mut link) {
            Err(error) => {
                let told = group.into_iter().map(|job| job(Err(error.clone()))).collect();
                (Err(error), told)
            }
            Ok(transaction) => {
                let told: Vec<Told> = group.into_iter().map(|job| job(Ok(&transaction))).collect();
                (transaction.commit().map_err(StoreError::from), told)
            }
        };
        // Nobody is told that something is done which others cannot see.
        let ended = ended.and_then(|()| link.confirm());
        committed();
        told.into_iter().for_each(|tell| tell(ended.clone()));
    }
}

fn begin(link: &mut Link) -> Result<Transaction<'_>, StoreError> {
    link.renew()?;
    Ok(link.connection().transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// A job within the group's transaction.
fn part<T, E: From<StoreError>>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    let run = |sql| connection.execute_batch(sql).map_err(|error| E::from(error.into()));
    run("SAVEPOINT job")?;
    let done = job(connection);
    if done.is_err() {
        run("ROLLBACK TO job")?;
    }
    run("RELEASE job")?;
    done
}
