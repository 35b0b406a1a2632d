//! How an allowed call is made: what a rule leaves to the guest, and its caps.

use super::budgets;
use super::diagnostic::DiagnosticCode;
use super::fields::{Fields, Schema};
use super::rules::Reader;
use super::tree::{Place, Value};
use crate::allowance::Allowance;
use crate::condition::Conditions;
use crate::kind::Kind;
use crate::rule::{Terms, is_host_header};
use crate::text::Printable;

/// Most headers that one rule leaves to the guest.
const MAX_HEADERS: usize = 64;

const RULE_LIMITS: Schema = Schema {
    what: "a rule's `limits`",
    known: &["response", "request", "timeout", "calls", "rate", "sum"],
    later: &["concurrent"],
};

impl<'a> Reader<'a> {
    pub(super) fn terms(&mut self, fields: &Fields<'a>) -> Terms {
        let mut terms = Terms::usual();
        terms.private = fields.boolean("private", self.report).unwrap_or(false);
        terms.redirects = fields.boolean("redirects", self.report).unwrap_or(false);
        terms.trace = fields.boolean("trace", self.report).unwrap_or(false);
        terms.sensitive = fields.boolean("sensitive", self.report).unwrap_or(false);
        if let Some(headers) = fields.texts("headers", self.report) {
            terms.headers = headers.into_iter().filter_map(|(name, place)| self.header(name, place)).collect();
            terms.headers.sort();
            terms.headers.dedup();
            if let Some(entry) = fields.get("headers").filter(|_| terms.headers.len() > MAX_HEADERS) {
                let message = format!("a rule names at most {MAX_HEADERS} headers");
                self.report.error(DiagnosticCode::BadHeader, &entry.node.place, message);
            }
        }
        if let Some(entries) = fields.table("limits", self.report) {
            let limits = Fields::check(entries, &RULE_LIMITS, self.report);
            terms.response = limits.size("response", self.report);
            terms.request = limits.size("request", self.report);
            terms.timeout = limits.duration("timeout", self.report);
        }
        terms
    }

    /// The budgets of an allow rule of that kind.
    pub(super) fn allowance(
        &mut self,
        fields: &Fields<'a>,
        kind: Kind,
        conditions: &mut Conditions,
    ) -> Option<Allowance> {
        let Value::Table(entries) = &fields.get("limits")?.node.value else { return None };
        let limits = Fields::of(entries);
        if !matches!(kind, Kind::Fetch | Kind::Tool | Kind::Custom(_)) {
            self.misplaced(&limits, &["response", "request", "timeout"], "belong to rules for `fetch` and `tool`");
            if limits.get("sum").is_some() {
                self.misplaced(&limits, &["sum"], "needs conditions, which rules for `fetch` and `tool` have");
                return None;
            }
        }
        let allowance = budgets::read(&limits, conditions, self.report)?;
        Some(Allowance { manifest: self.manifest.to_owned(), ..allowance })
    }

    pub(super) fn header(&mut self, name: &str, place: &Place) -> Option<String> {
        let is_token = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&b);
        let message = if name.is_empty() || name.len() > 128 || !name.bytes().all(is_token) || name.contains('*') {
            format!("`{}` is not a header's name in lower case", Printable(name))
        } else if is_host_header(name) {
            format!("`{name}` is set by the host and cannot be left to a guest")
        } else {
            return Some(name.to_owned());
        };
        self.report.error(DiagnosticCode::BadHeader, place, message);
        None
    }
}
