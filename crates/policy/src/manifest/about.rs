//! What a rule is about: its kind, its actions and its resource.

use super::diagnostic::DiagnosticCode;
use super::fields::{Fields, list, nearest, wrong_type};
use super::rules::Reader;
use super::tree::{Entry, Node, Place, Value};
use crate::actions::Actions;
use crate::custom::CustomKind;
use crate::kind::{ActionName, Kind};
use crate::request::is_keyless;
use crate::rule::Effect;
use crate::scope::{Scope, known};
use crate::text::Printable;

impl<'a> Reader<'a> {
    /// The one field that says what the rule is about.
    pub(super) fn kind(&mut self, fields: &Fields<'a>, rule: &Place) -> Option<(Kind, &'a Entry)> {
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

    /// What a rule covers that says it in one field, and where to point.
    pub(super) fn resource(
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
            Kind::Fetch | Kind::File | Kind::Kv | Kind::Sql | Kind::Crypto | Kind::Run | Kind::Custom(_) => None,
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
                (Effect::Allow | Effect::Deny, Kind::Tool | Kind::Secret) => Some(Actions::all(kind)),
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
}
