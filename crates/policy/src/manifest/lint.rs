//! Rules that do nothing, or more than was probably meant. All of it is a warning.

use super::data::Sharing;
use super::diagnostic::{DiagnosticCode, Report};
use super::mounts::MountPoint;
use super::rules::{ManifestRule, toml_key};
use crate::actions::Actions;
use crate::index::{Index, Slot};
use crate::kind::{ActionName, Kind};
use crate::pattern::{Authority, Piece};
use crate::rule::{SecretPlace, SecretUse};
use crate::scope::Scope;

/// A text such as the host gives guests in place of a secret.
const PLACEHOLDER: &str = "bailiwick-secret-0123456789abcdef0123456789abcdef";

pub(super) fn lint(
    allow: &[ManifestRule],
    deny: &[ManifestRule],
    mounts: &[MountPoint],
    stores: &[(String, Sharing)],
    report: &mut Report,
) {
    let denied = index(deny.iter());
    let allowed = index(allow.iter());
    let backwards = index(allow.iter().rev());
    for (number, rule) in allow.iter().enumerate() {
        for (message, help) in reach(rule) {
            report.warning(DiagnosticCode::SecretReach, &rule.place, message, help);
        }
        for secret in &rule.rule.terms().secrets {
            if let Some((why, help)) = obstacle(rule, secret) {
                let message = format!("rule `{}` can never send secret `{}`: {why}", rule.rule.id(), secret.name);
                report.warning(DiagnosticCode::Impossible, &rule.place, message, help);
            }
        }
        // Several rules may well let requests carry the same secret.
        if rule.scope.kind() == Kind::Secret {
            continue;
        }
        if let Some(by) = covering(&denied, &rule.scope, deny.len()).and_then(|by| deny.get(by)) {
            let message = format!("{} can never allow anything: deny rules cover all of it", called(rule));
            let help = format!("remove it, or narrow the deny rule `{}`", by.rule.id());
            report.warning(DiagnosticCode::Impossible, &rule.place, message, help);
        } else if let Some(by) =
            covering(&allowed, &rule.scope, number).and_then(|by| allow.get(by)).filter(|by| decides_before(by, rule))
        {
            let message = format!("{} never decides: rules before it cover all of it", called(rule));
            let help = format!("remove it, or move it before `{}` if its terms are meant to hold", by.rule.id());
            report.warning(DiagnosticCode::Shadowed, &rule.place, message, help);
        } else if let Some(by) = redundant(&backwards, allow, number) {
            let message = format!("{} adds nothing: a rule after it allows the same and more", called(rule));
            let help = format!("remove it; `{}` has the same terms", by.rule.id());
            report.warning(DiagnosticCode::Shadowed, &rule.place, message, help);
        }
        if let Some((message, help)) = broad(rule, mounts, stores) {
            report.warning(DiagnosticCode::Broad, &rule.place, message, help);
        }
    }
    for rule in deny {
        let Some(parent) = rule.scope.parent() else { continue };
        if covering(&denied, &parent, deny.len()).is_none() {
            let message =
                format!("`{}` covers what is below `{}`, not that itself", rule.scope.resource(), parent.resource());
            let help = format!("if it is to be denied too, add a deny rule for `{}`", parent.resource());
            report.warning(DiagnosticCode::DenyLeavesParent, &rule.place, message, help);
        }
    }
}

/// Whether a rule leaves nothing to one after it that it covers: no call with other arguments, and none to make sensitive.
fn decides_before(by: &ManifestRule, rule: &ManifestRule) -> bool {
    by.conditions.is_empty()
        && by.query.is_none()
        && by.columns.contains(&rule.columns)
        && by.rule.terms().sensitive >= rule.rule.terms().sensitive
}

/// A rule, or the part of it that is about one table.
fn called(rule: &ManifestRule) -> String {
    match rule.scope.database() {
        Some(_) => format!("rule `{}`, as far as it is about `{}`,", rule.rule.id(), rule.scope.resource()),
        None => format!("rule `{}`", rule.rule.id()),
    }
}

fn index<'a>(rules: impl Iterator<Item = &'a ManifestRule>) -> Index {
    let mut index = Index::default();
    // The slot does not matter here: each index holds one list.
    index.add(Slot::ManifestAllow, rules.map(|rule| &rule.scope));
    index
}

/// Whether rules with numbers below `below` cover every action of the scope; the first of them.
fn covering(index: &Index, scope: &Scope, below: usize) -> Option<usize> {
    let mut covered = Actions::NONE;
    let mut first: Option<usize> = None;
    index.containing(scope, &mut |entry| {
        if let Some(number) = usize::try_from(entry.number).ok().filter(|number| *number < below) {
            covered = covered.or(entry.actions);
            first = Some(first.map_or(number, |first| first.min(number)));
        }
    });
    first.filter(|_| covered.contains(scope.action_set()))
}

