//! What comes from standard input: lines that make pieces, or lines of JSON.

use std::io::{self, BufRead, IsTerminal, Read};

use bailiwick::{Language, MAX_SOURCE_BYTES};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::piece::{Piece, TooLong};

/// Something to do.
pub(super) enum Said {
    /// Source text; `done` is told when it has been executed.
    Piece { source: String, done: oneshot::Sender<()> },
    /// A line that is no JSON, for example; the message says what is wrong.
    Nonsense(String),
}

/// Reads in a thread of its own: standard input blocks, and cannot be interrupted.
pub(super) fn listen(language: Language, json: bool) -> mpsc::Receiver<Said> {
    let (said, heard) = mpsc::channel(1);
    let talk = Talk { language, said };
    // Without a thread nothing is said, and the session ends at once.
    let _ = std::thread::Builder::new().name("standard input".into()).spawn(move || match json {
        true => talk.json_lines(),
        false if is_with_a_person() => talk.with_a_person(),
        false => talk.lines(),
    });
    heard
}

/// Whether somebody types.
pub(super) fn is_with_a_person() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

struct Talk {
    language: Language,
    said: mpsc::Sender<Said>,
}

/// Nobody listens any more.
struct Gone;

impl Talk {
    fn with_a_person(&self) {
        let Ok(mut editor) = DefaultEditor::new() else { return self.lines() };
        let mut piece = Piece::new(self.language);
        loop {
            let prompt = if piece.is_empty() { ">>> " } else { "... " };
            match editor.readline(prompt) {
                Ok(line) => {
                    // History is a convenience.
                    let _ = editor.add_history_entry(&line);
                    if self.say_whole(piece.push(&line)).is_err() {
                        return;
                    }
                }
                // Ctrl-C drops what was typed; Ctrl-D ends the session.
                Err(ReadlineError::Interrupted) => piece = Piece::new(self.language),
                Err(_) => return,
            }
        }
    }

    fn lines(&self) {
        let mut piece = Piece::new(self.language);
        for line in Lines::of(io::stdin().lock()) {
            let said = match line {
                Ok(line) => self.say_whole(piece.push(&line)),
                Err(message) => {
                    piece.lose();
                    self.say_nonsense(message)
                }
            };
            if said.is_err() {
                return;
            }
        }
        if !piece.is_empty() {
            // The end of the input either way.
            let _ = self.say_whole(piece.take().map(Some));
        }
    }

    fn json_lines(&self) {
        for line in Lines::of(io::stdin().lock()) {
            let said = match line.and_then(|line| source_of(&line)) {
                Ok(None) => continue,
                Ok(Some(source)) => self.say(source),
                Err(message) => self.say_nonsense(message),
            };
            if said.is_err() {
                return;
            }
        }
    }

    /// Hands over what a line completed, if it did.
    fn say_whole(&self, whole: Result<Option<String>, TooLong>) -> Result<(), Gone> {
        match whole {
            Ok(Some(source)) => self.say(source),
            Ok(None) => Ok(()),
            Err(too_long) => self.say_nonsense(too_long.to_string()),
        }
    }

    fn say_nonsense(&self, message: String) -> Result<(), Gone> {
        self.said.blocking_send(Said::Nonsense(message)).map_err(|_| Gone)
    }

    /// Hands a piece over, and waits until it has been executed.
    fn say(&self, source: String) -> Result<(), Gone> {
        let (done, executed) = oneshot::channel();
        self.said.blocking_send(Said::Piece { source, done }).map_err(|_| Gone)?;
        executed.blocking_recv().map_err(|_| Gone)
    }
}

/// The source text in a line of JSON; `None` for an empty line.
fn source_of(line: &str) -> Result<Option<String>, String> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let expected = "expected a JSON string with source text, or an object with `source`";
    let value: Value = serde_json::from_str(line).map_err(|error| format!("{expected}: {error}"))?;
    match value {
        Value::String(source) => Ok(Some(source)),
        Value::Object(mut members) if members.len() == 1 => match members.remove("source") {
            Some(Value::String(source)) => Ok(Some(source)),
            _ => Err(expected.to_owned()),
        },
        _ => Err(expected.to_owned()),
    }
}

/// Lines of less than twice [`MAX_SOURCE_BYTES`], because JSON escapes. Longer ones are skipped with a message.
struct Lines<R> {
    reader: R,
}

impl<R: BufRead> Lines<R> {
    fn of(reader: R) -> Lines<R> {
        Lines { reader }
    }

    /// Reads up to the end of a line that is too long.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => {
                    self.reader.consume(at + 1);
                    return Ok(());
                }
                None => {
                    let all = buffer.len();
                    self.reader.consume(all);
                }
            }
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<String, String>;

    fn next(&mut self) -> Option<Self::Item> {
        const LIMIT: usize = 2 * MAX_SOURCE_BYTES;
        let mut line = Vec::new();
        let most = u64::try_from(LIMIT).unwrap_or(u64::MAX);
        match (&mut self.reader).take(most).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
        if line.pop_if(|last| *last == b'\n').is_none() && line.len() == LIMIT {
            return match self.skip() {
                Ok(()) => Some(Err(format!("a line has more than {LIMIT} bytes"))),
                Err(_) => None,
            };
        }
        Some(String::from_utf8(line).map_err(|_| "a line is not UTF-8".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_lines() {
        assert_eq!(source_of("\"1+1\""), Ok(Some("1+1".into())));
        assert_eq!(source_of(r#"{"source": "x"}"#), Ok(Some("x".into())));
        assert_eq!(source_of("  "), Ok(None));
        for bad in ["1", "{", r#"{"source": 1}"#, r#"{"source": "x", "more": 1}"#, "[]"] {
            assert!(source_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn long_lines_are_skipped() {
        let mut text = b"a\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', 2 * MAX_SOURCE_BYTES + 5));
        text.extend(b"\nb\n\xff\nc");
        let lines: Vec<_> = Lines::of(&text[..]).collect();
        assert_eq!(lines.len(), 5);
        assert_eq!((lines[0].as_deref(), lines[2].as_deref(), lines[4].as_deref()), (Ok("a"), Ok("b"), Ok("c")));
        assert!(lines[1].is_err() && lines[3].is_err());
    }
}
