//! `bailiwick key list`

use bailiwick_guard::Timestamp;
use bailiwick_host::crypto::KeyInfo;
use serde_json::{Value, json};

use crate::arguments::KeyListArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::table::{Cell, Table};
use crate::terminal::{self, NOTE};
use crate::{input, keys};

/// Lists the keys of the host's key store; never their material.
pub(crate) fn run(arguments: &KeyListArguments, host: &Configuration) -> Outcome {
    let keys = keys::open(host)?.list().map_err(Failure::internal)?;
    if arguments.json {
        terminal::out_json(&json!({ "keys": keys.iter().map(to_json).collect::<Vec<_>>() }))?;
        return Ok(Exit::Success);
    }
    if keys.is_empty() {
        terminal::err(&format!("there are no keys\n  {NOTE}help{NOTE:#}: bailiwick key create RING/KEY\n"));
        return Ok(Exit::Success);
    }
    let mut table = Table::new(["KEY", "ALGORITHM", "VERSIONS", "NEWEST", "FOR NEW USE UNTIL"]);
    for key in &keys {
        let newest = key.versions.first();
        let made = newest.map(|version| at(version.created).to_string()).unwrap_or_default();
        let until = match key.not_after {
            _ if newest.is_some_and(|version| version.public) => "verifies only".to_owned(),
            Some(end) if end <= input::now() => "now too old".to_owned(),
            Some(end) => at(end).to_string(),
            None => "ever".to_owned(),
        };
        let cells = [key.name.to_string(), key.algorithm.to_string(), key.versions.len().to_string(), made, until];
        table.row(cells.map(Cell::plain));
    }
    terminal::out(&table.draw())?;
    Ok(Exit::Success)
}

fn to_json(key: &KeyInfo) -> Value {
    let version = |version: &bailiwick_host::crypto::VersionInfo| {
        json!({
            "number": version.number,
            "created": at(version.created),
            "imported": version.imported,
            "public": version.public,
        })
    };
    json!({
        "name": key.name.to_string(),
        "algorithm": key.algorithm.as_str(),
        "versions": key.versions.iter().map(version).collect::<Vec<_>>(),
        "not_after": key.not_after.map(at),
    })
}

fn at(second: u64) -> Timestamp {
    Timestamp(second.saturating_mul(1000))
}
