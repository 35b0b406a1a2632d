//! The database file: who may touch it, how it is opened, what is in it, and how older ones become this.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bailiwick_identity::{AgentRegistry, MissingKeys, RegistryDocument};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::error::StoreError;
use crate::link::Link;
use crate::rows;
use crate::store::StoreOptions;

/// `BLWK`: that a database is ours.
const APPLICATION: i64 = 0x424c_574b;
/// The schema that this version writes.
const VERSION: i64 = 2;
/// Larger databases are not read through when they are opened.
const CHECKED_BYTES: u64 = 4 << 20;

/// From the schema of each version to the next. What was released is never edited.
const MIGRATIONS: [&str; 2] = [FIRST, BUDGETS];

const FIRST: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO meta VALUES ('epoch', 1), ('uses', 0), ('latest', 0), ('old_registry', 0);

    CREATE TABLE agents (
        id TEXT PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL, owner TEXT NOT NULL,
        capabilities TEXT NOT NULL, status TEXT NOT NULL, reason TEXT, epoch INTEGER NOT NULL,
        injections INTEGER NOT NULL, registered_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
        UNIQUE (issuer, subject)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE agent_keys (
        thumbprint TEXT PRIMARY KEY, agent TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
        place INTEGER NOT NULL, jwk TEXT NOT NULL, not_before INTEGER NOT NULL, expires INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX agent_keys_agent ON agent_keys (agent, place);

    CREATE TABLE revocations (
        kind TEXT NOT NULL, name TEXT NOT NULL, reason TEXT, at INTEGER NOT NULL, epoch INTEGER NOT NULL,
        PRIMARY KEY (kind, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE uses (id BLOB PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX uses_until ON uses (until);
";

/// Times are milliseconds since the Unix epoch, but for `turn`, which is microseconds.
const BUDGETS: &str = "
    CREATE TABLE budget_counters (
        id INTEGER PRIMARY KEY, agent TEXT NOT NULL, manifest TEXT NOT NULL, rule TEXT NOT NULL, what TEXT NOT NULL,
        max INTEGER NOT NULL, window INTEGER NOT NULL, turn INTEGER NOT NULL, expires INTEGER NOT NULL,
        UNIQUE (agent, manifest, rule, what)
    ) STRICT;
    CREATE INDEX budget_counters_expires ON budget_counters (expires);
    CREATE TABLE budget_slices (
        counter INTEGER NOT NULL REFERENCES budget_counters (id) ON DELETE CASCADE,
        start INTEGER NOT NULL, \"end\" INTEGER NOT NULL,
        used INTEGER NOT NULL CHECK (used >= 0), reserved INTEGER NOT NULL CHECK (reserved >= 0),
        PRIMARY KEY (counter, start)
    ) STRICT, WITHOUT ROWID;
";

/// The registry of an earlier version, which was brought into the database when that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Agents in it.
    pub agents: usize,
    /// What the file is called now. Nothing reads it any more.
    pub backup: PathBuf,
}

/// The database as it was when it was opened.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// Device and inode of the database, of its log, and of the log's index.
    files: [Option<(u64, u64)>; 3],
    busy: Duration,
    despite_permissions: bool,
}

/// Size and times of the database file: they change when anybody writes in it, or changes who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Whether the file changed so lately that a file system whose clock is coarse could give another change the same time.
    pub(crate) fn is_young(self) -> bool {
        let (seconds, nanoseconds) = self.changed;
        let changed = UNIX_EPOCH + Duration::new(seconds.try_into().unwrap_or(0), nanoseconds.try_into().unwrap_or(0));
        SystemTime::now().duration_since(changed).is_ok_and(|age| age < Duration::from_millis(50))
    }
}

impl Place {
    /// Opens `state.db` of a folder that exists, makes it when it is not there, and brings it to this version's schema.
    pub(crate) fn open(folder: &Path, options: StoreOptions) -> Result<(Place, Link, Option<Imported>), StoreError> {
        let failed =
            |path: &Path, error: io::Error| StoreError::File { path: path.to_owned(), problem: error.to_string() };
        let folder = folder.canonicalize().map_err(|error| failed(folder, error))?;
        let path = folder.join("state.db");
        make(&path).map_err(|error| failed(&path, error))??;
        let StoreOptions { busy, despite_permissions, .. } = options;
        let mut place = Place { path, files: [None; 3], busy, despite_permissions };
        if despite_permissions {
            place.give_back().map_err(|error| failed(&place.path, error))?;
        }
        place.check_private()?;
        let mut connection = place.connect_to(&place.path)?;
        let mut imported = None;
        // While another process makes it, it may look like anybody's: what counts is how it looks when that is done.
        if !matches!(is_current(&connection, &place.path), Ok(true)) {
            // Two first uses at once take turns; SQLite's own locks do not cover the change of its journal.
            let lock = folder.join(".state.lock");
            let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&lock);
            let taken = file.and_then(|file| file.lock().map(|()| file));
            let _taken = taken.map_err(|error| failed(&lock, error))?;
            if !is_current(&connection, &place.path)? {
                imported = migrate(&mut connection, &place.path, &folder)?;
            }
        }
        let retired = retire_old_registry(&connection, &folder)?;
        check_whole(&connection, &place.path)?;
        place.files = place.names().map(|path| identify(&path));
        let imported = imported.zip(retired).map(|(agents, backup)| Imported { agents, backup });
        let link = Link::of(place.clone(), connection)?;
        Ok((place, link, imported))
    }

    /// The same for connections that do not wait for other processes.
    pub(crate) fn impatient(self) -> Place {
        Place { busy: Duration::ZERO, ..self }
    }

    /// Another connection to the same database.
    pub(crate) fn connect(&self) -> Result<Connection, StoreError> {
        let connection = self.connect_to(&self.path)?;
        // A first read, from which on no other connection closes last.
        let read = connection.query_row("PRAGMA schema_version", [], |row| row.get::<_, i64>(0));
        read.map_err(|error| opening(&self.path, error))?;
        self.check()?;
        Ok(connection)
    }

    /// # Errors
    /// When the files are not those that were opened: somebody deleted or replaced them, and what others write goes
    /// elsewhere. Without the log's index, it goes into the same log unseen. Or when others may touch them, or their owner
    /// may not.
    pub(crate) fn check(&self) -> Result<Stamp, StoreError> {
        let problem = |problem: String| StoreError::File { path: self.path.clone(), problem };
        if self.names().map(|path| identify(&path)) != self.files {
            return Err(problem("it, its log or the log's index was deleted or replaced while it was open".to_owned()));
        }
        self.check_private()?;
        let metadata = fs::symlink_metadata(&self.path).map_err(|error| problem(error.to_string()))?;
        Ok(Stamp {
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// # Errors
    /// When others may touch one of the files, or their owner may not.
    fn check_private(&self) -> Result<(), StoreError> {
        if self.despite_permissions {
            return Ok(());
        }
        for path in self.names() {
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            let mode = metadata.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(StoreError::Permissions { path, mode });
            }
            if mode & 0o600 != 0o600 {
                return Err(StoreError::Locked { path, mode });
            }
        }
        Ok(())
    }

    /// Lets the owner read and write again. Gives nobody else anything.
    fn give_back(&self) -> io::Result<()> {
        for path in self.names() {
            let mode = match fs::symlink_metadata(&path) {
                Ok(metadata) => metadata.permissions().mode(),
                Err(_) => continue,
            };
            if mode & 0o600 != 0o600 {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode | 0o600))?;
            }
        }
        Ok(())
    }

    /// A database that somebody else made.
    #[cfg(test)]
    pub(crate) fn of_test(path: &Path) -> Place {
        let mut place =
            Place { path: path.to_owned(), files: [None; 3], busy: Duration::ZERO, despite_permissions: true };
        place.files = place.names().map(|path| identify(&path));
        place
    }

    fn names(&self) -> [PathBuf; 3] {
        [self.path.clone(), self.path.with_extension("db-wal"), self.path.with_extension("db-shm")]
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that opens the database")]
    fn connect_to(&self, path: &Path) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        // What statements of agents take, they do not take from this database.
        bailiwick_sqlite::divide();
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(self.busy)?;
            // FULL: in this journal mode, what is committed survives a power failure.
            connection.execute_batch(
                "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA synchronous = FULL;",
            )?;
            connection.set_prepared_statement_cache_capacity(32);
            Ok(connection)
        };
        open().map_err(|error| opening(path, error))
    }
}

