//! What a statement gives, as JSON.

use bailiwick_guard::HostError;
use bailiwick_policy::Code;
use data_encoding::BASE64;
use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};

/// Most rows of an answer.
pub const MAX_ROWS: usize = 10_000;
/// Most bytes of an answer.
pub const MAX_ANSWER: usize = 4 << 20;

/// `{"columns": [name], "rows": [[value]], "changes": count}`. No `Debug`: rows belong in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    json: String,
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
    pub(super) fn new(statement: &Statement<'_>, limit: usize) -> Result<Writer, HostError> {
        let mut writer = Writer { json: "{\"columns\":[".to_owned(), rows: 0, limit: limit.min(MAX_ANSWER) };
        for (at, name) in statement.column_names().into_iter().enumerate() {
            writer.comma(at);
            writer.text(name);
        }
        writer.json.push_str("],\"rows\":[");
        writer.check()?;
        Ok(writer)
    }

    /// # Errors
    /// `limit.response_bytes` for a row too many.
    pub(super) fn row(&mut self, row: &Row<'_>, columns: usize) -> Result<(), HostError> {
        if self.rows >= MAX_ROWS {
            return Err(HostError::Limit(Code::ResponseBytes));
        }
        self.comma(self.rows);
        self.json.push('[');
        for at in 0..columns {
            self.comma(at);
            self.value(row.get_ref(at).map_err(|_| HostError::Failed(Code::Internal))?);
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

    fn value(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.json.push_str("null"),
            ValueRef::Integer(integer) => self.json.push_str(&integer.to_string()),
            ValueRef::Real(real) => match serde_json::Number::from_f64(real) {
                Some(number) => self.json.push_str(&number.to_string()),
                // JSON has no infinity, and SQLite has no other value that is no number.
                None => self.text(if real > 0.0 { "Infinity" } else { "-Infinity" }),
            },
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => self.text(text),
                Err(_) => self.bytes(text),
            },
            ValueRef::Blob(bytes) => self.bytes(bytes),
        }
    }

    fn text(&mut self, text: &str) {
        self.json.push_str(&serde_json::Value::from(text).to_string());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.json.push_str("{\"$bytes\":\"");
        BASE64.encode_append(bytes, &mut self.json);
        self.json.push_str("\"}");
    }
}
