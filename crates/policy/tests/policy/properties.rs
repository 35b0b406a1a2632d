//! What holds for every grant: default deny, monotony, and one answer however it is asked.

use std::sync::Arc;

use bailiwick_policy::{Authority, Code, Decision, Grant, Manifest, Principal, Request, Scope, ScopeSet};
use proptest::prelude::*;

use crate::world::{REQUESTS, manifest, manifest_text, request, rule, scopes};

/// The sources of one grant, from which variations are made.
#[derive(Clone, Debug)]
struct Sources {
    allow: Vec<String>,
    deny: Vec<String>,
    ceiling: Option<(Vec<String>, Vec<String>)>,
    token: ScopeSet,
    registry: ScopeSet,
    task: Option<ScopeSet>,
}

impl Sources {
    fn grant(&self) -> Grant {
        let ceiling = self.ceiling.as_ref().map(|(allow, deny)| manifest(&manifest_text(allow, deny)));
        Grant::new(manifest(&manifest_text(&self.allow, &self.deny)), ceiling, self.authority())
    }

    fn authority(&self) -> Authority {
        Authority {
            principal: Principal { issuer: "local".into(), subject: "ada".into(), agent: "bot".into() },
            token: self.token.clone(),
            details: Vec::new(),
            registry: self.registry.clone(),
            task: self.task.clone(),
        }
    }

    /// The same decision, made by asking every rule in turn.
    fn model(&self, request: &Request) -> (Code, Option<String>) {
        let covered_by = |prefix: &str, rules: &[String]| {
            let number = rules.iter().position(|rule| scope_of(rule).covers(request))?;
            Some(format!("{prefix}-{number}"))
        };
        if let Some(id) = covered_by("deny", &self.deny) {
            return (Code::ManifestRule, Some(id));
        }
        let allowed = covered_by("allow", &self.allow);
        if manifest(&manifest_text(&self.allow, &[])).scopes() == self.token && allowed.is_none() {
            return (Code::ManifestNoRule, None);
        }
        if !self.token.covers(request) {
            return (Code::TokenScope, None);
        }
        if !self.registry.covers(request) {
            return (Code::RegistryCapability, None);
        }
        if allowed.is_none() {
            return (Code::ManifestNoRule, None);
        }
        if let Some((allow, deny)) = &self.ceiling {
            if let Some(id) = covered_by("deny", deny) {
                return (Code::CeilingRule, Some(id));
            }
            if covered_by("allow", allow).is_none() {
                return (Code::CeilingNoRule, None);
            }
        }
        match &self.task {
            Some(task) if !task.covers(request) => (Code::TaskRestriction, None),
            _ => (Code::Allowed, allowed),
        }
    }
}

/// Reads a rule's lines back as a scope, without the manifest's reader.
fn scope_of(rule: &str) -> Scope {
    let mut lines = rule.lines();
    let (kind, resource) = lines.next().unwrap().split_once(" = ").unwrap();
    let resource = resource.trim_matches('"').trim_start_matches("https://");
    let actions = lines.next().unwrap().split_once('[').unwrap().1;
    let actions: String = actions.chars().filter(|c| c.is_ascii_alphabetic() || *c == ',').collect();
    Scope::parse(&format!("{kind}:{}:{resource}", actions.to_lowercase())).unwrap()
}

fn rules() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(rule(), 0..8)
}

fn sources() -> impl Strategy<Value = Sources> {
    let ceiling = prop::option::weighted(0.3, (rules(), prop::collection::vec(rule(), 0..2)));
    let deny = prop::collection::vec(rule(), 0..3);
    (rules(), deny, ceiling, scopes(), scopes(), prop::option::of(scopes())).prop_map(
        |(allow, deny, ceiling, token, registry, task)| Sources { allow, deny, ceiling, token, registry, task },
    )
}

