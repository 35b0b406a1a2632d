//! Token, registry, manifest and task brought together: each may refuse, none may widen.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which the lint does not recognise as such")]

mod support;

use bailiwick_identity::{
    Agent, AgentId, AgentRegistry, LocalIssuer, Provenance, RawToken, Status, Subject, Token, TrustedIssuers, as_local,
    authorize,
};
use bailiwick_policy::{Code, Manifest, ScopeSet};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use serde_json::json;
use support::{ISSUER, NOW, Signer, claims, with};

const MANIFEST: &str = r#"
schema = 1
id = "expenses"
agents = ["expense-bot", "other-bot"]
[[allow]]
id = "read"
fetch = "https://api.example.com/v1/**"
methods = ["GET", "HEAD"]
[[allow]]
id = "files"
file = "invoices/**"
actions = ["read"]
[mounts]
invoices = "."
"#;

fn manifest() -> Manifest {
    Manifest::parse(MANIFEST, "expenses.toml").unwrap()
}

fn registry(capabilities: &str, issuer: &str, status: Status) -> AgentRegistry {
    let mut registry = AgentRegistry::default();
    let id = AgentId::parse("expense-bot").unwrap();
    let capabilities = ScopeSet::parse_strict(capabilities).unwrap();
    let (issuer, owner) = (issuer.to_owned(), "alice".to_owned());
    let subject = Subject::from(&id);
    registry.register(Agent { id, issuer, subject, owner, capabilities, status, registered_at: NOW }).unwrap();
    registry
}

fn token(changes: serde_json::Value) -> Token {
    let signer = Signer::ed();
    signer.verify(signer.compact(&signer.header().to_string(), &with(claims(), changes).to_string())).unwrap()
}

#[test]
fn all_sources_arrive_unchanged() {
    let registry = registry("fetch:get,post:api.example.com/** file:read:invoices/**", ISSUER, Status::Active);
    let task = ScopeSet::parse_strict("fetch:get:api.example.com/v1/orders/**").unwrap();
    let token = token(json!({}));
    let authorization = authorize(&token, &registry, &manifest(), Some(task)).unwrap();
    assert_eq!(authorization.provenance(), Provenance::Issuer);
    assert_eq!((authorization.valid_until(), authorization.jti()), (NOW + 605, token.jti()));
    let authority = authorization.into_authority();
    assert_eq!((authority.principal.issuer.as_str(), authority.principal.subject.as_str()), (ISSUER, "expense-bot"));
    assert_eq!(authority.principal.agent, "expense-bot");
    assert_eq!(authority.token.to_string(), "fetch:get:api.example.com/v1/**");
    assert_eq!(authority.registry.to_string(), "fetch:get,post:api.example.com/** file:read:invoices/**");
    assert_eq!(authority.task.map(|task| task.to_string()).as_deref(), Some("fetch:get:api.example.com/v1/orders/**"));
}

#[test]
fn each_refusal() {
    let good = || registry("fetch:get:api.example.com/**", ISSUER, Status::Active);
    let refuse = |token: &Token, registry: &AgentRegistry| {
        authorize(token, registry, &manifest(), None).map(|_| ()).unwrap_err()
    };
    assert!(authorize(&token(json!({})), &good(), &manifest(), None).is_ok());
    assert_eq!(refuse(&token(json!({})), &AgentRegistry::default()).code(), Code::AgentUnknown);
    assert_eq!(refuse(&token(json!({"sub": "Expense-bot"})), &good()).code(), Code::AgentUnknown);
    let elsewhere = registry("fetch:get:api.example.com/**", LocalIssuer::ISSUER, Status::Active);
    assert_eq!(
        refuse(&token(json!({})), &elsewhere).code(),
        Code::AgentUnknown,
        "another issuer's agent of the same name"
    );
    let suspended = registry("fetch:get:api.example.com/**", ISSUER, Status::Suspended);
    assert_eq!(refuse(&token(json!({})), &suspended).code(), Code::AgentSuspended);
    let revoked = registry("fetch:get:api.example.com/**", ISSUER, Status::Revoked);
    assert_eq!(refuse(&token(json!({})), &revoked).code(), Code::AgentRevoked);

    let other = Manifest::parse(&MANIFEST.replace("\"expense-bot\", ", ""), "expenses.toml").unwrap();
    let refused = authorize(&token(json!({})), &good(), &other, None).unwrap_err();
    assert_eq!(refused.code(), Code::ManifestAgent);
    assert_eq!(
        as_local(&AgentId::parse("stranger").unwrap(), &manifest(), None, NOW).unwrap_err().code(),
        Code::ManifestAgent
    );
}

