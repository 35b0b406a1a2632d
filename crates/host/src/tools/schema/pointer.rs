//! References within a schema.

use serde_json::Value;

/// The schema at `#`, or at a JSON pointer in a fragment (RFC 6901). Everything else is elsewhere.
pub(super) fn resolve<'s>(root: &'s Value, target: &str) -> Option<&'s Value> {
    let pointer = target.strip_prefix('#')?;
    if pointer.is_empty() || (pointer.starts_with('/') && !pointer.contains('%')) {
        return root.pointer(pointer);
    }
    None
}
