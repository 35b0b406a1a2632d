//! The databases of one run.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bailiwick_guard::journal::{Asked, Lane, Place as Home};
use bailiwick_guard::{HostError, Meter};
use bailiwick_policy::{Code, DatabasePlace, Manifest};

use super::answer::Answer;
use super::connection::{Session, Use};
use super::crossing::asked;
use super::inspect::{Access, Inner, Inspected, Statement, Unfit};
use super::parameters::Parameters;
use super::postgres::{Postgres, PostgresServer};
use crate::files::{Mounts, Place};
use crate::sqlite::{Lanes, Wanted, failure};

/// The longest that looking at a statement may take. Ordinary ones take well below a millisecond.
const INSPECTION: Duration = Duration::from_secs(2);

/// The SQL capability of one run.
///
/// Defaults: no databases.
#[derive(Default)]
pub struct Sql {
    databases: BTreeMap<String, Engine>,
    lanes: Option<Lanes>,
    /// The names of databases that the run's authority says anything about; found out once.
    reachable: OnceLock<Vec<String>>,
    message: Arc<Mutex<String>>,
}

/// What a database is kept by.
#[derive(Clone)]
enum Engine {
    Sqlite(Arc<Database>),
    Postgres(Arc<Postgres>),
}

/// An SQLite database, and the connections to it that were needed so far.
pub(super) struct Database {
    pub(super) name: String,
    place: Place,
    reading: Slot,
    writing: Slot,
}

/// A connection that is there once it was needed. Whoever uses it takes it out, so that none comes back that was in use when
/// something panicked.
type Slot = Arc<tokio::sync::Mutex<Option<Session>>>;

/// A database that a run cannot have.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("database `{name}`: `{path}` cannot be opened: {error}; make the file, or correct `[databases]`")]
    Open { name: String, path: PathBuf, error: io::Error },
    #[error("database `{name}`: `{path}` is not a file")]
    NotFile { name: String, path: PathBuf },
    #[error(
        "databases `{name}` and `{other}` are the same file (`{path}`), so that a rule for one would not hold for the other; \
         make them one"
    )]
    Twice { name: String, other: String, path: PathBuf },
    #[error(
        "database `{name}`: `{path}` lies in the mount `{mount}`, where rules for tables do not hold; keep it in another folder"
    )]
    Mounted { name: String, path: PathBuf, mount: String },
    #[error(
        "database `{name}`: the host's configuration has no PostgreSQL database `{server}`; add `[postgres.{server}]` to its \
         `bailiwick.toml`, or correct `[databases]`"
    )]
    NoServer { name: String, server: String },
    #[error("database `{name}`: `{path}` lies in `{protected}`, which holds the host's own secrets; move one of them")]
    Secret { name: String, path: PathBuf, protected: PathBuf },
}

impl Sql {
    /// The databases that `manifest` names, relative to the folder `base`. None is opened yet.
    pub(crate) fn new(
        manifest: &Manifest,
        base: &Path,
        mounts: &Mounts,
        secrets: &[PathBuf],
        servers: &BTreeMap<String, PostgresServer>,
        lanes: Lanes,
    ) -> Result<Sql, DatabaseError> {
        let mut databases: BTreeMap<String, Engine> = BTreeMap::new();
        let mut files: Vec<Arc<Database>> = Vec::new();
        for (name, place) in manifest.databases() {
            let path = match place {
                DatabasePlace::Sqlite(path) => path,
                DatabasePlace::Postgres(server) => {
                    let name = name.to_owned();
                    let Some(known) = servers.get(server) else {
                        return Err(DatabaseError::NoServer { name, server: server.clone() });
                    };
                    let database = Postgres::new(name.clone(), known.clone());
                    databases.insert(name, Engine::Postgres(Arc::new(database)));
                    continue;
                }
            };
            let path = base.join(path.strip_prefix("./").unwrap_or(path));
            let (name, failed) = (name.to_owned(), |error| (path.clone(), error));
            let find = || -> Result<(Place, Vec<Place>), (PathBuf, io::Error)> {
                let secrets =
                    secrets.iter().map(|secret| Place::find_all(secret).map_err(|error| (secret.clone(), error)));
                let secrets: Vec<Vec<Place>> = secrets.collect::<Result<_, _>>()?;
                Ok((Place::find(&path).map_err(failed)?, secrets.concat()))
            };
            let (place, secrets) = match find() {
                Ok(found) => found,
                Err((path, error)) => return Err(DatabaseError::Open { name, path, error }),
            };
            match crate::ambient::is_regular_file(place.path()) {
                Ok(true) => {}
                Ok(false) => return Err(DatabaseError::NotFile { name, path }),
                Err(error) => return Err(DatabaseError::Open { name, path, error }),
            }
            if let Some((mount, _)) = mounts.places().find(|(_, mount)| mount.overlaps(&place)) {
                return Err(DatabaseError::Mounted { name, path, mount: mount.to_owned() });
            }
            if let Some(secret) = secrets.iter().find(|secret| secret.overlaps(&place)) {
                return Err(DatabaseError::Secret { name, path, protected: secret.path().to_owned() });
            }
            if let Some(other) = files.iter().find(|other| other.place.overlaps(&place)) {
                return Err(DatabaseError::Twice { name, other: other.name.clone(), path });
            }
            let database = Database { name: name.clone(), place, reading: Slot::default(), writing: Slot::default() };
            let database = Arc::new(database);
            files.push(Arc::clone(&database));
            databases.insert(name, Engine::Sqlite(database));
        }
        Ok(Sql { databases, lanes: Some(lanes), ..Sql::default() })
    }

