//! JSON Schema, as far as descriptions of tools use it: drafts 4 to 2020-12 without dynamic references.
//!
//! A schema comes from a server and is not trusted: every check has a budget of steps and a depth, references stay within
//! the schema, and patterns are matched in linear time. A pattern that is outside that dialect (look-around, back
//! references) is not checked; formats are not checked either. What else is not understood fits nothing.

use std::cmp::Ordering;

use regex::RegexBuilder;
use serde_json::{Map, Number, Value};

/// Steps of one check.
const MAX_STEPS: u32 = 1_000_000;
/// Schemas within schemas, references included.
const MAX_DEPTH: u32 = 200;
/// Bytes of a compiled pattern, about.
const MAX_PATTERN: usize = 1 << 20;

/// Whether `value` is as `schema` says. Whatever is not understood, or takes too long, fits nothing.
pub(super) fn fits(schema: &Value, value: &Value) -> bool {
    let mut check = Check { root: schema, steps: MAX_STEPS, depth: 0 };
    check.schema(schema, value) == Ok(true)
}

/// Why a schema cannot be used, if it cannot.
pub(super) fn problem(schema: &Value) -> Option<String> {
    let mut pending = vec![schema];
    while let Some(value) = pending.pop() {
        match value {
            Value::Object(members) => {
                if let Some(key) = NOT_UNDERSTOOD.iter().find(|key| members.contains_key(**key)) {
                    return Some(format!("its schema uses `{key}`, which this version does not check"));
                }
                if let Some(Value::String(target)) = members.get("$ref")
                    && resolve(schema, target).is_none()
                {
                    return Some("its schema refers to another one, which is not looked for".to_owned());
                }
                pending.extend(members.values());
            }
            Value::Array(items) => pending.extend(items),
            _ => {}
        }
    }
    None
}

const NOT_UNDERSTOOD: [&str; 4] = ["$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems"];

/// The check cannot be finished.
#[derive(Debug, PartialEq, Eq)]
struct Unknown;

type Answer = Result<bool, Unknown>;

struct Check<'s> {
    root: &'s Value,
    steps: u32,
    depth: u32,
}

impl<'s> Check<'s> {
    fn schema(&mut self, schema: &'s Value, value: &Value) -> Answer {
        self.step(1)?;
        if self.depth == MAX_DEPTH {
            return Err(Unknown);
        }
        self.depth += 1;
        let answer = match schema {
            Value::Bool(all) => Ok(*all),
            Value::Object(keywords) => self.keywords(keywords, value),
            _ => Err(Unknown),
        };
        self.depth -= 1;
        answer
    }

    fn keywords(&mut self, keywords: &'s Map<String, Value>, value: &Value) -> Answer {
        if NOT_UNDERSTOOD.iter().any(|key| keywords.contains_key(*key)) {
            return Err(Unknown);
        }
        let kind = match value {
            Value::Number(number) => self.number(keywords, number)?,
            Value::String(text) => self.text(keywords, text)?,
            Value::Array(items) => self.items(keywords, items)?,
            Value::Object(members) => self.members(keywords, members, value)?,
            Value::Null | Value::Bool(_) => true,
        };
        Ok(kind && self.any_type(keywords, value)? && self.combinations(keywords, value)?)
    }

    fn any_type(&mut self, keywords: &'s Map<String, Value>, value: &Value) -> Answer {
        let type_fits = match keywords.get("type") {
            None => true,
            Some(Value::String(name)) => is_type(name, value)?,
            Some(Value::Array(names)) => {
                let mut fits = false;
                for name in names {
                    fits |= is_type(name.as_str().ok_or(Unknown)?, value)?;
                }
                fits
            }
            Some(_) => return Err(Unknown),
        };
        let constant = match keywords.get("const") {
            None => true,
            Some(constant) => self.equal(constant, value)?,
        };
        let listed = match keywords.get("enum") {
            None => true,
            Some(Value::Array(values)) => self.any(values, |check, one| check.equal(one, value))?,
            Some(_) => return Err(Unknown),
        };
        Ok(type_fits && constant && listed)
    }

