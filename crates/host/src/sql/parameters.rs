//! Values for a statement, from JSON.

use bailiwick_guard::journal::Fingerprint;
use data_encoding::BASE64;
use rusqlite::Statement;
use rusqlite::types::Value;
use serde_json::Value as Json;

use super::postgres::Marks;

/// Most bytes of the JSON text.
pub const MAX_PARAMETERS: usize = 1 << 20;

/// Values to be bound. No `Debug`: they belong in no log.
#[derive(Clone)]
pub struct Parameters(Given);

#[derive(Clone)]
enum Given {
    List(Vec<Value>),
    Named(Vec<(String, Value)>),
}

/// A JSON text that gives no values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    #[error("the parameters are a JSON list or object")]
    Shape,
    #[error("a value is `null`, a boolean, a number, a string, or `{{\"$bytes\": base64}}`")]
    Value,
    #[error("an integer does not fit in 64 bits")]
    Integer,
}

impl Parameters {
    /// Reads a list of values for `?`, or an object of values for `:name`. Nothing, and `null`, are no values.
    ///
    /// # Errors
    /// [`ParametersError`] for every other JSON, and for a text that is no JSON.
    pub fn parse(text: &str) -> Result<Parameters, ParametersError> {
        if text.is_empty() {
            return Ok(Parameters(Given::List(Vec::new())));
        }
        Parameters::from_json(serde_json::from_str(text).map_err(|_| ParametersError::Shape)?)
    }

    /// As [`Parameters::parse`].
    ///
    /// # Errors
    /// [`ParametersError`].
    pub fn from_json(json: Json) -> Result<Parameters, ParametersError> {
        Ok(Parameters(match json {
            Json::Null => Given::List(Vec::new()),
            Json::Array(items) => Given::List(items.into_iter().map(value).collect::<Result<_, _>>()?),
            Json::Object(members) => {
                let named = members.into_iter().map(|(name, json)| Ok((name, value(json)?)));
                Given::Named(named.collect::<Result<_, _>>()?)
            }
            _ => return Err(ParametersError::Shape),
        }))
    }

    /// Every value, by its kind, and every name.
    pub(super) fn fingerprint(&self, print: &mut Fingerprint) {
        match &self.0 {
            Given::List(values) => {
                print.text("list").count(values.len());
                values.iter().for_each(|value| add(print, value));
            }
            Given::Named(values) => {
                print.text("named").count(values.len());
                values.iter().for_each(|(name, value)| add(print.text(name), value));
            }
        }
    }

    /// The values in the order of a statement's parameters.
    ///
    /// # Errors
    /// What is missing or left over, in words.
    pub(super) fn placed(&self, marks: &Marks) -> Result<Vec<Value>, String> {
        match (&self.0, marks) {
            (Given::List(values), Marks::Placed(places)) if values.len() == *places => Ok(values.clone()),
            (Given::List(values), Marks::Placed(places)) => {
                Err(format!("the statement has {places} parameters, and {} values were given", values.len()))
            }
            (Given::List(_), Marks::Named(_)) => Err("the parameters have names, and the values are a list".to_owned()),
            (Given::Named(values), Marks::Placed(_)) if !values.is_empty() => {
                Err("the values have names, and the parameters have none; write `:name`".to_owned())
            }
            (Given::Named(_), Marks::Placed(places)) => match places {
                0 => Ok(Vec::new()),
                _ => Err(format!("the statement has {places} parameters, and 0 values were given")),
            },
            (Given::Named(values), Marks::Named(names)) => {
                let is_it = |key: &str, name: &str| key == name || key.strip_prefix(':') == Some(name);
                let found = names.iter().map(|name| {
                    let value = values.iter().find(|(key, _)| is_it(key, name));
                    value.map(|(_, value)| value.clone()).ok_or_else(|| format!("no value was given for `:{name}`"))
                });
                let found = found.collect::<Result<Vec<Value>, String>>()?;
                if values.len() > names.len() {
                    return Err(format!(
                        "the statement has {} parameters, and {} values were given",
                        names.len(),
                        values.len()
                    ));
                }
                Ok(found)
            }
        }
    }

