//! What a statement gives, as JSON.

use bailiwick_guard::HostError;
use bailiwick_guard::journal::{Crossed, Place, Unwritable};
use bailiwick_policy::Code;
use data_encoding::BASE64;
use rusqlite::types::ValueRef;

/// Most rows of an answer.
pub const MAX_ROWS: usize = 10_000;
/// Most bytes of an answer.
pub const MAX_ANSWER: usize = 4 << 20;

/// `{"columns": [name], "rows": [[value]], "changes": count}`. No `Debug`: rows belong in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    json: String,
}

impl Crossed for Answer {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        Ok(self.json.clone().into_bytes())
    }

    fn read(bytes: &[u8], _: &Place<'_>) -> Option<Answer> {
        std::str::from_utf8(bytes).ok().map(|json| Answer { json: json.to_owned() })
    }
}

/// An answer that is being written.
pub(super) struct Writer {
    json: String,
    rows: usize,
    limit: usize,
}

impl Answer {
    /// The JSON text.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The JSON text, without a copy.
    pub fn into_json(self) -> String {
        self.json
    }
}

impl Writer {
    pub(super) fn new<'n>(columns: impl Iterator<Item = &'n str>, limit: usize) -> Result<Writer, HostError> {
        let mut writer = Writer { json: "{\"columns\":[".to_owned(), rows: 0, limit: limit.min(MAX_ANSWER) };
        for (at, name) in columns.enumerate() {
            writer.comma(at);
            writer.json.push_str(&text(name));
        }
        writer.json.push_str("],\"rows\":[");
        writer.check()?;
        Ok(writer)
    }

    /// Adds a row of so many columns, of each of which `value` gives the JSON.
    ///
    /// # Errors
    /// `limit.response_bytes` for a row too many; `failed.internal` where there is no value.
    pub(super) fn row(
        &mut self,
        columns: usize,
        mut value: impl FnMut(usize) -> Option<String>,
    ) -> Result<(), HostError> {
        if self.rows >= MAX_ROWS {
            return Err(HostError::Limit(Code::ResponseBytes));
        }
        self.comma(self.rows);
        self.json.push('[');
        for at in 0..columns {
            self.comma(at);
            self.json.push_str(&value(at).ok_or(HostError::Failed(Code::Internal))?);
            self.check()?;
        }
        self.json.push(']');
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    pub(super) fn finish(mut self, changes: u64) -> Result<Answer, HostError> {
        self.json.push_str(&format!("],\"changes\":{changes}}}"));
        self.check()?;
        Ok(Answer { json: self.json })
    }

    fn check(&self) -> Result<(), HostError> {
        if self.json.len() > self.limit { Err(HostError::Limit(Code::ResponseBytes)) } else { Ok(()) }
    }

    fn comma(&mut self, at: usize) {
        if at > 0 {
            self.json.push(',');
        }
    }
}

/// A value of SQLite.
pub(super) fn json(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(integer) => integer.to_string(),
        ValueRef::Real(real) => match serde_json::Number::from_f64(real) {
            Some(number) => number.to_string(),
            // JSON has no infinity, and SQLite has no other value that is no number.
            None => text(if real > 0.0 { "Infinity" } else { "-Infinity" }),
        },
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(plain) => text(plain),
            Err(_) => blob(bytes),
        },
        ValueRef::Blob(bytes) => blob(bytes),
    }
}

fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn blob(bytes: &[u8]) -> String {
    format!("{{\"$bytes\":\"{}\"}}", BASE64.encode(bytes))
}
