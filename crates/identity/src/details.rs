//! `authorization_details` (RFC 9396) of type `bailiwick`: conditions on calls that the token's scopes cover.
//!
//! ```json
//! { "type": "bailiwick",
//!   "scope": "fetch:post:api.bank.example/v1/payments",
//!   "calls": 10,
//!   "arguments": { "amount": { "max": 5000 }, "currency": { "in": ["EUR"] }, "note": { "max_length": 200 } },
//!   "sum": { "argument": "amount", "max": 20000 } }
//! ```
//!
//! A detail grants nothing: it narrows what `scope` covers. Details of other types are for others and ignored; one of
//! ours that is malformed refuses the token, and so does a member that this version does not know, because a condition
//! that is not understood cannot be kept.

use std::num::NonZeroU64;

use bailiwick_policy::{Scope, ScopeError};
use serde_json::{Map, Value};

/// Conditions on every call that a scope covers, for as long as the token lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    scope: Scope,
    calls: Option<NonZeroU64>,
    arguments: Vec<ArgumentRule>,
    sum: Option<SumRule>,
}

/// Conditions on one argument: a member of the JSON body of a fetch, or of a tool's arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentRule {
    name: String,
    conditions: Vec<Condition>,
}

/// A condition on a value. A call whose value has another type does not meet it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A whole number of at least this.
    Min(i64),
    /// A whole number of at most this.
    Max(i64),
    /// One of these.
    In(Vec<Choice>),
    /// A text of at most this many characters.
    MaxLength(NonZeroU64),
}

/// A value to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Text(String),
    Number(i64),
    Flag(bool),
}

/// A bound on the sum of an argument over all calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumRule {
    argument: String,
    max: NonZeroU64,
}

/// Why the details of a token are malformed. Of the token, the messages carry a malformed scope, cut short.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DetailsError {
    #[error("they are not an array of at most {} objects, each with a `type`", Constraint::MAX)]
    Form,
    #[error("a detail of type `bailiwick` has a member that this version does not know")]
    UnknownMember,
    #[error("`{member}` of a detail of type `bailiwick` is not {expected}")]
    Member { member: &'static str, expected: &'static str },
    #[error("`scope` of a detail of type `bailiwick` is not valid: {0}")]
    Scope(ScopeError),
    #[error("a detail of type `bailiwick` needs at least one of `calls`, `arguments`, `sum`")]
    NoCondition,
}

impl Constraint {
    /// The `type` of our details.
    pub const TYPE: &str = "bailiwick";
    /// Details of a token, and arguments or choices of a detail, at most.
    pub const MAX: usize = 64;

    /// The calls that it is about.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// How many calls at most.
    pub fn calls(&self) -> Option<NonZeroU64> {
        self.calls
    }

    pub fn arguments(&self) -> &[ArgumentRule] {
        &self.arguments
    }

    pub fn sum(&self) -> Option<&SumRule> {
        self.sum.as_ref()
    }

    /// Our details among a token's `authorization_details`.
    pub(crate) fn parse_all(value: Option<&Value>) -> Result<Vec<Constraint>, DetailsError> {
        let details = match value {
            None => return Ok(Vec::new()),
            Some(Value::Array(details)) if details.len() <= Self::MAX => details,
            Some(_) => return Err(DetailsError::Form),
        };
        let mut ours = Vec::new();
        for detail in details {
            let Value::Object(detail) = detail else { return Err(DetailsError::Form) };
            match detail.get("type") {
                Some(Value::String(name)) if name == Self::TYPE => ours.push(Constraint::parse(detail)?),
                Some(Value::String(_)) => {}
                _ => return Err(DetailsError::Form),
            }
        }
        Ok(ours)
    }

    fn parse(detail: &Map<String, Value>) -> Result<Constraint, DetailsError> {
        known(detail, &["type", "scope", "calls", "arguments", "sum"])?;
        let scope = detail.get("scope").and_then(Value::as_str);
        let scope = scope.ok_or(DetailsError::Member { member: "scope", expected: "one scope" })?;
        let constraint = Constraint {
            scope: Scope::parse(scope).map_err(DetailsError::Scope)?,
            calls: detail.get("calls").map(|value| positive(value, "calls")).transpose()?,
            arguments: detail.get("arguments").map(arguments).transpose()?.unwrap_or_default(),
            sum: detail.get("sum").map(SumRule::parse).transpose()?,
        };
        if constraint.calls.is_none() && constraint.arguments.is_empty() && constraint.sum.is_none() {
            return Err(DetailsError::NoCondition);
        }
        Ok(constraint)
    }
}

