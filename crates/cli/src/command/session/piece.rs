//! Where a piece of source text ends, as far as brackets, quotes and indentation tell.

use std::fmt;

use bailiwick::{Language, MAX_SOURCE_BYTES};

/// Lines that do not make a whole piece yet.
#[derive(Debug)]
pub(super) struct Piece {
    text: String,
    scan: Scan,
    /// Its first line opens a block, which goes on until an empty line; so does what decorates one.
    block: bool,
    /// It has lost lines. It still ends where it would have ended, so that its rest is not taken for pieces.
    lost: bool,
}

/// A piece that is not executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a piece of more than {MAX_SOURCE_BYTES} bytes is not executed; split it, or read a file that is mounted"
        )
    }
}

impl Piece {
    pub(super) fn new(language: Language) -> Piece {
        Piece { text: String::new(), scan: Scan::of(language), block: false, lost: false }
    }

    /// Whether nothing was typed yet.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && !self.lost
    }

    /// Takes a line, and gives the piece that it completes. An empty line completes whatever is there.
    ///
    /// # Errors
    /// When the piece is complete, and was too long.
    pub(super) fn push(&mut self, line: &str) -> Result<Option<String>, TooLong> {
        let ends = line.trim().is_empty() && !self.scan.in_open_string();
        if self.is_empty() {
            if ends {
                return Ok(None);
            }
            self.block = self.scan.opens_block(line);
        }
        self.scan.line(line);
        self.keep(line);
        if ends || self.is_whole(line) { self.take().map(Some) } else { Ok(None) }
    }

    /// A line of it could not be read.
    pub(super) fn lose(&mut self) {
        self.lost = !self.is_empty();
        self.text = String::new();
    }

    /// What is there, whole or not.
    ///
    /// # Errors
    /// When it was too long.
    pub(super) fn take(&mut self) -> Result<String, TooLong> {
        let piece = std::mem::replace(self, Piece::new(self.scan.language));
        if piece.lost { Err(TooLong) } else { Ok(piece.text) }
    }

    fn keep(&mut self, line: &str) {
        if self.text.len().saturating_add(line.len()) >= MAX_SOURCE_BYTES {
            self.lost = true;
        }
        if self.lost {
            self.text = String::new();
        } else {
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    fn is_whole(&self, line: &str) -> bool {
        let scan = &self.scan;
        if scan.depth > 0 || scan.quote.is_some() || line.trim_end().ends_with('\\') {
            return false;
        }
        match scan.language {
            Language::Python => !self.block && !line.trim_end().ends_with(':'),
            Language::JavaScript => true,
        }
    }
}

/// Brackets and quotes that are open at the end of the lines so far. No token that matters goes over the end of a line,
/// so each line is read once.
#[derive(Debug)]
struct Scan {
    language: Language,
    depth: usize,
    quote: Option<&'static str>,
}

impl Scan {
    fn of(language: Language) -> Scan {
        Scan { language, depth: 0, quote: None }
    }

    /// Whether an empty line is part of a string, or of a comment.
    fn in_open_string(&self) -> bool {
        self.quote.is_some_and(|quote| quote.len() > 1 || quote == "`")
    }

    fn opens_block(&self, line: &str) -> bool {
        self.language == Language::Python && (line.trim_end().ends_with(':') || line.starts_with('@'))
    }

    /// Reads a line, without its end.
    fn line(&mut self, line: &str) {
        let (quotes, comment): (&[&'static str], &str) = match self.language {
            Language::Python => (&["\"\"\"", "'''", "\"", "'"], "#"),
            Language::JavaScript => (&["`", "\"", "'"], "//"),
        };
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let mut taken = c.len_utf8();
            match self.quote {
                Some(_) if c == '\\' => match rest.chars().nth(1) {
                    Some(escaped) => taken += escaped.len_utf8(),
                    // It escapes the end of the line, and the string goes on.
                    None => return,
                },
                Some(quote) if rest.starts_with(quote) => {
                    self.quote = None;
                    taken = quote.len();
                }
                Some(_) => {}
                None if rest.starts_with(comment) => break,
                None if self.language == Language::JavaScript && rest.starts_with("/*") => {
                    self.quote = Some("*/");
                    taken = 2;
                }
                None => {
                    if let Some(quote) = quotes.iter().find(|quote| rest.starts_with(**quote)) {
                        self.quote = Some(quote);
                        taken = quote.len();
                    } else if "([{".contains(c) {
                        self.depth += 1;
                    } else if ")]}".contains(c) {
                        self.depth = self.depth.saturating_sub(1);
                    }
                }
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
        // A string of one line ends with it, closed or not: the interpreter will say so.
        self.quote = self.quote.filter(|quote| quote.len() > 1 || *quote == "`");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(language: Language, lines: &[&str]) -> Vec<String> {
        let mut piece = Piece::new(language);
        let mut whole: Vec<String> = lines.iter().filter_map(|line| piece.push(line).unwrap()).collect();
        if !piece.is_empty() {
            whole.push(format!("unfinished: {}", piece.take().unwrap()));
        }
        whole
    }

    #[test]
    fn python() {
        let python = |lines: &[&str]| pieces(Language::Python, lines);
        assert_eq!(python(&["x = 1", "x"]), ["x = 1\n", "x\n"]);
        assert_eq!(python(&["def f():", "  return 1", "", "f()"]), ["def f():\n  return 1\n\n", "f()\n"]);
        assert_eq!(python(&["f(1,", "2)"]), ["f(1,\n2)\n"]);
        assert_eq!(python(&["s = \"\"\"a", "", "b\"\"\""]), ["s = \"\"\"a\n\nb\"\"\"\n"]);
        assert_eq!(python(&["'(' # ("]), ["'(' # (\n"]);
        assert_eq!(python(&["@cache", "def f(): pass", ""]), ["@cache\ndef f(): pass\n\n"]);
        assert_eq!(python(&["x = 1 + \\", "2"]), ["x = 1 + \\\n2\n"]);
        assert_eq!(python(&["", "  ", "if x:"]), ["unfinished: if x:\n"]);
        assert_eq!(python(&["'a\\'('"]), ["'a\\'('\n"]);
        assert_eq!(python(&["'a\\", "('"]), ["'a\\\n('\n"]);
        assert_eq!(python(&["'a (", "2"]), ["'a (\n", "2\n"]);
    }

    #[test]
    fn javascript() {
        let javascript = |lines: &[&str]| pieces(Language::JavaScript, lines);
        assert_eq!(javascript(&["let x = {", "a: 1 }", "x"]), ["let x = {\na: 1 }\n", "x\n"]);
        assert_eq!(javascript(&["`a", "", "b`"]), ["`a\n\nb`\n"]);
        assert_eq!(javascript(&["f( // (", ")"]), ["f( // (\n)\n"]);
        assert_eq!(javascript(&["/* a (", "", "it's */ 1"]), ["/* a (\n\nit's */ 1\n"]);
        assert_eq!(
            javascript(&["f(", ""]),
            ["f(\n\n"],
            "an empty line ends it, and the interpreter says what is wrong"
        );
    }

    /// Half a million lines, each of which opens a bracket, take as long as they are; and what comes after the limit is not
    /// executed by itself.
    #[test]
    fn a_piece_is_bounded_and_read_once() {
        let mut piece = Piece::new(Language::Python);
        for _ in 0..=MAX_SOURCE_BYTES / 2 {
            assert_eq!(piece.push("("), Ok(None));
            assert!(piece.text.len() <= MAX_SOURCE_BYTES);
        }
        assert!(!piece.is_empty());
        assert!(piece.text.capacity() == 0, "what is lost is not kept");
        assert_eq!(piece.push("print('never'))"), Ok(None));
        assert_eq!(piece.push(""), Err(TooLong));
        assert_eq!(piece.push("1"), Ok(Some("1\n".into())), "the next one is a piece again");
    }

    #[test]
    fn the_longest_piece() {
        let mut piece = Piece::new(Language::Python);
        let longest = "x".repeat(MAX_SOURCE_BYTES - 1);
        assert!(piece.push(&longest).is_ok_and(|whole| whole.is_some_and(|text| text.len() == MAX_SOURCE_BYTES)));
        assert_eq!(piece.push(&(longest + "x")), Err(TooLong));
    }

    #[test]
    fn a_piece_that_lost_a_line_ends_where_it_would_have() {
        let mut piece = Piece::new(Language::JavaScript);
        piece.lose();
        assert!(piece.is_empty(), "nothing was there");
        assert_eq!(piece.push("f("), Ok(None));
        piece.lose();
        assert_eq!(piece.push("2"), Ok(None));
        assert_eq!(piece.push(")"), Err(TooLong));
    }
}
