//! JSON Schema, as far as descriptions of tools use it: drafts 4 to 2020-12 without dynamic references.
//!
//! A schema comes from a server and is not trusted: every check has a budget of steps and a depth, references stay within
//! the schema, and patterns are matched in linear time. A `pattern` that is outside that dialect (look-around, back
//! references) is not checked; formats are not checked either. What else is not understood fits nothing: a pattern that
//! is too large, and one of `patternProperties` outside the dialect, because it decides what `additionalProperties` is for.

mod number;
mod pattern;
mod pointer;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use self::number::{compare, is_multiple};
use self::pattern::{Patterns, Weight};
use self::pointer::resolve;

/// Steps of one check.
const MAX_STEPS: u32 = 1_000_000;
/// Schemas within schemas, references included.
const MAX_DEPTH: u32 = 200;

/// Whether `value` is as `schema` says. Whatever is not understood, or takes too long, fits nothing.
pub(super) fn fits(schema: &Value, value: &Value) -> bool {
    let mut check = Check { root: schema, steps: MAX_STEPS, depth: 0, patterns: Patterns::default() };
    check.schema(schema, value) == Ok(true)
}

/// Why a schema cannot be used, if it cannot.
pub(super) fn problem(schema: &Value) -> Option<String> {
    let mut pending = vec![schema];
    let mut weight = Weight::default();
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
                let own = members.get("pattern").and_then(Value::as_str).map(|pattern| (pattern, false));
                let names = members.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
                for (pattern, decides) in own.into_iter().chain(names.map(|name| (name.as_str(), true))) {
                    if let Err(problem) = weight.add(pattern, decides) {
                        return Some(problem.to_owned());
                    }
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
    patterns: Patterns<'s>,
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

    fn text(&mut self, keywords: &'s Map<String, Value>, text: &str) -> Answer {
        self.step(u32::try_from(text.len() / 64).unwrap_or(u32::MAX))?;
        if !within(keywords, "minLength", "maxLength", text.chars().count())? {
            return Ok(false);
        }
        match keywords.get("pattern") {
            None => Ok(true),
            Some(Value::String(pattern)) => Ok(self.matches(pattern, text)?.unwrap_or(true)),
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
                if self.matches(pattern, name)?.ok_or(Unknown)? {
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

    /// `None` for a pattern outside the dialect.
    fn matches(&mut self, pattern: &'s str, text: &str) -> Result<Option<bool>, Unknown> {
        let found = self.patterns.matches(pattern, text).ok_or(Unknown)?;
        self.step(found.steps)?;
        Ok(found.fits)
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