/// A later rule with the same terms that covers more than this one does.
fn redundant<'a>(backwards: &Index, allow: &'a [ManifestRule], number: usize) -> Option<&'a ManifestRule> {
    let rule = allow.get(number)?;
    let mut found = None;
    backwards.containing(&rule.scope, &mut |entry| {
        let later = usize::try_from(entry.number).ok().and_then(|back| allow.len().checked_sub(back + 1));
        let later = later.filter(|later| *later > number).and_then(|later| allow.get(later));
        found = found.or(later.filter(|later| {
            later.rule.terms() == rule.rule.terms()
                && later.rule.allowance().is_none()
                && rule.rule.allowance().is_none()
                && (later.conditions.is_empty() || later.conditions == rule.conditions)
                && (later.query.is_none() || later.query == rule.query)
                && later.columns.contains(&rule.columns)
                && later.scope.contains(&rule.scope)
                && !rule.scope.contains(&later.scope)
        }));
    });
    found
}

/// Where a rule lets a secret go beyond what people usually mean.
fn reach(rule: &ManifestRule) -> Vec<(String, String)> {
    let (id, terms) = (rule.rule.id(), rule.rule.terms());
    let mut found = Vec::new();
    if terms.secrets.is_empty() {
        return found;
    }
    if terms.redirects {
        found.push((
            format!("rule `{id}` has a secret and follows redirects: the server decides which request carries it next"),
            "remove `redirects`; a secret is never carried to another origin".to_owned(),
        ));
    }
    if matches!(&rule.scope.pattern().authority, Authority::Site(site) if site.wildcard) {
        found.push((
            format!("rule `{id}` gives a secret to every host below a domain"),
            "name the host that the secret is for".to_owned(),
        ));
    }
    found
}

/// Why no request that a rule allows can carry its secret, and what would change that.
fn obstacle(rule: &ManifestRule, secret: &SecretUse) -> Option<(String, String)> {
    match &secret.place {
        SecretPlace::Header(_) => None,
        SecretPlace::Query(key) => {
            let query = rule.query.as_ref()?;
            match query.0.iter().find(|condition| condition.argument == *key) {
                None => Some((
                    format!("its `query` does not allow the parameter `{key}`"),
                    format!("add the parameter, as in `query = {{ {} = {{}} }}`", toml_key(key)),
                )),
                Some(condition) => condition.failed_by_text(PLACEHOLDER).map(|test| {
                    (
                        format!("the guest's placeholder in the parameter `{key}` {test}"),
                        format!("demand nothing of it: `{} = {{}}`; only the secret may stand there", toml_key(key)),
                    )
                }),
            }
        }
        SecretPlace::Body(member) => {
            if rule.scope.actions().all(|action| matches!(action, ActionName::Get | ActionName::Head)) {
                return Some((
                    "requests with its methods have no body".to_owned(),
                    "name `methods` that have one, as in `methods = [\"POST\"]`".to_owned(),
                ));
            }
            let mut about = rule.conditions.list.iter().filter(|condition| condition.argument == *member);
            about.find_map(|condition| condition.failed_by(PLACEHOLDER)).map(|test| {
                (
                    format!("the guest's placeholder in the member `{member}` {test}"),
                    format!("take the condition on `{member}` out of `body`"),
                )
            })
        }
    }
}

/// What a rule covers beyond what people usually mean.
fn broad(rule: &ManifestRule, mounts: &[MountPoint], stores: &[(String, Sharing)]) -> Option<(String, String)> {
    let (id, scope) = (rule.rule.id(), &rule.scope);
    let pattern = scope.pattern();
    if let (Some(database), [Piece::Any]) = (scope.database(), pattern.segments.as_slice()) {
        return Some((
            format!("rule `{id}` is about every table of `{database}`, those that will be added, too"),
            "name the tables".to_owned(),
        ));
    }
    if !pattern.tail || !pattern.segments.is_empty() {
        return None;
    }
    let harmless: Actions = [ActionName::Get, ActionName::Head, ActionName::Options].into_iter().collect();
    match (scope.kind(), &pattern.authority) {
        (Kind::Fetch, Authority::Site(site)) if site.wildcard => Some((
            format!("rule `{id}` allows every path of every host below `{}`", site.host),
            "name the hosts, or the paths".to_owned(),
        )),
        (Kind::Fetch, Authority::Site(site)) if !harmless.contains(scope.action_set()) => Some((
            format!("rule `{id}` allows methods that change things on every path of `{}`", site.host),
            "name the paths for the methods that change things".to_owned(),
        )),
        // Files in memory are the run's own.
        (Kind::File, Authority::Name(name))
            if mounts.iter().any(|mount| mount.name() == name && mount.folder().is_none()) =>
        {
            None
        }
        (Kind::File, Authority::Name(mount)) if scope.action_set().has(ActionName::Delete) => Some((
            format!("rule `{id}` allows deleting everything in the mount `{mount}`"),
            "name the folder in which files may be deleted".to_owned(),
        )),
        (Kind::Kv, Authority::Name(store))
            if scope.action_set().has(ActionName::Delete) && stores.contains(&(store.clone(), Sharing::Shared)) =>
        {
            Some((
                format!("rule `{id}` allows deleting everything in the shared store `{store}`, of whatever agent"),
                "name the prefix below which keys may be deleted".to_owned(),
            ))
        }
        _ => None,
    }
}
