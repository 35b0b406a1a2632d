//! `bailiwick key create`

use bailiwick_host::crypto::{KeyAlgorithm, KeyError, KeyStore};
use bailiwick_policy::KeyName;

use crate::administration::Act;
use crate::arguments::KeyCreateArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, Untrusted};

/// Makes a key in the host's key store.
pub(crate) fn run(arguments: &KeyCreateArguments, host: &Configuration) -> Outcome {
    let name = key_name(&arguments.name)?;
    let algorithm = KeyAlgorithm::parse(&arguments.algorithm).ok_or_else(|| {
        Failure::usage(format!("--algorithm: `{}` is not known", Untrusted(&arguments.algorithm)))
            .help(format!("choose one of {}", KeyAlgorithm::ALL.map(KeyAlgorithm::as_str).join(", ")))
    })?;
    let store = open(host)?;
    let target = format!("{name} {algorithm}");
    Act { name: "key.create", target, reason: None, tightens: false }.announce(host)?;
    store.create(&name, algorithm).map_err(|error| match error {
        KeyError::Exists { .. } => Failure::usage(error),
        other => Failure::internal(other),
    })?;
    terminal::err(&format!("made key `{name}` for {algorithm}\n"));
    Ok(Exit::Success)
}

/// A key's name that was typed.
pub(super) fn key_name(text: &str) -> Result<KeyName, Failure> {
    KeyName::parse(text).map_err(|error| {
        Failure::usage(format!("`{}`: {error}", Untrusted(text))).help("write ring and key, such as `release/2026`")
    })
}

/// The key store of the state folder. Rings make no keys here.
pub(super) fn open(host: &Configuration) -> Result<KeyStore, Failure> {
    KeyStore::open(&host.state.folder("keys")?, Default::default()).map_err(Failure::internal)
}
