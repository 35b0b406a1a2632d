//! `[[allow]]` and `[[deny]]`: one table becomes one rule with one scope.

use std::collections::HashMap;
use std::sync::Arc;

use super::conditions;
use super::declared::Declared;
use super::diagnostic::{DiagnosticCode, Report};
use super::fields::{Fields, Schema, list, wrong_type};
use super::secrets;
use super::tree::{Node, Place, Value};
use crate::allowance::Allowance;
use crate::code::Code;
use crate::columns::{Beyond, Within};
use crate::condition::{Conditions, Part};
use crate::kind::{ActionName, Kind};
use crate::query::Query;
use crate::request::{Passed, Request, takes_arguments};
use crate::rule::{Effect, Rule, Terms};
use crate::scope::Scope;
use crate::text::{Printable, is_hidden};

/// Most rules of both effects together.
pub(super) const MAX_RULES: usize = 100_000;

/// A rule with what it is about.
#[derive(Debug)]
pub(crate) struct ManifestRule {
    pub(crate) rule: Arc<Rule>,
    pub(crate) scope: Scope,
    /// What it demands of a call's arguments or body. Only allow rules for `tool` and `fetch` demand anything.
    pub(crate) conditions: Conditions,
    /// What it demands of the query of a URL.
    pub(crate) query: Option<Query>,
    /// The columns that it leaves to a call. Only allow rules for `sql` leave any out.
    pub(crate) columns: Within,
    pub(super) place: Place,
}

impl ManifestRule {
    /// Whether a call that its scope covers passes what the rule demands.
    pub(crate) fn accepts(&self, request: &Request) -> bool {
        self.accepts_query(request)
            && self.conditions.check(request.passed()).is_ok()
            && self.unmet_columns(request).is_none()
    }

    pub(crate) fn accepts_query(&self, request: &Request) -> bool {
        self.query.as_ref().is_none_or(|query| query.check(request).is_ok())
    }

    /// A column that a call touches and the rule does not have.
    pub(crate) fn unmet_columns<'a>(&'a self, request: &'a Request) -> Option<Beyond<'a>> {
        match request.passed() {
            Passed::Columns(columns) => self.columns.check(columns).err(),
            Passed::Arguments(_) | Passed::Anything => None,
        }
    }

    /// What a call that it accepts adds to its sum; 0 if it has none.
    pub(crate) fn amount(&self, request: &Request) -> Option<u64> {
        match self.rule.allowance().and_then(Allowance::sum) {
            Some(sum) => self.conditions.amount(sum.argument(), request.passed()),
            None => Some(0),
        }
    }

    /// Why it does not, where that is not in the values of the arguments.
    pub(crate) fn refusal(&self, request: &Request) -> Option<Code> {
        let mismatch = self.conditions.check(request.passed()).err().filter(|_| self.accepts_query(request));
        mismatch.and_then(|mismatch| mismatch.code())
    }
}

const RULE: Schema = Schema {
    what: "a rule",
    known: &[
        "id",
        "fetch",
        "methods",
        "file",
        "actions",
        "crypto",
        "private",
        "redirects",
        "trace",
        "headers",
        "limits",
        "tool",
        "args",
        "body",
        "query",
        "kv",
        "sql",
        "tables",
        "sensitive",
        "secret",
        "x-*",
        "calls",
        "rate",
        "sum",
    ],
    later: &["risk", "approve", "run", "label", "labels"],
};

/// Fields that only an allow rule for `fetch` has.
const FETCH_TERMS: [&str; 4] = ["private", "redirects", "trace", "headers"];

/// What stands in `limits`, and is easily put beside it.
const BUDGETS: [&str; 3] = ["calls", "rate", "sum"];

/// What all rules of a manifest share while they are read.
pub(super) struct Reader<'a> {
    pub(super) report: &'a mut Report,
    pub(super) origin: &'a str,
    /// The manifest's id.
    pub(super) manifest: &'a str,
    pub(super) lines: Lines,
    pub(super) declared: Declared<'a>,
    pub(super) ids: HashMap<&'a str, usize>,
    /// How many more regular expressions there may be.
    pub(super) patterns: usize,
}

/// Finds the line of a byte.
pub(super) struct Lines(Vec<usize>);

impl<'a> Reader<'a> {
    /// The rules of `allow` or `deny`; those with errors are left out, and the errors reported.
    pub(super) fn read(&mut self, fields: &Fields<'a>, key: &str, effect: Effect) -> Vec<ManifestRule> {
        let nodes = fields.list(key, self.report).unwrap_or_default();
        if self.ids.len() + nodes.len() > MAX_RULES {
            let place = nodes.first().map_or(Place::at(0..0), |node| node.place.clone());
            let message = format!("a manifest has at most {MAX_RULES} rules");
            self.report.error(DiagnosticCode::TooManyRules, &place, message);
            return Vec::new();
        }
        nodes.iter().filter_map(|node| self.rule(node, key, effect)).flatten().collect()
    }

