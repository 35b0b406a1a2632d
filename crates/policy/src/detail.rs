//! Authority under conditions: one of a token's `authorization_details` (RFC 9396) of type `bailiwick`.
//!
//! ```json
//! { "type": "bailiwick", "kind": "tool", "actions": ["call"], "locations": ["bank/transfer"],
//!   "args": { "amount": { "max": 5000 }, "currency": { "in": ["EUR"] } } }
//! ```
//!
//! A detail grants its actions at its locations, as a scope of each would, when the arguments are as `args` demands. It
//! also binds: a call that details cover needs one of them to accept it, whatever scopes cover it besides.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::actions::Actions;
use crate::condition::{Condition, Conditions, Literal, MAX_BOUND, Mismatch, Part, Test, is_argument};
use crate::kind::Kind;
use crate::request::{Request, takes_arguments};
use crate::scope::{Scope, ScopeError, is_scope_byte, parse_actions};

/// One permission of a token. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    scopes: Arc<[Scope]>,
    conditions: Arc<Conditions>,
}

/// Why a detail is malformed. Of its text, the messages carry a malformed location, cut short.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DetailError {
    #[error("it has a member that this version does not know")]
    UnknownMember,
    #[error("`{member}` is not {expected}")]
    Member { member: &'static str, expected: &'static str },
    #[error("an action or a location is not valid: {0}")]
    Scope(ScopeError),
}

const ARGS: DetailError = DetailError::Member {
    member: "args",
    expected: "an object of 1 to 64 arguments, each with conditions as in a manifest's `args`",
};

impl Detail {
    /// The `type` of details that are for us.
    pub const TYPE: &str = "bailiwick";
    /// Locations, and arguments with conditions, at most.
    pub const MAX: usize = 64;

    /// Reads a detail whose `type` is [`Detail::TYPE`].
    ///
    /// # Errors
    /// When a member is missing, malformed or unknown: a condition that is not understood cannot be kept.
    pub fn parse(members: &Map<String, Value>) -> Result<Detail, DetailError> {
        known(members, &["type", "kind", "actions", "locations", "args"])?;
        let kind = members.get("kind").and_then(Value::as_str).and_then(Kind::parse);
        let kind = kind.ok_or(DetailError::Member { member: "kind", expected: "a kind of scopes, such as `fetch`" })?;
        let actions = texts(members, "actions")?;
        if actions.iter().any(|action| action.contains(',')) {
            return Err(DetailError::Member { member: "actions", expected: "a list of single actions" });
        }
        let actions = parse_actions(kind, &actions.join(",")).map_err(DetailError::Scope)?;
        let locations = texts(members, "locations")?;
        let scopes: Result<_, _> = locations.into_iter().map(|location| scope(kind, actions, location)).collect();
        let conditions = match members.get("args") {
            None => Conditions::default(),
            Some(Value::Object(args)) if takes_arguments(kind) => conditions(args)?,
            Some(Value::Object(_)) => {
                return Err(DetailError::Member { member: "args", expected: "possible but for the kind `tool`" });
            }
            Some(_) => return Err(ARGS),
        };
        Ok(Detail { scopes: scopes?, conditions: Arc::new(conditions) })
    }

    /// What it covers, its conditions aside: one scope for each location.
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &Scope> {
        self.scopes.iter()
    }

    /// Whether it demands anything of arguments.
    pub fn is_conditional(&self) -> bool {
        !self.conditions.is_empty()
    }

    pub(crate) fn covers(&self, request: &Request) -> bool {
        self.scopes.iter().any(|scope| scope.covers(request))
    }

    /// What it demands of a call that it covers.
    pub(crate) fn check(&self, request: &Request) -> Result<(), Mismatch<'_>> {
        self.conditions.check(request.passed())
    }

    /// The one text of it, for hashes and reports.
    pub fn to_json(&self) -> Value {
        let first = self.scopes.first();
        let actions: Vec<_> = first.into_iter().flat_map(Scope::actions).map(|action| action.as_str()).collect();
        let locations: Vec<_> = self.scopes.iter().map(|scope| scope.resource().to_string()).collect();
        let mut value = json!({
            "kind": first.map(|scope| scope.kind().to_string()), "actions": actions, "locations": locations,
        });
        if let (true, Some(members)) = (self.is_conditional(), value.as_object_mut()) {
            members.insert("args".to_owned(), self.conditions.to_json());
        }
        value
    }
}