    /// Binds each value to its place.
    ///
    /// # Errors
    /// What is missing or left over, in words.
    pub(super) fn bind(&self, statement: &mut Statement<'_>) -> Result<(), String> {
        let places = statement.parameter_count();
        match &self.0 {
            Given::List(values) => {
                if values.len() != places {
                    return Err(format!(
                        "the statement has {places} parameters, and {} values were given",
                        values.len()
                    ));
                }
                for (at, value) in values.iter().enumerate() {
                    bind(statement, at.saturating_add(1), value)?;
                }
            }
            Given::Named(values) => {
                let mut used = 0_usize;
                for place in 1..=places {
                    let name = statement.parameter_name(place).unwrap_or("?").to_owned();
                    let is_it = |(key, _): &&(String, Value)| *key == name || Some(key.as_str()) == name.get(1..);
                    let Some((_, value)) = values.iter().find(is_it) else {
                        return Err(format!("no value was given for the parameter `{name}`"));
                    };
                    bind(statement, place, value)?;
                    used = used.saturating_add(1);
                }
                if used < values.len() {
                    return Err(format!("the statement has {used} parameters, and {} values were given", values.len()));
                }
            }
        }
        Ok(())
    }
}

fn bind(statement: &mut Statement<'_>, place: usize, value: &Value) -> Result<(), String> {
    statement.raw_bind_parameter(place, value).map_err(|_| format!("the value of parameter {place} is too large"))
}

fn value(json: Json) -> Result<Value, ParametersError> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Integer(value.into()),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Value::Integer(integer),
            (None, Some(real)) if number.is_f64() => Value::Real(real),
            _ => return Err(ParametersError::Integer),
        },
        Json::String(text) => Value::Text(text),
        Json::Object(members) => {
            let mut members = members.into_iter();
            match (members.next(), members.next()) {
                (Some((key, Json::String(text))), None) if key == "$bytes" => {
                    Value::Blob(BASE64.decode(text.as_bytes()).map_err(|_| ParametersError::Value)?)
                }
                _ => return Err(ParametersError::Value),
            }
        }
        Json::Array(_) => return Err(ParametersError::Value),
    })
}

fn add(print: &mut Fingerprint, value: &Value) {
    match value {
        Value::Null => print.text("null"),
        Value::Integer(integer) => print.text("integer").bytes(&integer.to_le_bytes()),
        Value::Real(real) => print.text("real").number(real.to_bits()),
        Value::Text(text) => print.text("text").text(text),
        Value::Blob(bytes) => print.text("blob").bytes(bytes),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> Option<ParametersError> {
        Parameters::parse(text).err()
    }

    fn list(text: &str) -> Vec<Value> {
        match Parameters::parse(text).unwrap().0 {
            Given::List(values) => values,
            Given::Named(_) => panic!("named"),
        }
    }

    #[test]
    fn json_has_a_value_for_each_of_the_database() {
        assert_eq!(
            list(r#"[null, true, false, 7, -7, 1.5, "x", {"$bytes": "AAE="}, 9223372036854775807]"#),
            [
                Value::Null,
                Value::Integer(1),
                Value::Integer(0),
                Value::Integer(7),
                Value::Integer(-7),
                Value::Real(1.5),
                Value::Text("x".into()),
                Value::Blob(vec![0, 1]),
                Value::Integer(i64::MAX),
            ]
        );
        assert!(list("").is_empty() && list("null").is_empty() && list("[]").is_empty());
    }

    #[test]
    fn every_other_json_is_refused() {
        use ParametersError::*;
        for (text, expected) in [
            ("1", Shape),
            ("\"a\"", Shape),
            ("[", Shape),
            ("nan", Shape),
            ("[[1]]", Value),
            ("[{}]", Value),
            ("[{\"$bytes\": 1}]", Value),
            ("[{\"$bytes\": \"!\"}]", Value),
            ("[{\"$bytes\": \"\", \"x\": 1}]", Value),
            ("{\"a\": [1]}", Value),
            ("[18446744073709551615]", Integer),
        ] {
            assert_eq!(error(text), Some(expected), "{text}");
        }
        assert_eq!(error(&"[".repeat(100_000)), Some(Shape));
    }
}
