//! `bailiwick key public`

use bailiwick_host::crypto::KeyError;
use data_encoding::BASE64;

use super::key_create::{key_name, open};
use crate::arguments::KeyPublicArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal;

/// Prints the algorithm and the public half of a key, in base64: 32 bytes for Ed25519, an uncompressed point for P-256.
pub(crate) fn run(arguments: &KeyPublicArguments, host: &Configuration) -> Outcome {
    let name = key_name(&arguments.name)?;
    let public = open(host)?.public(&name).map_err(|error| match error {
        KeyError::Missing { .. } | KeyError::NoPublicKey { .. } => Failure::usage(error),
        other => Failure::internal(other),
    })?;
    terminal::out(&format!("{} {}\n", public.algorithm, BASE64.encode(&public.bytes)))?;
    Ok(Exit::Success)
}
