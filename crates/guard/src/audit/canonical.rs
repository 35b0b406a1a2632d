//! Entries as canonical JSON (RFC 8785): written so by construction, and taken apart without being copied.
//!
//! An entry has texts, whole numbers, lists and objects, so that of the RFC's rules these are left: members in the order of
//! their names, no blanks, and of all escapes the shortest. Names are plain ASCII, whose order is the same in UTF-16.

use std::ops::Range;

use serde::Serialize;

/// The largest whole number that every reader of JSON has exactly (RFC 8785 §3.2.2.3).
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// How deep an entry's lists and objects may lie in each other.
const MAX_DEPTH: u8 = 8;

/// The member before which the hash goes, or one after it: every entry has it.
const HASH: &str = "hash";

/// Why a line is not one that the log wrote.
pub(super) const NOT_CANONICAL: &str = "the line is not canonical JSON (RFC 8785)";
const NOT_AN_ENTRY: &str = "the line is not an entry";

/// The members of an entry, added in any order and written in the canonical one.
#[derive(Default)]
pub(super) struct Members {
    /// `"name":value` of each, one after the other.
    bytes: Vec<u8>,
    members: Vec<(&'static str, Range<usize>)>,
}

/// An entry without its hash, as one line.
pub(super) struct Unsealed {
    pub(super) line: Vec<u8>,
    /// Where the hash goes: before a member, with a comma behind it.
    pub(super) place: usize,
}

/// A line of the log, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'l> {
    /// The line before and after its hash: these bytes were hashed.
    pub(super) content: [&'l str; 2],
    /// 64 hexadecimal digits, if nobody altered them.
    pub(super) hash: &'l str,
    pub(super) prev: &'l str,
    pub(super) seq: u64,
    pub(super) at: &'l str,
    pub(super) kind: &'l str,
    pub(super) call: Option<u64>,
    pub(super) decision: Option<&'l str>,
    /// As it is written, with its escapes; equal texts are written alike.
    pub(super) run: Option<&'l str>,
}

impl Members {
    /// Adds a member. INVARIANT: `value` has no fractions and no members in another order than that of their names.
    pub(super) fn add<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> serde_json::Result<()> {
        let start = self.bytes.len();
        serde_json::to_writer(&mut self.bytes, name)?;
        self.bytes.push(b':');
        serde_json::to_writer(&mut self.bytes, value)?;
        self.members.push((name, start..self.bytes.len()));
        Ok(())
    }

