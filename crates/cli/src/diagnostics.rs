//! Findings in a manifest, drawn where they are: file, line, caret, help.

use std::borrow::Cow;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use bailiwick_policy::{Diagnostic, Severity, is_hidden};
use serde_json::{Value, json};

/// Draws all findings, with colours or without.
pub(crate) fn draw(text: &str, origin: &str, findings: &[Diagnostic], colours: bool) -> String {
    let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
    let (text, origin) = (harmless(text), harmless(origin));
    let one = |finding: &Diagnostic| {
        let (message, help) = (harmless(&finding.message), finding.help.as_deref().map(harmless));
        renderer.render(&[group(&text, &origin, finding, &message, help.as_deref())]) + "\n\n"
    };
    findings.iter().map(one).collect()
}

/// The same as data; lines and columns count from 1, columns in characters.
pub(crate) fn to_json(text: &str, findings: &[Diagnostic]) -> Value {
    let one = |finding: &Diagnostic| {
        let (line, column) = position(text, finding.span.start);
        let (end_line, end_column) = position(text, finding.span.end);
        json!({
            "severity": severity(finding.severity),
            "code": finding.code.as_str(),
            "message": finding.message,
            "help": finding.help,
            "line": line, "column": column, "end_line": end_line, "end_column": end_column,
        })
    };
    findings.iter().map(one).collect()
}

/// `1 error, 2 warnings`.
pub(crate) fn summary(findings: &[Diagnostic]) -> String {
    let count = |wanted| findings.iter().filter(|finding| finding.severity == wanted).count();
    let word = |count, word| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    format!("{}, {}", word(count(Severity::Error), "error"), word(count(Severity::Warning), "warning"))
}

fn group<'a>(
    text: &'a str,
    origin: &'a str,
    finding: &Diagnostic,
    message: &'a str,
    help: Option<&'a str>,
) -> Group<'a> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(message).id(finding.code.as_str());
    let span = finding.span.clone();
    // A finding whose place is not known has the whole text; drawing all of that would show nothing.
    let group = if span.start == 0 && span.end >= text.len() || text.get(span.clone()).is_none() {
        title.element(Origin::path(origin))
    } else {
        title.element(Snippet::source(text).path(origin).annotation(AnnotationKind::Primary.span(span)))
    };
    match help {
        Some(help) => group.element(Level::HELP.message(help)),
        None => group,
    }
}

/// The text with everything that a terminal might obey replaced by something visible of as many bytes, so that places
/// in it stay where they are. The renderer does this for most of them, not for all.
fn harmless(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| is_hidden(c) && !matches!(c, '\n' | '\t');
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c.len_utf8() {
            _ if !hidden(c) => shown.push(c),
            1 => shown.push('?'),
            2 => shown.push('·'),
            3 => shown.push('\u{fffd}'),
            _ => shown.push_str("··"),
        }
    }
    Cow::Owned(shown)
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// Line and column of a byte, both from 1; columns in characters.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}

#[cfg(test)]
mod tests {
    use bailiwick_policy::Manifest;

    use super::*;

    #[test]
    fn every_finding_is_drawn_in_its_place() {
        let text = "schema = 1\nid = \"x\"\nagents = [\"a\"]\nagentss = 1\n[[allow]]\nid = \"r\"\nfetch = \"https://a.example/**\"\nmethods = [\"FETCH\"]\n";
        let findings = Manifest::parse(text, "p/x.toml").unwrap_err();
        let drawn = draw(text, "p/x.toml", &findings, false);
        assert!(findings.len() >= 2, "{drawn}");
        for expected in ["--> p/x.toml:4:1", "agentss = 1", "^", "--> p/x.toml:8:", "help: ", "FETCH"] {
            assert!(drawn.contains(expected), "no {expected} in\n{drawn}");
        }
        assert!(!drawn.contains('\u{1b}'));
        assert!(draw(text, "p/x.toml", &findings, true).contains('\u{1b}'));
        let data = to_json(text, &findings);
        assert_eq!((data[0]["line"].as_u64(), data[0]["column"].as_u64()), (Some(4), Some(1)), "{data}");
    }

    /// A manifest comes from somebody else too: what it holds must not reach the terminal as commands.
    #[test]
    fn hostile_text_is_drawn_harmlessly() {
        for hostile in ["\u{1b}[2J", "\u{202e}", "\u{9b}31m", "\u{200b}", "\r", "\u{7}", "\u{e0041}"] {
            for text in [
                format!("schema = 1\nid = \"{hostile}\"\n"),
                format!("schema = 1\nid = \"x\"\n# {hostile}\n\"{hostile}\" = 1 # {hostile}\n"),
                format!("{{\"schema\": 1, \"id\": \"x\", \"{hostile}\": 1}}"),
            ] {
                let Err(findings) = Manifest::parse(&text, "x.toml") else { panic!("{text:?} has errors") };
                let drawn = draw(&text, "x.toml", &findings, false);
                assert!(!drawn.contains(hostile), "{drawn:?}");
            }
        }
    }
}