    fn combinations(&mut self, keywords: &'s Map<String, Value>, value: &Value) -> Answer {
        if let Some(target) = keywords.get("$ref") {
            let target = resolve(self.root, target.as_str().ok_or(Unknown)?).ok_or(Unknown)?;
            if !self.schema(target, value)? {
                return Ok(false);
            }
        }
        if let Some(schemas) = list(keywords, "allOf")? {
            for schema in schemas {
                if !self.schema(schema, value)? {
                    return Ok(false);
                }
            }
        }
        if let Some(schemas) = list(keywords, "anyOf")?
            && !self.any(schemas, |check, schema| check.schema(schema, value))?
        {
            return Ok(false);
        }
        if let Some(schemas) = list(keywords, "oneOf")? {
            let mut fitting = 0;
            for schema in schemas {
                fitting += u32::from(self.schema(schema, value)?);
            }
            if fitting != 1 {
                return Ok(false);
            }
        }
        if let Some(schema) = keywords.get("not")
            && self.schema(schema, value)?
        {
            return Ok(false);
        }
        let Some(condition) = keywords.get("if") else { return Ok(true) };
        let branch = if self.schema(condition, value)? { "then" } else { "else" };
        keywords.get(branch).map_or(Ok(true), |schema| self.schema(schema, value))
    }

    fn number(&mut self, keywords: &Map<String, Value>, number: &Number) -> Answer {
        for (key, exclusive, wrong) in
            [("minimum", "exclusiveMinimum", Ordering::Less), ("maximum", "exclusiveMaximum", Ordering::Greater)]
        {
            let mut strict = false;
            match keywords.get(exclusive) {
                None => {}
                // Draft 4.
                Some(Value::Bool(is_exclusive)) => strict = *is_exclusive,
                Some(Value::Number(bound)) => {
                    if matches!(compare(number, bound), Some(order) if order == wrong || order.is_eq()) {
                        return Ok(false);
                    }
                }
                Some(_) => return Err(Unknown),
            }
            match keywords.get(key) {
                None => {}
                Some(Value::Number(bound)) => {
                    if matches!(compare(number, bound), Some(order) if order == wrong || (strict && order.is_eq())) {
                        return Ok(false);
                    }
                }
                Some(_) => return Err(Unknown),
            }
        }
        match keywords.get("multipleOf") {
            None => Ok(true),
            Some(Value::Number(of)) => is_multiple(number, of).ok_or(Unknown),
            Some(_) => Err(Unknown),
        }
    }

    fn text(&mut self, keywords: &Map<String, Value>, text: &str) -> Answer {
        self.step(u32::try_from(text.len() / 64).unwrap_or(u32::MAX))?;
        if !within(keywords, "minLength", "maxLength", text.chars().count())? {
            return Ok(false);
        }
        match keywords.get("pattern") {
            None => Ok(true),
            Some(Value::String(pattern)) => self.matches(pattern, text),
            Some(_) => Err(Unknown),
        }
    }

