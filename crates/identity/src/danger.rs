//! What may be looked at and never relied on.

use serde_json::{Map, Value};

use crate::error::{Part, TokenError};
use crate::jws::{self, Compact};
use crate::token::RawToken;

/// The members of a token whose signature **was not checked**: written by whoever presented it, and good for showing
/// to an operator only.
#[derive(Clone, Debug)]
pub struct UnverifiedParts {
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
}

/// Takes a token apart for display.
///
/// # Errors
/// When it is not a compact token with two JSON objects in it.
pub fn unverified_parts(token: &RawToken) -> Result<UnverifiedParts, TokenError> {
    let compact = Compact::parse(token.text())?;
    let claims = jws::object(&compact.payload, Part::Claims)?;
    Ok(UnverifiedParts { header: compact.header, claims })
}
