//! `bailiwick token issue`

use bailiwick_identity::danger::unverified_parts;
use bailiwick_identity::{JtiHash, LocalIssuer, LocalIssuerError, RawToken, Registrar, Status, Thumbprint};
use bailiwick_policy::Code;

use crate::administration::Act;
use crate::arguments::TokenIssueArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, NOTE, WARN};
use crate::{administration, identity, input};

/// Prints a token of the local issuer, alone on standard output, and warns when a run would refuse it.
pub(crate) fn run(arguments: &TokenIssueArguments, host: &Configuration) -> Outcome {
    if !host.local_issuer {
        return Err(Failure::identity(
            Code::LocalIssuerForbidden,
            "this installation's configuration does not trust the local issuer",
        )
        .help("get the token from a configured issuer, or set `local = true` under [issuer] in bailiwick.toml"));
    }
    let agent = identity::agent_id(&arguments.agent)?;
    let scopes = identity::scopes(&arguments.scopes, "--scopes")?;
    let state = host.state.open()?;
    let issuer = LocalIssuer::open(&state).map_err(Failure::internal)?;
    let key = arguments.dpop_key.as_deref().map(administration::key).transpose()?.map(|key| key.thumbprint());
    let token =
        issuer.issue(&agent, &scopes, key, arguments.ttl.whole(), input::now()).map_err(|error| match error {
            LocalIssuerError::Lifetime { .. } => Failure::usage(format!("--ttl: {error}")),
            other => Failure::internal(other),
        })?;
    let raw = RawToken::new(token.to_string());
    let jti = unverified_parts(&raw).ok().and_then(|parts| Some(parts.claims.get("jti")?.as_str()?.to_owned()));
    let hash = JtiHash::of(LocalIssuer::ISSUER, &jti.unwrap_or_default());
    let act = Act { name: "token.issue", target: format!("{agent} {hash}"), reason: None, tightens: false };
    act.carry_out(host, || terminal::out(&format!("{}\n", *token)))?;

    let store = administration::open_existing(host)?;
    let entry = store.map(|store| store.agent(&agent)).transpose().map_err(administration::refused)?.flatten();
    match entry {
        None => terminal::err(&format!(
            "{WARN}note{WARN:#}: the agent `{agent}` is not registered, so that no run accepts this token\n  \
             {NOTE}help{NOTE:#}: bailiwick agent register {agent} --owner YOU --capabilities \"{scopes}\"\n"
        )),
        Some(entry) => {
            if entry.status != Status::Active {
                terminal::err(&format!(
                    "{WARN}note{WARN:#}: the agent `{agent}` is {}, so that no run accepts this token\n",
                    entry.status
                ));
            }
            if let Err(scope) = entry.capabilities.contains(&scopes) {
                terminal::err(&format!(
                    "{WARN}note{WARN:#}: `{scope}` is beyond the capabilities of the agent `{agent}`: runs refuse this token whole\n"
                ));
            }
            let of_agent = |key: &Thumbprint| entry.keys.iter().any(|known| known.thumbprint() == *key);
            if !entry.keys.is_empty() && !key.as_ref().is_some_and(of_agent) {
                terminal::err(&format!(
                    "{WARN}note{WARN:#}: the agent `{agent}` has registered keys, and runs accept only tokens that are bound to one of them\n  \
                     {NOTE}help{NOTE:#}: --dpop-key FILE binds it; `bailiwick agent show {agent}` lists the keys\n"
                ));
            }
        }
    }
    Ok(Exit::Success)
}
