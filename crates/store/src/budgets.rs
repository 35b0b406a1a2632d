//! What rules let through in a time, for all processes that share the database, and after a restart.

use std::time::Duration;

use bailiwick_guard::Timestamp;
use bailiwick_guard::budgets::{
    Ask, Budgets, Counter, Demand, GRACE, Refusal, Reservation, Reserving, Settlement, Slice, Taken, What, admit,
    next_turn, then, wait,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::rows::{signed, unsigned};
use crate::store::Store;

/// Counters that one reservation clears away at most.
const SWEEP: i64 = 16;

/// What is known of one counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub counter: Counter,
    /// What the manifest said when it was used last: at most so much, in this time. Of a rate, the time between two calls.
    pub max: u64,
    pub window: Duration,
    /// Of effects that happened, in the window that ends now.
    pub used: u64,
    /// Of calls under way, and of those of which nobody knows how they ended.
    pub reserved: u64,
}

impl Store {
    /// What is used of the budgets of one agent's rules, as far as it still counts.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn budgets_of(&self, agent: &str, now: Timestamp) -> Result<Vec<Tally>, StoreError> {
        let agent = agent.to_owned();
        self.read(move |connection| {
            let sql = "SELECT id, agent, manifest, rule, what, max, window FROM budget_counters WHERE agent = ?1 \
                       ORDER BY manifest, rule, what";
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([&agent])?;
            let mut tallies = Vec::new();
            while let Some(row) = rows.next()? {
                let (id, tally) = tally(row)?;
                let slices = slices(connection, id)?;
                let counting = || slices.iter().filter(|slice| slice.counts(now, tally.window));
                let used = counting().fold(0_u64, |sum, slice| sum.saturating_add(slice.used));
                let reserved = counting().fold(0_u64, |sum, slice| sum.saturating_add(slice.reserved));
                tallies.push(Tally { used, reserved, ..tally });
            }
            Ok(tallies)
        })
    }
}

impl Budgets for Store {
    /// Durable when it completes.
    fn reserve<'a>(&'a self, demands: &'a [Demand], now: Timestamp) -> Reserving<'a> {
        let (tell, told) = oneshot::channel();
        let demands = demands.to_vec();
        self.write_later(
            move |connection| reserve(connection, &demands, now),
            move |done| {
                // Whoever asked may have gone. What it took stays taken: nobody knows what became of the call.
                let _ = tell.send(done);
            },
        );
        Box::pin(async { told.await.unwrap_or_else(|_| Err(StoreError::Closed.into())) })
    }

    fn settle(&self, taken: Vec<Taken>, end: Settlement) {
        self.write_later(move |connection| settle(connection, &taken, end), |_: Result<(), StoreError>| {});
    }
}

fn reserve(connection: &Connection, demands: &[Demand], now: Timestamp) -> Result<Reservation, Refusal> {
    let failed = |error: rusqlite::Error| Refusal::from(StoreError::from(error));
    sweep(connection, now).map_err(failed)?;
    let mut known = Vec::new();
    for demand in demands {
        known.push(counter(connection, &demand.counter).map_err(failed)?);
    }
    let turn_of = |counter: &Counter| {
        let at = demands.iter().position(|demand| demand.counter == *counter);
        at.and_then(|at| *known.get(at)?).map_or(0, |(_, turn)| turn)
    };
    let wait = wait(demands, turn_of, now)?;
    let then = then(now, wait);
    let mut booked = Vec::new();
    for (at, (demand, known)) in demands.iter().zip(&known).enumerate() {
        let Ask::Part { amount, max, window } = demand.ask else { continue };
        let slices = match known {
            Some((id, _)) => slices(connection, *id).map_err(failed)?,
            None => Vec::new(),
        };
        let slice = admit(&slices, amount, max, window, then).map_err(|full| Refusal::Full { demand: at, full })?;
        booked.push((demand, slice, amount));
    }
    let mut taken = Vec::new();
    for (demand, slice, amount) in booked {
        book(connection, demand, slice, amount, now).map_err(failed)?;
        taken.push(Taken { counter: demand.counter.clone(), slice: slice.start, amount });
    }
    for demand in demands {
        if let Ask::Turn { spacing, .. } = demand.ask {
            let turn = next_turn(now, wait, spacing);
            let id = note(connection, &demand.counter, 1, spacing, turn.div_ceil(1000)).map_err(failed)?;
            let mut statement =
                connection.prepare_cached("UPDATE budget_counters SET turn = ?2 WHERE id = ?1").map_err(failed)?;
            statement.execute(params![id, signed(turn)]).map_err(failed)?;
        }
    }
    Ok(Reservation { taken, wait })
}

