//! Secrets: their placeholders.

use bailiwick_guard::{Attempt, CallError};
use bailiwick_host::secrets::UseSecret;
use bailiwick_policy::{ActionName, Kind, SecretName};

use crate::run::Door;

/// The placeholder of the secret of that name.
pub(crate) async fn secret_placeholder(door: &Door, name: &str) -> Result<String, CallError> {
    let refuse = |code| door.refuse(Attempt { kind: Kind::Secret, action: ActionName::Use, resource: name, code });
    let name = SecretName::parse(name).map_err(|error| refuse(error.code()))?;
    door.guard().call(&*door.host().secrets, UseSecret { name }).await
}
