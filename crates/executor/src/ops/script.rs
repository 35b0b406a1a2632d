//! What a script is told about its run.

use bailiwick_guard::StopCause;
use bailiwick_guard::journal::{Asked, Lane};
use serde_json::json;

use super::callable_tools;
use crate::run::Door;

/// The longest that a guest waits for in one call, in milliseconds; the run's own time limit comes first.
pub(crate) const LONGEST_SLEEP_MS: u64 = 24 * 60 * 60 * 1000;

/// What the run may call, as JSON text. It follows from the grant and from what the operator accepted, neither of which a
/// replay has.
///
/// # Errors
/// The end of a replay that has left its run.
pub(crate) fn abilities(door: &Door) -> Result<String, StopCause> {
    let live = || {
        let scopes: Vec<String> = door.guard().grant().scopes().iter().map(ToString::to_string).collect();
        json!({ "scopes": scopes, "tools": callable_tools(door) }).to_string()
    };
    door.guard().crossings().give(Lane::Host, || Asked::of(&[b"abilities"]), &door.guard().place(), live)
}