fn known(object: &Map<String, Value>, names: &[&str]) -> Result<(), DetailError> {
    let all_known = object.keys().all(|name| names.contains(&name.as_str()));
    if all_known { Ok(()) } else { Err(DetailError::UnknownMember) }
}

fn texts<'m>(members: &'m Map<String, Value>, member: &'static str) -> Result<Vec<&'m str>, DetailError> {
    let wrong = || DetailError::Member { member, expected: "an array of 1 to 64 strings" };
    match members.get(member) {
        Some(Value::Array(items)) if (1..=Detail::MAX).contains(&items.len()) => {
            items.iter().map(|item| item.as_str().ok_or_else(wrong)).collect()
        }
        _ => Err(wrong()),
    }
}

fn scope(kind: Kind, actions: Actions, location: &str) -> Result<Scope, DetailError> {
    // Elsewhere, locations are URIs; a scope means https when it says nothing.
    let resource = if kind == Kind::Fetch { location.strip_prefix("https://").unwrap_or(location) } else { location };
    if !resource.bytes().all(is_scope_byte) {
        return Err(DetailError::Scope(ScopeError::Character));
    }
    Scope::from_text(kind, actions, resource).map_err(DetailError::Scope)
}

fn conditions(args: &Map<String, Value>) -> Result<Conditions, DetailError> {
    if !(1..=Detail::MAX).contains(&args.len()) {
        return Err(ARGS);
    }
    let list: Result<_, _> = args.iter().map(|(name, value)| condition(name, value)).collect();
    Ok(Conditions { part: Part::Arguments, list: list? })
}

fn condition(name: &str, value: &Value) -> Result<Condition, DetailError> {
    let Value::Object(members) = value else { return Err(ARGS) };
    known(members, &["equals", "in", "min", "max", "max_length", "optional"])?;
    if !is_argument(name) {
        return Err(ARGS);
    }
    let optional = match members.get("optional") {
        None => false,
        Some(Value::Bool(optional)) => *optional,
        Some(_) => return Err(ARGS),
    };
    let bound = |name: &str| members.get(name).map(integer).transpose();
    let mut tests = Vec::new();
    if let Some(value) = members.get("equals") {
        tests.push(Test::In(vec![literal(value)?]));
    }
    if let Some(values) = members.get("in") {
        let values = values.as_array().filter(|values| !values.is_empty()).ok_or(ARGS)?;
        tests.push(Test::In(values.iter().map(literal).collect::<Result<_, _>>()?));
    }
    let (min, max) = (bound("min")?, bound("max")?);
    if matches!((min, max), (Some(min), Some(max)) if min > max) {
        return Err(ARGS);
    }
    tests.extend(min.map(Test::Min));
    tests.extend(max.map(Test::Max));
    tests.extend(bound("max_length")?.map(Test::MaxLength));
    if tests.is_empty() && (optional || !members.is_empty()) {
        return Err(ARGS);
    }
    // `{}`: the argument has to be there.
    Ok(Condition { argument: name.to_owned(), optional, tests })
}

fn literal(value: &Value) -> Result<Literal, DetailError> {
    match value {
        Value::String(text) => Ok(Literal::Text(text.clone())),
        Value::Bool(boolean) => Ok(Literal::Boolean(*boolean)),
        number => integer(number).map(Literal::Integer),
    }
}

fn integer(value: &Value) -> Result<u64, DetailError> {
    let wrong = DetailError::Member { member: "args", expected: "bounded by integers from 0 to 2^53" };
    value.as_u64().filter(|integer| *integer <= MAX_BOUND).ok_or(wrong)
}

impl fmt::Display for Detail {
    /// Its scopes. What it demands of arguments is in [`Detail::to_json`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.scopes.iter().enumerate() {
            write!(f, "{}{scope}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: Value) -> Result<Detail, DetailError> {
        let Value::Object(members) = value else { panic!("an object") };
        Detail::parse(&members)
    }

    fn changed(changes: Value) -> Result<Detail, DetailError> {
        let mut detail =
            json!({"type": "bailiwick", "kind": "tool", "actions": ["call"], "locations": ["bank/transfer"]});
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => detail.as_object_mut().unwrap().remove(name),
                value => detail.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        parse(detail)
    }

