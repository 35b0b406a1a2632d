//! The embedded database that holds all stores.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bailiwick_guard::HostError;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::entries::Entries;
use crate::ambient;
use crate::sqlite::{Lanes, Wanted, failure};

/// Actions at once, of all runs together. Those that write take turns anyway.
const PLACES: usize = 4;
/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);
/// The version of the tables below.
const VERSION: i64 = 1;

/// `owner` is empty for a shared store; no agent has an empty name.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS stores (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        owner TEXT NOT NULL,
        entries INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        UNIQUE (name, owner)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS entries (
        id INTEGER PRIMARY KEY,
        store INTEGER NOT NULL REFERENCES stores (id),
        key BLOB NOT NULL,
        value BLOB NOT NULL,
        expires INTEGER,
        UNIQUE (store, key)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS expiring ON entries (store, expires) WHERE expires IS NOT NULL;
";

/// The host's key-value stores, in one file. Shared by all runs, and by all processes that open the file.
#[derive(Debug)]
pub struct KvDatabase {
    path: PathBuf,
    lanes: Lanes,
    idle: Mutex<Vec<Connection>>,
}

/// A database of stores that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KvError {
    #[error(
        "the key-value stores cannot be kept in `{path}`: {error}; its folder must be one that this user can write"
    )]
    File { path: PathBuf, error: std::io::Error },
    #[error("`{path}` cannot be used for key-value stores: {error}; move it away if it is damaged")]
    Database { path: PathBuf, error: rusqlite::Error },
    #[error("`{path}` was written by a later version of this program (format {found}); use that one")]
    Version { path: PathBuf, found: i64 },
}

/// One store of one agent, or a shared one.
#[derive(Clone, Debug)]
pub(super) struct Tenant {
    pub(super) store: String,
    /// The agent; `None` for a shared store.
    pub(super) owner: Option<String>,
}

impl KvDatabase {
    /// Opens the file, and makes it, and its folder, for the owner alone if it is missing.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn open(path: &Path) -> Result<KvDatabase, KvError> {
        ambient::make_private_file(path).map_err(|error| KvError::File { path: path.to_owned(), error })?;
        let failed = |error| KvError::Database { path: path.to_owned(), error };
        let connection = connect(path).map_err(failed)?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
        match found {
            0 => {
                let make = format!("BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT");
                connection.execute_batch(&make).map_err(failed)?;
            }
            VERSION => {}
            found => return Err(KvError::Version { path: path.to_owned(), found }),
        }
        let (path, idle) = (path.to_owned(), Mutex::new(vec![connection]));
        Ok(KvDatabase { path, lanes: Lanes::new(PLACES), idle })
    }

    /// Reads entries.
    pub(super) async fn read<T: Send + 'static>(
        self: std::sync::Arc<Self>,
        tenant: Tenant,
        work: impl FnOnce(&Entries<'_>) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        self.transact(tenant, TransactionBehavior::Deferred, work).await
    }

    /// Changes entries: all of it, or nothing.
    pub(super) async fn write<T: Send + 'static>(
        self: std::sync::Arc<Self>,
        tenant: Tenant,
        work: impl FnOnce(&Entries<'_>) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        self.transact(tenant, TransactionBehavior::Immediate, work).await
    }

    async fn transact<T: Send + 'static>(
        self: std::sync::Arc<Self>,
        tenant: Tenant,
        behaviour: TransactionBehavior,
        work: impl FnOnce(&Entries<'_>) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        let lanes = self.lanes.clone();
        let work = move |wanted: &Wanted| {
            let mut connection = self.take().map_err(|error| failure(&error))?;
            let watching = wanted.watch(&connection);
            let result = within(&mut connection, behaviour, &tenant, wanted, work);
            drop(watching);
            self.give_back(connection);
            result
        };
        lanes.run(work).await
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| connect(&self.path), Ok)
    }

    fn give_back(&self, connection: Connection) {
        connection.progress_handler(0, None::<fn() -> bool>);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

fn within<T>(
    connection: &mut Connection,
    behaviour: TransactionBehavior,
    tenant: &Tenant,
    wanted: &Wanted,
    work: impl FnOnce(&Entries<'_>) -> Result<T, HostError>,
) -> Result<T, HostError> {
    let writes = matches!(behaviour, TransactionBehavior::Immediate);
    let transaction = connection.transaction_with_behavior(behaviour).map_err(|error| failure(&error))?;
    let id = store_id(&transaction, tenant, writes).map_err(|error| failure(&error))?;
    let result = work(&Entries::new(&transaction, id))?;
    // Nobody would learn that it happened. Dropping the transaction undoes it.
    if !wanted.holds() {
        return Err(HostError::Limit(bailiwick_policy::Code::CallDeadline));
    }
    transaction.commit().map_err(|error| failure(&error))?;
    Ok(result)
}

/// The store's number; one that nobody wrote to has none.
fn store_id(transaction: &Transaction<'_>, tenant: &Tenant, make: bool) -> rusqlite::Result<Option<i64>> {
    let owner = tenant.owner.as_deref().unwrap_or_default();
    if make {
        let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO stores (name, owner) VALUES (?, ?)")?;
        insert.execute([&tenant.store, owner])?;
    }
    let mut select = transaction.prepare_cached("SELECT id FROM stores WHERE name = ? AND owner = ?")?;
    let mut rows = select.query([&tenant.store, owner])?;
    rows.next()?.map(|row| row.get(0)).transpose()
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = ambient::open_database(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON")?;
    Ok(connection)
}
