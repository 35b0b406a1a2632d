//! A connection, and whether what it remembers is still what the file holds.
//!
//! SQLite notices what was written through it, and nothing else: a file that somebody overwrites in place goes on being
//! served from the pages that a connection remembers. And a connection that closes last copies the log into the database and
//! deletes it, by an index that is its own if somebody deleted the shared one.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::error::StoreError;
use crate::schema::{Place, Stamp};

pub(crate) struct Link {
    place: Place,
    stamp: Stamp,
    /// The file was written a moment before, so that its times may not show another write since.
    young: bool,
    connection: Connection,
}

impl Link {
    pub(crate) fn new(place: Place) -> Result<Link, StoreError> {
        // Looked at first: what is written after that counts as news.
        let stamp = place.check()?;
        let connection = place.connect()?;
        Ok(Link { place, stamp, young: stamp.is_young(), connection })
    }

    /// With the connection that is open.
    pub(crate) fn of(place: Place, connection: Connection) -> Result<Link, StoreError> {
        let stamp = place.check()?;
        Ok(Link { place, stamp, young: stamp.is_young(), connection })
    }

    /// Looks at the files, and opens the database anew when its file was written since: by a checkpoint, which costs a few
    /// pages, or past SQLite. Whether that was so.
    ///
    /// # Errors
    /// When the files are not those that were opened, or others may touch them.
    pub(crate) fn renew(&mut self) -> Result<bool, StoreError> {
        let stamp = self.place.check()?;
        if stamp == self.stamp && !std::mem::replace(&mut self.young, stamp.is_young()) {
            return Ok(false);
        }
        self.connection = self.place.connect()?;
        self.stamp = stamp;
        Ok(true)
    }

    /// Whether what was committed is where others look.
    ///
    /// # Errors
    /// As [`renew`](Link::renew).
    pub(crate) fn confirm(&self) -> Result<(), StoreError> {
        self.place.check().map(drop)
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // INVARIANT: whoever closes last by an index that others do not share leaves the log to them.
        let apart = self.place.check().is_err();
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, apart);
    }
}