    pub(super) fn finish(mut self) -> Unsealed {
        self.members.sort_unstable_by_key(|(name, _)| *name);
        let mut line = Vec::with_capacity(self.bytes.len().saturating_add(self.members.len()).saturating_add(2));
        let mut place = None;
        for (name, range) in self.members {
            line.push(if line.is_empty() { b'{' } else { b',' });
            if place.is_none() && name > HASH {
                place = Some(line.len());
            }
            line.extend_from_slice(self.bytes.get(range).unwrap_or_default());
        }
        line.push(b'}');
        Unsealed { place: place.unwrap_or(line.len()), line }
    }
}

impl Unsealed {
    /// The line with its hash, in hex.
    pub(super) fn seal(&self, hash: &str) -> Vec<u8> {
        let (before, after) = self.line.split_at_checked(self.place).unwrap_or((&self.line, &[]));
        [before, br#""hash":""#, hash.as_bytes(), br#"","#, after].concat()
    }
}

impl<'l> Entry<'l> {
    /// Takes a line apart, without its break.
    ///
    /// # Errors
    /// When it is not canonical JSON, or not an entry. The hash is not checked.
    pub(super) fn of(line: &'l [u8]) -> Result<Entry<'l>, &'static str> {
        let text = std::str::from_utf8(line).map_err(|_| NOT_CANONICAL)?;
        let mut scan = Scan { text, at: 0 };
        let mut entry = Entry {
            content: [""; 2],
            hash: "",
            prev: "",
            seq: 0,
            at: "",
            kind: "",
            call: None,
            decision: None,
            run: None,
        };
        let mut seq = None;
        let mut hashed = None;
        scan.members(0, &mut |scan, name, start| {
            match name {
                "at" => entry.at = scan.text_value()?,
                "call" => entry.call = Some(scan.number()?),
                "context" => scan.members(1, &mut |scan, name, _| match name {
                    "run" => scan.text_value().map(|run| entry.run = Some(run)),
                    _ => scan.value(2),
                })?,
                "decision" => entry.decision = Some(scan.text_value()?),
                HASH => {
                    entry.hash = scan.text_value()?;
                    hashed = Some(start..scan.at.saturating_add(1));
                }
                "prev" => entry.prev = scan.text_value()?,
                "seq" => seq = Some(scan.number()?),
                "type" => entry.kind = scan.text_value()?,
                _ => scan.value(1)?,
            }
            Some(())
        })
        .filter(|()| scan.at == text.len())
        .ok_or(NOT_CANONICAL)?;
        let (Some(seq), Some(hashed)) = (seq, hashed) else { return Err(NOT_AN_ENTRY) };
        entry.seq = seq;
        match (text.get(..hashed.start), text.get(hashed.end..)) {
            // `prev` comes after the hash, so there is a comma between.
            (Some(before), Some(after)) if entry.prev.len() == 64 && !entry.kind.is_empty() => {
                entry.content = [before, after];
                Ok(entry)
            }
            _ => Err(NOT_AN_ENTRY),
        }
    }
}

/// Reads canonical JSON and nothing else. `None` is whatever is not.
struct Scan<'l> {
    text: &'l str,
    at: usize,
}

/// Is shown each member's name and where the member begins, and reads its value.
type Each<'e, 'l> = &'e mut dyn FnMut(&mut Scan<'l>, &'l str, usize) -> Option<()>;

impl<'l> Scan<'l> {
    fn members(&mut self, depth: u8, each: Each<'_, 'l>) -> Option<()> {
        self.take(b'{')?;
        if self.take(b'}').is_some() {
            return Some(());
        }
        let mut before: Option<&str> = None;
        loop {
            let start = self.at;
            let name = self.text_value()?;
            if before.is_some_and(|before| before >= name) || !name.bytes().all(is_plain) || depth >= MAX_DEPTH {
                return None;
            }
            before = Some(name);
            self.take(b':')?;
            each(self, name, start)?;
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    fn value(&mut self, depth: u8) -> Option<()> {
        if depth >= MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            b'"' => self.text_value().map(drop),
            b'{' => self.members(depth, &mut |scan, _, _| scan.value(depth.saturating_add(1))),
            b'[' => self.list(depth),
            b'0'..=b'9' => self.number().map(drop),
            _ => ["true", "false", "null"].into_iter().find_map(|word| self.word(word)),
        }
    }

    fn list(&mut self, depth: u8) -> Option<()> {
        self.take(b'[')?;
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            self.value(depth.saturating_add(1))?;
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// What is between the quotes, as it is written.
    fn text_value(&mut self) -> Option<&'l str> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
            self.at = self.at.checked_add(plain)?;
            match self.next()? {
                b'"' => return self.text.get(start..self.at.checked_sub(1)?),
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    /// What follows a backslash: the two-character escapes, and `\u00XX` for the control characters that have none.
    fn escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.text.get(self.at..self.at.checked_add(4)?)?;
                let number = u32::from_str_radix(digits.strip_prefix("00")?, 16).ok()?;
                let shorter = matches!(number, 0x08 | 0x09 | 0x0a | 0x0c | 0x0d);
                let canonical = number < 0x20 && !shorter && digits == format!("{number:04x}");
                self.at = self.at.checked_add(4)?;
                canonical.then_some(())
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u64> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let length = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let digits = self.text.get(self.at..self.at.checked_add(length)?)?;
        self.at = self.at.checked_add(length)?;
        let number = digits.parse().ok().filter(|number| *number <= MAX_NUMBER)?;
        (digits == "0" || !digits.starts_with('0')).then_some(number)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        self.at = rest.starts_with(word).then(|| self.at.checked_add(word.len()))??;
        Some(())
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at = self.at.saturating_add(1))
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at = self.at.saturating_add(1);
        Some(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

/// Whether a name may have this byte: no escapes, and no other order in UTF-16.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    const PREV: &str = "0000000000000000000000000000000000000000000000000000000000000000";

    /// As RFC 8785 says it, for values without fractions: sorted by UTF-16, the rest as the library writes it.
    fn reference(value: &Value) -> String {
        match value {
            Value::Object(members) => {
                let mut members: Vec<(&String, &Value)> = members.iter().collect();
                members.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
                let members: Vec<String> =
                    members.iter().map(|(name, value)| format!("{}:{}", json!(name), reference(value))).collect();
                format!("{{{}}}", members.join(","))
            }
            Value::Array(values) => {
                format!("[{}]", values.iter().map(reference).collect::<Vec<_>>().join(","))
            }
            other => other.to_string(),
        }
    }

    fn entry(with: &Value) -> String {
        let mut value = json!({ "at": "t", "hash": "h", "prev": PREV, "seq": 7, "type": "x" });
        value.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        reference(&value)
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<String>().prop_map(Value::from),
            "[\\x00-\\x1f\"\\\\/a\u{7f}é€😀\u{2028}]{0,12}".prop_map(Value::from),
            (0..=MAX_NUMBER).prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z_]{1,6}", inner, 0..4)
                    .prop_map(|map| Value::from(map.into_iter().rev().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_canonical_is_taken_and_what_says_the_same_in_another_way_is_not(value in values()) {
            let line = entry(&json!({ "m": value, "z": [1, "\u{1}\n"] }));
            let parts = Entry::of(line.as_bytes()).unwrap();
            prop_assert_eq!((parts.hash, parts.seq, parts.kind), ("h", 7, "x"));
            prop_assert_eq!(parts.content.concat(), line.replacen("\"hash\":\"h\",", "", 1));
            for other in [
                line.replacen(':', ": ", 1),
                line.replacen("\\n", "\\u000a", 1),
                line.replacen("\\u0001", "\\u0001 ", 1).replacen(",\"type\"", " ,\"type\"", 1),
                line.replacen("[1,", "[1.0,", 1),
                line.replacen("[1,", "[01,", 1),
                line.replacen("[1,", "[1e0,", 1),
                format!(" {line}"),
                format!("{line} "),
            ] {
                prop_assert!(Entry::of(other.as_bytes()).is_err(), "{}", other);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
            let _ = Entry::of(&bytes);
            let line = entry(&json!({ "m": { "a": ["\u{1}", 1, true] } }));
            let mut line = line.into_bytes();
            line.truncate(cut);
            prop_assert!(Entry::of(&line).is_err() || cut >= line.len());
        }

        #[test]
        fn members_are_written_as_the_reference_has_them(text in any::<String>(), number in 0..=MAX_NUMBER) {
            let mut members = Members::default();
            members.add("type", &text).unwrap();
            members.add("at", &number).unwrap();
            members.add("prev", PREV).unwrap();
            members.add("actors", &[&text, "b"]).unwrap();
            members.add("seq", &1).unwrap();
            let unsealed = members.finish();
            let value = json!({ "type": text, "at": number, "prev": PREV, "actors": [text, "b"], "seq": 1 });
            prop_assert_eq!(String::from_utf8(unsealed.line.clone()).unwrap(), reference(&value));
            let mut sealed = value;
            sealed["hash"] = "h".into();
            prop_assert_eq!(String::from_utf8(unsealed.seal("h")).unwrap(), reference(&sealed));
        }
    }

    #[test]
    fn each_rule_is_kept() {
        let good = entry(&json!({ "m": "a" }));
        assert!(Entry::of(good.as_bytes()).is_ok());
        let deep = |depth: usize| {
            entry(&json!({ "m": 0 })).replace("\"m\":0", &format!("\"m\":{}0{}", "[".repeat(depth), "]".repeat(depth)))
        };
        assert!(Entry::of(deep(6).as_bytes()).is_ok());
        let wrong = [
            good.replace("\"at\":\"t\",", "").replacen('{', "{\"z\":1,", 1),
            good.replace("\"m\":\"a\"", "\"m\":\"a\",\"m\":\"a\""),
            good.replace("\"m\":\"a\"", "\"m\":\"\\u0061\""),
            good.replace("\"m\":\"a\"", "\"m\":\"\\/\""),
            good.replace("\"m\":\"a\"", "\"m\":\"\\u001F\""),
            good.replace("\"m\":\"a\"", "\"m\":\"\\ud83d\\ude00\""),
            good.replace("\"m\":\"a\"", "\"m\":9007199254740992"),
            good.replace("\"m\":\"a\"", "\"m\":-1"),
            good.replace("\"m\":\"a\"", "\"m\":1.5"),
            good.replace("\"m\":\"a\"", "\"m\":nul"),
            good.replace("\"m\"", "\"é\""),
            good.replace("\"m\":\"a\"", "\"m\":\"\u{1}\""),
            good.replace("\"seq\":7", "\"seq\":\"7\""),
            good.replace("\"seq\":7,", ""),
            good.replace("\"hash\":\"h\",", ""),
            good.replace(PREV, "0"),
            deep(9),
            deep(100_000),
        ];
        for line in wrong {
            assert!(Entry::of(line.as_bytes()).is_err(), "{line:.200}");
        }
    }
}
