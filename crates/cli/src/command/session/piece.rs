//! Where a piece of source text ends, as far as brackets, quotes and indentation tell.

use bailiwick::Language;

/// Lines that do not make a whole piece yet.
#[derive(Debug)]
pub(super) struct Piece {
    language: Language,
    text: String,
}

impl Piece {
    pub(super) fn new(language: Language) -> Piece {
        Piece { language, text: String::new() }
    }

    /// Whether nothing was typed yet.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Takes a line, and gives the piece that it completes. An empty line completes whatever is there.
    pub(super) fn push(&mut self, line: &str) -> Option<String> {
        let ends = line.trim().is_empty() && !open_string(self.language, &self.text);
        if ends && self.is_empty() {
            return None;
        }
        self.text.push_str(line);
        self.text.push('\n');
        (ends || self.is_whole(line)).then(|| self.take())
    }

    /// What is there, whole or not.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    fn is_whole(&self, line: &str) -> bool {
        let scan = Scan::of(self.language, &self.text);
        if scan.depth > 0 || scan.quote.is_some() || line.trim_end().ends_with('\\') {
            return false;
        }
        match self.language {
            // A block goes on until an empty line; so does what decorates one.
            Language::Python => {
                let first = self.text.lines().next().unwrap_or_default();
                !first.trim_end().ends_with(':') && !first.starts_with('@') && !line.trim_end().ends_with(':')
            }
            Language::JavaScript => true,
        }
    }
}

fn open_string(language: Language, text: &str) -> bool {
    Scan::of(language, text).quote.is_some_and(|quote| quote.len() > 1 || quote == "`")
}

/// Brackets and quotes that are open at the end of a text.
#[derive(Debug, Default)]
struct Scan {
    depth: usize,
    quote: Option<&'static str>,
}

impl Scan {
    fn of(language: Language, text: &str) -> Scan {
        let (quotes, comment): (&[&'static str], &str) = match language {
            Language::Python => (&["\"\"\"", "'''", "\"", "'"], "#"),
            Language::JavaScript => (&["`", "\"", "'"], "//"),
        };
        let mut scan = Scan::default();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let mut taken = c.len_utf8();
            match scan.quote {
                Some(_) if c == '\\' => taken += rest.chars().nth(1).map_or(0, char::len_utf8),
                Some(quote) if rest.starts_with(quote) => {
                    scan.quote = None;
                    taken = quote.len();
                }
                // A string of one line ends with it, closed or not: the interpreter will say so.
                Some(quote) if c == '\n' && quote.len() == 1 && quote != "`" => scan.quote = None,
                Some(_) => {}
                None if rest.starts_with(comment) => taken = rest.find('\n').unwrap_or(rest.len()),
                None if language == Language::JavaScript && rest.starts_with("/*") => {
                    scan.quote = Some("*/");
                    taken = 2;
                }
                None => {
                    if let Some(quote) = quotes.iter().find(|quote| rest.starts_with(**quote)) {
                        scan.quote = Some(quote);
                        taken = quote.len();
                    } else if "([{".contains(c) {
                        scan.depth += 1;
                    } else if ")]}".contains(c) {
                        scan.depth = scan.depth.saturating_sub(1);
                    }
                }
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
        scan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(language: Language, lines: &[&str]) -> Vec<String> {
        let mut piece = Piece::new(language);
        let mut whole: Vec<String> = lines.iter().filter_map(|line| piece.push(line)).collect();
        if !piece.is_empty() {
            whole.push(format!("unfinished: {}", piece.take()));
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
}
