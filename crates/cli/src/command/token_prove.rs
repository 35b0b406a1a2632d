//! `bailiwick token prove`

use bailiwick_identity::danger::unverified_parts;
use bailiwick_identity::{ProofKey, Target};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::arguments::TokenProveArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, Untrusted, WARN};
use crate::{identity, input};

/// Prints a proof, alone on standard output, and warns when it does not go with the token.
pub(crate) fn run(arguments: &TokenProveArguments, host: Result<Configuration, Failure>) -> Outcome {
    let raw = identity::token_file(&arguments.token_file)?;
    let name = arguments.key.display().to_string();
    let content = Zeroizing::new(input::bytes(&arguments.key, "the key", ProofKey::MAX_BYTES)?);
    let key = ProofKey::parse(&content)
        .map_err(|error| Failure::usage(format!("the key `{}`: {error}", Untrusted(&name))))?;
    let target = match &arguments.target {
        Some(text) => Target::parse(text)
            .ok_or_else(|| Failure::usage(format!("--target: `{}` is not an http or https URI", Untrusted(text))))?,
        None => identity::target(&raw, &host?.issuers()?)?,
    };
    let nonce = arguments.nonce.as_deref();
    let proof = key.prove(&raw, &arguments.method, &target, nonce, input::now()).map_err(Failure::internal)?;
    terminal::out(&format!("{}\n", *proof))?;

    let claims = unverified_parts(&raw).map(|parts| parts.claims).unwrap_or_default();
    let bound_to = claims.get("cnf").and_then(|cnf| cnf.get("jkt")).and_then(Value::as_str);
    let problem = match bound_to {
        Some(bound_to) if bound_to == key.thumbprint().to_string() => return Ok(Exit::Success),
        Some(_) => "the token is bound to another key",
        None => "the token is bound to no key",
    };
    terminal::err(&format!("{WARN}note{WARN:#}: {problem}, so that this proof does not go with it\n"));
    Ok(Exit::Success)
}
