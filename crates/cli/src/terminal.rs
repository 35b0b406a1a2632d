//! Everything that is printed goes through here.
//!
//! Colours appear only on a terminal and never with `NO_COLOR`. Text that a guest, a token or a file wrote is shown with
//! [`Untrusted`], so that it cannot move the cursor, hide, or pose as ours.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
pub(crate) use bailiwick_guard::untrusted::Untrusted;
use bailiwick_policy::is_hidden;
use serde_json::Value;

use crate::failure::Failure;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const NOTE: Style = AnsiColor::Cyan.on_default();

/// Writes to standard output. Whoever reads it may stop reading; that is not our failure.
pub(crate) fn out(text: &str) -> Result<(), Failure> {
    out_while_read(text).map(drop)
}

/// Writes to standard output, and says whether somebody still reads it.
pub(crate) fn out_while_read(text: &str) -> Result<bool, Failure> {
    let mut stream = anstream::stdout().lock();
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::internal(format!("cannot write to standard output: {error}"))),
    }
}

/// One JSON document and a line break on standard output.
pub(crate) fn out_json(value: &Value) -> Result<(), Failure> {
    out(&visible_json(&format!("{value:#}\n")))
}

/// The same JSON, in which everything that would control a terminal, or hide on it, is an escape sequence. Such
/// characters stand inside strings only, and JSON itself demands it of those below U+0020 alone.
pub(crate) fn visible_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !is_hidden(c) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            shown += &format!("\\u{unit:04x}");
        }
    }
    shown
}

/// Text of one line or several in which everything else that would control a terminal, or hide on it, is spelled out.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !is_hidden(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    shown
}

/// Writes to standard error, where nothing can be done about a failure.
pub(crate) fn err(text: &str) {
    let mut stream = anstream::stderr().lock();
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

/// A failure, for a person.
pub(crate) fn failure(failure: &Failure) {
    let code = failure.code().map(|code| format!(" {DIM}[{code}]{DIM:#}")).unwrap_or_default();
    let help = failure.advice().map(|help| format!("  {NOTE}help{NOTE:#}: {help}\n")).unwrap_or_default();
    err(&format!("{}{BAD}error{BAD:#}: {}{code}\n{help}", failure.drawn(), failure.message()));
}

/// Whether standard error is a terminal on which a line may be redrawn.
pub(crate) fn is_live() -> bool {
    io::stderr().is_terminal() && anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// Whether what is written to standard error may be coloured.
pub(crate) fn colours() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// Text of several lines from elsewhere, each line made safe on its own.
pub(crate) fn untrusted_lines(text: &str, indent: &str) -> String {
    text.lines().map(|line| format!("{indent}{}\n", Untrusted(line))).collect()
}

/// Makes a stream of untrusted bytes fit for a terminal: text passes, what would control the terminal is spelled out.
#[derive(Debug, Default)]
pub(crate) struct Visible {
    /// Bytes of a character that is not complete yet.
    pending: Vec<u8>,
    /// A carriage return whose line feed has not come yet.
    carriage_return: bool,
    mid_line: bool,
}

impl Visible {
    /// What to show for the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let mut shown = String::with_capacity(pending.len());
        let mut rest = pending.as_slice();
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.show(text, &mut shown);
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    self.show(std::str::from_utf8(valid).unwrap_or_default(), &mut shown);
                    let Some(length) = error.error_len() else {
                        self.pending = after.to_vec();
                        break;
                    };
                    self.show("\u{fffd}", &mut shown);
                    rest = after.get(length..).unwrap_or_default();
                }
            }
        }
        shown
    }

    /// What to show at the end, so that the next line is a line of its own.
    pub(crate) fn end(mut self) -> String {
        let mut shown = String::new();
        if !self.pending.is_empty() {
            self.show("\u{fffd}", &mut shown);
        }
        if self.mid_line || self.carriage_return {
            shown.push('\n');
        }
        shown
    }

    fn show(&mut self, text: &str, shown: &mut String) {
        for c in text.chars() {
            let returned = std::mem::replace(&mut self.carriage_return, c == '\r');
            if returned && c != '\n' {
                shown.push_str("\\r");
            }
            match c {
                '\r' => {}
                '\n' | '\t' => shown.push(c),
                hidden if is_hidden(hidden) => shown.push_str(&hidden.escape_unicode().to_string()),
                plain => shown.push(plain),
            }
            self.mid_line = c != '\n';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_on_a_terminal_is_text() {
        let whole = "héllo\tx\r\n\u{1b}[31mred\u{202e}\u{9b}\rover";
        let expected = "héllo\tx\n\\u{1b}[31mred\\u{202e}\\u{9b}\\rover\n";
        for size in 1..=whole.len() {
            let mut visible = Visible::default();
            let shown: String = whole.as_bytes().chunks(size).map(|chunk| visible.push(chunk)).collect();
            assert_eq!(shown + &visible.end(), expected, "in chunks of {size}");
        }
        let mut visible = Visible::default();
        assert_eq!(visible.push(b"a\xffb\xe2\x82"), "a\u{fffd}b");
        assert_eq!(visible.end(), "\u{fffd}\n");
        let mut lines = Visible::default();
        assert_eq!(lines.push(b"a\n"), "a\n");
        assert_eq!(lines.end(), "");
    }

    #[test]
    fn json_shows_what_hides() {
        let value = serde_json::json!({ "a\u{9b}b": "\u{7f}\u{202e}\u{200b}\u{e0041}\u{1b}\n\t\"\\é東🦀" });
        let shown = visible_json(&format!("{value:#}\n"));
        assert!(!shown.contains(|c| c != '\n' && is_hidden(c)), "{shown:?}");
        for expected in ["a\\u009bb", "\\u007f\\u202e\\u200b\\udb40\\udc41\\u001b\\n\\t", "é東🦀"] {
            assert!(shown.contains(expected), "no {expected} in {shown}");
        }
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
    }

    #[test]
    fn hostile_lines_stay_lines() {
        let shown = untrusted_lines("a\x1b[2Jb\r\nerror: \u{202e}x\u{9b}m\n", "  | ");
        assert_eq!(shown, "  | a\\u{1b}[2Jb\n  | error: \\u{202e}x\\u{9b}m\n");
        let long = untrusted_lines(&"x".repeat(1_000_000), "");
        assert!(long.len() < 2000 && long.contains("1000000 bytes"));
    }
}