impl ArgumentRule {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Conditions that all hold.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    fn parse(name: &str, value: &Value) -> Result<ArgumentRule, DetailsError> {
        let name = argument_name(Some(name), "arguments")?;
        let Value::Object(rule) = value else { return Err(ARGUMENTS) };
        known(rule, &["min", "max", "in", "max_length"])?;
        let mut conditions = Vec::new();
        for (word, value) in rule {
            conditions.push(match word.as_str() {
                "min" => Condition::Min(whole(value)?),
                "max" => Condition::Max(whole(value)?),
                "max_length" => Condition::MaxLength(positive(value, "max_length")?),
                _ => Condition::In(choices(value)?),
            });
        }
        if conditions.is_empty() { Err(ARGUMENTS) } else { Ok(ArgumentRule { name, conditions }) }
    }
}

impl SumRule {
    pub fn argument(&self) -> &str {
        &self.argument
    }

    pub fn max(&self) -> NonZeroU64 {
        self.max
    }

    fn parse(value: &Value) -> Result<SumRule, DetailsError> {
        let Value::Object(rule) = value else {
            return Err(DetailsError::Member { member: "sum", expected: "an object with `argument` and `max`" });
        };
        known(rule, &["argument", "max"])?;
        let argument = argument_name(rule.get("argument").and_then(Value::as_str), "sum")?;
        Ok(SumRule { argument, max: positive(rule.get("max").unwrap_or(&Value::Null), "sum")? })
    }
}

const ARGUMENTS: DetailsError =
    DetailsError::Member { member: "arguments", expected: "an object of arguments with at least one condition each" };

fn known(object: &Map<String, Value>, names: &[&str]) -> Result<(), DetailsError> {
    let all_known = object.keys().all(|name| names.contains(&name.as_str()));
    if all_known { Ok(()) } else { Err(DetailsError::UnknownMember) }
}

fn arguments(value: &Value) -> Result<Vec<ArgumentRule>, DetailsError> {
    match value {
        Value::Object(arguments) if (1..=Constraint::MAX).contains(&arguments.len()) => {
            arguments.iter().map(|(name, rule)| ArgumentRule::parse(name, rule)).collect()
        }
        _ => Err(ARGUMENTS),
    }
}

/// `amount`, or `payment.amount` for a member of a member.
fn argument_name(name: Option<&str>, member: &'static str) -> Result<String, DetailsError> {
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    match name {
        Some(name) if name.len() <= 128 && name.split('.').all(is_part) => Ok(name.to_owned()),
        _ => {
            Err(DetailsError::Member { member, expected: "about arguments named by letters, digits, `-`, `_` and `.`" })
        }
    }
}

fn positive(value: &Value, member: &'static str) -> Result<NonZeroU64, DetailsError> {
    let number = value.as_u64().filter(|number| *number < 1 << 53).and_then(NonZeroU64::new);
    number.ok_or(DetailsError::Member { member, expected: "bounded by a whole number from 1 to 2^53 - 1" })
}

fn whole(value: &Value) -> Result<i64, DetailsError> {
    let number = value.as_i64().filter(|number| number.unsigned_abs() < 1 << 53);
    number.ok_or(DetailsError::Member { member: "arguments", expected: "bounded by whole numbers below 2^53" })
}

