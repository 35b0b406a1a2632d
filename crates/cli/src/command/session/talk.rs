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
    /// Nothing more can be read, though the end was not reached; the message says why.
    Broken(String),
}

/// Reads in a thread of its own: standard input blocks, and cannot be interrupted.
///
/// # Errors
/// When there is no thread.
pub(super) fn listen(language: Language, json: bool) -> io::Result<mpsc::Receiver<Said>> {
    let (said, heard) = mpsc::channel(1);
    let talk = Talk { language, said };
    std::thread::Builder::new().name("standard input".into()).spawn(move || {
        let talked = match json {
            true => talk.json_lines(io::stdin().lock()),
            false if is_with_a_person() => talk.with_a_person(),
            false => talk.lines(io::stdin().lock()),
        };
        if let Err(End::Broken(message)) = talked {
            // Nobody listens any more: the session ended for another reason.
            let _ = talk.said.blocking_send(Said::Broken(message));
        }
    })?;
    Ok(heard)
}

/// Whether somebody types.
pub(super) fn is_with_a_person() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

struct Talk {
    language: Language,
    said: mpsc::Sender<Said>,
}

/// Why it ends before the input does.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Nobody listens any more.
    Gone,
    /// The input cannot be read any further.
    Broken(String),
}

/// What is wrong with a line.
#[derive(Debug)]
enum Wrong {
    /// The next one may be better.
    Line(String),
    /// There is no next one.
    Input(io::Error),
}

impl Talk {
    fn with_a_person(&self) -> Result<(), End> {
        let Ok(mut editor) = DefaultEditor::new() else { return self.lines(io::stdin().lock()) };
        let mut piece = Piece::new(self.language);
        loop {
            let prompt = if piece.is_empty() { ">>> " } else { "... " };
            match editor.readline(prompt) {
                Ok(line) => {
                    // History is a convenience.
                    let _ = editor.add_history_entry(&line);
                    self.say_whole(piece.push(&line))?;
                }
                // Ctrl-C drops what was typed; Ctrl-D ends the session.
                Err(ReadlineError::Interrupted) => piece = Piece::new(self.language),
                Err(ReadlineError::Eof) => return Ok(()),
                Err(error) => return Err(End::unreadable(&error)),
            }
        }
    }

    fn lines(&self, input: impl BufRead) -> Result<(), End> {
        let mut piece = Piece::new(self.language);
        for line in Lines::of(input) {
            match line {
                Ok(line) => self.say_whole(piece.push(&line))?,
                Err(Wrong::Line(message)) => {
                    piece.lose();
                    self.say_nonsense(message)?;
                }
                Err(Wrong::Input(error)) => return Err(End::unreadable(&error)),
            }
        }
        if piece.is_empty() { Ok(()) } else { self.say_whole(piece.take().map(Some)) }
    }

    fn json_lines(&self, input: impl BufRead) -> Result<(), End> {
        for line in Lines::of(input) {
            match line.and_then(|line| source_of(&line).map_err(Wrong::Line)) {
                Ok(None) => {}
                Ok(Some(source)) => self.say(source)?,
                Err(Wrong::Line(message)) => self.say_nonsense(message)?,
                Err(Wrong::Input(error)) => return Err(End::unreadable(&error)),
            }
        }
        Ok(())
    }

    /// Hands over what a line completed, if it did.
    fn say_whole(&self, whole: Result<Option<String>, TooLong>) -> Result<(), End> {
        match whole {
            Ok(Some(source)) => self.say(source),
            Ok(None) => Ok(()),
            Err(too_long) => self.say_nonsense(too_long.to_string()),
        }
    }

    fn say_nonsense(&self, message: String) -> Result<(), End> {
        self.said.blocking_send(Said::Nonsense(message)).map_err(|_| End::Gone)
    }

    /// Hands a piece over, and waits until it has been executed.
    fn say(&self, source: String) -> Result<(), End> {
        let (done, executed) = oneshot::channel();
        self.said.blocking_send(Said::Piece { source, done }).map_err(|_| End::Gone)?;
        executed.blocking_recv().map_err(|_| End::Gone)
    }
}

impl End {
    fn unreadable(error: &dyn std::error::Error) -> End {
        End::Broken(format!("standard input cannot be read: {error}"))
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

/// Lines of less than twice [`MAX_SOURCE_BYTES`], because JSON escapes. Longer ones are skipped with a message. After
/// [`Wrong::Input`] nobody asks for more.
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
    type Item = Result<String, Wrong>;

    fn next(&mut self) -> Option<Self::Item> {
        const LIMIT: usize = 2 * MAX_SOURCE_BYTES;
        let mut line = Vec::new();
        let most = u64::try_from(LIMIT).unwrap_or(u64::MAX);
        match (&mut self.reader).take(most).read_until(b'\n', &mut line) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => return Some(Err(Wrong::Input(error))),
        }
        if line.pop_if(|last| *last == b'\n').is_none() && line.len() == LIMIT {
            return Some(Err(match self.skip() {
                Ok(()) => Wrong::Line(format!("a line has more than {LIMIT} bytes")),
                Err(error) => Wrong::Input(error),
            }));
        }
        Some(String::from_utf8(line).map_err(|_| Wrong::Line("a line is not UTF-8".to_owned())))
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
        for (place, text) in [(0, "a"), (2, "b"), (4, "c")] {
            assert_eq!(lines[place].as_ref().unwrap(), text);
        }
        assert!(matches!((&lines[1], &lines[3]), (Err(Wrong::Line(_)), Err(Wrong::Line(_)))));
    }

    /// Fails once everything before has been read.
    struct Failing;

    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("it broke"))
        }
    }

    #[test]
    fn an_input_that_breaks_is_no_end() {
        let long = "x".repeat(2 * MAX_SOURCE_BYTES + 5);
        for text in ["", "half a line", "  \n", &long] {
            let (said, _heard) = mpsc::channel(1);
            let talk = Talk { language: Language::Python, said };
            let input = || io::BufReader::new(text.as_bytes().chain(Failing));
            for ended in [talk.lines(input()), talk.json_lines(input())] {
                assert_eq!(ended, Err(End::Broken("standard input cannot be read: it broke".into())));
            }
        }
    }
}
