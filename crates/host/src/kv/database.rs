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
/// `BLKV`: that a database holds stores.
const APPLICATION: i64 = 0x424c_4b56;
/// The version of the tables below.
const VERSION: i64 = 1;

/// `owner` is empty for a shared store; no agent has an empty name.
const TABLES: &str = "
    CREATE TABLE stores (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        owner TEXT NOT NULL,
        entries INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        UNIQUE (name, owner)
    ) STRICT;
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY,
        store INTEGER NOT NULL REFERENCES stores (id),
        key BLOB NOT NULL,
        value BLOB NOT NULL,
        expires INTEGER,
        UNIQUE (store, key)
    ) STRICT;
    CREATE INDEX expiring ON entries (store, expires) WHERE expires IS NOT NULL;
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
    #[error("`{path}` is a database of something else; move it away, and another one is made")]
    NotOurs { path: PathBuf },
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
    /// Opens the file, and makes it, and its folder, for the owner alone if it is missing. A database that is refused is
    /// not changed.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn open(path: &Path) -> Result<KvDatabase, KvError> {
        let unusable = |error| KvError::File { path: path.to_owned(), error };
        ambient::make_private_file(path).map_err(unusable)?;
        let mut connection = connect(path).map_err(|error| damaged(path, error))?;
        // SQLite opens for reading what it may not write.
        if connection.is_readonly("main").map_err(|error| damaged(path, error))? {
            return Err(unusable(std::io::ErrorKind::PermissionDenied.into()));
        }
        // While another process makes it, it may look like anybody's: what counts is how it looks when that is done.
        if !matches!(is_current(&connection, path), Ok(true)) {
            // Two first uses at once take turns; SQLite's own locks do not cover the change of its journal.
            let _taken = ambient::lock_beside(path).map_err(unusable)?;
            if !is_current(&connection, path)? {
                make_tables(&mut connection).map_err(|error| damaged(path, error))?;
            }
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
    connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON")?;
    Ok(connection)
}

/// Whether nothing has to be made. Anything but a database of stores, or an empty file, is an error.
fn is_current(connection: &Connection, path: &Path) -> Result<bool, KvError> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get(0)).map_err(|error| damaged(path, error));
    let (application, version): (i64, i64) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    if application != APPLICATION {
        let is_fresh = application == 0 && version == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0;
        return if is_fresh { Ok(false) } else { Err(KvError::NotOurs { path: path.to_owned() }) };
    }
    if version != VERSION {
        return Err(KvError::Version { path: path.to_owned(), found: version });
    }
    Ok(true)
}

fn make_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn damaged(path: &Path, error: rusqlite::Error) -> KvError {
    KvError::Database { path: path.to_owned(), error }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "databases of others, and what became of them")]
mod tests {
    use std::sync::{Arc, Barrier};

    use bailiwick_guard::{AuditLog, CallError, Guard, Life, Outcome, Run, SystemClock, Timestamp};
    use bailiwick_policy::{Authority, Code, Grant, KvKey, Manifest, Principal};

    use super::*;
    use crate::Services;
    use crate::kv::{GetKey, SetKey};

    /// What a refused database was before, and after; and what stands beside it.
    fn refused(statements: &str) -> KvError {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kv.db");
        let made = Connection::open(&path).unwrap();
        made.execute_batch(statements).unwrap();
        drop(made);
        let before = std::fs::read(&path).unwrap();
        let error = KvDatabase::open(&path).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), before, "{statements}");
        for other in ["kv.db-wal", "kv.db-shm", "kv.db-journal"] {
            assert!(!folder.path().join(other).exists(), "{statements}: {other}");
        }
        error
    }

    #[test]
    fn what_is_refused_is_not_changed() {
        let later = format!("CREATE TABLE t (a); PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 2");
        assert!(matches!(refused(&later), KvError::Version { found: 2, .. }));
        for others in [
            "CREATE TABLE t (a)",
            "CREATE TABLE t (a); PRAGMA user_version = 1",
            "PRAGMA user_version = 1",
            "PRAGMA application_id = 7",
            "PRAGMA application_id = 7; PRAGMA user_version = 1",
        ] {
            assert!(matches!(refused(others), KvError::NotOurs { .. }), "{others}");
        }
    }

    const STORE: &str = "schema = 1\nid = \"m\"\nagents = [\"a\"]\nstores = { own = \"private\" }\n\
        [[allow]]\nid = \"own\"\nkv = \"own/**\"\nactions = [\"get\", \"set\"]\n";

    #[tokio::test]
    async fn a_disk_that_is_full_fails_the_call_on_record_and_the_run_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let database = Arc::new(KvDatabase::open(&folder.path().join("kv.db")).unwrap());
        // As when the file cannot grow: SQLite says the same of both.
        let allow = |pages: i64| {
            let connection = database.take().unwrap();
            let most = format!("PRAGMA max_page_count = {pages}");
            let most: i64 = connection.query_row(&most, [], |row| row.get(0)).unwrap();
            database.give_back(connection);
            most
        };
        let manifest = Arc::new(Manifest::parse(STORE, "m.toml").unwrap());
        let host = Services::builder().kv(Arc::clone(&database)).build().open(&manifest, folder.path()).unwrap();
        let principal = Principal { issuer: "i".into(), subject: "s".into(), agent: "a".into() };
        let (token, registry) = (manifest.scopes(), manifest.scopes());
        let authority = Authority { principal, token, details: Vec::new(), registry, task: None };
        let grant = Grant::new(manifest, None, authority);
        let (log, _memory) = AuditLog::in_memory().unwrap();
        let life = Life::until(Timestamp(u64::MAX));
        let guard = Guard::new(grant, Run::default(), life, log, Arc::new(SystemClock)).unwrap();
        let key = || KvKey::parse("own/a").unwrap();
        let set = async |value: Vec<u8>| guard.call(&host.kv, SetKey { key: key(), value, ttl: None }).await;
        set(b"kept".to_vec()).await.unwrap();
        allow(1);
        for _ in 0..2 {
            assert_eq!(set(vec![7; 200_000]).await.unwrap_err(), CallError::Failed(Code::NoSpace));
            let record = guard.records().pop().unwrap();
            assert_eq!(record.outcome, Some(Outcome::Failed(Code::NoSpace)));
            let found = guard.call(&host.kv, GetKey { key: key() }).await.unwrap();
            assert_eq!(found.as_deref(), Some(&b"kept"[..]), "all of it or nothing");
        }
        allow(10_000);
        set(vec![7; 200_000]).await.unwrap();
        assert_eq!(guard.call(&host.kv, GetKey { key: key() }).await.unwrap().map(|value| value.len()), Some(200_000));
    }

    #[test]
    fn what_was_made_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/kv.db");
        for _ in 0..2 {
            let database = KvDatabase::open(&path).unwrap();
            let connection = database.take().unwrap();
            let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
            assert_eq!(mode, "wal");
        }
    }

    #[test]
    fn first_uses_at_once_take_turns() {
        for _ in 0..10 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state/kv.db");
            let barrier = Barrier::new(8);
            std::thread::scope(|scope| {
                for n in 0..8 {
                    let (path, barrier) = (&path, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        let connection = KvDatabase::open(path).unwrap().take().unwrap();
                        connection.execute("INSERT INTO stores (name, owner) VALUES (?, '')", [n.to_string()]).unwrap();
                    });
                }
            });
            let connection = KvDatabase::open(&path).unwrap().take().unwrap();
            let made: i64 = connection.query_row("SELECT count(*) FROM stores", [], |row| row.get(0)).unwrap();
            assert_eq!(made, 8);
        }
    }
}