/// Everything that a grant allows, one flag a request of the world.
fn allowed(grant: &Grant) -> Vec<bool> {
    REQUESTS.iter().map(|request| grant.decide(request).decision() == Decision::Allow).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_index_answers_as_a_reading_of_every_rule_does(sources in sources()) {
        let grant = sources.grant();
        for request in REQUESTS.iter() {
            let verdict = grant.decide(request);
            let (code, rule) = sources.model(request);
            prop_assert_eq!(verdict.code(), code, "{}", request);
            prop_assert_eq!(verdict.rule().map(|rule| rule.id()), rule.as_deref(), "{}", request);
            prop_assert_eq!(verdict.decision() == Decision::Allow, code == Code::Allowed);
        }
    }

    #[test]
    fn nothing_is_allowed_that_a_source_does_not_cover(sources in sources()) {
        let grant = sources.grant();
        let rules = grant.manifest().scopes();
        for request in REQUESTS.iter().filter(|request| grant.decide(request).decision() == Decision::Allow) {
            prop_assert!(sources.token.covers(request) && sources.registry.covers(request) && rules.covers(request));
            prop_assert!(sources.task.as_ref().is_none_or(|task| task.covers(request)));
        }
    }

    #[test]
    fn without_a_source_nothing_is_allowed(sources in sources(), which in 0..3) {
        let mut sources = sources;
        match which {
            0 => sources.token = ScopeSet::empty(),
            1 => sources.registry = ScopeSet::empty(),
            _ => sources.allow.clear(),
        }
        prop_assert!(allowed(&sources.grant()).iter().all(|allowed| !allowed));
    }

    #[test]
    fn what_is_added_can_only_tighten(sources in sources(), deny in rule(), at in 0..3usize, task in scopes(), ceiling in rules()) {
        let before = allowed(&sources.grant());
        let mut denied = sources.clone();
        denied.deny.insert(at.min(sources.deny.len()), deny);
        let mut restricted = sources.clone();
        restricted.task = Some(sources.task.as_ref().map_or(task.clone(), |old| old.intersect(&task)));
        let mut bounded = sources.clone();
        if bounded.ceiling.is_none() {
            bounded.ceiling = Some((ceiling, Vec::new()));
        }
        for after in [denied, restricted, bounded] {
            let after = allowed(&after.grant());
            prop_assert!(before.iter().zip(&after).all(|(before, after)| after <= before));
        }
    }

    /// To restrict a grant is to restrict its sources, once or twice, and whoever started the run.
    #[test]
    fn a_restriction_never_widens(sources in sources(), parent in sources(), first in scopes(), second in scopes()) {
        let mut restricted = sources.clone();
        let mut before = sources.grant();
        for task in [first, second] {
            restricted.task = Some(restricted.task.as_ref().map_or(task.clone(), |old| old.intersect(&task)));
            let allowed_before = allowed(&before);
            let narrowed = before.restrict(&task);
            let other_way = restricted.grant();
            prop_assert_eq!(narrowed.digest(), other_way.digest());
            prop_assert_eq!(allowed(&narrowed), allowed(&other_way));
            let after = allowed(&narrowed);
            for (request, (before, after)) in REQUESTS.iter().zip(allowed_before.iter().zip(&after)) {
                prop_assert_eq!(*after, *before && task.covers(request), "{}", request);
            }
            before = narrowed;
        }
        let parent = Arc::new(parent.grant());
        let (limits, child) = (parent.limits(), sources.grant().within(Arc::clone(&parent)).restrict(&ScopeSet::empty()));
        prop_assert!(allowed(&child).iter().all(|allowed| !allowed));
        prop_assert!(child.limits().fuel() <= limits.fuel());
        let all = restricted.task.unwrap_or_default();
        let child = sources.grant().within(Arc::clone(&parent)).restrict(&all);
        for request in REQUESTS.iter().filter(|request| child.decide(request).decision() == Decision::Allow) {
            prop_assert!(parent.decide(request).decision() == Decision::Allow && all.covers(request));
        }
    }

    #[test]
    fn a_child_run_never_exceeds_its_parent(child in sources(), parent in sources(), first in sources()) {
        let parents = [Arc::new(parent.grant()), Arc::new(parent.grant().within(Arc::new(first.grant())))];
        for parent in parents {
            let grown = child.grant().within(Arc::clone(&parent));
            let own = child.grant();
            for request in REQUESTS.iter() {
                let (verdict, of_parent) = (grown.decide(request), parent.decide(request));
                prop_assert_eq!(verdict.decision(), own.decide(request).decision().max(of_parent.decision()));
                let explanation = grown.explain(request);
                prop_assert_eq!(explanation.verdict(), &verdict);
                let strictest = explanation.layers().iter().map(|layer| layer.decision).max();
                prop_assert_eq!(strictest, Some(verdict.decision()));
                if verdict.decision() == Decision::Allow {
                    prop_assert!(!verdict.terms().private || of_parent.terms().private);
                    prop_assert!(parent.scopes().covers(request) && grown.scopes().covers(request));
                }
            }
            prop_assert_eq!(grown.limits(), own.limits().min(&parent.limits()));
            prop_assert!(grown.digest() != own.digest() && grown.digest() != parent.digest());
        }
    }

    #[test]
    fn explaining_agrees_with_deciding(sources in sources(), requests in prop::collection::vec(request(), 30)) {
        let grant = sources.grant();
        for request in &requests {
            let explanation = grant.explain(request);
            let verdict = grant.decide(request);
            prop_assert_eq!(explanation.verdict(), &verdict);
            let strictest = explanation.layers().iter().map(|layer| layer.decision).max();
            prop_assert_eq!(strictest, Some(verdict.decision()));
            prop_assert_eq!(explanation.help().is_some(), verdict.decision() != Decision::Allow);
            prop_assert!(explanation.to_string().contains(verdict.code().as_str()));
        }
    }

    #[test]
    fn the_help_of_a_denial_works(sources in sources(), requests in prop::collection::vec(request(), 30)) {
        let grant = sources.grant();
        for request in &requests {
            let verdict = grant.decide(request);
            let Some(scope) = Scope::exact(request) else { continue };
            let help = grant.explain(request).help().unwrap_or_default().to_owned();
            let mut wider = sources.clone();
            let add = |set: &ScopeSet| set.iter().cloned().chain([scope.clone()]).collect::<ScopeSet>();
            match verdict.code() {
                Code::ManifestNoRule if help.contains("[[allow]]") => {
                    let block = help.split_once("\n\n").unwrap().1;
                    let text = format!("{}{block}\n", manifest_text(&sources.allow, &sources.deny));
                    let manifest = Manifest::parse(&text, "m.toml");
                    prop_assert!(manifest.is_ok(), "{:?} {}", manifest, text);
                    let grant = Grant::new(Arc::new(manifest.unwrap()), None, sources.authority());
                    let again = grant.decide(request);
                    prop_assert!(again.code() != Code::ManifestNoRule, "{}", text);
                    continue;
                }
                Code::TokenScope => wider.token = add(&sources.token),
                Code::RegistryCapability => wider.registry = add(&sources.registry),
                Code::TaskRestriction => wider.task = sources.task.as_ref().map(add),
                _ => continue,
            }
            prop_assert!(help.contains(&scope.to_string()), "{}", help);
            prop_assert!(wider.grant().decide(request).code() != verdict.code());
        }
    }

    #[test]
    fn no_manifest_panics(text in prop_oneof![
        ".*",
        "[\\[\\]{}=\"a-z.,#\n\\\\ 0-9-]{0,80}",
        "(schema = 1\n|id = \"a\"\n|\\[\\[allow\\]\\]\n|\\[allow\\]\n|\\[limits\\]\n|mounts.a = \"b\"\n|a.b.c = [{}, {a = 1}]\n|allow.id = 1\n|fetch = \"https://[a-z*./%]{0,9}\"\n){0,8}",
        "\\{[\\[\\]{}:\"a-z, 0-9-]{0,60}\\}",
    ]) {
        if let Err(findings) = Manifest::parse(&text, "m.toml") {
            prop_assert!(!findings.is_empty());
            for finding in findings {
                prop_assert!(text.get(finding.span.clone()).is_some(), "{:?}", finding);
            }
        }
    }

    #[test]
    fn no_damaged_manifest_panics(allow in rules(), deny in rules(), cut in any::<prop::sample::Index>(), junk in "\\PC{0,3}") {
        let mut text = manifest_text(&allow, &deny);
        let at = text.floor_char_boundary(cut.index(text.len()));
        text.insert_str(at, &junk);
        let _ = Manifest::parse(&text, "m.toml");
        text.truncate(at);
        let _ = Manifest::parse(&text, "m.toml");
    }
}
