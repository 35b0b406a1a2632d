//! `bailiwick token inspect`

use bailiwick_guard::Timestamp;
use bailiwick_identity::danger::{UnverifiedParts, unverified_parts};
use bailiwick_identity::{
    Algorithm, Check, Inspection, IssuerDirectory, KeysError, Outcome as Checked, RawToken, Token, TrustedIssuer,
    admit, inspect,
};
use bailiwick_policy::Detail;
use serde_json::{Map, Value, json};

use crate::arguments::TokenInspectArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, BAD, BOLD, DIM, GOOD, Untrusted};
use crate::{administration, identity, input, trusted};

/// Shows what a token says, as unverified text, every check of it by name, and what the registry has against it. Spends,
/// remembers and counts nothing.
pub(crate) fn run(arguments: &TokenInspectArguments, host: Result<Configuration, Failure>) -> Outcome {
    let raw = match (&arguments.token, &arguments.token_file) {
        (Some(text), None) => RawToken::new(text.clone()),
        (None, Some(path)) => identity::token_file(path)?,
        _ => return Err(Failure::usage("name the token once: TOKEN or --token-file FILE")),
    };
    let (directory, host) = match typed(arguments)? {
        Some(issuer) => (IssuerDirectory::none().with(issuer).map_err(Failure::usage)?, None),
        None => {
            let host = host?;
            (host.issuers()?.looking_on(), Some(host))
        }
    };
    let now = arguments.now.unwrap_or_else(input::now);
    // Keys are fetched now, whatever time the token is judged at.
    let (issuers, keys) = match identity::wait(directory.issuers_for(&raw, input::now()))? {
        Ok(issuers) => (issuers, None),
        Err(error) => (directory.issuers().clone(), Some(error)),
    };
    let proof = arguments.dpop_proof.as_deref();
    let proof = proof.map(|path| identity::proof(path, &raw, &directory, now)).transpose()?;
    let inspection = inspect(&raw, proof.as_ref(), &issuers, now);
    let registry = match (inspection.verified(), host) {
        (Ok(token), Some(host)) => registry(token, &host, now)?,
        _ => None,
    };
    let parts = unverified_parts(&raw).ok();
    let shown = Shown { parts, inspection: &inspection, keys: keys.as_ref(), registry: registry.as_ref() };
    if arguments.json {
        terminal::out_json(&shown.to_json())?;
    } else {
        terminal::out(&shown.draw())?;
    }
    Ok(if shown.accepted().is_some() { Exit::Success } else { Exit::Identity })
}

/// What the registry has against a token that verifies: what a run would be told. Where there is no registry yet, nothing.
fn registry(token: &Token, host: &Configuration, now: u64) -> Result<Option<Failure>, Failure> {
    let Some(store) = administration::open_existing(host)? else { return Ok(None) };
    match admit(token, &store, host.rotation, now) {
        Ok(_) => Ok(None),
        Err(error) => {
            let refused = identity::unauthorized(error);
            if refused.code().is_some() { Ok(Some(refused)) } else { Err(refused) }
        }
    }
}

/// The issuer that was typed in place of those that are configured.
fn typed(arguments: &TokenInspectArguments) -> Result<Option<TrustedIssuer>, Failure> {
    let (Some(jwks), Some(issuer), Some(audience)) = (&arguments.jwks, &arguments.issuer, &arguments.audience) else {
        return Ok(None);
    };
    let profile = trusted::profile(arguments.profile, arguments.trust_domain.as_deref()).map_err(Failure::usage)?;
    // JWT-SVIDs have the algorithms of RFC 7518 only.
    let svid = arguments.profile == trusted::ProfileName::JwtSvid;
    let algorithms: Vec<Algorithm> =
        Algorithm::ALL.into_iter().filter(|algorithm| !(svid && *algorithm == Algorithm::EdDsa)).collect();
    let issuer = TrustedIssuer::new(issuer, audience, trusted::key_set(jwks)?, &algorithms);
    issuer.and_then(|issuer| issuer.profile(profile)).map(Some).map_err(Failure::usage)
}

struct Shown<'a> {
    parts: Option<UnverifiedParts>,
    inspection: &'a Inspection,
    /// Why the issuer's keys could not be had.
    keys: Option<&'a KeysError>,
    /// Why the registry refuses it.
    registry: Option<&'a Failure>,
}