    #[test]
    fn actions_times_locations() {
        let detail = changed(json!({
            "kind": "fetch", "actions": ["post", "get"],
            "locations": ["https://api.bank.example/v1/payments", "http://10.0.0.7:8080/x/**", "*.shop.example/*"],
        }));
        let detail = detail.unwrap();
        assert_eq!(
            detail.to_string(),
            "fetch:get,post:api.bank.example/v1/payments fetch:get,post:http://10.0.0.7:8080/x/** fetch:get,post:*.shop.example/*"
        );
        assert_eq!(
            detail.to_json(),
            json!({
                "kind": "fetch", "actions": ["get", "post"],
                "locations": ["api.bank.example/v1/payments", "http://10.0.0.7:8080/x/**", "*.shop.example/*"],
            })
        );
        assert!(!detail.is_conditional());
    }

    #[test]
    fn conditions_are_those_of_manifests() {
        let args = json!({
            "amount": {"min": 1, "max": 5000}, "currency": {"in": ["EUR", 7, true]}, "dry": {"equals": true},
            "note": {"max_length": 200, "optional": true}, "to": {},
        });
        let detail = changed(json!({ "args": args })).unwrap();
        assert!(detail.is_conditional());
        let shown = detail.to_json();
        assert_eq!(shown["args"]["amount"], json!({"min": 1, "max": 5000}));
        assert_eq!(shown["args"]["dry"], json!({"in": [true]}));
        let request = |args: &str| Request::parse(&format!("tool call bank/transfer {args}")).unwrap();
        let good = r#"{"amount":5000,"currency":"EUR","dry":true,"to":"x"}"#;
        assert_eq!(detail.check(&request(good)), Ok(()));
        for bad in ["5001", "0", "\"5\""] {
            let request = request(&good.replace("5000", bad));
            assert!(detail.covers(&request) && detail.check(&request).is_err(), "{bad}");
        }
        assert!(detail.check(&request(&good.replace(",\"to\":\"x\"", ""))).is_err());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert_eq!(changed(json!({"privileges": ["admin"]})), Err(DetailError::UnknownMember));
        assert_eq!(changed(json!({"args": {"a": {"maximum": 1}}})), Err(DetailError::UnknownMember));
        for wrong in [
            json!({"kind": null}),
            json!({"kind": "smtp"}),
            json!({"kind": "Tool"}),
            json!({"kind": ["tool"]}),
            json!({"actions": null}),
            json!({"actions": []}),
            json!({"actions": "call"}),
            json!({"actions": [1]}),
            json!({"actions": ["call,call"]}),
            json!({"locations": null}),
            json!({"locations": []}),
            json!({"locations": "bank/transfer"}),
            json!({"locations": vec!["bank/transfer"; 65]}),
            json!({"args": []}),
            json!({"args": {}}),
            json!({"args": {"": {"max": 1}}}),
            json!({"args": {"a\u{202e}": {"max": 1}}}),
            json!({"args": {"a": 5}}),
            json!({"args": {"a": {"optional": true}}}),
            json!({"args": {"a": {"optional": false}}}),
            json!({"args": {"a": {"optional": 1, "max": 1}}}),
            json!({"args": {"a": {"max": "1"}}}),
            json!({"args": {"a": {"max": 1.5}}}),
            json!({"args": {"a": {"max": -1}}}),
            json!({"args": {"a": {"max": (1u64 << 53) + 1}}}),
            json!({"args": {"a": {"min": 2, "max": 1}}}),
            json!({"args": {"a": {"in": []}}}),
            json!({"args": {"a": {"in": "x"}}}),
            json!({"args": {"a": {"in": [null]}}}),
            json!({"args": {"a": {"equals": [1]}}}),
            json!({"kind": "file", "actions": ["read"], "locations": ["m/a"], "args": {"a": {"max": 1}}}),
        ] {
            assert!(matches!(changed(wrong.clone()), Err(DetailError::Member { .. })), "{wrong}");
        }
        for wrong in [
            json!({"actions": ["read"]}),
            json!({"actions": ["*"]}),
            json!({"actions": ["call", "call"]}),
            json!({"locations": [""]}),
            json!({"locations": ["bank"]}),
            json!({"locations": ["bank/trans fer"]}),
            json!({"locations": ["bank/transfer", "bank/../x"]}),
            json!({"kind": "fetch", "actions": ["get"], "locations": ["https://user@a.example/x"]}),
        ] {
            assert!(matches!(changed(wrong.clone()), Err(DetailError::Scope(_))), "{wrong}");
        }
    }
}
