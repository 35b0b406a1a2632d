//! JSON that has exactly one reading: an object, UTF-8, no member twice at any depth, nothing after it.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Why a text is not such an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonError {
    /// Not JSON, or deeper than 127 levels, or followed by something.
    Syntax { line: usize, column: usize },
    /// A member occurs twice in one object, so that two parsers may disagree about its value.
    Duplicate,
    /// Valid JSON, and not an object.
    NotAnObject,
}

/// Parses an object. The caller has bounded the length of `bytes`.
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    let duplicate = Cell::new(false);
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let parsed = Strict(&duplicate).deserialize(&mut parser).and_then(|value| parser.end().map(|()| value));
    match parsed {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(JsonError::NotAnObject),
        Err(_) if duplicate.get() => Err(JsonError::Duplicate),
        Err(error) => Err(JsonError::Syntax { line: error.line(), column: error.column() }),
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JsonError::Syntax { line, column } => write!(f, "not valid JSON at line {line}, column {column}"),
            JsonError::Duplicate => f.write_str("a member occurs twice in one object"),
            JsonError::NotAnObject => f.write_str("not a JSON object"),
        }
    }
}

/// Builds a [`Value`] and notes a member that occurs twice, after its escapes are resolved.
#[derive(Clone, Copy)]
struct Strict<'a>(&'a Cell<bool>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                self.0.set(true);
                return Err(A::Error::custom("duplicate member"));
            }
            let value = members.next_value_seed(self)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_may_occur_once_at_every_depth() {
        assert_eq!(parse_object(br#"{"a":1,"a":2}"#), Err(JsonError::Duplicate));
        assert_eq!(parse_object(br#"{"a":1,"\u0061":2}"#), Err(JsonError::Duplicate));
        assert_eq!(parse_object(br#"{"o":[{"x":{"a":1,"b":2,"a":1}}]}"#), Err(JsonError::Duplicate));
        assert!(parse_object(br#"{"a":1,"b":{"a":1},"A":1}"#).is_ok());
    }

    #[test]
    fn one_object_and_nothing_else() {
        for text in [&b""[..], b"{", b"{}x", b"{}{}", b"\xff{}", b"{'a':1}", b"{\"a\":\"\\ud800\"}", b"{\"a\":NaN}"] {
            assert!(matches!(parse_object(text), Err(JsonError::Syntax { .. })), "{text:?}");
        }
        for text in [&b"[]"[..], b"1", b"\"a\"", b"null"] {
            assert_eq!(parse_object(text), Err(JsonError::NotAnObject));
        }
    }

    #[test]
    fn depth_is_bounded() {
        let text = format!("{{\"a\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
        assert!(matches!(parse_object(text.as_bytes()), Err(JsonError::Syntax { .. })));
    }

    #[test]
    fn values_survive() {
        let object = parse_object(br#"{"a":[1,-2,3.5,true,null,"x"],"b":18446744073709551615}"#).unwrap();
        assert_eq!(Value::Object(object), serde_json::json!({"a":[1,-2,3.5,true,null,"x"],"b":u64::MAX}));
    }
}
