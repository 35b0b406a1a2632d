//! A statement's text: split once, and written anew from its tokens, so that what was understood is what is sent.
//!
//! Spaces and comments are gone then, names and strings are quoted in the one way that has one reading, and what has several
//! (`E'…'`, `U&"…"`, `$$…$$`, names that would be cut or folded) is refused.

use std::collections::BTreeSet;

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, Word};

/// PostgreSQL cuts longer names, and then they are others.
const MAX_NAME: usize = 63;
/// Most tokens of a statement.
const MAX_TOKENS: usize = 20_000;
/// Most tokens that may nest an expression: each can make the tree deeper by one.
const MAX_OPERATORS: usize = 2_000;
/// Most parameters, as for SQLite.
const MAX_PARAMETERS: usize = 1000;

/// A statement whose parameters are `$1`, `$2` and so on.
pub(super) struct Text {
    pub(super) tokens: Vec<Token>,
    /// What stands for each parameter.
    pub(super) marks: Marks,
}

/// How the values are found.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Marks {
    /// By place; so many.
    Placed(usize),
    /// By name, in the order of the parameters.
    Named(Vec<String>),
}

impl Text {
    /// Splits a statement.
    ///
    /// # Errors
    /// What cannot be read, in words for whoever wrote it.
    pub(super) fn read(text: &str) -> Result<Text, String> {
        if text.contains('\0') {
            return Err("the text has a NUL".to_owned());
        }
        let all = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize();
        let mut tokens: Vec<Token> = all
            .map_err(|error| error.message)?
            .into_iter()
            .filter(|token| !matches!(token, Token::Whitespace(_)))
            .collect();
        while matches!(tokens.last(), Some(Token::SemiColon)) {
            tokens.pop();
        }
        if tokens.is_empty() {
            return Err("there is no statement".to_owned());
        }
        if tokens.contains(&Token::SemiColon) {
            return Err("there is more than one statement".to_owned());
        }
        if tokens.len() > MAX_TOKENS || tokens.iter().filter(|token| nests(token)).count() > MAX_OPERATORS {
            return Err(format!(
                "the statement has more than {MAX_OPERATORS} operators and keywords, or {MAX_TOKENS} words"
            ));
        }
        let (tokens, marks) = number(tokens)?;
        tokens.iter().try_for_each(check)?;
        Ok(Text { tokens, marks })
    }

    /// The tokens for the parser. Each is in the column of its number, from 1.
    pub(super) fn numbered(&self) -> Vec<TokenWithSpan> {
        let numbered = (1_u64..).zip(self.tokens.iter().enumerate());
        let numbered = numbered.map(|(number, (at, token))| {
            let here = Location { line: 1, column: number };
            let token = match token {
                Token::Word(word) if self.is_plain_function(word, at) => {
                    Token::Word(Word { keyword: Keyword::NoKeyword, ..word.clone() })
                }
                other => other.clone(),
            };
            TokenWithSpan::new(token, Span::new(here, here))
        });
        numbered.collect()
    }