/// Whether nothing has to be done. Anything but a database of ours is an error.
fn is_current(connection: &Connection, path: &Path) -> Result<bool, StoreError> {
    let number = |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
    let opening = |error| opening(path, error);
    let (application, version) = (number("application_id").map_err(opening)?, number("user_version").map_err(opening)?);
    if application != APPLICATION {
        let sql = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = connection.query_row(sql, [], |row| row.get(0)).map_err(opening)?;
        let fresh = application == 0 && version == 0 && tables == 0;
        return if fresh { Ok(false) } else { Err(StoreError::NotOurs { path: path.to_owned() }) };
    }
    if version > VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known: VERSION });
    }
    Ok(version == VERSION)
}

/// Brings the database to [`VERSION`], all or nothing; how many agents of an earlier version's registry it took in.
fn migrate(connection: &mut Connection, path: &Path, folder: &Path) -> Result<Option<usize>, StoreError> {
    let opening = |error| opening(path, error);
    connection.pragma_update(None, "journal_mode", "wal").map_err(opening)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(opening)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(opening)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(usize::MAX)) {
        transaction.execute_batch(migration).map_err(opening)?;
    }
    let imported = if version == 0 { take_in_old_registry(&transaction, folder)? } else { None };
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(opening)?;
    transaction.pragma_update(None, "user_version", VERSION).map_err(opening)?;
    transaction.commit().map_err(opening)?;
    Ok(imported)
}

