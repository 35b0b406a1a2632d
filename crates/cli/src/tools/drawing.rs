//! A server and its tools, for the person who accepts them: everything that would be accepted, and nothing that could pass for
//! our own words.

use std::fmt::Write as _;

use anstyle::Style;
use bailiwick_host::tools::{Inspection, Offer, Reached, Standing};
use bailiwick_policy::is_hidden;
use serde_json::Value;

use super::{Asked, word};
use crate::terminal::{BAD, BOLD, DIM, GOOD, NOTE, Untrusted, WARN, untrusted_lines};

/// Columns of untrusted text on a line. It is broken here and not by the terminal, whose second line would begin at the edge.
const COLUMNS: usize = 72;

impl Asked {
    /// How it is started, and what it offers; or why that is not known.
    pub(crate) fn draw(&self) -> String {
        let mut text = self.head();
        match &self.found {
            Err(error) => {
                let _ = writeln!(text, "  {BAD}error{BAD:#}: {}", Untrusted(&error.to_string()));
                if let bailiwick_host::tools::ServerError::Closed { stderr } = error {
                    text += &untrusted_lines(stderr, "    | ");
                }
            }
            Ok(found) => {
                for (offer, standing) in &found.offers {
                    text += &self.tool(offer, standing);
                }
                text += &self.tail(found);
            }
        }
        text
    }

    /// The same about these offers only, and only as far as they were not accepted like that before.
    pub(crate) fn draw_news(&self, offers: &[(&Offer, &Standing)]) -> String {
        let mut text = self.head();
        for (offer, standing) in offers {
            text += &match standing {
                Standing::Accepted => self.title(offer, standing),
                _ => self.tool(offer, standing),
            };
        }
        text
    }

    fn head(&self) -> String {
        let mut text = format!("{BOLD}{}{BOLD:#}\n", Untrusted(&self.name));
        let lines = match self.launch.reached() {
            Reached::Program { command, folder } => {
                let words: Vec<String> =
                    command.iter().map(|word| Untrusted(&format!("{word:?}")).to_string()).collect();
                let variables: Vec<&str> = self.launch.variables().collect();
                let variables = if variables.is_empty() { "none".to_owned() } else { variables.join(", ") };
                let folder = Untrusted(&folder.display().to_string()).to_string();
                vec![("command", words.join(" ")), ("folder", folder), ("variables", variables)]
            }
            Reached::Http { url, private, authorized } => {
                let zone = if private { "public and private ones" } else { "public ones" };
                let sent = if authorized { "the one of this URL" } else { "none" };
                vec![("url", Untrusted(url).to_string()), ("addresses", zone.to_owned()), ("token", sent.to_owned())]
            }
        };
        for (what, is) in lines {
            let _ = writeln!(text, "  {what:<10}{is}");
        }
        if self.found.as_ref().is_ok_and(|found| found.relaunched) {
            let _ = writeln!(
                text,
                "  {WARN}note{WARN:#}: it was started otherwise when tools of it were accepted; none of those counts any more"
            );
        }
        text
    }

    fn tail(&self, found: &Inspection) -> String {
        let mut text = String::new();
        for gone in &found.gone {
            let _ = writeln!(text, "  {DIM}gone{DIM:#}      {}/{}", self.name, Untrusted(gone));
        }
        if found.offers.is_empty() {
            text += "  it offers no tools\n";
        }
        if found.offers.iter().any(|(_, standing)| matches!(standing, Standing::New | Standing::Changed)) {
            let digest = self.digest(found.acceptable(None));
            let _ = writeln!(text, "  {NOTE}to accept all of it as shown{NOTE:#}: --digest {digest}");
        }
        text
    }

    fn title(&self, offer: &Offer, standing: &Standing) -> String {
        let style = match standing {
            Standing::New => NOTE,
            Standing::Changed => WARN,
            Standing::Accepted => GOOD,
            Standing::Unusable(_) => BAD,
        };
        // A name too long to be shown whole is no name of a tool in a rule, and cannot be accepted.
        let name = Untrusted(offer.name());
        format!("  {style}{:<9}{style:#} {BOLD}{}/{name}{BOLD:#}\n", word(standing), self.name)
    }

