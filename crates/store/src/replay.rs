//! What may be used once.

use bailiwick_identity::{JtiHash, ReplayError, ReplayStore};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::StoreError;
use crate::rows::{meta, set_meta, signed};
use crate::store::Store;

impl ReplayStore for Store {
    /// Durable when it returns. Nothing is forgotten before its time to make room; what expired stays expired when a
    /// clock is set back, also after a restart.
    fn use_once(&self, id: JtiHash, until: u64, now: u64) -> Result<(), ReplayError> {
        let capacity = self.capacity();
        let used = self.write(move |connection| use_once(connection, id, until, now, capacity));
        used.map_err(|refused| match refused {
            Refused::Use(error) => error,
            Refused::Store => ReplayError::Unavailable,
        })
    }
}

enum Refused {
    Use(ReplayError),
    Store,
}

fn use_once(connection: &Connection, id: JtiHash, until: u64, now: u64, capacity: u64) -> Result<(), Refused> {
    let latest = meta(connection, "latest")?.max(now);
    if until <= latest {
        return Err(Refused::Use(ReplayError::Over));
    }
    let mut expired = connection.prepare_cached("DELETE FROM uses WHERE until <= ?1")?;
    let gone = u64::try_from(expired.execute([signed(latest)])?).unwrap_or(u64::MAX);
    let known = meta(connection, "uses")?.saturating_sub(gone);
    let mut find = connection.prepare_cached("SELECT 1 FROM uses WHERE id = ?1")?;
    if find.query_row([id.as_bytes()], |_| Ok(())).optional()?.is_some() {
        return Err(Refused::Use(ReplayError::Used));
    }
    if known >= capacity {
        return Err(Refused::Use(ReplayError::Full));
    }
    let mut add = connection.prepare_cached("INSERT INTO uses VALUES (?1, ?2)")?;
    add.execute(params![id.as_bytes(), signed(until)])?;
    set_meta(connection, "uses", known.saturating_add(1))?;
    set_meta(connection, "latest", latest)?;
    Ok(())
}

impl From<StoreError> for Refused {
    fn from(_: StoreError) -> Refused {
        Refused::Store
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(_: rusqlite::Error) -> Refused {
        Refused::Store
    }
}
