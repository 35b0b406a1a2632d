//! The entries of one store, within a transaction.

use bailiwick_guard::{HostError, Meter, Timestamp};
use bailiwick_policy::{Code, KvKey};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{MAX_ENTRIES, MAX_STORE};
use crate::sqlite::failure;

/// Entries whose time is over that one change removes along the way.
const SWEPT: u32 = 100;
/// Between the segments of a key as it is stored. No segment has a control character.
const SEPARATOR: u8 = 0;

pub(super) struct Entries<'t> {
    transaction: &'t Transaction<'t>,
    /// `None` for a store that nobody wrote to.
    store: Option<i64>,
}

/// A value and when it ends.
pub(super) struct Entry {
    pub(super) value: Vec<u8>,
    pub(super) expires: Option<i64>,
}

impl<'t> Entries<'t> {
    pub(super) fn new(transaction: &'t Transaction<'t>, store: Option<i64>) -> Entries<'t> {
        Entries { transaction, store }
    }

    /// What stands at a key, unless its time is over.
    pub(super) fn get(&self, key: &KvKey, now: Timestamp) -> Result<Option<Entry>, HostError> {
        let text = "SELECT value, expires FROM entries \
                    WHERE store = ? AND key = ? AND (expires IS NULL OR expires > ?)";
        let entry = |row: &rusqlite::Row<'_>| Ok(Entry { value: row.get(0)?, expires: row.get(1)? });
        let get = || {
            let mut select = self.transaction.prepare_cached(text)?;
            select.query_row(params![self.store, stored(key), millis(now)], entry).optional()
        };
        get().map_err(|error| failure(&error))
    }

    /// Sets a value, within the quotas of the store and the run.
    pub(super) fn set(
        &self,
        key: &KvKey,
        value: &[u8],
        expires: Option<i64>,
        now: Timestamp,
        meter: &Meter,
    ) -> Result<(), HostError> {
        let stored = stored(key);
        meter.take_disk(size(&stored, value))?;
        let set = || {
            self.sweep(now, Some(SWEPT))?;
            self.forget(&stored)?;
            let mut insert = self
                .transaction
                .prepare_cached("INSERT INTO entries (store, key, value, expires) VALUES (?, ?, ?, ?)")?;
            insert.execute(params![self.store, stored, value, expires])?;
            self.count(1, i64::try_from(size(&stored, value)).unwrap_or(i64::MAX))?;
            if self.fits()? {
                return Ok(true);
            }
            self.sweep(now, None)?;
            self.fits()
        };
        // What does not fit is undone with its transaction.
        if set().map_err(|error| failure(&error))? { Ok(()) } else { Err(HostError::Limit(Code::StoreSize)) }
    }

    /// Removes a key, and says whether it was there.
    pub(super) fn delete(&self, key: &KvKey, now: Timestamp) -> Result<bool, HostError> {
        let there = self.get(key, now)?.is_some();
        self.forget(&stored(key)).map_err(|error| failure(&error))?;
        Ok(there)
    }

    /// The names directly below `prefix` after `after`, at most `limit`, each with the prefix and without the store. What
    /// has more below it ends with a slash.
    pub(super) fn list(
        &self,
        prefix: &KvKey,
        after: Option<&Name>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<String>, HostError> {
        let (start, end) = below(prefix);
        let mut cursor = after.map(Name::successor).map_or(start.clone(), |after| after.max(start.clone()));
        let mut names = Vec::new();
        let text = "SELECT key FROM entries WHERE store = ?1 AND key >= ?2 AND (?3 IS NULL OR key < ?3) \
                    AND (expires IS NULL OR expires > ?4) ORDER BY key LIMIT 1";
        let next = |cursor: &[u8]| {
            let mut select = self.transaction.prepare_cached(text)?;
            select.query_row(params![self.store, cursor, end, millis(now)], |row| row.get::<_, Vec<u8>>(0)).optional()
        };
        while names.len() < limit {
            let Some(found) = next(&cursor).map_err(|error| failure(&error))? else { break };
            let rest = found.get(start.len()..).unwrap_or_default();
            let name = match rest.iter().position(|byte| *byte == SEPARATOR) {
                Some(at) => {
                    Name { key: found.get(..start.len().saturating_add(at)).unwrap_or_default().to_vec(), more: true }
                }
                None => Name { key: found, more: false },
            };
            cursor = name.successor();
            names.push(name.text().ok_or(HostError::Failed(Code::Internal))?);
        }
        Ok(names)
    }

    /// Removes what stands at a key, if anything does.
    fn forget(&self, stored: &[u8]) -> rusqlite::Result<()> {
        let text = "DELETE FROM entries WHERE store = ? AND key = ? RETURNING length(key) + length(value)";
        let mut delete = self.transaction.prepare_cached(text)?;
        let bytes: Option<i64> = delete.query_row(params![self.store, stored], |row| row.get(0)).optional()?;
        bytes.map_or(Ok(()), |bytes| self.count(-1, -bytes))
    }

    /// Removes entries whose time is over, at most `most`.
    fn sweep(&self, now: Timestamp, most: Option<u32>) -> rusqlite::Result<()> {
        let text = "DELETE FROM entries WHERE id IN \
                    (SELECT id FROM entries WHERE store = ? AND expires <= ? LIMIT ?) \
                    RETURNING length(key) + length(value)";
        let mut delete = self.transaction.prepare_cached(text)?;
        let most = most.map_or(-1, i64::from);
        let mut rows = delete.query(params![self.store, millis(now), most])?;
        let (mut entries, mut bytes) = (0_i64, 0_i64);
        while let Some(row) = rows.next()? {
            entries = entries.saturating_add(1);
            bytes = bytes.saturating_add(row.get(0)?);
        }
        drop(rows);
        if entries == 0 { Ok(()) } else { self.count(-entries, -bytes) }
    }

    fn count(&self, entries: i64, bytes: i64) -> rusqlite::Result<()> {
        let text = "UPDATE stores SET entries = entries + ?, bytes = bytes + ? WHERE id = ?";
        self.transaction.prepare_cached(text)?.execute(params![entries, bytes, self.store]).map(drop)
    }

    fn fits(&self) -> rusqlite::Result<bool> {
        let text = "SELECT entries <= ? AND bytes <= ? FROM stores WHERE id = ?";
        let limit = |limit: u64| i64::try_from(limit).unwrap_or(i64::MAX);
        let mut select = self.transaction.prepare_cached(text)?;
        select.query_row(params![limit(MAX_ENTRIES), limit(MAX_STORE), self.store], |row| row.get(0))
    }
}