    /// All that is accepted with a tool; of one that changed, what it was as well.
    fn tool(&self, offer: &Offer, standing: &Standing) -> String {
        let mut text = self.title(offer, standing);
        if let Standing::Unusable(why) = standing {
            let _ = writeln!(text, "    {}", Untrusted(why));
        }
        let before = match standing {
            Standing::Changed => self.acceptance.tool(offer.name()).map(|tool| tool.definition()),
            _ => None,
        };
        let none = Value::Null;
        for member in MEMBERS {
            let now = offer.definition().get(member).unwrap_or(&none);
            match before.map(|before| before.get(member).unwrap_or(&none)) {
                Some(was) if was != now => {
                    text += &lines(member, was, '-', BAD);
                    text += &lines(member, now, '+', GOOD);
                }
                _ => text += &lines(member, now, '|', Style::new()),
            }
        }
        text
    }
}

/// In the order in which a person reads them; the name is in the title.
const MEMBERS: [&str; 5] = ["description", "title", "inputSchema", "outputSchema", "annotations"];

/// One member of a definition; nothing if it is not there.
fn lines(name: &str, value: &Value, mark: char, style: Style) -> String {
    let shown = match value {
        Value::Null => return String::new(),
        Value::String(shown) if name == "description" => shown.clone(),
        Value::String(shown) => format!("{name}: {shown}"),
        other => match format!("{name}: {other}") {
            short if short.len() <= COLUMNS => short,
            _ => format!("{name}: {other:#}"),
        },
    };
    let mut text = String::new();
    for line in shown.split('\n') {
        for (at, part) in broken(line).iter().enumerate() {
            // A line that goes on says so, for a line break is something else.
            let mark = if at == 0 { mark } else { '…' };
            let _ = writeln!(text, "    {style}{mark}{style:#} {part}");
        }
    }
    text
}

/// A line in parts that fit a terminal, with everything spelled out that would control it, or hide on it. Nothing is left out.
fn broken(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut width = 0;
    for c in line.chars() {
        let shown: String = if is_hidden(c) { c.escape_unicode().collect() } else { c.into() };
        // Many characters beyond ASCII take two columns.
        let columns = if c.is_ascii() || is_hidden(c) { shown.len() } else { 2 };
        if width + columns > COLUMNS {
            parts.push(String::new());
            width = 0;
        }
        width += columns;
        if let Some(part) = parts.last_mut() {
            part.push_str(&shown);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_text_is_shown_and_none_of_it_at_the_edge() {
        let hostile =
            format!("Adds.{}\u{1b}[2J\r\u{202e}over\nerror: accepted\n{}!END", " ".repeat(5000), "漢".repeat(99));
        let shown = lines("description", &Value::String(hostile.clone()), '|', Style::new());
        assert!(shown.lines().all(|line| line.starts_with("    | ") || line.starts_with("    … ")), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= COLUMNS + 6), "{shown}");
        assert!(!shown.contains(|c| c != '\n' && is_hidden(c)), "{shown}");
        let joined: String = shown.lines().map(|line| line.chars().skip(6).collect::<String>()).collect();
        let expected = hostile.replace('\u{1b}', "\\u{1b}").replace('\r', "\\u{d}").replace('\u{202e}', "\\u{202e}");
        assert_eq!(joined, expected.replace('\n', ""));
    }

    #[test]
    fn members_that_are_not_there_are_not_shown() {
        assert_eq!(lines("title", &Value::Null, '|', Style::new()), "");
        assert_eq!(lines("title", &Value::String("a".into()), '+', Style::new()), "    + title: a\n");
        let short = serde_json::json!({ "type": "object" });
        assert_eq!(lines("inputSchema", &short, '|', Style::new()), "    | inputSchema: {\"type\":\"object\"}\n");
        let long = serde_json::json!({ "x": "y".repeat(60) });
        assert!(
            lines("inputSchema", &long, '|', Style::new()).starts_with("    | inputSchema: {\n    |   \"x\": \"yy")
        );
    }
}
