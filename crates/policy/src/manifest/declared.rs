//! The names that rules refer to: mounts, tool servers, stores, databases.

use std::collections::HashSet;

use super::diagnostic::{DiagnosticCode, Report};
use super::fields::nearest;
use super::rules::toml_key;
use super::tree::Place;
use crate::rule::Effect;
use crate::scope::Scope;
use crate::text::Printable;

/// The keys of the manifest's tables.
pub(super) struct Declared<'a> {
    pub(super) mounts: HashSet<&'a str>,
    pub(super) servers: HashSet<&'a str>,
    pub(super) stores: HashSet<&'a str>,
    pub(super) databases: HashSet<&'a str>,
    /// Those of the databases that compare names without regard to case.
    pub(super) caseless: HashSet<&'a str>,
}

impl Declared<'_> {
    /// Reports a scope whose name is not declared: an error in an allow rule, a warning in a deny rule.
    pub(super) fn check(&self, scope: &Scope, effect: Effect, place: &Place, report: &mut Report) {
        use DiagnosticCode::{NoDatabase, NoMount, NoStore, NoToolServer};
        let kinds = [
            (scope.mount(), &self.mounts, NoMount, "mount", "under `[mounts]`: NAME = \"./…\""),
            (scope.tool_server(), &self.servers, NoToolServer, "tool server", "`[tools.NAME]` with its `command`"),
            (scope.store(), &self.stores, NoStore, "store", "under `[stores]`: NAME = \"private\""),
            (scope.database(), &self.databases, NoDatabase, "database", "under `[databases]`: NAME = \"sqlite:./…\""),
        ];
        for (name, known, code, what, how) in kinds {
            let Some(name) = name.filter(|name| !known.contains(name)) else { continue };
            let known: Vec<&str> = known.iter().copied().collect();
            let help = match nearest(name, &known) {
                Some(name) => format!("did you mean the {what} `{}`?", Printable(name)),
                None => format!("add {}", how.replace("NAME", &toml_key(name))),
            };
            let message = format!("there is no {what} `{}`", Printable(name));
            match effect {
                Effect::Allow => report.error_with(code, place, message, help),
                Effect::Deny => report.warning(code, place, message, help),
            }
        }
    }
}
