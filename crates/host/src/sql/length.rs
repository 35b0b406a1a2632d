//! How much a statement computes without a pause in which it could be stopped: SQLite looks at the clock between rows, and in
//! one row it computes everything that is written.

use super::tokens::Token;

/// Words that compute something.
const OPERATORS: [&str; 14] =
    ["and", "between", "case", "collate", "glob", "in", "is", "isnull", "like", "not", "notnull", "or", "then", "when"];

/// What makes a statement long to compute without a pause in which it could be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    /// Names before `(`.
    pub(super) functions: usize,
    /// Signs and words that compute something, from `+` to `AND`.
    pub(super) operators: usize,
}

pub(super) fn length(tokens: &[Token<'_>]) -> Length {
    let mut length = Length { functions: 0, operators: 0 };
    let mut before = None;
    for token in tokens {
        match (before, token) {
            (Some(Token::Word(_) | Token::Quoted(_)), Token::Other('(')) => {
                length.functions = length.functions.saturating_add(1);
            }
            // A sign in front of a number computes nothing.
            (None | Some(Token::Other('(' | ',')), Token::Other('-' | '+')) => {}
            (_, Token::Other('+' | '-' | '*' | '/' | '%' | '|' | '&' | '<' | '>' | '=' | '!' | '~')) => {
                length.operators = length.operators.saturating_add(1);
            }
            (_, Token::Word(word)) if OPERATORS.iter().any(|operator| word.eq_ignore_ascii_case(operator)) => {
                length.operators = length.operators.saturating_add(1);
            }
            _ => {}
        }
        before = Some(*token);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    #[test]
    fn what_computes_is_counted() {
        let counted = |text: &str| length(&tokens(text).unwrap());
        assert_eq!(counted("INSERT INTO t VALUES (-1, +2), (3, 'a + b')"), Length { functions: 1, operators: 0 });
        assert_eq!(
            counted("SELECT hex (a) || upper(b) FROM t WHERE a = 1 AND NOT b - 1"),
            Length { functions: 2, operators: 6 }
        );
    }
}
