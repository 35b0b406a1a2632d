//! `[tools.NAME]`: an upstream tool server, and how it is started.

use std::collections::HashSet;
use std::time::Duration;

use super::diagnostic::{DiagnosticCode, Report};
use super::fields::{Fields, Schema, wrong_type};
use super::tree::{Place, Value};
use super::{name, refuse_hidden};
use crate::text::{Printable, is_hidden};

/// Most servers of one manifest.
const MAX_SERVERS: usize = 64;
/// Most words of a command.
const MAX_WORDS: usize = 256;
/// Longest word of a command, in bytes.
const MAX_WORD: usize = 4096;
/// Most variables that are passed through.
const MAX_VARIABLES: usize = 64;

/// A tool server that the manifest's author offers: a program that speaks the Model Context Protocol on its standard
/// input and output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolServer {
    pub(super) name: String,
    pub(super) command: Vec<String>,
    pub(super) env: Vec<String>,
    pub(super) cwd: Option<String>,
    pub(super) timeout: Option<Duration>,
}

const SERVER: Schema = Schema {
    what: "a tool server",
    known: &["command", "env", "cwd", "timeout"],
    later: &["url", "headers", "secret", "sha256"],
};

impl ToolServer {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program and its arguments; at least one word.
    pub fn command(&self) -> &[String] {
        &self.command
    }

    /// Names of environment variables that the server gets. It gets no others.
    pub fn env(&self) -> &[String] {
        &self.env
    }

    /// The folder that it runs in, relative to the manifest's folder; that folder itself unless said otherwise.
    pub fn cwd(&self) -> Option<&str> {
        self.cwd.as_deref()
    }

    /// The longest that one call may take; `None` leaves the host's own deadline.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

pub(super) fn read(fields: &Fields<'_>, report: &mut Report) -> Vec<ToolServer> {
    let mut servers = Vec::new();
    let mut names = HashSet::new();
    let entries = fields.table("tools", report).unwrap_or_default();
    if let (true, Some(field)) = (entries.len() > MAX_SERVERS, fields.get("tools")) {
        let message = format!("a manifest has at most {MAX_SERVERS} tool servers");
        report.error(DiagnosticCode::BadCommand, &field.place, message);
        return servers;
    }
    for entry in entries {
        let server = name("tools", &entry.key, &entry.place, report);
        if !names.insert(&entry.key) {
            let message = format!("`{}` is defined twice", Printable(&entry.key));
            report.error(DiagnosticCode::DuplicateField, &entry.place, message);
        }
        let Value::Table(inner) = &entry.node.value else {
            wrong_type::<()>(&entry.node, &entry.key, "a table with a `command`", report);
            continue;
        };
        let fields = Fields::check(inner, &SERVER, report);
        if fields.get("command").is_none() && fields.get("url").is_none() {
            let message = format!("the tool server `{}` has no `command`", Printable(&entry.key));
            let help = "add the program and its arguments, as in `command = [\"npx\", \"-y\", \"…\"]`".to_owned();
            report.error_with(DiagnosticCode::MissingField, &entry.place, message, help);
        }
        let command = words(&fields, report);
        let env = variables(&fields, report);
        let cwd = fields.text("cwd", report).map(|(text, place)| {
            if text.is_empty() || text.len() > MAX_WORD {
                report.error(DiagnosticCode::BadName, place, "`cwd` takes the path of a folder".to_owned());
            }
            refuse_hidden("cwd", text, place, report);
            text.to_owned()
        });
        let timeout = fields.duration("timeout", report);
        let (Some(name), Some(command)) = (server, command) else { continue };
        servers.push(ToolServer { name, command, env, cwd, timeout });
    }
    servers
}

fn words(fields: &Fields<'_>, report: &mut Report) -> Option<Vec<String>> {
    let words = fields.texts("command", report)?;
    let place = &fields.get("command")?.node.place;
    let mut bad = |place: &Place, message: &str| {
        report.error(DiagnosticCode::BadCommand, place, message.to_owned());
        None
    };
    match words.first() {
        None => return bad(place, "`command` is empty; its first word is the program"),
        Some(("", place)) => return bad(place, "the program's name is empty"),
        Some(_) if words.len() > MAX_WORDS => return bad(place, "a command has at most 256 words"),
        Some(_) => {}
    }
    for (word, place) in &words {
        if word.len() > MAX_WORD {
            return bad(place, "a word of a command has at most 4096 bytes");
        }
        if word.chars().any(is_hidden) {
            let message = format!("a word of the command has an invisible character: `{}`", Printable(word));
            return bad(place, &message);
        }
    }
    Some(words.into_iter().map(|(word, _)| word.to_owned()).collect())
}

fn variables(fields: &Fields<'_>, report: &mut Report) -> Vec<String> {
    let Some(names) = fields.texts("env", report) else { return Vec::new() };
    if let (true, Some(field)) = (names.len() > MAX_VARIABLES, fields.get("env")) {
        let message = format!("`env` names at most {MAX_VARIABLES} variables");
        report.error(DiagnosticCode::BadName, &field.node.place, message);
    }
    let is_name = |text: &str| {
        (1..=128).contains(&text.len())
            && !text.starts_with(|c: char| c.is_ascii_digit())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let mut kept = Vec::new();
    for (name, place) in names {
        if is_name(name) {
            kept.push(name.to_owned());
            continue;
        }
        let message = format!("`{}` is not the name of an environment variable", Printable(name));
        let help = "values are not written in a manifest; set the variable where Bailiwick runs".to_owned();
        report.error_with(DiagnosticCode::BadName, place, message, help);
    }
    kept
}
