//! `[tools.NAME]`: where tools come from.

use std::collections::HashSet;
use std::time::Duration;

use url::Url;

use super::diagnostic::{DiagnosticCode, Report};
use super::fields::{Fields, Schema, wrong_type};
use super::tree::{Place, Value};
use super::{name, refuse_hidden};
use crate::address::Scheme;
use crate::fetch_target::FetchTarget;
use crate::text::{Printable, is_hidden};

/// Most servers of one manifest.
const MAX_SERVERS: usize = 64;
/// Most words of a command.
const MAX_WORDS: usize = 256;
/// Longest word of a command, in bytes.
const MAX_WORD: usize = 4096;
/// Most variables that are passed through.
const MAX_VARIABLES: usize = 64;

/// Where some tools come from, under the name that rules and guests call them by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolServer {
    name: String,
    source: ToolSource,
    timeout: Option<Duration>,
}

/// What answers the calls of a server's tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolSource {
    /// A program that speaks the Model Context Protocol on its standard input and output.
    Program(ToolProgram),
    /// A server that speaks it over streamable HTTP. `http:` only if `private`.
    Http {
        url: Url,
        /// Addresses that are not public may be dialled.
        private: bool,
    },
    /// Functions of the program that embeds Bailiwick, registered under the server's name.
    Embedded,
}

/// A program, and how it is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolProgram {
    /// The program and its arguments; at least one word.
    pub command: Vec<String>,
    /// Names of environment variables that it gets. It gets no others.
    pub env: Vec<String>,
    /// The folder that it runs in, relative to the manifest's folder; that folder itself unless said otherwise.
    pub cwd: Option<String>,
}

const SERVER: Schema = Schema {
    what: "a tool server",
    known: &["command", "env", "cwd", "url", "private", "embedded", "timeout"],
    later: &["headers", "secret", "sha256"],
};
/// The fields that say what kind of server it is, and those that belong to it.
const SOURCES: [(&str, &[&str]); 3] = [("command", &["env", "cwd"]), ("url", &["private"]), ("embedded", &[])];

impl ToolServer {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn source(&self) -> &ToolSource {
        &self.source
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
            wrong_type::<()>(&entry.node, &entry.key, "a table with a `command` or a `url`", report);
            continue;
        };
        let fields = Fields::check(inner, &SERVER, report);
        let source = source(&entry.key, &entry.place, &fields, report);
        let timeout = fields.duration("timeout", report);
        let (Some(name), Some(source)) = (server, source) else { continue };
        servers.push(ToolServer { name, source, timeout });
    }
    servers
}

fn source(name: &str, place: &Place, fields: &Fields<'_>, report: &mut Report) -> Option<ToolSource> {
    let (mut sources, own): (Vec<_>, Vec<_>) = SOURCES.into_iter().filter(|(key, _)| fields.get(key).is_some()).unzip();
    let own: Vec<&str> = own.into_iter().flatten().copied().collect();
    let Some(source) = sources.pop().filter(|_| sources.is_empty()) else {
        let name = Printable(name);
        if sources.is_empty() {
            let message = format!("the tool server `{name}` has no `command` and no `url`");
            let help = "add the program and its arguments, as in `command = [\"npx\", \"-y\", \"…\"]`, or its address, as in \
                        `url = \"https://…/mcp\"`";
            report.error_with(DiagnosticCode::MissingField, place, message, help.to_owned());
        } else {
            let message = format!("the tool server `{name}` has more than one of `command`, `url` and `embedded`");
            report.error(DiagnosticCode::MisplacedField, place, message);
        }
        return None;
    };
    for key in SOURCES.iter().flat_map(|(_, keys)| *keys).filter(|key| !own.contains(key)) {
        if let Some(field) = fields.get(key) {
            let message = format!("`{key}` does not belong to a tool server with `{source}`; remove it");
            report.error(DiagnosticCode::MisplacedField, &field.place, message);
        }
    }
    match source {
        "command" => program(fields, report).map(ToolSource::Program),
        "url" => address(fields, report),
        _ => match fields.boolean("embedded", report)? {
            true => Some(ToolSource::Embedded),
            false => {
                let message = "`embedded` is `true` or not there".to_owned();
                report.error(DiagnosticCode::WrongType, place, message);
                None
            }
        },
    }
}

fn program(fields: &Fields<'_>, report: &mut Report) -> Option<ToolProgram> {
    let command = words(fields, report);
    let env = variables(fields, report);
    let cwd = fields.text("cwd", report).map(|(text, place)| {
        if text.is_empty() || text.len() > MAX_WORD {
            report.error(DiagnosticCode::BadName, place, "`cwd` takes the path of a folder".to_owned());
        }
        refuse_hidden("cwd", text, place, report);
        text.to_owned()
    });
    Some(ToolProgram { command: command?, env, cwd })
}

fn address(fields: &Fields<'_>, report: &mut Report) -> Option<ToolSource> {
    let private = fields.get("private").map_or(Some(false), |_| fields.boolean("private", report));
    let (text, place) = fields.text("url", report)?;
    let private = private?;
    // Servers of the protocol often live at `/mcp/`; nothing is decided about the path here that the slash could blur.
    let target = FetchTarget::parse(text.strip_suffix('/').filter(|rest| !rest.ends_with('/')).unwrap_or(text));
    let target = match target {
        Ok(target) => target,
        Err(error) => {
            report.error(DiagnosticCode::BadResource, place, format!("`url`: {error}"));
            return None;
        }
    };
    if target.scheme() == Scheme::Http && !private {
        let message = "a tool server is reached over `https://`".to_owned();
        let help = "an inner one may be reached over `http://`: say `private = true`".to_owned();
        report.error_with(DiagnosticCode::BadResource, place, message, help);
        return None;
    }
    Some(ToolSource::Http { url: Url::parse(text).ok()?, private })
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