/// A name of a list: a key, or a prefix below which there are more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    key: Vec<u8>,
    more: bool,
}

impl Name {
    pub(super) fn new(key: &KvKey, more: bool) -> Name {
        Name { key: stored(key), more }
    }

    /// The first key that may stand behind this name.
    fn successor(&self) -> Vec<u8> {
        let mut key = self.key.clone();
        // Behind a key comes what is below it; behind what is below it, everything that does not start like that.
        key.push(if self.more { SEPARATOR + 1 } else { SEPARATOR });
        key
    }

    fn text(mut self) -> Option<String> {
        if self.more {
            self.key.push(SEPARATOR);
        }
        self.key.iter_mut().filter(|byte| **byte == SEPARATOR).for_each(|byte| *byte = b'/');
        String::from_utf8(self.key).ok()
    }
}

/// Where what is below a prefix starts, and where it ends.
fn below(prefix: &KvKey) -> (Vec<u8>, Option<Vec<u8>>) {
    if prefix.segments().is_empty() {
        return (Vec::new(), None);
    }
    let (mut start, mut end) = (stored(prefix), stored(prefix));
    start.push(SEPARATOR);
    end.push(SEPARATOR + 1);
    (start, Some(end))
}

fn stored(key: &KvKey) -> Vec<u8> {
    key.segments().join(char::from(SEPARATOR).encode_utf8(&mut [0; 4])).into_bytes()
}

fn size(stored: &[u8], value: &[u8]) -> u64 {
    u64::try_from(stored.len().saturating_add(value.len())).unwrap_or(u64::MAX)
}

/// Milliseconds as SQLite's integers hold them; the clock is off when they do not fit.
pub(super) fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}