impl Shown<'_> {
    fn to_json(&self) -> Value {
        let checks: Vec<Value> = self
            .inspection
            .outcomes()
            .map(|(check, outcome)| {
                let why = self.why(check, outcome);
                json!({
                    "check": check.name(),
                    "outcome": outcome.as_str(),
                    "code": why.as_ref().map(|(code, _)| code),
                    "message": why.as_ref().map(|(_, message)| message),
                })
            })
            .collect();
        let unverified = self.parts.as_ref().map(|parts| json!({ "header": parts.header, "claims": parts.claims }));
        let mut value = match self.accepted() {
            Some(token) => proved(token),
            None => {
                let failed = self.failed();
                json!({
                    "accepted": false,
                    "code": failed.as_ref().map(|(code, _)| code),
                    "message": failed.as_ref().map(|(_, message)| message),
                })
            }
        };
        if let Some(members) = value.as_object_mut() {
            members.insert("checks".to_owned(), checks.into());
            members.insert("unverified".to_owned(), unverified.into());
        }
        value
    }

    fn draw(&self) -> String {
        let mut text = String::new();
        if let Some(parts) = &self.parts {
            text += &format!("{BOLD}what it says{BOLD:#} {DIM}(by whoever presented it){DIM:#}\n");
            text += &members("header", &parts.header);
            text += &members("claims", &parts.claims);
        }
        text += &format!("{BOLD}checks{BOLD:#}\n");
        for (check, outcome) in self.inspection.outcomes() {
            let (style, mark) = match outcome {
                Checked::Passed => (GOOD, "ok"),
                Checked::Failed(_) => (BAD, "no"),
                Checked::NotReached => (DIM, "--"),
            };
            let about = match self.why(check, outcome) {
                Some((code, message)) => format!("{} {DIM}[{code}]{DIM:#}", terminal::plain(&message)),
                None if outcome == Checked::NotReached => format!("{DIM}not checked: {}{DIM:#}", check.about()),
                None => check.about().to_owned(),
            };
            text += &format!("  {style}{mark}{style:#} {:<21} {about}\n", check.name());
        }
        text + &match self.accepted() {
            Some(token) => accepted(token),
            None => {
                let (code, message) = self.failed().unwrap_or_default();
                format!("{BAD}refused{BAD:#}: {} {DIM}[{code}]{DIM:#}\n", terminal::plain(&message))
            }
        }
    }

    /// The token, when every check passed and the registry has nothing against it.
    fn accepted(&self) -> Option<&Token> {
        self.inspection.verified().ok().filter(|_| self.registry.is_none())
    }

    /// The code and the message of a check that failed.
    fn why(&self, check: Check, outcome: Checked<'_>) -> Option<(String, String)> {
        match (outcome, self.keys) {
            (Checked::Failed(_), Some(keys)) if check == Check::Key => {
                Some((keys.code().to_string(), keys.to_string()))
            }
            (Checked::Failed(error), _) => Some((error.code().to_string(), error.to_string())),
            _ => None,
        }
    }

    fn failed(&self) -> Option<(String, String)> {
        let registry = || {
            let refused = self.registry?;
            Some((refused.code()?.to_string(), refused.message().to_owned()))
        };
        self.inspection.outcomes().find_map(|(check, outcome)| self.why(check, outcome)).or_else(registry)
    }
}

fn proved(token: &Token) -> Value {
    json!({
        "accepted": true,
        "code": null,
        "issuer": token.issuer(),
        "subject": token.subject().as_str(),
        "workload": token.workload().map(ToString::to_string),
        "actors": token.actors().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "scopes": token.scopes().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "scopes_from_registry": token.leaves_scopes_to_registry(),
        "authorization_details": token.details().iter().map(Detail::to_json).collect::<Vec<_>>(),
        "bound_to": token.bound_to().map(|key| key.to_string()),
        "issued_at": token.issued_at(),
        "expires_at": token.expires_at(),
        "jti_sha256": token.jti().to_string(),
        "kid": token.key_id(),
    })
}

fn accepted(token: &Token) -> String {
    let (issuer, key) = (Untrusted(token.issuer()), Untrusted(token.key_id()));
    let mut text = format!("{GOOD}accepted{GOOD:#}: signed by `{issuer}` with key `{key}`\n");
    text += &format!("  subject {}\n", token.subject());
    if let Some(workload) = token.workload() {
        text += &format!("  is      {}\n", Untrusted(&workload.to_string()));
    }
    if !token.actors().is_empty() {
        text += &format!("  actors  {}\n", Untrusted(&token.actors().to_string()));
    }
    for scope in token.scopes().iter() {
        text += &format!("  scope   {}\n", Untrusted(&scope.to_string()));
    }
    for detail in token.details() {
        let args = detail.to_json().get("args").map(|args| format!(" with arguments {args}"));
        let demands = args.unwrap_or_default();
        text += &format!("  detail  {}{}\n", Untrusted(&detail.to_string()), Untrusted(&demands));
    }
    if token.leaves_scopes_to_registry() {
        text += "  scope   whatever the registry declares for the agent\n";
    } else if token.scopes().is_empty() && token.details().is_empty() {
        text += "  scope   none: it grants nothing here\n";
    }
    if let Some(key) = token.bound_to() {
        text += &format!("  bound   to the key {key}, whose possession the proof shows\n");
    }
    let (from, until) =
        (Timestamp(token.issued_at().saturating_mul(1000)), Timestamp(token.expires_at().saturating_mul(1000)));
    text += &format!("  valid   {from} to {until}\n");
    text
}

fn members(part: &str, members: &Map<String, Value>) -> String {
    let line = |(name, value): (&String, &Value)| {
        format!("  {part}.{} = {}\n", Untrusted(name), Untrusted(&value.to_string()))
    };
    members.iter().map(line).collect()
}