fn choices(value: &Value) -> Result<Vec<Choice>, DetailsError> {
    let expected = "limited by `in` to an array of texts, whole numbers or booleans";
    let wrong = DetailsError::Member { member: "arguments", expected };
    let Value::Array(values) = value else { return Err(wrong) };
    if values.is_empty() || values.len() > Constraint::MAX {
        return Err(wrong);
    }
    let choice = |value: &Value| match value {
        Value::String(text) => Ok(Choice::Text(text.clone())),
        Value::Bool(flag) => Ok(Choice::Flag(*flag)),
        number => whole(number).map(Choice::Number),
    };
    values.iter().map(choice).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: Value) -> Result<Vec<Constraint>, DetailsError> {
        Constraint::parse_all(Some(&value))
    }

    fn ours(changes: Value) -> Result<Vec<Constraint>, DetailsError> {
        let mut detail = json!({"type": "bailiwick", "scope": "fetch:post:api.bank.example/v1/payments", "calls": 10});
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => detail.as_object_mut().unwrap().remove(name),
                value => detail.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        parse(json!([detail]))
    }

    #[test]
    fn conditions_are_typed() {
        let arguments = json!({"amount": {"min": -1, "max": 5000}, "a.currency": {"in": ["EUR", 1, true]}, "note": {"max_length": 200}});
        let parsed = ours(json!({"arguments": arguments, "sum": {"argument": "amount", "max": 20000}})).unwrap();
        let [constraint] = parsed.as_slice() else { panic!("one constraint") };
        assert_eq!(constraint.scope().to_string(), "fetch:post:api.bank.example/v1/payments");
        assert_eq!(constraint.calls(), NonZeroU64::new(10));
        let [amount, currency, note] = constraint.arguments() else { panic!("three arguments") };
        assert_eq!((amount.name(), amount.conditions()), ("amount", &[Condition::Min(-1), Condition::Max(5000)][..]));
        let choices = vec![Choice::Text("EUR".to_owned()), Choice::Number(1), Choice::Flag(true)];
        assert_eq!((currency.name(), currency.conditions()), ("a.currency", &[Condition::In(choices)][..]));
        assert_eq!(note.conditions(), [Condition::MaxLength(NonZeroU64::new(200).unwrap())]);
        assert_eq!(constraint.sum().map(|sum| (sum.argument(), sum.max().get())), Some(("amount", 20_000)));
    }

    #[test]
    fn other_types_are_for_others() {
        assert_eq!(Constraint::parse_all(None), Ok(Vec::new()));
        assert_eq!(parse(json!([])), Ok(Vec::new()));
        assert_eq!(parse(json!([{"type": "payment_initiation", "scope": 7}, {"type": "Bailiwick"}])), Ok(Vec::new()));
    }

    #[test]
    fn what_is_ours_is_strict() {
        for form in [
            json!({}),
            json!("x"),
            json!([1]),
            json!([{}]),
            json!([{"type": 1}]),
            json!(vec![json!({"type": "x"}); 65]),
        ] {
            assert_eq!(parse(form.clone()), Err(DetailsError::Form), "{form}");
        }
        assert_eq!(ours(json!({"locations": ["x"]})), Err(DetailsError::UnknownMember));
        assert_eq!(ours(json!({"arguments": {"a": {"maximum": 1}}})), Err(DetailsError::UnknownMember));
        assert_eq!(ours(json!({"sum": {"argument": "a", "max": 1, "per": "24h"}})), Err(DetailsError::UnknownMember));
        assert_eq!(ours(json!({"calls": null})), Err(DetailsError::NoCondition));
        for scope in ["", "fetch:post", "fetch:post:a.example/x fetch:post:b.example/x", "openid"] {
            assert!(matches!(ours(json!({"scope": scope})), Err(DetailsError::Scope(_))), "{scope}");
        }
        for wrong in [
            json!({"scope": null}),
            json!({"scope": ["fetch:post:a.example/x"]}),
            json!({"calls": 0}),
            json!({"calls": -1}),
            json!({"calls": 1.5}),
            json!({"calls": "10"}),
            json!({"calls": 1u64 << 53}),
            json!({"arguments": {}}),
            json!({"arguments": []}),
            json!({"arguments": {"amount": {}}}),
            json!({"arguments": {"amount": 5000}}),
            json!({"arguments": {"": {"max": 1}}}),
            json!({"arguments": {"a..b": {"max": 1}}}),
            json!({"arguments": {"a b": {"max": 1}}}),
            json!({"arguments": {"amount": {"max": "5000"}}}),
            json!({"arguments": {"amount": {"max": 50.5}}}),
            json!({"arguments": {"amount": {"min": u64::MAX}}}),
            json!({"arguments": {"amount": {"in": []}}}),
            json!({"arguments": {"amount": {"in": "EUR"}}}),
            json!({"arguments": {"amount": {"in": [null]}}}),
            json!({"arguments": {"amount": {"in": [1.5]}}}),
            json!({"arguments": {"amount": {"max_length": 0}}}),
            json!({"sum": 1}),
            json!({"sum": {"max": 1}}),
            json!({"sum": {"argument": "amount"}}),
            json!({"sum": {"argument": "amount", "max": 0}}),
        ] {
            assert!(matches!(ours(wrong.clone()), Err(DetailsError::Member { .. })), "{wrong}");
        }
    }
}
