//! A token's `authorization_details` (RFC 9396): those of type `bailiwick` are ours.
//!
//! Details of other types are for others and ignored. One of ours that is malformed refuses the token, and so does a member
//! that this version does not know, because a condition that is not understood cannot be kept.

use bailiwick_policy::{Detail, DetailError};
use serde_json::Value;

/// Details of a token at most.
const MAX: usize = 64;

/// Why the details of a token are malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DetailsError {
    #[error("they are not an array of at most {MAX} objects, each with a `type`")]
    Form,
    /// Details count from 1.
    #[error("detail {index}, of type `bailiwick`: {error}")]
    Detail { index: usize, error: DetailError },
}

/// Our details among a token's.
pub(crate) fn ours(value: Option<&Value>) -> Result<Vec<Detail>, DetailsError> {
    let details = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(details)) if details.len() <= MAX => details,
        Some(_) => return Err(DetailsError::Form),
    };
    let mut ours = Vec::new();
    for (index, detail) in (1..).zip(details) {
        let Value::Object(detail) = detail else { return Err(DetailsError::Form) };
        match detail.get("type") {
            Some(Value::String(name)) if name == Detail::TYPE => {
                ours.push(Detail::parse(detail).map_err(|error| DetailsError::Detail { index, error })?);
            }
            Some(Value::String(_)) => {}
            _ => return Err(DetailsError::Form),
        }
    }
    Ok(ours)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: Value) -> Result<Vec<Detail>, DetailsError> {
        ours(Some(&value))
    }

    #[test]
    fn other_types_are_for_others() {
        assert_eq!(ours(None), Ok(Vec::new()));
        assert_eq!(parse(json!([])), Ok(Vec::new()));
        assert_eq!(parse(json!([{"type": "payment_initiation", "actions": 7}, {"type": "Bailiwick"}])), Ok(Vec::new()));
        let mixed = json!([
            {"type": "x"}, {"type": "bailiwick", "kind": "file", "actions": ["read"], "locations": ["m/a", "m/b"]},
        ]);
        let details = parse(mixed).unwrap();
        assert_eq!(details.iter().map(ToString::to_string).collect::<Vec<_>>(), ["file:read:m/a file:read:m/b"]);
    }

    #[test]
    fn what_is_ours_is_strict() {
        for form in [
            json!({}),
            json!("x"),
            json!(null),
            json!([1]),
            json!([{}]),
            json!([{"type": 1}]),
            json!(vec![json!({"type": "x"}); 65]),
        ] {
            assert_eq!(parse(form.clone()), Err(DetailsError::Form), "{form}");
        }
        let refused = parse(json!([{"type": "x"}, {"type": "bailiwick", "scope": "file:read:m/a"}])).unwrap_err();
        assert_eq!(refused, DetailsError::Detail { index: 2, error: DetailError::UnknownMember });
    }
}