    /// One entry, or one for each table of a rule for `sql`.
    fn rule(&mut self, node: &'a Node, key: &str, effect: Effect) -> Option<Vec<ManifestRule>> {
        let Value::Table(entries) = &node.value else { return wrong_type(node, key, "tables", self.report) };
        let fields = Fields::check(entries, &RULE, self.report);
        let id = self.id(&fields, &node.place);
        let kind = self.kind(&fields, &node.place);
        match (effect, kind) {
            (Effect::Deny, _) => {
                self.misplaced(&fields, &FETCH_TERMS, "say how an allowed call is made; a deny rule has none");
                self.misplaced(&fields, &["limits"], "says how an allowed call is made; a deny rule has none");
                self.misplaced(&fields, &["sensitive"], "belongs to allow rules; a deny rule denies every token");
                self.misplaced(&fields, &["args"], "belongs to allow rules; a deny rule denies whatever the arguments");
                self.misplaced(&fields, &["body"], "belongs to allow rules; a deny rule denies whatever the body");
                self.misplaced(&fields, &["query"], "belongs to allow rules; a deny rule denies whatever the query");
            }
            (Effect::Allow, None | Some((Kind::Fetch, _))) => {}
            (Effect::Allow, Some(_)) => self.misplaced(&fields, &FETCH_TERMS, "belong to rules for `fetch`"),
        }
        if effect == Effect::Allow && kind.is_some_and(|(kind, _)| !takes_arguments(kind)) {
            self.misplaced(&fields, &["args"], "belongs to rules for `tool` and for kinds of embedders");
        }
        if effect == Effect::Allow && kind.is_some_and(|(kind, _)| kind != Kind::Fetch) {
            self.misplaced(&fields, &["body"], "belongs to rules for `fetch`");
            self.misplaced(&fields, &["query"], "belongs to rules for `fetch`");
        }
        self.misplaced(&fields, &BUDGETS, "stand in `limits`, as in `limits = { calls = \"60/min\" }`");
        let terms = if effect == Effect::Allow { self.terms(&fields) } else { Terms::default() };
        let (kind, resource) = kind?;
        let scopes: Option<Vec<(Scope, Within, Place)>> = if kind == Kind::Sql {
            self.tables(&fields, effect, resource, &node.place)
        } else {
            self.misplaced(&fields, &["tables"], "belongs to rules for `sql`");
            let found = self.resource(&fields, kind, effect, resource, &node.place);
            found.map(|found| found.into_iter().map(|(scope, place)| (scope, Within::All, place)).collect())
        };
        let mut conditions = match kind {
            Kind::Tool | Kind::Custom(_) => conditions::read(&fields, Part::Arguments, &mut self.patterns, self.report),
            Kind::Fetch if fields.get("body").is_some() => {
                self.need_body(&fields, &scopes);
                conditions::read(&fields, Part::Body, &mut self.patterns, self.report)
            }
            Kind::Fetch => Conditions { part: Part::Body, list: Vec::new() },
            Kind::File | Kind::Kv | Kind::Sql | Kind::Crypto | Kind::Secret | Kind::Run => Conditions::default(),
        };
        let allowance = match effect {
            Effect::Allow => self.allowance(&fields, kind, &mut conditions),
            Effect::Deny => None,
        };
        let query =
            if kind == Kind::Fetch { conditions::read_query(&fields, &mut self.patterns, self.report) } else { None };
        let terms = match kind {
            Kind::Fetch => terms,
            Kind::Tool | Kind::Custom(_) => Terms { headers: Vec::new(), ..terms },
            Kind::File | Kind::Kv | Kind::Sql | Kind::Crypto | Kind::Secret | Kind::Run => {
                Terms { sensitive: terms.sensitive, ..Terms::default() }
            }
        };
        if terms.private && scopes.iter().flatten().any(|(scope, ..)| scope.has_wildcard_host()) {
            let why = "is for rules that name one host or address, because whoever names a host below the domain would choose the address";
            self.misplaced(&fields, &["private"], why);
        }
        let secrets = if kind == Kind::Fetch && effect == Effect::Allow {
            self.secrets(&fields, &resource.node)
        } else {
            Vec::new()
        };
        if kind == Kind::Fetch && effect == Effect::Deny {
            self.misplaced(
                &fields,
                &["secret"],
                "belongs to allow rules; a deny rule for the secret alone denies its use",
            );
        }
        let terms = Terms { secrets: secrets.iter().map(|(secret, _)| secret.clone()).collect(), ..terms };
        let rule =
            Arc::new(Rule { id: id?.to_owned(), location: self.location(&node.place), effect, terms, allowance });
        let scopes = scopes?.into_iter();
        // INVARIANT: a rule with conditions is not for `sql` and has one scope.
        let mut query = query;
        let entry = |(scope, columns, place)| ManifestRule {
            rule: Arc::clone(&rule),
            scope,
            conditions: std::mem::take(&mut conditions),
            query: query.take(),
            columns,
            place,
        };
        let mut entries: Vec<ManifestRule> = scopes.map(entry).collect();
        // What the rule lets requests carry it lets the guest use, on no terms: those are for the requests.
        let bare = Rule {
            id: rule.id.clone(),
            location: rule.location.clone(),
            effect,
            terms: Terms::default(),
            allowance: None,
        };
        let bare = Arc::new(bare);
        entries.extend(secrets.into_iter().filter_map(|(secret, place)| {
            let (rule, conditions) = (Arc::clone(&bare), Conditions::default());
            Some(ManifestRule {
                rule,
                scope: secrets::scope(&secret.name)?,
                conditions,
                query: None,
                columns: Within::All,
                place,
            })
        }));
        Some(entries)
    }

