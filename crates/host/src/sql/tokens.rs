//! The words of a statement, as SQLite's own tokenizer splits it.
//!
//! Nothing is allowed because of what is found here: it makes a statement need more ([`replaces`], [`joins_by_name`]), says that there is none
//! ([`is_empty`]) or more than one ([`are_several`]), or leaves values out of records ([`outline`]).

/// A piece of a statement. White space and comments are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword, a name, or a number.
    Word(&'a str),
    /// A string or a blob, with its quotes.
    Literal(&'a str),
    /// A name in `"`, `` ` `` or `[]`, with them.
    Quoted(&'a str),
    /// `?`, `:name`, `@name`, `$name`.
    Variable(&'a str),
    Other(char),
}

/// Why a text has no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Something that starts and does not end.
    Open,
    /// A variable with `(…)` or `::` in its name, or NUL.
    Odd,
}

/// Splits a statement.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Unreadable> {
    // SQLite reads no further, also where a string or a comment is open.
    if text.contains('\0') {
        return Err(Unreadable::Odd);
    }
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            first if is_blank(first) => first.len_utf8(),
            '-' if rest.starts_with("--") => rest.find('\n').map_or(rest.len(), |at| at.saturating_add(1)),
            '/' if rest.starts_with("/*") => {
                let body = rest.get(2..).unwrap_or_default();
                body.find("*/").ok_or(Unreadable::Open)?.saturating_add(4)
            }
            '\'' | '"' | '`' => quoted(rest, first)?,
            '[' => rest.find(']').ok_or(Unreadable::Open)?.saturating_add(1),
            '?' => 1_usize.saturating_add(digits(rest.get(1..).unwrap_or_default())),
            '$' | '@' | ':' | '#' => {
                let name = word(rest.get(1..).unwrap_or_default());
                let end = rest.get(name.saturating_add(1)..).unwrap_or_default();
                if end.starts_with('(') || end.starts_with("::") {
                    return Err(Unreadable::Odd);
                }
                name.saturating_add(1)
            }
            first if is_word(first) => word(rest),
            first => first.len_utf8(),
        };
        let (piece, after) = rest.split_at_checked(length).ok_or(Unreadable::Open)?;
        let is_comment = piece.starts_with("--") || piece.starts_with("/*");
        match first {
            _ if is_comment => {}
            first if is_blank(first) => {}
            '\'' => tokens.push(Token::Literal(piece)),
            '"' | '`' | '[' => tokens.push(Token::Quoted(piece)),
            '?' | '$' | '@' | ':' | '#' => tokens.push(Token::Variable(piece)),
            first if is_word(first) => tokens.push(Token::Word(piece)),
            first => tokens.push(Token::Other(first)),
        }
        rest = after;
    }
    Ok(tokens)
}

