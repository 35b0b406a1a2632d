//! A JSON text that is read by others, too: strict, so that no two parsers read different things.
//!
//! Besides what RFC 8259 asks for: one object, at most [`MAX_TEXT`] bytes, [`MAX_DEPTH`] deep, with [`MAX_MEMBERS`]
//! members; no name twice in an object, and no NUL in a name.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::CharIndices;

use crate::decimal::Decimal;

/// Most bytes of a text that is looked into.
pub(crate) const MAX_TEXT: usize = 1 << 20;
/// Deepest nesting of objects and lists.
const MAX_DEPTH: usize = 64;
/// Most members of all objects together.
const MAX_MEMBERS: usize = 10_000;

/// A value, as far as conditions look at it: of a list only the length.
#[derive(Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Boolean(bool),
    Number(Decimal),
    Text(String),
    List(usize),
    Object(Members),
}

pub(crate) type Members = BTreeMap<String, Node>;

/// Why a text cannot be read in one way only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(pub(crate) &'static str);

const NOT_JSON: Unreadable = Unreadable("it is not JSON");

/// Reads one object.
pub(crate) fn read(bytes: &[u8]) -> Result<Members, Unreadable> {
    if bytes.len() > MAX_TEXT {
        return Err(Unreadable("it is larger than 1 MiB"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable("it is not UTF-8"))?;
    let mut reader = Reader { text, rest: text.char_indices().peekable(), members: 0 };
    reader.space();
    let value = reader.value(0)?;
    reader.space();
    match (value, reader.rest.next()) {
        (Node::Object(members), None) => Ok(members),
        (_, Some(_)) => Err(NOT_JSON),
        (_, None) => Err(Unreadable("it is not an object")),
    }
}

struct Reader<'t> {
    text: &'t str,
    rest: Peekable<CharIndices<'t>>,
    members: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Node, Unreadable> {
        match self.peek() {
            Some('{') => self.object(depth).map(Node::Object),
            Some('[') => self.list(depth).map(Node::List),
            Some('"') => self.string().map(Node::Text),
            Some('-' | '0'..='9') => self.number().map(Node::Number),
            Some('t') => self.word("true", Node::Boolean(true)),
            Some('f') => self.word("false", Node::Boolean(false)),
            Some('n') => self.word("null", Node::Null),
            _ => Err(NOT_JSON),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Members, Unreadable> {
        let mut members = Members::new();
        self.enter('{', depth)?;
        if self.take('}') {
            return Ok(members);
        }
        loop {
            self.space();
            let name = self.string()?;
            if name.contains('\0') {
                return Err(Unreadable("the name of a member has a NUL in it"));
            }
            self.members += 1;
            if self.members > MAX_MEMBERS {
                return Err(Unreadable("it has more than 10,000 members"));
            }
            self.space();
            self.expect(':')?;
            self.space();
            let value = self.value(depth + 1)?;
            if members.insert(name, value).is_some() {
                return Err(Unreadable("a member is there twice"));
            }
            self.space();
            if self.take('}') {
                return Ok(members);
            }
            self.expect(',')?;
        }
    }

    fn list(&mut self, depth: usize) -> Result<usize, Unreadable> {
        let mut items = 0;
        self.enter('[', depth)?;
        if self.take(']') {
            return Ok(items);
        }
        loop {
            self.space();
            self.value(depth + 1)?;
            items += 1;
            self.space();
            if self.take(']') {
                return Ok(items);
            }
            self.expect(',')?;
        }
    }

    fn enter(&mut self, open: char, depth: usize) -> Result<(), Unreadable> {
        if depth >= MAX_DEPTH {
            return Err(Unreadable("it is nested more than 64 deep"));
        }
        self.expect(open)?;
        self.space();
        Ok(())
    }

    fn string(&mut self) -> Result<String, Unreadable> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            match self.next()? {
                '"' => return Ok(text),
                '\\' => text.push(self.escape()?),
                '\0'..='\u{1f}' => return Err(NOT_JSON),
                other => text.push(other),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Unreadable> {
        Ok(match self.next()? {
            c @ ('"' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = self.four()?;
                let code = match first {
                    0xd800..=0xdbff => {
                        self.expect('\\')?;
                        self.expect('u')?;
                        let second = self.four()?;
                        if !(0xdc00..=0xdfff).contains(&second) {
                            return Err(NOT_JSON);
                        }
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    first => first,
                };
                // Half of a pair is no character, and parsers make of it what they like.
                char::from_u32(code).ok_or(NOT_JSON)?
            }
            _ => return Err(NOT_JSON),
        })
    }

    fn four(&mut self) -> Result<u32, Unreadable> {
        (0..4).try_fold(0, |code, _| Ok(code * 16 + self.next()?.to_digit(16).ok_or(NOT_JSON)?))
    }

    fn number(&mut self) -> Result<Decimal, Unreadable> {
        let start = self.at();
        while self.rest.next_if(|(_, c)| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).is_some() {}
        let text = self.text.get(start..self.at()).unwrap_or_default();
        Decimal::parse(text).ok_or(NOT_JSON)
    }

    fn word(&mut self, word: &str, node: Node) -> Result<Node, Unreadable> {
        word.chars().try_for_each(|c| self.expect(c)).map(|()| node)
    }

    fn space(&mut self) {
        while self.rest.next_if(|(_, c)| matches!(c, ' ' | '\t' | '\n' | '\r')).is_some() {}
    }

    fn at(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, c)| *c)
    }

    fn next(&mut self) -> Result<char, Unreadable> {
        self.rest.next().map(|(_, c)| c).ok_or(NOT_JSON)
    }

    fn take(&mut self, wanted: char) -> bool {
        self.rest.next_if(|(_, c)| *c == wanted).is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<(), Unreadable> {
        if self.take(wanted) { Ok(()) } else { Err(NOT_JSON) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn why(text: impl AsRef<[u8]>) -> &'static str {
        read(text.as_ref()).unwrap_err().0
    }

    #[test]
    fn names_are_what_they_mean() {
        let members = read(br#" {"\u0061":1,"b\n":[1,{"x":2},[]],"\ud83d\ude00":{"c":"d\/"}} "#).unwrap();
        assert_eq!(members.keys().collect::<Vec<_>>(), ["a", "b\n", "😀"]);
        assert_eq!(members["b\n"], Node::List(3));
        let Node::Object(inner) = &members["😀"] else { panic!() };
        assert_eq!(inner["c"], Node::Text("d/".into()));
    }

    #[test]
    fn what_parsers_disagree_about_is_refused() {
        for text in [
            r#"{"amount":1,"amount":2}"#,
            r#"{"amount":1,"\u0061mount":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
        ] {
            assert_eq!(why(text), "a member is there twice", "{text}");
        }
        assert!(why(r#"{"amount\u0000x":1}"#).contains("NUL"));
        for text in [
            "",
            " ",
            "{",
            "{}x",
            "{}{}",
            "{'a':1}",
            "{a:1}",
            "{\"a\":1,}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":+1}",
            "{\"a\":NaN}",
            "{\"a\":.5}",
            "{\"a\":0x1}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\ud800\\u0041\"}",
            "{\"a\":\"\\udc00\"}",
            "{\"a\":tru}",
            "{/**/}",
            "\u{feff}{}",
            "{}\0",
            "{\u{a0}}",
            "{\"a\" 1}",
            "{\"a\":[1,]}",
            "{\"a\":[1 2]}",
        ] {
            assert_eq!(why(text), "it is not JSON", "{text:?}");
        }
        for text in ["[]", "1", "null", "\"{}\""] {
            assert_eq!(why(text), "it is not an object", "{text}");
        }
        assert_eq!(why([b'{', 0xff]), "it is not UTF-8");
    }

    #[test]
    fn size_depth_and_members_are_bounded() {
        let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(deep(MAX_DEPTH - 1).as_bytes()).is_ok());
        assert_eq!(why(deep(MAX_DEPTH)), "it is nested more than 64 deep");
        assert_eq!(why(deep(500_000)), "it is nested more than 64 deep");
        let wide = |members: usize| {
            format!("{{{}}}", (0..members).map(|n| format!("\"m{n}\":0")).collect::<Vec<_>>().join(","))
        };
        assert!(read(wide(MAX_MEMBERS).as_bytes()).is_ok());
        assert_eq!(why(wide(MAX_MEMBERS + 1)), "it has more than 10,000 members");
        assert_eq!(why(format!("{{}}{}", " ".repeat(MAX_TEXT))), "it is larger than 1 MiB");
    }

    fn same(node: &Node, value: &Value) -> bool {
        match (node, value) {
            (Node::Null, Value::Null) => true,
            (Node::Boolean(a), Value::Bool(b)) => a == b,
            (Node::Number(a), Value::Number(b)) => Decimal::parse(&b.to_string()) == Some(*a),
            (Node::Text(a), Value::String(b)) => a == b,
            (Node::List(a), Value::Array(b)) => *a == b.len(),
            (Node::Object(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(name, node)| b.get(name).is_some_and(|value| same(node, value)))
            }
            _ => false,
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map("[a-z\\\\\"é\u{1}]{0,3}", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_a_library_writes_is_read_as_it_is(value in values(), pretty: bool) {
            let object = serde_json::json!({ "v": value });
            let text = if pretty { serde_json::to_string_pretty(&object).unwrap() } else { object.to_string() };
            let members = read(text.as_bytes()).unwrap();
            prop_assert!(same(&Node::Object(members), &object));
        }

        /// Whatever is read here is read by a library, to the same effect. The reverse does not hold, on purpose.
        #[test]
        fn nothing_is_read_that_a_library_refuses(text in r#"\{("[ab]":[0-9eE.+\-\[\]{},:"truefalsn\\ ]{0,8},?){0,3}\}"#) {
            if let Ok(members) = read(text.as_bytes()) {
                match serde_json::from_str::<Value>(&text) {
                    Ok(value) => prop_assert_eq!(members.len(), value.as_object().unwrap().len()),
                    // It knows no numbers that a float does not hold.
                    Err(error) => prop_assert!(error.to_string().contains("number out of range"), "{}: {}", text, error),
                }
            }
        }

        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&bytes);
        }
    }
}