    /// Whether a word that the parser has a form of its own for is a function like others to PostgreSQL.
    fn is_plain_function(&self, word: &Word, at: usize) -> bool {
        match word.keyword {
            Keyword::CEIL | Keyword::FLOOR | Keyword::SUBSTR | Keyword::UNNEST => true,
            // `substring(a FROM 1 FOR 2)` is none.
            Keyword::SUBSTRING => {
                let mut depth = 0_usize;
                for token in self.tokens.iter().skip(at.saturating_add(1)) {
                    match token {
                        Token::LParen => depth = depth.saturating_add(1),
                        Token::RParen => depth = depth.saturating_sub(1),
                        Token::Word(Word { keyword: Keyword::FROM | Keyword::FOR, .. }) if depth == 1 => return false,
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
                true
            }
            _ => false,
        }
    }

    /// The text that is sent. Tokens of these numbers name functions, and get their whole name.
    pub(super) fn written(&self, functions: &BTreeSet<usize>) -> String {
        let mut text = String::new();
        for (number, token) in (1_usize..).zip(&self.tokens) {
            if !text.is_empty() {
                text.push(' ');
            }
            if functions.contains(&number) {
                text.push_str("pg_catalog . ");
            }
            match token {
                Token::Word(Word { value, quote_style: Some(_), .. }) => quote(&mut text, value, '"'),
                Token::Word(word) => text.push_str(&word.value),
                Token::SingleQuotedString(value) => quote(&mut text, value, '\''),
                other => text.push_str(&other.to_string()),
            }
        }
        text
    }
}

/// A name or a string in quotes.
pub(super) fn quote(text: &mut String, value: &str, mark: char) {
    text.push(mark);
    for c in value.chars() {
        if c == mark {
            text.push(mark);
        }
        text.push(c);
    }
    text.push(mark);
}

/// Gives every parameter its number.
fn number(tokens: Vec<Token>) -> Result<(Vec<Token>, Marks), String> {
    let (mut next, mut highest, mut names) = (0_usize, 0_usize, Vec::<String>::new());
    let mut numbered = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        numbered.push(match (token, rest.peek()) {
            (Token::Question, _) => {
                next = next.saturating_add(1);
                Token::Placeholder(format!("${next}"))
            }
            (Token::Placeholder(mark), _) => {
                let digits = mark.strip_prefix('$').unwrap_or_default();
                let given = digits.parse().ok().filter(|given| (1..=MAX_PARAMETERS).contains(given));
                highest =
                    highest.max(given.ok_or_else(|| format!("`{mark}` is no parameter; write `?`, `$1` or `:name`"))?);
                Token::Placeholder(mark)
            }
            (Token::Colon, Some(Token::Word(Word { value, quote_style: None, .. }))) => {
                let at = match names.iter().position(|name| name == value) {
                    Some(at) => at,
                    None => {
                        names.push(value.clone());
                        names.len().saturating_sub(1)
                    }
                };
                rest.next();
                Token::Placeholder(format!("${}", at.saturating_add(1)))
            }
            (other, _) => other,
        });
    }
    let kinds = [next > 0, highest > 0, !names.is_empty()];
    if kinds.into_iter().filter(|used| *used).count() > 1 {
        return Err("parameters are written in one way: `?`, `$1` or `:name`".to_owned());
    }
    let count = next.max(highest);
    if count.max(names.len()) > MAX_PARAMETERS {
        return Err(format!("a statement has at most {MAX_PARAMETERS} parameters"));
    }
    Ok((numbered, if names.is_empty() { Marks::Placed(count) } else { Marks::Named(names) }))
}

/// Refuses every token that PostgreSQL could read otherwise.
fn check(token: &Token) -> Result<(), String> {
    match token {
        Token::Word(Word { value, quote_style, .. }) => {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'$';
            match quote_style {
                _ if value.is_empty() || value.len() > MAX_NAME => {
                    Err(format!("a name has 1 to {MAX_NAME} bytes; longer ones are cut by the database"))
                }
                // Behind `U&` it would be an escape; columns have no such names.
                Some('"') if value.contains('\\') => Err(format!("the name `{value}` has a backslash")),
                // PostgreSQL's own names for what has none, as in `"*VALUES*"`.
                Some('"') if value.starts_with('*') => Err(format!("the name `{value}` begins with `*`")),
                Some('"') => Ok(()),
                None if value.bytes().all(plain) => Ok(()),
                _ => Err(format!("write the name `{value}` in double quotes")),
            }
        }
        Token::Number(number, false) if number.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b)) => Ok(()),
        Token::SingleQuotedString(_) | Token::Placeholder(_) => Ok(()),
        Token::Comma
        | Token::Eq
        | Token::Neq
        | Token::Lt
        | Token::Gt
        | Token::LtEq
        | Token::GtEq
        | Token::Plus
        | Token::Minus
        | Token::Mul
        | Token::Div
        | Token::Mod
        | Token::StringConcat
        | Token::LParen
        | Token::RParen
        | Token::Period
        | Token::DoubleColon
        | Token::LBracket
        | Token::RBracket
        | Token::Ampersand
        | Token::Pipe
        | Token::Caret
        | Token::Sharp
        | Token::Tilde
        | Token::TildeAsterisk
        | Token::ExclamationMarkTilde
        | Token::ExclamationMarkTildeAsterisk
        | Token::ShiftLeft
        | Token::ShiftRight
        | Token::Overlap
        | Token::Arrow
        | Token::LongArrow
        | Token::HashArrow
        | Token::HashLongArrow
        | Token::AtArrow
        | Token::ArrowAt => Ok(()),
        Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::DollarQuotedString(_)
        | Token::SingleQuotedByteStringLiteral(_) => {
            Err("strings are written in single quotes, without a prefix; or pass a parameter".to_owned())
        }
        other => Err(format!("`{other}` is not among the words and operators of a statement")),
    }
}