/// Whether rows that are in the way of an insert or update may be removed: `REPLACE` other than as the function.
pub(super) fn replaces(tokens: &[Token<'_>]) -> bool {
    let is_replace = |token: &Token<'_>| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case("replace"));
    let after = |at: usize| tokens.get(at.saturating_add(1));
    tokens.iter().enumerate().any(|(at, token)| is_replace(token) && after(at) != Some(&Token::Other('(')))
}

/// Whether columns may be compared that nobody names: `NATURAL JOIN`, and `USING`.
pub(super) fn joins_by_name(tokens: &[Token<'_>]) -> bool {
    let words = ["natural", "using"];
    tokens
        .iter()
        .any(|token| matches!(token, Token::Word(word) if words.iter().any(|known| word.eq_ignore_ascii_case(known))))
}

/// Whether there is no statement at all, only white space, comments and semicolons.
pub(super) fn is_empty(tokens: &[Token<'_>]) -> bool {
    tokens.iter().all(|token| *token == Token::Other(';'))
}

/// Whether a statement comes after another. The body of a trigger has semicolons of its own: what begins with `CREATE` is
/// left to SQLite.
pub(super) fn are_several(tokens: &[Token<'_>]) -> bool {
    let mut rest = tokens.iter().skip_while(|token| **token == Token::Other(';')).peekable();
    if matches!(rest.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case("create")) {
        return false;
    }
    rest.skip_while(|token| **token != Token::Other(';')).any(|token| *token != Token::Other(';'))
}

/// The statement as records show it: on one line, without comments, and without the values that are written in it.
pub fn outline(statement: &str) -> String {
    let Ok(tokens) = tokens(statement) else { return "(a text that does not end)".to_owned() };
    let mut outline = String::new();
    for token in tokens {
        match token {
            Token::Other(',' | ')' | ';' | '.' | '(') => {}
            _ if outline.is_empty() || outline.ends_with(['(', '.']) => {}
            _ => outline.push(' '),
        }
        match token {
            Token::Literal(_) => outline.push('…'),
            Token::Word(word) if word.starts_with(|c: char| c.is_ascii_digit()) => outline.push('…'),
            Token::Word(text) | Token::Quoted(text) | Token::Variable(text) => outline.push_str(text),
            Token::Other(other) => outline.push(other),
        }
    }
    outline
}

/// The length of a string or name in quotes, which stand for themselves when doubled.
fn quoted(text: &str, quote: char) -> Result<usize, Unreadable> {
    let mut inside = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = inside.next() {
        if c == quote && inside.next_if(|(_, next)| *next == quote).is_none() {
            return Ok(at.saturating_add(1));
        }
    }
    Err(Unreadable::Open)
}

/// SQLite's white space, where a token may start; every other is part of a word or an error. A byte order mark is white space
/// wherever it stands.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r' | '\u{feff}')
}

fn word(text: &str) -> usize {
    text.find(|c| !is_word(c)).unwrap_or(text.len())
}

fn digits(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replacing(text: &str) -> bool {
        replaces(&tokens(text).unwrap())
    }

    #[test]
    fn replace_is_seen_wherever_it_stands() {
        for text in [
            "REPLACE INTO t VALUES (1)",
            "replace/**/into t values (1)",
            "insert or -- (\n replace into t values (1)",
            "WITH c AS (SELECT 1) INSERT OR REPLACE INTO t SELECT * FROM c",
            "UPDATE OR rEpLaCe t SET a = 1",
            "INSERT INTO t VALUES ('''') ; REPLACE INTO t VALUES (1)",
            "INSERT OR\u{c}REPLACE INTO t VALUES ('a''b', \"x\"\"y\", [z'])",
            "insert or replace into t select replace(a, 'x', 'y') from u",
            "\u{feff}REPLACE INTO t VALUES (1)",
            "INSERT OR \u{feff}REPLACE INTO t VALUES (1)",
            "INSERT OR \x0bREPLACE INTO t VALUES (1)",
            "/* \u{feff} */\u{feff}\u{feff}replace into t values ('\u{feff}')",
        ] {
            assert!(replacing(text), "{text}");
        }
        for text in [
            "INSERT INTO t SELECT replace(a, 'x', 'y') FROM u",
            "INSERT INTO t VALUES ('or replace into')",
            "INSERT INTO t VALUES (1) -- OR REPLACE",
            "INSERT INTO t /* OR REPLACE */ VALUES (1)",
            "INSERT INTO \"replace\" VALUES (1)",
            "INSERT INTO t (replaced) VALUES (:replace, $replace, @replace)",
        ] {
            assert!(!replacing(text), "{text}");
        }
    }

    /// Everything that might stand between two words, three at a time: where SQLite sees `REPLACE`, so do we.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a database in memory, whose own tokenizer is asked")]
    fn sqlite_sees_no_replace_that_is_not_seen_here() {
        const BETWEEN: &[&str] = &[
            "", " ", "\t", "\n", "\r", "\x0b", "\x0c", "\x1c", "\u{85}", "\u{a0}", "\u{2028}", "\u{200b}", "\u{feff}",
            "\u{fffe}", "--x\n", "--x\r", "/**/", "/*/*/", "/*", "*/", "-", ";", "(", "'", "\"", "[", "]", "`", "$",
            "#", ":a",
        ];
        let database = rusqlite::Connection::open_in_memory().unwrap();
        database.execute_batch("CREATE TABLE t (a PRIMARY KEY)").unwrap();
        let mut understood = 0;
        for a in BETWEEN {
            for b in BETWEEN {
                for c in BETWEEN {
                    for text in [
                        format!("INSERT OR{a}{b}{c}REPLACE INTO t VALUES (1)"),
                        format!("{a}{b}REPLACE{c}INTO t VALUES (1)"),
                    ] {
                        if database.prepare(&text).is_ok_and(|statement| !statement.readonly()) {
                            understood += 1;
                            // A text without tokens is refused.
                            assert!(tokens(&text).is_err() || replacing(&text), "{text:?}");
                        }
                    }
                }
            }
        }
        assert!(understood > 1000, "{understood}");
    }

    #[test]
    fn what_could_be_split_in_two_ways_is_not_split() {
        for text in [
            "SELECT $a(')",
            "SELECT :a::b",
            "SELECT @x('",
            "SELECT 'a",
            "SELECT \"a",
            "SELECT [a",
            "/* a",
            "SELECT 1\0",
            "SELECT 'a\0'",
            "SELECT 1 /* \0 */",
            "SELECT 1 -- \0",
        ] {
            assert!(tokens(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_text_without_a_statement_is_empty() {
        for text in ["", " \n", ";", ";; -- SELECT 1", "/* SELECT 1 */", "\u{feff}"] {
            assert!(is_empty(&tokens(text).unwrap()), "{text}");
        }
        for text in ["SELECT 1", "''", "; x"] {
            assert!(!is_empty(&tokens(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn a_second_statement_is_seen() {
        for text in ["SELECT 1; SELECT 2", ";;SELECT 1;;DROP TABLE t;", "SELECT ';' -- ;\n; x"] {
            assert!(are_several(&tokens(text).unwrap()), "{text}");
        }
        for text in [
            "SELECT 1",
            "; SELECT 1 ; ; -- ; SELECT 2",
            "SELECT ';x' /* ; */",
            "",
            ";;",
            "create trigger t begin a; b; end",
        ] {
            assert!(!are_several(&tokens(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn outlines_hold_no_values() {
        assert_eq!(
            outline("INSERT INTO  t(a, b)\nVALUES ('secret', 17, x'ff', ?1) -- really\n"),
            "INSERT INTO t(a, b) VALUES(…, …, x …, ?1)"
        );
        assert_eq!(outline("ATTACH '/etc/passwd' AS \"p\""), "ATTACH … AS \"p\"");
        assert_eq!(outline("SELECT 'a"), "(a text that does not end)");
    }
}
