//! `secret` of a rule for `fetch`: which secrets its requests may carry, and in which place.

use super::diagnostic::DiagnosticCode;
use super::fields::{Fields, Schema, wrong_type};
use super::rules::Reader;
use super::tree::{Node, Place, Value};
use crate::actions::Actions;
use crate::kind::Kind;
use crate::names::SecretName;
use crate::rule::{SecretPlace, SecretUse};
use crate::scope::Scope;
use crate::text::{Printable, is_hidden};

/// Most secrets that one rule names.
const MAX_SECRETS: usize = 8;
/// Most bytes in the name of a query parameter or a member.
const MAX_NAME: usize = 128;

const SECRET: Schema =
    Schema { what: "`secret`", known: &["name", "header", "query", "body", "plaintext"], later: &[] };

impl<'a> Reader<'a> {
    /// The secrets of a rule for `fetch`: a name, a table, or a list of these. `url` is what the rule is about.
    pub(super) fn secrets(&mut self, fields: &Fields<'a>, url: &Node) -> Vec<(SecretUse, Place)> {
        let Some(entry) = fields.get("secret") else { return Vec::new() };
        let one = std::slice::from_ref(&entry.node);
        let nodes = if let Value::List(nodes) = &entry.node.value { nodes.as_slice() } else { one };
        if nodes.is_empty() || nodes.len() > MAX_SECRETS {
            let message = format!("`secret` names 1 to {MAX_SECRETS} secrets");
            self.report.error(DiagnosticCode::BadSecret, &entry.node.place, message);
            return Vec::new();
        }
        let insecure = matches!(&url.value, Value::Text(url) if url.starts_with("http://"));
        let mut found: Vec<(SecretUse, Place)> = Vec::new();
        for node in nodes {
            let Some((secret, plaintext)) = self.secret(node) else { continue };
            if insecure && !plaintext {
                let message = format!("secret `{}` would go out unencrypted, over http", secret.name);
                let help =
                    "use https; for a server of your own machine, write `plaintext = true` in the table of `secret`";
                self.report.error_with(DiagnosticCode::BadSecret, &node.place, message, help.to_owned());
            } else if plaintext && !insecure {
                let message = "`plaintext = true` says nothing in a rule for https".to_owned();
                self.report.error(DiagnosticCode::BadSecret, &node.place, message);
            }
            if found.iter().any(|(other, _)| other.place == secret.place) {
                let message = "two secrets of a rule have the same place".to_owned();
                self.report.error(DiagnosticCode::BadSecret, &node.place, message);
            }
            found.push((secret, node.place.clone()));
        }
        found
    }

    fn secret(&mut self, node: &'a Node) -> Option<(SecretUse, bool)> {
        let entries = match &node.value {
            Value::Text(name) => {
                let place = SecretPlace::Header("authorization".to_owned());
                return Some((SecretUse { name: self.secret_name(name, &node.place)?, place }, false));
            }
            Value::Table(entries) => entries,
            _ => {
                return wrong_type(
                    node,
                    "secret",
                    "a secret's name, or a table with `name` and its place",
                    self.report,
                );
            }
        };
        let fields = Fields::check(entries, &SECRET, self.report);
        let plaintext = fields.boolean("plaintext", self.report).unwrap_or(false);
        let header = fields.text("header", self.report);
        let query = fields.text("query", self.report);
        let body = fields.text("body", self.report);
        if ["header", "query", "body"].into_iter().filter(|key| fields.get(key).is_some()).count() > 1 {
            let message = "a secret has one place: `header`, `query` or `body`".to_owned();
            self.report.error(DiagnosticCode::BadSecret, &node.place, message);
            return None;
        }
        let place = match (header, query, body) {
            (Some((name, place)), _, _) => SecretPlace::Header(self.header(name, place)?),
            (_, Some((name, place)), _) => SecretPlace::Query(self.member(name, place)?),
            (_, _, Some((name, place))) => SecretPlace::Body(self.member(name, place)?),
            (None, None, None) => SecretPlace::Header("authorization".to_owned()),
        };
        let Some((name, name_place)) = fields.text("name", self.report) else {
            if fields.get("name").is_none() {
                let message = "the table does not say which secret".to_owned();
                let help =
                    "add its `name`, as in `secret = { name = \"bank-token\", header = \"x-api-key\" }`".to_owned();
                self.report.error_with(DiagnosticCode::MissingField, &node.place, message, help);
            }
            return None;
        };
        Some((SecretUse { name: self.secret_name(name, name_place)?, place }, plaintext))
    }

    fn secret_name(&mut self, name: &str, place: &Place) -> Option<SecretName> {
        match SecretName::parse(name) {
            Ok(name) => Some(name),
            Err(error) => {
                let message = format!("`{}` is not a secret's name: {error}", Printable(name));
                self.report.error(DiagnosticCode::BadSecret, place, message);
                None
            }
        }
    }

    fn member(&mut self, name: &str, place: &Place) -> Option<String> {
        if name.is_empty() || name.len() > MAX_NAME || name.chars().any(|c| c.is_control() || is_hidden(c)) {
            let message = format!("`{}` is not a name of 1 to {MAX_NAME} visible characters", Printable(name));
            self.report.error(DiagnosticCode::BadSecret, place, message);
            return None;
        }
        Some(name.to_owned())
    }
}

/// The right to use a secret, which a rule for `fetch` with that secret grants as well.
pub(super) fn scope(name: &SecretName) -> Option<Scope> {
    Scope::from_text(Kind::Secret, Actions::all(Kind::Secret), name.as_str()).ok()
}
