//! `bailiwick secret list`

use bailiwick_guard::Timestamp;
use serde_json::json;

use crate::arguments::SecretListArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::secrets::{self, refused};
use crate::terminal::{self, NOTE};

/// Lists the names of secrets and when they were set; nothing of their values.
pub(crate) fn run(arguments: &SecretListArguments, host: &Configuration) -> Outcome {
    let secrets = secrets::open(host)?.list().map_err(refused)?;
    let set = |seconds: u64| Timestamp(seconds.saturating_mul(1000)).to_string();
    if arguments.json {
        let list: Vec<_> =
            secrets.iter().map(|secret| json!({ "name": secret.name.as_str(), "set": set(secret.set) })).collect();
        terminal::out_json(&json!({ "secrets": list }))?;
        return Ok(Exit::Success);
    }
    if secrets.is_empty() {
        terminal::err(&format!("there are no secrets\n  {NOTE}help{NOTE:#}: bailiwick secret set NAME\n"));
    }
    terminal::out(&secrets.iter().map(|secret| format!("{}  {}\n", secret.name, set(secret.set))).collect::<String>())?;
    Ok(Exit::Success)
}