    /// Looks at one statement, at most [`MAX_STATEMENT`](super::MAX_STATEMENT) bytes of it, without running it.
    ///
    /// `reachable` gives the names of the databases that the run's authority says anything about, and is asked once. Of the
    /// others not even the schema is read. What is found is kept in the journal of `place`; in a replay it is given back.
    ///
    /// # Errors
    /// [`Unfit`], which whoever asks records.
    pub async fn inspect(
        &self,
        place: &Home<'_>,
        database: &str,
        text: &str,
        parameters: Parameters,
        reachable: impl FnOnce() -> Vec<String>,
    ) -> Result<Statement, Unfit> {
        let asked = asked(database, text, &parameters);
        let looking = self.look(database, text, parameters, asked, reachable);
        let found = place.crossings.give_when_ready(Lane::Host, || asked, place, looking).await;
        found.unwrap_or_else(|cause| Err(Unfit::Failed(cause.into())))
    }

    async fn look(
        &self,
        database: &str,
        text: &str,
        parameters: Parameters,
        asked: Asked,
        reachable: impl FnOnce() -> Vec<String>,
    ) -> Result<Statement, Unfit> {
        let (Some(engine), Some(lanes)) = (self.databases.get(database), &self.lanes) else {
            return Err(Unfit::Unknown);
        };
        if !self.reachable.get_or_init(reachable).iter().any(|name| name == database) {
            return Err(Unfit::Unknown);
        }
        let database = match engine {
            Engine::Sqlite(database) => database,
            Engine::Postgres(database) => {
                let mut message = String::new();
                let planned = Arc::clone(database).inspect(lanes, text, &parameters, &mut message).await;
                *lock(&self.message) = message;
                return planned.map(|planned| Statement::planned(planned, asked));
            }
        };
        let (database, text, words) = (Arc::clone(database), text.to_owned(), Arc::clone(&self.message));
        let slot = Arc::clone(&database.reading);
        let look = move |wanted: &Wanted, slot: &mut Option<Session>| {
            let mut message = String::new();
            let found = database.with(slot, Use::Reading, |session| {
                session.inspect(&database.name, &text, &parameters, wanted, &mut message)
            });
            *lock(&words) = message;
            let (needs, locals) = match found {
                Ok(Ok(needs)) => needs,
                Ok(Err(unfit)) => return Ok(Err(unfit)),
                Err(error) => return Ok(Err(Unfit::Failed(error))),
            };
            let writes = needs.iter().any(|need| need.access != Access::Select);
            let database = Arc::clone(&database);
            Ok(Ok(Statement::new(Inspected { database, text, parameters, needs, writes, locals }, asked)))
        };
        match tokio::time::timeout(INSPECTION, in_turn(lanes, slot, look)).await {
            Ok(Ok(looked)) => looked,
            Ok(Err(error)) => Err(Unfit::Failed(error)),
            Err(_elapsed) => Err(Unfit::Failed(HostError::Limit(Code::CallDeadline))),
        }
    }

    /// What the database says about the last statement of this run, if it did not understand it or a constraint did not hold;
    /// empty otherwise. It is about the statement's own words, and names of tables that were decided about.
    pub fn message(&self) -> String {
        lock(&self.message).clone()
    }

    /// Runs a statement all of whose needs were decided.
    pub(super) async fn run(&self, statement: Inner, limit: usize, meter: Arc<Meter>) -> Result<Answer, HostError> {
        let statement = match statement {
            Inner::Sqlite(inspected) => inspected,
            Inner::Postgres(planned) => {
                let mut message = String::new();
                let answer = planned.run(limit, &mut message).await;
                *lock(&self.message) = message;
                return answer;
            }
            // A replay has no permit to run it with.
            Inner::Recorded(_) => return Err(HostError::Failed(Code::Internal)),
        };
        let lanes = self.lanes.as_ref().ok_or(HostError::Failed(Code::Internal))?;
        let words = Arc::clone(&self.message);
        let database = Arc::clone(&statement.database);
        let (slot, purpose) = match statement.writes {
            true => (Arc::clone(&database.writing), Use::Writing),
            false => (Arc::clone(&database.reading), Use::Reading),
        };
        let work = move |wanted: &Wanted, slot: &mut Option<Session>| {
            let mut message = String::new();
            let result =
                database.with(slot, purpose, |session| session.run(&statement, wanted, limit, &meter, &mut message));
            *lock(&words) = message;
            result?
        };
        in_turn(lanes, slot, work).await
    }
}

/// Works with a connection as soon as it is free, and then as soon as there is a lane: who waits for a connection waits on no
/// lane.
async fn in_turn<T: Send + 'static>(
    lanes: &Lanes,
    slot: Slot,
    work: impl FnOnce(&Wanted, &mut Option<Session>) -> Result<T, HostError> + Send + 'static,
) -> Result<T, HostError> {
    let mut slot = slot.lock_owned().await;
    lanes.run(move |wanted| work(wanted, &mut slot)).await
}

impl Database {
    /// Uses the connection of a slot for a purpose, and makes it first if there is none.
    fn with<T>(
        &self,
        slot: &mut Option<Session>,
        purpose: Use,
        work: impl FnOnce(&Session) -> T,
    ) -> Result<T, HostError> {
        let session = match slot.take() {
            Some(session) => session,
            None => {
                // What was looked at when the run began must be what is opened.
                let now = Place::find(self.place.path()).map_err(|_| HostError::Failed(Code::Io))?;
                if !now.is_same(&self.place) {
                    return Err(HostError::Failed(Code::Io));
                }
                Session::open(self.place.path(), purpose).map_err(|error| failure(&error))?
            }
        };
        let result = work(&session);
        *slot = Some(session);
        Ok(result)
    }
}

fn lock(message: &Mutex<String>) -> MutexGuard<'_, String> {
    message.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Sql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sql").field("databases", &self.databases.keys()).finish_non_exhaustive()
    }
}
