//! JSON values, number for number: read from text, the last digit of a number may be another one.

use serde_json::{Map, Number, Value};

use super::{Crossed, Place, Unwritable};

/// The deepest that a value may nest.
const DEPTH: usize = 512;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const UNSIGNED: u8 = 3;
const SIGNED: u8 = 4;
const FLOAT: u8 = 5;
const TEXT: u8 = 6;
const LIST: u8 = 7;
const OBJECT: u8 = 8;

impl Crossed for Value {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        let mut bytes = Vec::new();
        write(self, &mut bytes, DEPTH)?;
        Ok(bytes)
    }

    fn read(bytes: &[u8], _: &Place<'_>) -> Option<Value> {
        let mut rest = bytes;
        let value = read(&mut rest, DEPTH)?;
        rest.is_empty().then_some(value)
    }
}

fn write(value: &Value, to: &mut Vec<u8>, depth: usize) -> Result<(), Unwritable> {
    let depth = depth.checked_sub(1).ok_or(Unwritable)?;
    match value {
        Value::Null => to.push(NULL),
        Value::Bool(false) => to.push(FALSE),
        Value::Bool(true) => to.push(TRUE),
        Value::Number(number) => {
            let (tag, bytes) = match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => (UNSIGNED, number.to_le_bytes()),
                (_, Some(number), _) => (SIGNED, number.to_le_bytes()),
                (.., Some(number)) => (FLOAT, number.to_bits().to_le_bytes()),
                _ => return Err(Unwritable),
            };
            to.push(tag);
            to.extend_from_slice(&bytes);
        }
        Value::String(text) => {
            to.push(TEXT);
            write_text(text, to);
        }
        Value::Array(items) => {
            to.push(LIST);
            write_count(items.len(), to);
            items.iter().try_for_each(|item| write(item, to, depth))?;
        }
        Value::Object(members) => {
            to.push(OBJECT);
            write_count(members.len(), to);
            for (name, member) in members {
                write_text(name, to);
                write(member, to, depth)?;
            }
        }
    }
    Ok(())
}

fn write_text(text: &str, to: &mut Vec<u8>) {
    write_count(text.len(), to);
    to.extend_from_slice(text.as_bytes());
}

fn write_count(count: usize, to: &mut Vec<u8>) {
    to.extend_from_slice(&u64::try_from(count).unwrap_or(u64::MAX).to_le_bytes());
}

fn read(from: &mut &[u8], depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let (tag, rest) = from.split_first()?;
    *from = rest;
    Some(match *tag {
        NULL => Value::Null,
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        UNSIGNED => Value::Number(read_u64(from)?.into()),
        SIGNED => Value::Number(i64::from_le_bytes(*read_chunk(from)?).into()),
        FLOAT => Value::Number(Number::from_f64(f64::from_bits(read_u64(from)?))?),
        TEXT => Value::String(read_text(from)?),
        LIST => {
            // What a list says of its length is believed as its items come.
            let mut items = Vec::new();
            for _ in 0..read_u64(from)? {
                items.push(read(from, depth)?);
            }
            Value::Array(items)
        }
        OBJECT => {
            let mut members = Map::new();
            for _ in 0..read_u64(from)? {
                members.insert(read_text(from)?, read(from, depth)?);
            }
            Value::Object(members)
        }
        _ => return None,
    })
}

fn read_text(from: &mut &[u8]) -> Option<String> {
    let length = usize::try_from(read_u64(from)?).ok()?;
    let (text, rest) = from.split_at_checked(length)?;
    *from = rest;
    std::str::from_utf8(text).ok().map(str::to_owned)
}

fn read_u64(from: &mut &[u8]) -> Option<u64> {
    read_chunk(from).map(|bytes| u64::from_le_bytes(*bytes))
}

fn read_chunk<'b>(from: &mut &'b [u8]) -> Option<&'b [u8; 8]> {
    let (chunk, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(chunk)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{crosses, crosses_not};
    use super::*;

    #[test]
    fn values_cross_number_for_number() {
        for value in [
            json!(null),
            json!([true, false, "é", "", []]),
            json!({"b": 1, "a": {"c": [{}]}}),
            json!([0, -1, u64::MAX, i64::MIN, 0.1, -0.0, 1e308, 5e-324, 123456789.12345679, 8.41]),
        ] {
            crosses(&value);
            let text = |value: &Value| serde_json::to_string(value).unwrap();
            let again = super::super::tests::again(&value).unwrap();
            assert_eq!(text(&again), text(&value), "members stay in order, and zero keeps its sign");
        }
    }

    #[test]
    fn what_is_no_value_is_not_read() {
        let whole = json!({"a": [1, "x"]}).write().unwrap();
        for length in 0..whole.len() {
            crosses_not::<Value>(&whole[..length]);
        }
        crosses_not::<Value>(&[9]);
        crosses_not::<Value>(&[NULL, NULL]);
        crosses_not::<Value>(&[[FLOAT].as_slice(), &f64::NAN.to_bits().to_le_bytes()].concat());
        crosses_not::<Value>(&[[LIST].as_slice(), &u64::MAX.to_le_bytes()].concat());
        crosses_not::<Value>(&[[TEXT].as_slice(), &u64::MAX.to_le_bytes()].concat());
        let nested = |depth| (0..depth).fold(Value::Null, |inner, _| json!([inner]));
        crosses(&nested(DEPTH - 1));
        assert_eq!(nested(DEPTH).write(), Err(Unwritable));
        let deep = [[LIST].as_slice(), &1_u64.to_le_bytes()].concat().repeat(100_000);
        crosses_not::<Value>(&deep);
    }
}
