//! `[stores]` and `[databases]`: where data lives that guests may ask for.

use std::collections::HashSet;

use super::diagnostic::{DiagnosticCode, Report};
use super::fields::{Fields, wrong_type};
use super::rules::is_id;
use super::tree::{Entry, Value};
use super::{name, refuse_hidden};
use crate::text::Printable;

/// Whose a key-value store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// Each agent has its own, whatever the manifest that names it.
    Private,
    /// One for all agents whose manifests name it as shared.
    Shared,
}

/// The stores by name.
pub(super) fn stores(fields: &Fields<'_>, report: &mut Report) -> Vec<(String, Sharing)> {
    let mut stores = Vec::new();
    for (key, entry) in entries(fields, "stores", report) {
        let sharing = match &entry.node.value {
            Value::Text(text) if text == "private" => Sharing::Private,
            Value::Text(text) if text == "shared" => Sharing::Shared,
            Value::Text(text) => {
                let message = format!("`{}` is not how a store is kept", Printable(text));
                let help = "write \"private\", for a store of each agent's own, or \"shared\"".to_owned();
                report.error_with(DiagnosticCode::BadStore, &entry.node.place, message, help);
                continue;
            }
            _ => {
                wrong_type::<()>(&entry.node, &entry.key, "\"private\" or \"shared\"", report);
                continue;
            }
        };
        stores.extend(key.map(|key| (key, sharing)));
    }
    stores
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DatabasePlace {
    /// The path of an SQLite file, relative to the manifest's folder.
    Sqlite(String),
    /// The name of a PostgreSQL database in the host's own configuration, which alone knows how to reach it.
    Postgres(String),
}

/// The databases by name.
pub(super) fn databases(fields: &Fields<'_>, report: &mut Report) -> Vec<(String, DatabasePlace)> {
    let mut databases = Vec::new();
    for (key, entry) in entries(fields, "databases", report) {
        let Value::Text(text) = &entry.node.value else {
            wrong_type::<()>(&entry.node, &entry.key, "a place such as `\"sqlite:./ledger.db\"`", report);
            continue;
        };
        refuse_hidden(&entry.key, text, &entry.node.place, report);
        if let Some(server) = text.strip_prefix("postgres:") {
            if is_id(server) {
                databases.extend(key.map(|key| (key, DatabasePlace::Postgres(server.to_owned()))));
                continue;
            }
            let message = format!("`{}` is not the name of a PostgreSQL database", Printable(server));
            let help =
                "write `postgres:crm` for what `[postgres.crm]` of the host's `bailiwick.toml` describes; a manifest \
                        holds no address and no password"
                    .to_owned();
            report.error_with(DiagnosticCode::BadDatabase, &entry.node.place, message, help);
            continue;
        }
        match text.strip_prefix("sqlite:").filter(|path| !path.is_empty() && path.len() <= 4096) {
            // `sqlite://host`, `sqlite::memory:` and parameters mean other things elsewhere, and nothing here.
            Some(path) if path.starts_with("//") || path.starts_with(':') || path.contains('?') => {
                let message = format!("`{}` is no path of a file", Printable(path));
                report.error(DiagnosticCode::BadDatabase, &entry.node.place, message);
            }
            Some(path) => databases.extend(key.map(|key| (key, DatabasePlace::Sqlite(path.to_owned())))),
            None => {
                let message = format!("`{}` is not a place of a database", Printable(text));
                let help = "write `sqlite:` and the path of a file, relative to the manifest's folder, or `postgres:` and a name"
                    .to_owned();
                report.error_with(DiagnosticCode::BadDatabase, &entry.node.place, message, help);
            }
        }
    }
    databases
}

/// The entries of a table, each with its name unless that is none.
fn entries<'a>(fields: &Fields<'a>, table: &str, report: &mut Report) -> Vec<(Option<String>, &'a Entry)> {
    let mut seen = HashSet::new();
    let mut entries = Vec::new();
    for entry in fields.table(table, report).unwrap_or_default() {
        if !seen.insert(&entry.key) {
            let message = format!("`{}` is defined twice", Printable(&entry.key));
            report.error(DiagnosticCode::DuplicateField, &entry.place, message);
        }
        entries.push((name(table, &entry.key, &entry.place, report), entry));
    }
    entries
}
