//! `bailiwick token inspect`

use bailiwick_identity::danger::{UnverifiedParts, unverified_parts};
use bailiwick_identity::{RawToken, Token, TokenError};
use serde_json::{Map, Value, json};

use crate::arguments::TokenInspectArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, BAD, BOLD, DIM, GOOD, Untrusted};
use crate::{identity, input};

/// Shows what a token says, as unverified text, and whether it would be accepted here.
pub(crate) fn run(arguments: &TokenInspectArguments, host: &Configuration) -> Outcome {
    let raw = match (&arguments.token, &arguments.token_file) {
        (Some(text), None) => RawToken::new(text.clone()),
        (None, Some(path)) => identity::token_file(path)?,
        _ => return Err(Failure::usage("name the token once: TOKEN or --token-file FILE")),
    };
    let parts = unverified_parts(&raw);
    let verified = raw.verify(&host.trusted_issuers()?, arguments.now.unwrap_or_else(input::now));
    if arguments.json {
        terminal::out_json(&as_json(parts.as_ref().ok(), &verified))?;
    } else {
        terminal::out(&as_text(parts.as_ref().ok(), &verified))?;
    }
    Ok(if verified.is_ok() { Exit::Success } else { Exit::Identity })
}

fn as_json(parts: Option<&UnverifiedParts>, verified: &Result<Token, TokenError>) -> Value {
    let unverified = parts.map(|parts| json!({ "header": parts.header, "claims": parts.claims }));
    match verified {
        Ok(token) => json!({
            "accepted": true,
            "code": null,
            "issuer": token.issuer(),
            "subject": token.subject().as_str(),
            "scopes": token.scopes().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "issued_at": token.issued_at(),
            "expires_at": token.expires_at(),
            "jti_sha256": token.jti().to_string(),
            "kid": token.key_id(),
            "unverified": unverified,
        }),
        Err(error) => json!({
            "accepted": false,
            "code": error.code().as_str(),
            "message": error.to_string(),
            "unverified": unverified,
        }),
    }
}

fn as_text(parts: Option<&UnverifiedParts>, verified: &Result<Token, TokenError>) -> String {
    let mut text = String::new();
    if let Some(parts) = parts {
        text += &format!("{BOLD}what it says{BOLD:#} {DIM}(by whoever presented it){DIM:#}\n");
        text += &members("header", &parts.header);
        text += &members("claims", &parts.claims);
    }
    match verified {
        Ok(token) => {
            text += &format!(
                "{GOOD}accepted{GOOD:#}: signed by `{}` with key `{}`\n",
                Untrusted(token.issuer()),
                Untrusted(token.key_id())
            );
            text += &format!("  subject {}\n", token.subject());
            for scope in token.scopes().iter() {
                text += &format!("  scope   {}\n", Untrusted(&scope.to_string()));
            }
            if token.scopes().is_empty() {
                text += "  scope   none: it grants nothing here\n";
            }
        }
        Err(error) => {
            text += &format!(
                "{BAD}refused{BAD:#}: {} {DIM}[{}]{DIM:#}\n",
                terminal::plain(&error.to_string()),
                error.code()
            )
        }
    }
    text
}

fn members(part: &str, members: &Map<String, Value>) -> String {
    let line = |(name, value): (&String, &Value)| {
        format!("  {part}.{} = {}\n", Untrusted(name), Untrusted(&value.to_string()))
    };
    members.iter().map(line).collect()
}