/// The number of a counter and its next turn, if there is one of that name.
fn counter(connection: &Connection, counter: &Counter) -> rusqlite::Result<Option<(i64, u64)>> {
    let Counter { agent, manifest, rule, what } = counter;
    let sql = "SELECT id, turn FROM budget_counters WHERE agent = ?1 AND manifest = ?2 AND rule = ?3 AND what = ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, unsigned(row.get(1)?)));
    statement.query_row(params![agent, manifest, rule, what.to_string()], read).optional()
}

fn slices(connection: &Connection, counter: i64) -> rusqlite::Result<Vec<Slice>> {
    let sql = "SELECT start, \"end\", used, reserved FROM budget_slices WHERE counter = ?1 ORDER BY start";
    let mut statement = connection.prepare_cached(sql)?;
    let read = |row: &Row<'_>| {
        let number = |column| row.get(column).map(unsigned);
        Ok(Slice { start: number(0)?, end: number(1)?, used: number(2)?, reserved: number(3)? })
    };
    statement.query_map([counter], read)?.collect()
}

/// Writes down what was taken, and forgets what does not count any more.
fn book(connection: &Connection, demand: &Demand, slice: Slice, amount: u64, now: Timestamp) -> rusqlite::Result<()> {
    let Ask::Part { max, window, .. } = demand.ask else { return Ok(()) };
    let window_ms = milliseconds(window);
    let id = note(connection, &demand.counter, max, window, slice.end.saturating_add(window_ms))?;
    let sql = "DELETE FROM budget_slices WHERE counter = ?1 AND \"end\" + ?2 <= ?3";
    connection.prepare_cached(sql)?.execute(params![id, signed(window_ms), signed(now.0)])?;
    let sql = "INSERT INTO budget_slices (counter, start, \"end\", used, reserved) VALUES (?1, ?2, ?3, 0, ?4) \
               ON CONFLICT DO UPDATE SET \"end\" = max(\"end\", excluded.\"end\"), reserved = reserved + excluded.reserved";
    let values = params![id, signed(slice.start), signed(slice.end), signed(amount)];
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

/// The number of a counter, with what the manifest says of it now. It is needed until `expires`, or longer.
fn note(connection: &Connection, counter: &Counter, max: u64, window: Duration, expires: u64) -> rusqlite::Result<i64> {
    let Counter { agent, manifest, rule, what } = counter;
    let sql = "INSERT INTO budget_counters (agent, manifest, rule, what, max, window, turn, expires) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7) \
               ON CONFLICT (agent, manifest, rule, what) DO UPDATE SET \
               max = excluded.max, window = excluded.window, expires = max(expires, excluded.expires) RETURNING id";
    let mut statement = connection.prepare_cached(sql)?;
    let what = what.to_string();
    let values = params![agent, manifest, rule, what, signed(max), signed(milliseconds(window)), signed(expires)];
    statement.query_row(values, |row| row.get(0))
}

fn sweep(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "DELETE FROM budget_counters WHERE id IN \
               (SELECT id FROM budget_counters WHERE expires <= ?1 ORDER BY expires LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![signed(now.0.saturating_sub(GRACE)), SWEEP]).map(drop)
}

fn settle(connection: &Connection, taken: &[Taken], end: Settlement) -> Result<(), StoreError> {
    for Taken { counter: of, slice, amount } in taken {
        // One that has left the window is gone, and one that was settled has nothing to give.
        let Some((id, _)) = counter(connection, of)? else { continue };
        let used = if end == Settlement::Used { *amount } else { 0 };
        let sql = "UPDATE budget_slices SET reserved = reserved - ?3, used = used + ?4 \
                   WHERE counter = ?1 AND start = ?2 AND reserved >= ?3";
        let values = params![id, signed(*slice), signed(*amount), signed(used)];
        connection.prepare_cached(sql)?.execute(values)?;
    }
    Ok(())
}

fn tally(row: &Row<'_>) -> Result<(i64, Tally), StoreError> {
    let what: String = row.get(4)?;
    let what = What::parse(&what).ok_or_else(|| StoreError::Failed("the row of a budget does not read back".into()))?;
    let counter = Counter { agent: row.get(1)?, manifest: row.get(2)?, rule: row.get(3)?, what };
    let (max, window) = (unsigned(row.get(5)?), Duration::from_millis(unsigned(row.get(6)?)));
    Ok((row.get(0)?, Tally { counter, max, window, used: 0, reserved: 0 }))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        Refusal::Unavailable(error.to_string())
    }
}
