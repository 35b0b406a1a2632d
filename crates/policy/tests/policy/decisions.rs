//! Decisions one by one: agents, ceilings, the order of blame, digests.

use std::sync::Arc;

use bailiwick_policy::{Code, Decision, Grant, Manifest, Request, Source};

use crate::world::{authority, manifest};

const ALLOW: &str = "[[allow]]\nid = \"a\"\nfile = \"m/**\"\nactions = [\"read\", \"write\"]\n";
const HEAD: &str = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\nmounts = { m = \"./m\" }\n";

fn read(path: &str) -> Request {
    Request::parse(&format!("file read {path}")).unwrap()
}

fn plain() -> Arc<Manifest> {
    manifest(&format!("{HEAD}{ALLOW}"))
}

#[test]
fn an_agent_that_is_not_listed_gets_nothing() {
    for (agents, code) in [
        ("agents = [\"bot\"]", Code::Allowed),
        ("agents = [\"other\", \"bot\"]", Code::Allowed),
        ("agents = [\"other\"]", Code::ManifestAgent),
        ("agents = [\"bot-2\", \"bo\"]", Code::ManifestAgent),
        ("", Code::ManifestAgent),
    ] {
        let text = format!("schema = 1\nid = \"m\"\n{agents}\nmounts = {{ m = \"./m\" }}\n{ALLOW}");
        let grant = Grant::new(manifest(&text), None, authority("file:read:m/*", "file:read:m/*", None));
        assert_eq!(grant.decide(&read("/m/x")).code(), code, "{agents}");
    }
}

#[test]
fn a_ceiling_bounds_and_its_absence_denies() {
    let under = manifest(&format!("ceiling = \"org.toml\"\n{HEAD}{ALLOW}"));
    let decide = |manifest: &Arc<Manifest>, ceiling: Option<&str>| {
        let ceiling = ceiling.map(manifest_of);
        let grant = Grant::new(Arc::clone(manifest), ceiling, authority("file:read:m/**", "file:read:m/**", None));
        grant.decide(&read("/m/x")).code()
    };
    let org = |rest: &str| format!("schema = 1\nid = \"org\"\nmounts = {{ m = \"./m\" }}\n{rest}");
    assert_eq!(decide(&under, None), Code::CeilingNoRule);
    assert_eq!(decide(&under, Some(&org(ALLOW))), Code::Allowed);
    assert_eq!(decide(&under, Some(&org(""))), Code::CeilingNoRule);
    assert_eq!(decide(&under, Some(&org(&format!("agents = [\"bot\"]\n{ALLOW}")))), Code::Allowed);
    assert_eq!(decide(&under, Some(&org(&format!("agents = [\"x\"]\n{ALLOW}")))), Code::CeilingAgent);
    assert_eq!(
        decide(&under, Some(&org(&format!("{ALLOW}[[deny]]\nid = \"d\"\nfile = \"m/x\"\n")))),
        Code::CeilingRule
    );
    // One ceiling, not a tower of them: a ceiling with a ceiling bounds everything away.
    assert_eq!(decide(&under, Some(&org(&format!("ceiling = \"up.toml\"\n{ALLOW}")))), Code::CeilingNoRule);
    // A ceiling that the manifest does not name narrows all the same.
    assert_eq!(decide(&plain(), Some(&org(""))), Code::CeilingNoRule);
}

fn manifest_of(text: &str) -> Arc<Manifest> {
    manifest(text)
}

#[test]
fn the_first_source_in_the_order_of_blame_is_the_reason() {
    let with_deny = manifest(&format!("{HEAD}{ALLOW}[[deny]]\nid = \"d\"\nfile = \"m/x\"\n"));
    let all = "file:read:m/** file:read:n/**";
    let some = "file:read:m/y";
    let code = |manifest: &Arc<Manifest>, sources: [&str; 3], path: &str| {
        let [token, registry, task] = sources;
        let grant = Grant::new(Arc::clone(manifest), None, authority(token, registry, Some(task)));
        grant.decide(&read(path)).code()
    };
    assert_eq!(code(&with_deny, ["", "", ""], "/m/x"), Code::ManifestRule);
    assert_eq!(code(&plain(), [some, "", ""], "/n/x"), Code::TokenScope);
    assert_eq!(code(&plain(), [all, "", ""], "/n/x"), Code::RegistryCapability);
    assert_eq!(code(&plain(), [all, all, ""], "/n/x"), Code::ManifestNoRule);
    assert_eq!(code(&plain(), [all, all, ""], "/m/x"), Code::TaskRestriction);
    assert_eq!(code(&plain(), [all, all, all], "/m/x"), Code::Allowed);
}

#[test]
fn a_token_made_from_the_manifest_leaves_the_blame_to_it() {
    let manifest = plain();
    let scopes = manifest.scopes().to_string();
    let grant = Grant::new(manifest, None, authority(&scopes, &scopes, None));
    assert_eq!(grant.decide(&read("/n/x")).code(), Code::ManifestNoRule);
    assert_eq!(grant.decide(&read("/m/x")).code(), Code::Allowed);
}

#[test]
fn the_root_of_the_mounts_is_in_no_grant() {
    let everything = "file:read,list,write,delete:m/** file:list:m";
    let grant = Grant::new(plain(), None, authority(everything, everything, None));
    let verdict = grant.decide(&Request::parse("file list /").unwrap());
    assert_eq!(verdict.decision(), Decision::Deny);
}

#[test]
fn of_several_rules_the_first_in_the_text_is_cited() {
    let text = format!(
        "{HEAD}[[allow]]\nid = \"w\"\nfile = \"m/x\"\nactions = [\"write\"]\n{ALLOW}[[allow]]\nid = \"b\"\nfile = \"m/x\"\nactions = [\"read\"]\n"
    );
    let grant = Grant::new(manifest(&text), None, authority("file:read:m/x", "file:read:m/x", None));
    let verdict = grant.decide(&read("/m/x"));
    let rule = verdict.rule().unwrap();
    assert_eq!((rule.id(), rule.location()), ("a", "m.toml:9"));
}

#[test]
fn the_digest_changes_with_every_source() {
    let base = || authority("file:read:m/x", "file:read:m/x", None);
    let org = "schema = 1\nid = \"org\"\n";
    let mut other_principal = base();
    other_principal.principal.subject = "eve".into();
    let mut digests = [
        Grant::new(plain(), None, base()),
        Grant::new(manifest(&format!("{HEAD}{ALLOW}# a comment\n")), None, base()),
        Grant::new(plain(), Some(manifest(org)), base()),
        Grant::new(plain(), None, other_principal),
        Grant::new(plain(), None, authority("file:read:m/y", "file:read:m/x", None)),
        Grant::new(plain(), None, authority("file:read:m/x", "file:read:m/y", None)),
        Grant::new(plain(), None, authority("file:read:m/x", "file:read:m/x", Some(""))),
        Grant::new(plain(), None, authority("file:read:m/x", "file:read:m/x", Some("file:read:m/x"))),
    ]
    .iter()
    .map(|grant| grant.digest().to_owned())
    .collect::<Vec<_>>();
    assert!(digests.iter().all(|digest| digest.len() == 64));
    assert_eq!(digests[0], Grant::new(plain(), None, base()).digest());
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 8);
}

#[test]
fn explanations_list_the_sources_in_order() {
    let sources = |ceiling: Option<Arc<Manifest>>| {
        let grant = Grant::new(plain(), ceiling, authority("", "", None));
        grant.explain(&read("/m/x")).layers().iter().map(|layer| layer.source).collect::<Vec<_>>()
    };
    use Source::{Ceiling, Registry, Task, Token};
    assert_eq!(sources(None), [Source::Manifest, Token, Registry, Task]);
    assert_eq!(sources(Some(plain())), [Source::Manifest, Ceiling, Token, Registry, Task]);
}