    /// A request without a body meets no condition on it.
    fn need_body(&mut self, fields: &Fields<'a>, scopes: &Option<Vec<(Scope, Within, Place)>>) {
        let bodiless = |action| matches!(action, ActionName::Get | ActionName::Head);
        let bodiless = scopes.iter().flatten().any(|(scope, ..)| scope.actions().any(bodiless));
        if let (true, Some(entry)) = (bodiless, fields.get("body")) {
            let message = "a `GET` or `HEAD` request has no body, and meets no condition on it".to_owned();
            let help =
                "name other `methods`, as in `methods = [\"POST\"]`, and write a rule of its own for these".to_owned();
            self.report.error_with(DiagnosticCode::BadCondition, &entry.place, message, help);
        }
    }

    fn id(&mut self, fields: &Fields<'a>, rule: &Place) -> Option<&'a str> {
        if fields.get("id").is_none() {
            let help = "add a name by which reports cite the rule, as in `id = \"invoices-read\"`".to_owned();
            self.report.error_with(DiagnosticCode::MissingField, rule, "the rule has no `id`".to_owned(), help);
            return None;
        }
        let (id, place) = fields.text("id", self.report)?;
        if !is_id(id) {
            let message =
                format!("`{}` is not an id: write 1 to 64 of `a` to `z`, `0` to `9`, `-` and `_`", Printable(id));
            self.report.error(DiagnosticCode::BadName, place, message);
            return None;
        }
        let line = self.lines.number(place.span.start);
        if let Some(first) = self.ids.insert(id, line) {
            let there = if place.path.is_none() { format!(", on line {first}") } else { String::new() };
            let message = format!("another rule has the id `{id}`{there}; ids are unique over `allow` and `deny`");
            self.report.error(DiagnosticCode::DuplicateId, place, message);
            return None;
        }
        Some(id)
    }

    pub(super) fn misplaced(&mut self, fields: &Fields<'a>, names: &[&str], why: &str) {
        for entry in names.iter().filter_map(|name| fields.get(name)) {
            let message = format!("{} {why}; remove `{}`", list(names), entry.key);
            self.report.error(DiagnosticCode::MisplacedField, &entry.place, message);
        }
    }

    fn location(&self, place: &Place) -> String {
        match &place.path {
            Some(path) => format!("{}#{path}", self.origin),
            None => format!("{}:{}", self.origin, self.lines.number(place.span.start)),
        }
    }
}

impl Lines {
    pub(super) fn of(text: &str) -> Lines {
        Lines(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line of that byte, counted from one.
    pub(super) fn number(&self, byte: usize) -> usize {
        self.0.partition_point(|newline| *newline < byte) + 1
    }
}

/// Ids of rules and manifests, and names of agents and mounts.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
}

/// A key as TOML writes it, in quotes if it must be.
pub(crate) fn toml_key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if bare { name.to_owned() } else { toml_string(name) }
}

/// A basic string of TOML that hides nothing from who reads it.
pub(crate) fn toml_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_hidden(c) && u32::from(c) > 0xffff => quoted.push_str(&format!("\\U{:08X}", u32::from(c))),
            c if is_hidden(c) => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
