//! `[[allow]]` and `[[deny]]`: one table becomes one rule with one scope.

use std::collections::HashMap;
use std::sync::Arc;

use super::conditions;
use super::declared::Declared;
use super::diagnostic::{DiagnosticCode, Report};
use super::fields::{Fields, Schema, list, nearest, wrong_type};
use super::secrets;
use super::tree::{Entry, Node, Place, Value};
use crate::actions::Actions;
use crate::allowance::Allowance;
use crate::code::Code;
use crate::columns::{Beyond, Within};
use crate::condition::{Conditions, Part};
use crate::custom::CustomKind;
use crate::kind::{ActionName, Kind};
use crate::query::Query;
use crate::request::{Passed, Request, is_keyless, takes_arguments};
use crate::rule::{Effect, Rule, Terms};
use crate::scope::{Scope, known};
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
const FETCH_TERMS: [&str; 3] = ["private", "redirects", "headers"];

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
            (_, None | Some((Kind::Fetch, _))) => {}
            (_, Some(_)) => self.misplaced(&fields, &FETCH_TERMS, "belong to rules for `fetch`"),
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
            _ => Conditions::default(),
        };
        let allowance = match effect {
            Effect::Allow => self.allowance(&fields, kind, &mut conditions),
            Effect::Deny => None,
        };
        let query = match kind {
            Kind::Fetch => conditions::read_query(&fields, &mut self.patterns, self.report),
            _ => None,
        };
        let terms = match kind {
            Kind::Fetch => terms,
            Kind::Tool | Kind::Custom(_) => Terms { headers: Vec::new(), ..terms },
            _ => Terms { sensitive: terms.sensitive, ..Terms::default() },
        };
        if terms.private && scopes.iter().flatten().any(|(scope, ..)| scope.has_wildcard_host()) {
            let why = "is for rules that name one host or address, because whoever names a host below the domain would choose the address";
            self.misplaced(&fields, &["private"], why);
        }
        let secrets = match kind {
            Kind::Fetch if effect == Effect::Allow => self.secrets(&fields, &resource.node),
            _ => Vec::new(),
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

    /// What a rule covers that says it in one field, and where to point.
    fn resource(
        &mut self,
        fields: &Fields<'a>,
        kind: Kind,
        effect: Effect,
        resource: &'a Entry,
        rule: &Place,
    ) -> Option<Vec<(Scope, Place)>> {
        let actions = self.actions(fields, kind, effect, &resource.node, rule);
        // Every error at once: the resource is looked at even where the actions cannot be used.
        let any = (kind != Kind::Crypto).then(|| Actions::all(kind));
        let scope = self.scope(kind, actions.or(any)?, &resource.node)?;
        self.declared.check(&scope, effect, &resource.node.place, self.report);
        actions?;
        Some(vec![(scope, rule.clone())])
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

    /// The one field that says what the rule is about.
    fn kind(&mut self, fields: &Fields<'a>, rule: &Place) -> Option<(Kind, &'a Entry)> {
        let kinds = [Kind::Fetch, Kind::File, Kind::Crypto, Kind::Tool, Kind::Kv, Kind::Sql, Kind::Secret];
        let ours = kinds.into_iter().filter_map(|kind| Some((kind, fields.get(kind.as_str())?)));
        let mut found = ours.chain(self.custom(fields));
        let first = found.next();
        // In a rule for `fetch`, `secret` is what its requests may carry.
        let of_fetch = |kind: &Kind| *kind == Kind::Secret && matches!(first, Some((Kind::Fetch, _)));
        if let Some((kind, entry)) = found.find(|(kind, _)| !of_fetch(kind)) {
            let message = format!("a rule is about one thing; write a second rule for `{kind}`");
            self.report.error(DiagnosticCode::MisplacedField, &entry.place, message);
            return None;
        }
        let later = ["run"];
        if first.is_none()
            && later.iter().all(|key| fields.get(key).is_none())
            && fields.starting_with("x-").next().is_none()
        {
            let help = "add one of `fetch = \"https://…\"`, `file = \"mount/**\"`, `crypto = \"ring/**\"`".to_owned();
            let message = "the rule does not say what it is about".to_owned();
            self.report.error_with(DiagnosticCode::MissingField, rule, message, help);
        }
        first
    }

    /// The fields whose names are kinds of an embedder.
    fn custom(&mut self, fields: &Fields<'a>) -> Vec<(Kind, &'a Entry)> {
        let mut found = Vec::new();
        for entry in fields.starting_with("x-") {
            match CustomKind::parse(&entry.key) {
                Some(kind) => found.push((Kind::Custom(kind), entry)),
                None => {
                    let name = Printable(&entry.key);
                    let message = format!(
                        "`{name}` is no kind: write `x-`, a letter, and at most 21 of `a` to `z`, `0` to `9` and `-`"
                    );
                    self.report.error(DiagnosticCode::BadName, &entry.place, message);
                }
            }
        }
        found
    }

    pub(super) fn misplaced(&mut self, fields: &Fields<'a>, names: &[&str], why: &str) {
        for entry in names.iter().filter_map(|name| fields.get(name)) {
            let message = format!("{} {why}; remove `{}`", list(names), entry.key);
            self.report.error(DiagnosticCode::MisplacedField, &entry.place, message);
        }
    }

    fn actions(
        &mut self,
        fields: &Fields<'a>,
        kind: Kind,
        effect: Effect,
        resource: &Node,
        rule: &Place,
    ) -> Option<Actions> {
        let single = match kind {
            Kind::Tool => Some("are not for rules about a `tool`, which can only be called"),
            Kind::Secret => Some("are not for rules about a `secret`, which can only be used"),
            _ => None,
        };
        if let Some(why) = single {
            self.misplaced(fields, &["actions", "methods"], why);
        }
        let (key, other) = if kind == Kind::Fetch { ("methods", "actions") } else { ("actions", "methods") };
        if let Some(entry) = fields.get(other).filter(|_| single.is_none()) {
            let message = format!("a rule for `{kind}` has `{key}`, not `{other}`");
            self.report.error(DiagnosticCode::MisplacedField, &entry.place, message);
        }
        if fields.get(key).is_none() || single.is_some() {
            return match (effect, kind) {
                // There is one action only, so that naming it would say nothing.
                (_, Kind::Tool | Kind::Secret) => Some(Actions::all(kind)),
                (Effect::Allow, Kind::Fetch) => Some([ActionName::Get, ActionName::Head].into_iter().collect()),
                (Effect::Allow, _) => {
                    let message = format!("an allow rule for `{kind}` names its `actions`");
                    let help = format!("add `actions = […]` with some of {}", known(kind));
                    self.report.error_with(DiagnosticCode::MissingField, rule, message, help);
                    None
                }
                (Effect::Deny, Kind::Crypto) => {
                    let keyless = matches!(&resource.value, Value::Text(text) if text == "-");
                    Some(kind.actions().iter().copied().filter(|action| is_keyless(*action) == keyless).collect())
                }
                (Effect::Deny, _) => Some(Actions::all(kind)),
            };
        }
        let items = fields.texts(key, self.report)?;
        if items.is_empty() {
            let place = fields.get(key).map_or(rule, |entry| &entry.node.place);
            self.report.error(DiagnosticCode::BadAction, place, format!("`{key}` is empty; such a rule says nothing"));
            return None;
        }
        self.action_list(kind, items)
    }

    /// The actions of a list, all of which must be good.
    pub(super) fn action_list(&mut self, kind: Kind, items: Vec<(&str, &Place)>) -> Option<Actions> {
        let mut actions = Actions::NONE;
        let mut complete = true;
        for (text, place) in items {
            match self.action(kind, text, place) {
                Some(action) if actions.has(action) => {
                    let message = format!("`{text}` is listed twice");
                    self.report.error(DiagnosticCode::BadAction, place, message);
                }
                Some(action) => actions = actions.or(Actions::one(action)),
                None => complete = false,
            }
        }
        complete.then_some(actions)
    }

    fn action(&mut self, kind: Kind, text: &str, place: &Place) -> Option<ActionName> {
        let fetch = kind == Kind::Fetch;
        let names: Vec<String> = kind
            .actions()
            .iter()
            .map(|action| if fetch { action.as_str().to_ascii_uppercase() } else { action.to_string() })
            .collect();
        if let Some(action) = names.iter().position(|name| name == text) {
            return kind.actions().get(action).copied();
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let what = if fetch { "a method" } else { "an action" };
        let message = format!("`{}` is not {what} of `{kind}`", Printable(text));
        let meant = if fetch { text.to_ascii_uppercase() } else { text.to_ascii_lowercase() };
        let help = match nearest(&meant, &names) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("there are {}", list(&names)),
        };
        self.report.error_with(DiagnosticCode::BadAction, place, message, help);
        None
    }

    fn scope(&mut self, kind: Kind, actions: Actions, resource: &'a Node) -> Option<Scope> {
        let Value::Text(text) = &resource.value else {
            return wrong_type(resource, kind.as_str(), "a string", self.report);
        };
        let mut scope_text = text.as_str();
        if kind == Kind::Fetch {
            scope_text = scope_text.strip_prefix("https://").unwrap_or(scope_text);
            let after_scheme = scope_text.strip_prefix("http://").unwrap_or(scope_text);
            if after_scheme.contains("://") {
                let message = format!("`{}`: only https and http can be fetched", Printable(text));
                self.report.error(DiagnosticCode::BadResource, &resource.place, message);
                return None;
            }
            // `https://host/` is how people write the root path; a scope writes `host`.
            if let Some(host) =
                scope_text.strip_suffix('/').filter(|_| after_scheme.find('/') == after_scheme.len().checked_sub(1))
            {
                scope_text = host;
            }
        }
        match Scope::from_text(kind, actions, scope_text) {
            Ok(scope) => Some(scope),
            Err(error) => {
                self.report.error(DiagnosticCode::BadResource, &resource.place, error.to_string());
                None
            }
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
