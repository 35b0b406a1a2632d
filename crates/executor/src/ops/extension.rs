//! What an embedder adds.

use bailiwick_guard::{Attempt, CallError};
use bailiwick_policy::{ActionName, Arguments, Code, CustomKind, CustomResource, Kind};
use serde_json::Value;

use crate::run::Door;

/// Most bytes of JSON that one call passes along.
pub(crate) const MAX_EXTENSION_ARGUMENTS: usize = 1 << 20;

/// What an attempt of no kind at all is recorded as.
pub(crate) const UNKNOWN: (Kind, ActionName) = (Kind::Custom(CustomKind::new("x-unknown")), ActionName::Call);

/// Does `action` to a resource of a custom kind. `arguments` is a JSON object, or empty for none.
pub(crate) async fn extension(
    door: &Door,
    kind: &str,
    action: &str,
    resource: &str,
    arguments: &str,
) -> Result<Value, CallError> {
    if arguments.len() > MAX_EXTENSION_ARGUMENTS {
        return Err(CallError::Limit(Code::ArgumentBytes));
    }
    let arguments = match arguments {
        "" => Ok(Arguments::default()),
        text => Arguments::parse(text),
    };
    let asked = CustomKind::parse(kind).and_then(|kind| Some((kind, Kind::Custom(kind).action(action)?)));
    let Some((kind, action)) = asked else {
        let text = format!("{kind} {action} {resource}");
        let (kind, action) = UNKNOWN;
        return Err(door.refuse(Attempt { kind, action, resource: &text, code: Code::Malformed }));
    };
    let refuse = |code| door.refuse(Attempt { kind: Kind::Custom(kind), action, resource, code });
    let arguments = arguments.map_err(|error| refuse(error.code()))?;
    let resource = CustomResource::parse(kind, resource).map_err(|error| refuse(error.code()))?;
    door.host().extensions.call(door.guard(), action, resource, arguments).await
}
