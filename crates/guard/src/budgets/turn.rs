//! Calls one after the other: when the next one's turn is.

use std::time::Duration;

use super::{Ask, Counter, Demand, Full, Refusal};
use crate::Timestamp;

/// How long the call has to wait until it is its turn with all that are demanded.
///
/// # Errors
/// When that is longer than somebody has patience.
pub fn wait(demands: &[Demand], turn_of: impl Fn(&Counter) -> u64, now: Timestamp) -> Result<Duration, Refusal> {
    let mut longest = Duration::ZERO;
    for (at, demand) in demands.iter().enumerate() {
        let Ask::Turn { patience, .. } = demand.ask else { continue };
        let wait = Duration::from_micros(turn_of(&demand.counter).saturating_sub(microseconds(now)));
        if wait > patience {
            let early = wait.saturating_sub(patience);
            let frees = now.0.saturating_add(u64::try_from(early.as_millis()).unwrap_or(u64::MAX)).saturating_add(1);
            return Err(Refusal::Full { demand: at, full: Full { left: 0, frees: Some(Timestamp(frees)) } });
        }
        longest = longest.max(wait);
    }
    Ok(longest)
}

/// The time at which a call is made that waits so long.
pub fn then(now: Timestamp, wait: Duration) -> Timestamp {
    let milliseconds = wait.as_micros().div_ceil(1000);
    Timestamp(now.0.saturating_add(u64::try_from(milliseconds).unwrap_or(u64::MAX)))
}

/// When the turn after this one is, in microseconds since the Unix epoch.
pub fn next_turn(now: Timestamp, wait: Duration, spacing: Duration) -> u64 {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    microseconds(now).saturating_add(micros(wait)).saturating_add(micros(spacing))
}

fn microseconds(time: Timestamp) -> u64 {
    time.0.saturating_mul(1000)
}