    fn items(&mut self, keywords: &'s Map<String, Value>, items: &[Value]) -> Answer {
        if !within(keywords, "minItems", "maxItems", items.len())? {
            return Ok(false);
        }
        // A list of schemas is `prefixItems`, or `items` before draft 2020-12; then a schema for the rest.
        let (prefix, rest) = match (list(keywords, "prefixItems")?, keywords.get("items")) {
            (Some(prefix), rest) => (prefix, rest),
            (None, Some(Value::Array(prefix))) => (prefix.as_slice(), keywords.get("additionalItems")),
            (None, rest) => (&[][..], rest),
        };
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = prefix.get(index).or(rest)
                && !self.schema(schema, item)?
            {
                return Ok(false);
            }
        }
        if keywords.get("uniqueItems") == Some(&Value::Bool(true)) {
            for (index, item) in items.iter().enumerate() {
                if self.any(items.get(..index).unwrap_or_default(), |check, other| check.equal(other, item))? {
                    return Ok(false);
                }
            }
        }
        let Some(schema) = keywords.get("contains") else { return Ok(true) };
        let mut count = 0;
        for item in items {
            count += usize::from(self.schema(schema, item)?);
        }
        let least = if keywords.contains_key("minContains") { 0 } else { 1 };
        Ok(count >= least && within(keywords, "minContains", "maxContains", count)?)
    }

    fn members(&mut self, keywords: &'s Map<String, Value>, members: &Map<String, Value>, whole: &Value) -> Answer {
        if !within(keywords, "minProperties", "maxProperties", members.len())? {
            return Ok(false);
        }
        if let Some(required) = list(keywords, "required")?
            && !all_there(required, members)?
        {
            return Ok(false);
        }
        let (named, patterns) = (table(keywords, "properties")?, table(keywords, "patternProperties")?);
        let names = keywords.get("propertyNames");
        for (name, value) in members {
            self.step(1)?;
            let mut known = false;
            if let Some(schema) = named.and_then(|named| named.get(name)) {
                known = true;
                if !self.schema(schema, value)? {
                    return Ok(false);
                }
            }
            for (pattern, schema) in patterns.into_iter().flatten() {
                if self.matches(pattern, name)? {
                    known = true;
                    if !self.schema(schema, value)? {
                        return Ok(false);
                    }
                }
            }
            if let Some(schema) = keywords.get("additionalProperties").filter(|_| !known)
                && !self.schema(schema, value)?
            {
                return Ok(false);
            }
            if let Some(schema) = names
                && !self.schema(schema, &Value::String(name.clone()))?
            {
                return Ok(false);
            }
        }
        for key in ["dependentRequired", "dependentSchemas", "dependencies"] {
            for (name, demand) in table(keywords, key)?.into_iter().flatten() {
                let fits = match demand {
                    _ if !members.contains_key(name) => true,
                    Value::Array(required) => all_there(required, members)?,
                    schema => self.schema(schema, whole)?,
                };
                if !fits {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn any<'i, T>(&mut self, items: &'i [T], mut test: impl FnMut(&mut Check<'s>, &'i T) -> Answer) -> Answer {
        for item in items {
            if test(self, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// As JSON Schema compares: numbers by value, objects whatever the order of their members.
    fn equal(&mut self, a: &Value, b: &Value) -> Answer {
        self.step(1)?;
        match (a, b) {
            (Value::Number(a), Value::Number(b)) => Ok(compare(a, b) == Some(Ordering::Equal)),
            (Value::String(a), Value::String(b)) => {
                self.step(u32::try_from(a.len().min(b.len()) / 64).unwrap_or(u32::MAX))?;
                Ok(a == b)
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                for (a, b) in a.iter().zip(b) {
                    if !self.equal(a, b)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
                for (name, a) in a {
                    match b.get(name) {
                        Some(b) if self.equal(a, b)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }
            (Value::Array(_) | Value::Object(_), _) => Ok(false),
            (a, b) => Ok(a == b),
        }
    }

    fn matches(&mut self, pattern: &str, text: &str) -> Answer {
        let cost = 1000_usize.saturating_add(pattern.len()).saturating_add(text.len());
        self.step(u32::try_from(cost).unwrap_or(u32::MAX))?;
        let compiled = RegexBuilder::new(pattern).size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN).build();
        Ok(compiled.map_or(true, |pattern| pattern.is_match(text)))
    }

    fn step(&mut self, count: u32) -> Result<(), Unknown> {
        self.steps = self.steps.checked_sub(count).ok_or(Unknown)?;
        Ok(())
    }
}

fn is_type(name: &str, value: &Value) -> Answer {
    Ok(match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => return Err(Unknown),
    })
}

fn list<'s>(keywords: &'s Map<String, Value>, key: &str) -> Result<Option<&'s [Value]>, Unknown> {
    keywords.get(key).map(|value| value.as_array().map(Vec::as_slice).ok_or(Unknown)).transpose()
}

fn table<'s>(keywords: &'s Map<String, Value>, key: &str) -> Result<Option<&'s Map<String, Value>>, Unknown> {
    keywords.get(key).map(|value| value.as_object().ok_or(Unknown)).transpose()
}

fn all_there(names: &[Value], members: &Map<String, Value>) -> Answer {
    for name in names {
        if !members.contains_key(name.as_str().ok_or(Unknown)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn within(keywords: &Map<String, Value>, least: &str, most: &str, count: usize) -> Answer {
    let bound = |key: &str| keywords.get(key).map(|value| value.as_f64().ok_or(Unknown)).transpose();
    // Lengths are far below the integers that a float cannot hold.
    let count = count as f64;
    Ok(bound(least)?.is_none_or(|least| count >= least) && bound(most)?.is_none_or(|most| count <= most))
}

/// By value: exact between integers.
fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    let integer = |number: &Number| number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

fn is_multiple(number: &Number, of: &Number) -> Option<bool> {
    if let (Some(number), Some(of)) = (number.as_i64(), of.as_i64()) {
        return number.checked_rem(of).map(|rest| rest == 0);
    }
    let (number, of) = (number.as_f64()?, of.as_f64()?);
    let quotient = number / of;
    // 0.3 is a multiple of 0.1, as far as floats can tell.
    quotient.is_finite().then(|| (quotient - quotient.round()).abs() < 1e-9)
}

/// The schema at `#`, or at a JSON pointer in a fragment (RFC 6901). Everything else is elsewhere.
fn resolve<'s>(root: &'s Value, target: &str) -> Option<&'s Value> {
    let pointer = target.strip_prefix('#')?;
    if pointer.is_empty() || (pointer.starts_with('/') && !pointer.contains('%')) {
        return root.pointer(pointer);
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_keyword_changes_the_answer() {
        for (schema, good, bad) in [
            (json!({"type": "string"}), json!("a"), json!(1)),
            (json!({"type": ["string", "null"]}), json!(null), json!(1)),
            (json!({"type": "integer"}), json!(2.0), json!(2.5)),
            (json!({"type": "number"}), json!(2.5), json!("2")),
            (json!({"type": "boolean"}), json!(true), json!(0)),
            (json!({"enum": [1, {"a": [1]}]}), json!({"a": [1.0]}), json!({"a": [2]})),
            (json!({"const": "x"}), json!("x"), json!("y")),
            (json!({"minimum": 1}), json!(1), json!(0.99)),
            (json!({"maximum": 1}), json!("not a number"), json!(1.01)),
            (json!({"exclusiveMinimum": 1}), json!(2), json!(1)),
            (json!({"exclusiveMaximum": 1}), json!(0), json!(1)),
            (json!({"minimum": 1, "exclusiveMinimum": true}), json!(2), json!(1)),
            (json!({"multipleOf": 0.1}), json!(0.3), json!(0.35)),
            (json!({"multipleOf": 3}), json!(9), json!(10)),
            (json!({"minLength": 2}), json!("äö"), json!("ä")),
            (json!({"maxLength": 2}), json!("äö"), json!("äöü")),
            (json!({"pattern": "^a+$"}), json!("aa"), json!("ab")),
            (json!({"items": {"type": "string"}}), json!(["a"]), json!(["a", 1])),
            (json!({"items": [{"type": "string"}], "additionalItems": false}), json!(["a"]), json!(["a", 1])),
            (json!({"prefixItems": [{"type": "string"}], "items": false}), json!(["a"]), json!(["a", 1])),
            (json!({"minItems": 1}), json!([1]), json!([])),
            (json!({"maxItems": 1}), json!([1]), json!([1, 2])),
            (json!({"uniqueItems": true}), json!([1, "1"]), json!([1, 1.0])),
            (json!({"contains": {"type": "string"}}), json!([1, "a"]), json!([1])),
            (json!({"contains": {"type": "string"}, "maxContains": 1}), json!(["a"]), json!(["a", "b"])),
            (json!({"contains": {"type": "string"}, "minContains": 0}), json!([]), json!(null)),
            (json!({"properties": {"a": {"type": "string"}}}), json!({"b": 1}), json!({"a": 1})),
            (json!({"required": ["a"]}), json!({"a": null}), json!({})),
            (json!({"properties": {"a": {}}, "additionalProperties": false}), json!({"a": 1}), json!({"b": 1})),
            (json!({"additionalProperties": {"type": "string"}}), json!({"a": "x"}), json!({"a": 1})),
            (json!({"patternProperties": {"^x": {"type": "string"}}}), json!({"a": 1}), json!({"xa": 1})),
            (json!({"propertyNames": {"maxLength": 1}}), json!({"a": 1}), json!({"ab": 1})),
            (json!({"minProperties": 1}), json!({"a": 1}), json!({})),
            (json!({"maxProperties": 1}), json!({"a": 1}), json!({"a": 1, "b": 1})),
            (json!({"dependentRequired": {"a": ["b"]}}), json!({"a": 1, "b": 1}), json!({"a": 1})),
            (json!({"dependentSchemas": {"a": {"required": ["b"]}}}), json!({"b": 1}), json!({"a": 1})),
            (json!({"dependencies": {"a": ["b"]}}), json!({}), json!({"a": 1})),
            (json!({"allOf": [{"minimum": 1}, {"maximum": 3}]}), json!(2), json!(4)),
            (json!({"anyOf": [{"type": "string"}, {"minimum": 3}]}), json!(3), json!(2)),
            (json!({"oneOf": [{"minimum": 1}, {"minimum": 3}]}), json!(2), json!(4)),
            (json!({"not": {"type": "string"}}), json!(1), json!("a")),
            (json!({"if": {"type": "string"}, "then": {"minLength": 1}}), json!(1), json!("")),
            (json!({"if": {"type": "string"}, "else": {"minimum": 1}}), json!(""), json!(0)),
            (json!({"$ref": "#/$defs/s", "$defs": {"s": {"type": "string"}}}), json!("a"), json!(1)),
            (
                json!({"definitions": {"a/b": false}, "properties": {"x": {"$ref": "#/definitions/a~1b"}}}),
                json!({}),
                json!({"x": 1}),
            ),
            (
                json!({"properties": {"next": {"$ref": "#"}}, "required": ["v"]}),
                json!({"v": 1, "next": {"v": 2}}),
                json!({"v": 1, "next": {}}),
            ),
            (json!(true), json!(1), json!(null)),
        ] {
            // `true` has no misfit, and numbers of items say nothing about other types.
            let has_misfit = schema != json!(true) && bad != json!(null);
            assert!(fits(&schema, &good), "{schema} {good}");
            assert!(!has_misfit || !fits(&schema, &bad), "{schema} {bad}");
            assert_eq!(problem(&schema), None, "{schema}");
        }
        assert!(!fits(&json!(false), &json!(1)));
    }

    #[test]
    fn what_is_not_understood_fits_nothing() {
        for schema in [
            json!({"$ref": "https://a.example/schema"}),
            json!({"$ref": "other.json#/x"}),
            json!({"$ref": "#/missing"}),
            json!({"$ref": "#anchor"}),
            json!({"unevaluatedProperties": false}),
            json!({"properties": {"a": {"$dynamicRef": "#x"}}}),
        ] {
            assert!(problem(&schema).is_some(), "{schema}");
            assert!(!fits(&schema, &json!({"a": 1})), "{schema}");
        }
        for schema in
            [json!(1), json!({"type": "text"}), json!({"minimum": "1"}), json!({"required": [1]}), json!({"anyOf": {}})]
        {
            assert!(!fits(&schema, &json!({"a": 1})) || !fits(&schema, &json!(1)), "{schema}");
        }
    }

    #[test]
    fn hostile_schemas_end() {
        assert!(!fits(&json!({"$ref": "#"}), &json!(1)));
        assert!(!fits(&json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}), &json!(1)));
        // Two ways at each of 100 levels.
        let child = json!({"anyOf": [{"$ref": "#"}, {"$ref": "#", "title": "again"}]});
        let branching = json!({"properties": {"x": child}, "maxProperties": 1});
        let deep = (0..100).fold(json!({"a": 1, "b": 1}), |inner, _| json!({"x": inner}));
        assert!(!fits(&branching, &deep));
        let many: Vec<_> = (0..5000).collect();
        assert!(!fits(&json!({"uniqueItems": true}), &json!(many)));
        let pattern = json!({"pattern": "(a|aa|aaa|aaaa)*b"});
        assert!(!fits(&pattern, &json!("a".repeat(10_000))));
        assert!(fits(&json!({"pattern": "(?=look)around"}), &json!("not checked")));
        assert!(fits(&json!({"pattern": "(((a{1000}){1000}){1000})"}), &json!("too large to check")));
    }
}