/// Whether a token can make the tree of the statement deeper. Lists and their commas cannot; of keywords only those that no
/// chain of operators is made of.
fn nests(token: &Token) -> bool {
    match token {
        Token::Word(word) => !matches!(
            word.keyword,
            Keyword::NoKeyword
                | Keyword::ALL
                | Keyword::AS
                | Keyword::ASC
                | Keyword::BY
                | Keyword::DEFAULT
                | Keyword::DESC
                | Keyword::DISTINCT
                | Keyword::FALSE
                | Keyword::FROM
                | Keyword::GROUP
                | Keyword::HAVING
                | Keyword::INSERT
                | Keyword::INTO
                | Keyword::LIMIT
                | Keyword::NULL
                | Keyword::OFFSET
                | Keyword::ON
                | Keyword::ORDER
                | Keyword::RETURNING
                | Keyword::SET
                | Keyword::TRUE
                | Keyword::UPDATE
                | Keyword::VALUES
                | Keyword::WHERE
        ),
        Token::Comma
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Placeholder(_)
        | Token::Question
        | Token::Colon
        | Token::LParen
        | Token::RParen
        | Token::Period => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        Text::read(text).unwrap().written(&BTreeSet::new())
    }

    #[test]
    fn what_is_sent_has_one_reading() {
        for (text, sent) in [
            ("select/**/1 -- x", "select 1"),
            ("select 'it''s' ;", "select 'it''s'"),
            (r"select '\''' , '\\' ", r"select '\''' , '\\'"),
            ("select \"a\"\"b\"", "select \"a\"\"b\""),
            ("select a::int,c.d", "select a :: int , c . d"),
            ("select /* a /* nested */ b */ 1", "select 1"),
        ] {
            assert_eq!(written(text), sent, "{text}");
        }
    }

    #[test]
    fn functions_get_their_whole_name() {
        let text = Text::read("select upper(a), \"left\"(b, ?)").unwrap();
        assert_eq!(text.written(&[2, 7].into()), "select pg_catalog . upper ( a ) , pg_catalog . \"left\" ( b , $1 )");
    }

    #[test]
    fn the_parser_has_no_form_of_its_own_for_functions() {
        let plain = |text: &str| {
            let numbered = Text::read(text).unwrap().numbered();
            let forms = numbered.iter().filter(|one| match &one.token {
                Token::Word(word) => [Keyword::SUBSTRING, Keyword::SUBSTR, Keyword::CEIL].contains(&word.keyword),
                _ => false,
            });
            forms.count() == 0
        };
        assert!(plain("select substr(a, 1), substring(a, 1), ceil(a) from t"));
        assert!(plain("select substring((select a from t), 1) from t"));
        assert!(!plain("select substring(a from 1 for 2) from t"));
    }

    #[test]
    fn parameters_are_numbered() {
        let read = |text| Text::read(text).map(|text| (text.written(&BTreeSet::new()), text.marks));
        assert_eq!(read("select ?, ?").unwrap(), ("select $1 , $2".to_owned(), Marks::Placed(2)));
        assert_eq!(read("select $2, $1").unwrap(), ("select $2 , $1".to_owned(), Marks::Placed(2)));
        let names = Marks::Named(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(read("select :a, :b::int, :a").unwrap(), ("select $1 , $2 :: int , $1".to_owned(), names));
        assert_eq!(read("select '?', ':a'").unwrap().1, Marks::Placed(0));
        for mixed in ["select ?, $1", "select ?, :a", "select $0", "select $1001", "select $a$", "select a[1:2]"] {
            assert!(Text::read(mixed).is_err(), "{mixed}");
        }
    }

    #[test]
    fn what_has_several_readings_is_refused() {
        for text in [
            "",
            ";",
            "select 1; select 2",
            "select E'\\''",
            "select U&'\\0041'",
            "select U&\"\\0041\"",
            "select $$x$$",
            "select $a$x$a$",
            "select N'x'",
            "select X'41'",
            "select B'01'",
            "select 'a",
            "select \"a",
            "select Käse",
            "select a\0",
            "select a ? b, c @? d",
            "select a @@ b",
            "select @ -1",
            "select |/ 4",
            "select a <-> b",
            "select \\x",
            "select `a`",
            "select {a}",
        ] {
            assert!(Text::read(text).is_err(), "{text}");
        }
        assert!(Text::read(&format!("select \"{}\"", "a".repeat(64))).is_err());
        assert!(Text::read(&format!("select 1{}", "+1".repeat(2000))).is_err());
        assert!(Text::read(&format!("select {}1", "- ".repeat(2000))).is_err());
    }

    #[test]
    fn chains_of_operators_are_short() {
        for infix in ["=", " xor ", " div ", " regexp ", " rlike ", " match ", " glob ", " and ", "::int+", " is null="]
        {
            let chain = format!("select 1{}", format!("{infix}1").repeat(9_000));
            assert!(Text::read(&chain).is_err(), "{infix}");
        }
        let list = format!("select a from t where a in (1{})", ",2".repeat(9_000));
        let conditions = format!("select name from t where name = ?{}", " and name = ?".repeat(199));
        assert!(Text::read(&list).is_ok());
        assert_eq!(Text::read(&conditions).unwrap().marks, Marks::Placed(200));
    }
}