/// One scope beyond the capabilities spoils the whole token; scopes of other systems do not count.
#[test]
fn privilege_injection() {
    let registry = registry("fetch:get:api.example.com/v1/** file:read,list:invoices/**", ISSUER, Status::Active);
    let injected = |scope: &str| {
        authorize(&token(json!({ "scope": scope })), &registry, &manifest(), None)
            .map(|_| ())
            .map_err(|error| error.code())
    };
    for inside in [
        "",
        "fetch:get:api.example.com/v1/**",
        "fetch:get:api.example.com/v1/x file:list:invoices/a",
        "openid admin:all",
    ] {
        assert_eq!(injected(inside), Ok(()), "{inside}");
    }
    for beyond in [
        "fetch:get:api.example.com/**",
        "fetch:get,post:api.example.com/v1/**",
        "fetch:get:*.example.com/v1/**",
        "fetch:get:http://api.example.com/v1/**",
        "fetch:get:api.example.com:8443/v1/**",
        "file:read:invoices2/**",
        "file:write:invoices/a",
        "fetch:get:api.example.com/v1/** secret:use:bank",
    ] {
        assert_eq!(injected(beyond), Err(Code::TokenPrivilegeInjection), "{beyond}");
    }
}

#[test]
fn on_the_word_of_the_terminal_the_manifest_alone_decides() {
    let name = AgentId::parse("other-bot").unwrap();
    let task = ScopeSet::parse_strict("file:read:invoices/a").unwrap();
    let authorization = as_local(&name, &manifest(), Some(task.clone()), NOW).unwrap();
    assert_eq!(authorization.provenance(), Provenance::Terminal);
    assert_eq!(authorization.valid_until(), NOW + 3600);
    let again = as_local(&name, &manifest(), None, NOW).unwrap();
    assert_ne!(again.jti(), authorization.jti());
    let authority = authorization.into_authority();
    assert_eq!(authority.principal.agent, "other-bot");
    assert_eq!(authority.principal.issuer, LocalIssuer::ISSUER);
    assert_eq!(authority.token.to_string(), manifest().scopes().to_string());
    assert_eq!(authority.registry.to_string(), manifest().scopes().to_string());
    assert_eq!(authority.task.map(|task| task.to_string()), Some(task.to_string()));
}

#[test]
fn a_local_token_needs_a_registered_agent() {
    let folder = tempfile::tempdir().unwrap();
    let state = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
    let issuer = LocalIssuer::open(&state).unwrap();
    let scopes = ScopeSet::parse_strict("file:read:invoices/**").unwrap();
    let text = issuer.issue(&AgentId::parse("expense-bot").unwrap(), &scopes, 60, NOW).unwrap();
    let trusted = TrustedIssuers::none().with(issuer.trusted()).unwrap();
    let token = RawToken::new(text.to_string()).verify(&trusted, NOW).unwrap();
    let registered = registry("file:read:invoices/**", LocalIssuer::ISSUER, Status::Active);
    let authorization = authorize(&token, &registered, &manifest(), None).unwrap();
    assert_eq!(authorization.provenance(), Provenance::LocalIssuer);
    assert!(authorize(&token, &AgentRegistry::default(), &manifest(), None).is_err());
}

#[test]
fn the_registry_says_which_agent_a_subject_is() {
    let mut registry = AgentRegistry::default();
    let agent = |id: &str, subject: &str| Agent {
        id: AgentId::parse(id).unwrap(),
        issuer: ISSUER.to_owned(),
        subject: Subject::parse(subject).unwrap(),
        owner: "alice".to_owned(),
        capabilities: ScopeSet::parse_strict("fetch:get:api.example.com/**").unwrap(),
        status: Status::Active,
        registered_at: NOW,
    };
    registry.register(agent("expense-bot", "spiffe://acme/ns/bots/sa/expense")).unwrap();
    registry.register(agent("impostor", "expense-bot")).unwrap();
    let named = token(json!({"sub": "spiffe://acme/ns/bots/sa/expense"}));
    let authority = authorize(&named, &registry, &manifest(), None).unwrap().into_authority();
    assert_eq!(authority.principal.agent, "expense-bot");
    // A subject that looks like another agent's id is that agent's only when the registry says so.
    assert_eq!(authorize(&token(json!({})), &registry, &manifest(), None).unwrap_err().code(), Code::ManifestAgent);
}