/// Takes in `agents.json`. That the file can go is noted in the same transaction.
fn take_in_old_registry(connection: &Connection, folder: &Path) -> Result<Option<usize>, StoreError> {
    let path = folder.join(RegistryDocument::FILE);
    let wrong = |problems: Vec<String>| StoreError::OldRegistry { path: path.clone(), problem: problems.join("; ") };
    let dir = Dir::open_ambient_dir(folder, ambient_authority()).map_err(|error| wrong(vec![error.to_string()]))?;
    let told = |errors: Vec<bailiwick_identity::DocumentError>| errors.iter().map(ToString::to_string).collect();
    let Some(agents) = RegistryDocument::read_file(&dir).map_err(|errors| wrong(told(errors)))? else {
        return Ok(None);
    };
    let mut registry = AgentRegistry::restore(Vec::new(), BTreeSet::new());
    let updated = agents.iter().map(|agent| agent.registered_at).max().unwrap_or(0);
    let errors = registry
        .import(RegistryDocument { agents, revocations: Vec::new() }, MissingKeys::Refuse, updated)
        .err()
        .unwrap_or_default();
    if !errors.is_empty() {
        return Err(wrong(errors.iter().map(ToString::to_string).collect()));
    }
    rows::insert(connection, registry.iter())?;
    connection.execute("UPDATE meta SET value = 1 WHERE name = 'old_registry'", [])?;
    Ok(Some(registry.iter().count()))
}

/// Renames `agents.json` after it was taken in, also when a crash came between.
fn retire_old_registry(connection: &Connection, folder: &Path) -> Result<Option<PathBuf>, StoreError> {
    if rows::meta(connection, "old_registry")? == 0 {
        return Ok(None);
    }
    let (path, backup) = (folder.join(RegistryDocument::FILE), folder.join("agents.json.imported"));
    match fs::rename(&path, &backup) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StoreError::OldRegistry { path, problem: format!("cannot be renamed: {error}") });
        }
        _ => {}
    }
    connection.execute("UPDATE meta SET value = 0 WHERE name = 'old_registry'", [])?;
    Ok(Some(backup))
}

fn check_whole(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > CHECKED_BYTES) {
        return Ok(());
    }
    let found: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|error| opening(path, error))?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged { path: path.to_owned(), problem: found }) }
}

/// Makes the file when it is not there.
///
/// Never opens it: closing it would give up the locks that SQLite holds on it elsewhere in this process.
fn make(path: &Path) -> io::Result<Result<(), StoreError>> {
    match mknodat(CWD, path, FileType::RegularFile, Mode::RUSR | Mode::WUSR, 0) {
        Ok(()) => return Ok(Ok(())),
        Err(error) if error == rustix::io::Errno::EXIST => {}
        Err(error) => return Err(error.into()),
    }
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() {
        return Ok(Err(StoreError::NotOurs { path: path.to_owned() }));
    }
    Ok(Ok(()))
}

fn identify(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

fn opening(path: &Path, error: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::NotOurs { path },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { path, problem: error.to_string() },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
        Some(ErrorCode::OutOfMemory) => StoreError::NoMemory,
        _ => StoreError::File { path, problem: error.to_string() },
    }
}
