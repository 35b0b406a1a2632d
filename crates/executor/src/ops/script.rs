//! What a script is told about its run.

use serde_json::json;

use super::callable_tools;
use crate::run::Door;

/// The longest that a guest waits for in one call, in milliseconds; the run's own time limit comes first.
pub(crate) const LONGEST_SLEEP_MS: u64 = 24 * 60 * 60 * 1000;

/// What the run may call, as JSON text.
pub(crate) fn abilities(door: &Door) -> String {
    let scopes: Vec<String> = door.guard().grant().scopes().iter().map(ToString::to_string).collect();
    json!({ "scopes": scopes, "tools": callable_tools(door) }).to_string()
}
