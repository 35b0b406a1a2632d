//! `[mounts]`: where the files are that guests may ask for.

use std::collections::HashSet;
use std::ops::Range;

use super::diagnostic::{DiagnosticCode, Report};
use super::fields::{self, Fields, Schema};
use super::tree::{Entry, Value};
use super::{name, refuse_hidden};
use crate::text::Printable;

/// A mount as the manifest declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountPoint {
    name: String,
    backing: Backing,
    span: Range<usize>,
}

/// What stands behind a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backing {
    /// A folder of the host, by its path relative to the manifest's folder.
    Folder { path: String, writes: Writes },
    /// Files in the memory of the run, gone after it.
    Memory,
    /// The same, and what is there when the run ends comes back in its report.
    Report,
}

/// When the changes of a run are seen by others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Writes {
    /// At once.
    #[default]
    Direct,
    /// All together when the run has finished; never if it ends in any other way.
    Staged,
}

const MOUNT: Schema = Schema { what: "a mount", known: &["path", "writes", "memory", "report"], later: &[] };

impl MountPoint {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn backing(&self) -> &Backing {
        &self.backing
    }

    /// The bytes of the manifest's text that say what stands behind it.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The host's path, of a mount that is a folder.
    pub fn folder(&self) -> Option<&str> {
        match &self.backing {
            Backing::Folder { path, .. } => Some(path),
            Backing::Memory | Backing::Report => None,
        }
    }
}

/// The mounts, in the order of the text.
pub(super) fn read(fields: &Fields<'_>, report: &mut Report) -> Vec<MountPoint> {
    let mut mounts = Vec::new();
    let mut names = HashSet::new();
    for entry in fields.table("mounts", report).unwrap_or_default() {
        let name = name("mounts", &entry.key, &entry.place, report);
        let backing = backing(entry, report);
        if !names.insert(&entry.key) {
            let message = format!("`{}` is defined twice", Printable(&entry.key));
            report.error(DiagnosticCode::DuplicateField, &entry.place, message);
        }
        let span = entry.node.place.span.clone();
        mounts.extend(name.zip(backing).map(|(name, backing)| MountPoint { name, backing, span }));
    }
    mounts
}

fn backing(entry: &Entry, report: &mut Report) -> Option<Backing> {
    match &entry.node.value {
        Value::Text(path) => {
            check_path(entry, path, report);
            Some(Backing::Folder { path: path.clone(), writes: Writes::Direct })
        }
        Value::Table(members) => members_of(entry, &Fields::check(members, &MOUNT, report), report),
        _ => fields::wrong_type(
            &entry.node,
            &entry.key,
            "the path of a folder, or a table such as `{ memory = true }`",
            report,
        ),
    }
}

fn members_of(entry: &Entry, fields: &Fields<'_>, report: &mut Report) -> Option<Backing> {
    let sorts = ["path", "memory", "report"].iter().filter(|key| fields.get(key).is_some()).count();
    if sorts != 1 {
        let message = format!("`{}` must be one of: a `path`, `memory = true`, `report = true`", Printable(&entry.key));
        let help = "write `{ path = \"./…\" }` for a folder, `{ memory = true }` for files that are gone after the run, \
                    or `{ report = true }` for files that come back in its report";
        report.error_with(DiagnosticCode::BadMount, &entry.node.place, message, help.to_owned());
        return None;
    }
    let writes = writes(fields, report)?;
    if let Some((path, _)) = fields.text("path", report) {
        check_path(entry, path, report);
        return Some(Backing::Folder { path: path.to_owned(), writes });
    }
    if let Some(writes) = fields.get("writes") {
        let message = "`writes` belongs to a mount with a `path`: files in memory are nobody else's".to_owned();
        report.error(DiagnosticCode::MisplacedField, &writes.place, message);
    }
    for (key, backing) in [("memory", Backing::Memory), ("report", Backing::Report)] {
        match fields.boolean(key, report) {
            Some(true) => return Some(backing),
            Some(false) => {
                let place = fields.get(key).map_or(&entry.node.place, |found| &found.node.place);
                let message = format!("`{key} = false` says nothing; take the mount out, or write `{key} = true`");
                report.error(DiagnosticCode::BadMount, place, message);
            }
            None => {}
        }
    }
    None
}

/// `None` after an error.
fn writes(fields: &Fields<'_>, report: &mut Report) -> Option<Writes> {
    if fields.get("writes").is_none() {
        return Some(Writes::default());
    }
    let (text, place) = fields.text("writes", report)?;
    match text {
        "direct" => Some(Writes::Direct),
        "staged" => Some(Writes::Staged),
        other => {
            let message = format!("`{}` is not a way of writing", Printable(other));
            let help =
                "write \"direct\", or \"staged\" for changes that are applied only if the run finishes".to_owned();
            report.error_with(DiagnosticCode::BadMount, place, message, help);
            None
        }
    }
}

fn check_path(entry: &Entry, path: &str, report: &mut Report) {
    if path.is_empty() || path.len() > 4096 {
        let message = format!("`{}` takes the path of a folder", Printable(&entry.key));
        report.error(DiagnosticCode::BadName, &entry.node.place, message);
    }
    refuse_hidden(&entry.key, path, &entry.node.place, report);
}
