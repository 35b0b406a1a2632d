//! An open store.

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use crate::error::StoreError;
use crate::link::Link;
use crate::schema::{Imported, Place};
use crate::watch::Watch;
use crate::writer::Writer;

/// Decisions about a store.
///
/// - `capacity`: a million uses remembered, of about 100 bytes each; when they are all live, further ones are refused.
/// - `busy`: 5 s of waiting for another process that writes.
/// - `blind`: runs end after 2 s in which the revocations could not be read because the database is
///   locked, or there is no memory to read it with.
/// - `despite_permissions`: no. For those who take something away, which must not wait until the permissions of the database
///   are right again: it is opened although others may touch it, and its owner may read and write it again.
/// - `clock`: this machine's, in seconds since the Unix epoch. It says when the key of a live run serves no longer.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    pub capacity: NonZeroU64,
    pub busy: Duration,
    pub blind: Duration,
    pub despite_permissions: bool,
    pub clock: fn() -> u64,
}

/// The database of one state folder, open for as long as this lives. Several processes may have it open.
pub struct Store {
    place: Place,
    reader: Mutex<Link>,
    // Dropped before what it reports to.
    writer: Writer,
    watch: Watch,
    options: StoreOptions,
}

impl Store {
    /// Opens `state.db` (mode 0600) of a folder that only its owner may write in, and makes it when it is not there. A
    /// new one takes in `agents.json`, where earlier versions kept the registry.
    ///
    /// # Errors
    /// When it cannot be opened or made, others may touch it, it is damaged, not ours, or a newer version's; or when
    /// `agents.json` is not a registry.
    pub fn open(folder: &Path, options: StoreOptions) -> Result<(Store, Option<Imported>), StoreError> {
        let (place, link, imported) = Place::open(folder, options)?;
        let reader = Link::new(place.clone())?;
        let watch = Watch::new(place.clone(), options.blind, options.clock);
        let wake = watch.waker();
        let writer = Writer::start(link, move || wake.wake())
            .map_err(|error| StoreError::Failed(format!("no thread could be started: {error}")))?;
        Ok((Store { place, reader: Mutex::new(reader), writer, watch, options }, imported))
    }

    /// Reads the whole database and looks whether it is sound.
    ///
    /// # Errors
    /// When it is not.
    pub fn verify(&self) -> Result<(), StoreError> {
        let found: String = self.read(|connection| {
            Ok::<_, StoreError>(connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?)
        })?;
        if found == "ok" { Ok(()) } else { Err(StoreError::Failed(found)) }
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.options.capacity.get()
    }

    pub(crate) fn now(&self) -> u64 {
        (self.options.clock)()
    }

    pub(crate) fn watch_runs(&self) -> &Watch {
        &self.watch
    }

    /// Reads a consistent state of the database.
    pub(crate) fn read<T, E: From<StoreError>>(&self, read: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.renew()?;
        let transaction = reader.connection().transaction().map_err(StoreError::from)?;
        read(&transaction)
    }

    /// Writes durably, all or nothing.
    pub(crate) fn write<T, E>(&self, write: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.write(write)
    }

    /// The same without waiting: `tell` is called when it is durable, or failed, or never will be done.
    pub(crate) fn write_later<T, E>(
        &self,
        write: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        tell: impl FnOnce(Result<T, E>) + Send + 'static,
    ) where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.write_later(write, tell);
    }
}

impl Default for StoreOptions {
    fn default() -> StoreOptions {
        StoreOptions {
            capacity: NonZeroU64::MIN.saturating_add(999_999),
            busy: Duration::from_secs(5),
            blind: Duration::from_secs(2),
            despite_permissions: false,
            clock: || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("place", &self.place).finish_non_exhaustive()
    }
}
