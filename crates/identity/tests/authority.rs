//! Token, registry, manifest and task brought together: each may refuse, none may widen.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which the lint does not recognise as such")]

mod support;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use bailiwick_identity::{
    Agent, AgentId, AgentKey, Asked, Authorization, Basis, Change, JtiHash, LocalIssuer, MemoryRegistrar,
    MemoryReplayStore, ProofRequest, Provenance, RawProof, RawToken, Reason, Registrar, RegistryError, Revocable,
    Rotation, Signal, SignalEvent, Status, Subject, Target, TaskId, Token, TrustedIssuers, Withdrawn, admit, as_local,
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

fn registry(capabilities: &str, issuer: &str, status: Status) -> MemoryRegistrar {
    let registry = MemoryRegistrar::default();
    let id = AgentId::parse("expense-bot").unwrap();
    let capabilities = ScopeSet::parse_strict(capabilities).unwrap();
    let agent = Agent::new(id.clone(), issuer, Subject::from(&id), "alice", capabilities, NOW).unwrap();
    registry.register(Agent { status, ..agent }).unwrap();
    registry
}

fn token(changes: serde_json::Value) -> Token {
    let signer = Signer::ed();
    signer.verify(signer.compact(&signer.header().to_string(), &with(claims(), changes).to_string())).unwrap()
}

#[test]
fn all_sources_arrive_unchanged() {
    let registry = registry("fetch:get,post:api.example.com/** file:read:invoices/**", ISSUER, Status::Active);
    let restriction = ScopeSet::parse_strict("fetch:get:api.example.com/v1/orders/**").unwrap();
    let (token, manifest, task) = (token(json!({})), manifest(), TaskId::parse("close-march").unwrap());
    let asked = Asked::new(&manifest).restriction(Some(restriction)).task(Some(task.clone()));
    let authorization = authorize(&token, &registry, &asked, NOW).unwrap();
    let basis = authorization.basis();
    assert_eq!((basis.token, basis.key, basis.task.as_ref()), (token.jti(), None, Some(&task)));
    assert_eq!(basis.agent, Some((AgentId::parse("expense-bot").unwrap(), 1)));
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
    let refuse = |token: &Token, registry: &MemoryRegistrar| {
        authorize(token, registry, &Asked::new(&manifest()), NOW).map(|_| ()).unwrap_err()
    };
    assert!(authorize(&token(json!({})), &good(), &Asked::new(&manifest()), NOW).is_ok());
    assert_eq!(refuse(&token(json!({})), &MemoryRegistrar::default()).code(), Some(Code::AgentUnknown));
    assert_eq!(refuse(&token(json!({"sub": "Expense-bot"})), &good()).code(), Some(Code::AgentUnknown));
    let elsewhere = registry("fetch:get:api.example.com/**", LocalIssuer::ISSUER, Status::Active);
    assert_eq!(
        refuse(&token(json!({})), &elsewhere).code(),
        Some(Code::AgentUnknown),
        "another issuer's agent of the same name"
    );
    let suspended = registry("fetch:get:api.example.com/**", ISSUER, Status::Suspended);
    assert_eq!(refuse(&token(json!({})), &suspended).code(), Some(Code::AgentSuspended));
    let revoked = registry("fetch:get:api.example.com/**", ISSUER, Status::Revoked);
    assert_eq!(refuse(&token(json!({})), &revoked).code(), Some(Code::AgentRevoked));

    let other = Manifest::parse(&MANIFEST.replace("\"expense-bot\", ", ""), "expenses.toml").unwrap();
    let refused = authorize(&token(json!({})), &good(), &Asked::new(&other), NOW).unwrap_err();
    assert_eq!(refused.code(), Some(Code::ManifestAgent));
    assert_eq!(
        as_local(&AgentId::parse("stranger").unwrap(), &good(), &Asked::new(&manifest()), NOW).unwrap_err().code(),
        Some(Code::ManifestAgent)
    );
}

/// One scope beyond the capabilities spoils the whole token; scopes of other systems do not count.
#[test]
fn privilege_injection() {
    let registry = registry("fetch:get:api.example.com/v1/** file:read,list:invoices/**", ISSUER, Status::Active);
    let injected = |scope: &str| {
        authorize(&token(json!({ "scope": scope })), &registry, &Asked::new(&manifest()), NOW)
            .map(|_| ())
            .map_err(|error| error.code())
    };
    for inside in [
        "",
        "fetch:get:api.example.com/v1/**",
        "fetch:get:api.example.com/v1/x file:list:invoices/a",
        "openid admin:all",
        "x-mail:send:board/**",
        "x-mail:shout",
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
        assert_eq!(injected(beyond), Err(Some(Code::TokenPrivilegeInjection)), "{beyond}");
    }
}

/// A kind of an embedder counts once the registry speaks of it.
#[test]
fn privilege_injection_in_an_embedders_kind() {
    let registry = registry("x-mail:send:team/*", ISSUER, Status::Active);
    let code = |scope: &str| {
        authorize(&token(json!({ "scope": scope })), &registry, &Asked::new(&manifest()), NOW)
            .map(|authorization| authorization.authority().token.to_string())
            .map_err(|error| error.code())
    };
    assert_eq!(code("x-mail:send:team/a x-fax:send:b"), Ok("x-mail:send:team/a".to_owned()));
    assert_eq!(code("x-mail:send:board/a"), Err(Some(Code::TokenPrivilegeInjection)));
}

/// Details are authority like scopes: the registry bounds them, and the grant gets them whole.
#[test]
fn authorization_details() {
    let registry = registry("fetch:get:api.example.com/v1/** tool:call:bank/*", ISSUER, Status::Active);
    let detail = |kind: &str, action: &str, location: &str| json!({"type": "bailiwick", "kind": kind, "actions": [action], "locations": [location]});
    let with = |details: serde_json::Value, scope: serde_json::Value| {
        let token = token(json!({"authorization_details": details, "scope": scope}));
        authorize(&token, &registry, &Asked::new(&manifest()), NOW).map(Authorization::into_authority)
    };
    let limited = with_args(detail("tool", "call", "bank/pay"), json!({"amount": {"max": 50}}));
    let authority = with(json!([limited, {"type": "other"}]), json!("fetch:get:api.example.com/v1/x")).unwrap();
    assert_eq!(authority.token.to_string(), "fetch:get:api.example.com/v1/x");
    assert_eq!(authority.details.len(), 1);
    assert_eq!(authority.token_scopes().to_string(), "fetch:get:api.example.com/v1/x tool:call:bank/pay");
    let authority = with(json!([detail("fetch", "get", "https://api.example.com/v1/**")]), json!(null)).unwrap();
    assert_eq!(authority.token_scopes().to_string(), "fetch:get:api.example.com/v1/**");
    for beyond in [
        detail("fetch", "get", "api.example.com/**"),
        detail("fetch", "post", "api.example.com/v1/x"),
        with_args(detail("tool", "call", "other/pay"), json!({"amount": {"max": 0}})),
        detail("file", "read", "invoices/a"),
    ] {
        let refused = with(json!([beyond.clone()]), json!("")).unwrap_err();
        assert_eq!(refused.code(), Some(Code::TokenPrivilegeInjection), "{beyond}");
    }
}

fn with_args(detail: serde_json::Value, args: serde_json::Value) -> serde_json::Value {
    with(detail, json!({ "args": args }))
}

#[test]
fn on_the_word_of_the_terminal_the_manifest_alone_decides() {
    let name = AgentId::parse("other-bot").unwrap();
    let task = ScopeSet::parse_strict("file:read:invoices/a").unwrap();
    let (manifest, nobody) = (manifest(), MemoryRegistrar::default());
    let asked = Asked::new(&manifest).restriction(Some(task.clone()));
    let authorization = as_local(&name, &nobody, &asked, NOW).unwrap();
    assert_eq!(authorization.basis().agent, None);
    assert_eq!(authorization.provenance(), Provenance::Terminal);
    assert_eq!(authorization.valid_until(), NOW + 3600);
    let again = as_local(&name, &nobody, &Asked::new(&manifest), NOW).unwrap();
    assert_ne!(again.jti(), authorization.jti());
    let authority = authorization.into_authority();
    assert_eq!(authority.principal.agent, "other-bot");
    assert_eq!(authority.principal.issuer, LocalIssuer::ISSUER);
    assert_eq!(authority.token.to_string(), manifest.scopes().to_string());
    assert_eq!(authority.registry.to_string(), manifest.scopes().to_string());
    assert_eq!(authority.task.map(|task| task.to_string()), Some(task.to_string()));
}

#[test]
fn a_local_token_needs_a_registered_agent() {
    let folder = tempfile::tempdir().unwrap();
    let state = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
    let issuer = LocalIssuer::open(&state).unwrap();
    let scopes = ScopeSet::parse_strict("file:read:invoices/**").unwrap();
    let text = issuer.issue(&AgentId::parse("expense-bot").unwrap(), &scopes, None, 60, NOW).unwrap();
    let trusted = TrustedIssuers::none().with(issuer.trusted()).unwrap();
    let token = RawToken::new(text.to_string()).verify(&trusted, NOW).unwrap();
    let registered = registry("file:read:invoices/**", LocalIssuer::ISSUER, Status::Active);
    let authorization = authorize(&token, &registered, &Asked::new(&manifest()), NOW).unwrap();
    assert_eq!(authorization.provenance(), Provenance::LocalIssuer);
    assert!(authorize(&token, &MemoryRegistrar::default(), &Asked::new(&manifest()), NOW).is_err());
}

#[test]
fn the_registry_says_which_agent_a_subject_is() {
    let registry = MemoryRegistrar::default();
    let agent = |id: &str, subject: &str| {
        let (id, subject) = (AgentId::parse(id).unwrap(), Subject::parse(subject).unwrap());
        let capabilities = ScopeSet::parse_strict("fetch:get:api.example.com/**").unwrap();
        Agent::new(id, ISSUER, subject, "alice", capabilities, NOW).unwrap()
    };
    registry.register(agent("expense-bot", "spiffe://acme/ns/bots/sa/expense")).unwrap();
    registry.register(agent("impostor", "expense-bot")).unwrap();
    let named = token(json!({"sub": "spiffe://acme/ns/bots/sa/expense"}));
    let authority = authorize(&named, &registry, &Asked::new(&manifest()), NOW).unwrap().into_authority();
    assert_eq!(authority.principal.agent, "expense-bot");
    // A subject that looks like another agent's id is that agent's only when the registry says so.
    assert_eq!(
        authorize(&token(json!({})), &registry, &Asked::new(&manifest()), NOW).unwrap_err().code(),
        Some(Code::ManifestAgent)
    );
}

struct Bound {
    issuer: Signer,
    key: Signer,
}

impl Bound {
    fn new() -> Bound {
        Bound { issuer: Signer::ed(), key: Signer::ec() }
    }

    /// A token bound to the key, whose possession was proved.
    fn token(&self, jti: &str) -> Token {
        let bound = json!({"jti": jti, "cnf": {"jkt": self.key(NOW).thumbprint().to_string()}});
        let text = self.issuer.compact(&self.issuer.header().to_string(), &with(claims(), bound).to_string());
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.jwk()});
        let ath = data_encoding::BASE64URL_NOPAD.encode(hash.as_ref());
        let proof = json!({"jti": jti, "htm": "POST", "htu": "https://a.example/", "iat": NOW, "ath": ath});
        let target = Target::parse("https://a.example/").unwrap();
        let proof = RawProof::new(self.key.compact(&header.to_string(), &proof.to_string()));
        let proof = proof.verify(&ProofRequest::new("POST", &target), NOW).unwrap();
        let store = MemoryReplayStore::new(NonZeroUsize::MIN);
        let unspent = RawToken::new(text).verify_presented(Some(&proof), &self.issuer.trusted(), NOW).unwrap();
        unspent.spend(&store, NOW).unwrap()
    }

    fn key(&self, not_before: u64) -> AgentKey {
        AgentKey::parse(self.key.jwk().to_string().as_bytes(), not_before).unwrap()
    }
}

#[test]
fn an_agent_with_keys_must_prove_possession_of_one_that_serves() {
    let (first, second, third) = (Bound::new(), Bound::new(), Bound::new());
    let agents = registry("fetch:get:api.example.com/**", ISSUER, Status::Active);
    let bot = AgentId::parse("expense-bot").unwrap();
    let manifest = manifest();
    let code =
        |token: &Token, now| authorize(token, &agents, &Asked::new(&manifest), now).map_err(|error| error.code());
    let (bearer, bound, other) = (token(json!({})), first.token("1"), second.token("2"));
    assert!(code(&bearer, NOW).is_ok() && code(&bound, NOW).is_ok(), "without registered keys any token will do");

    agents.change(&bot, Change::AddKey { key: first.key(NOW), overlap: 0 }, NOW).unwrap();
    assert_eq!(code(&bound, NOW).unwrap().valid_until(), bound.valid_until());
    assert_eq!(code(&bearer, NOW).unwrap_err(), Some(Code::TokenNotBound));
    assert_eq!(code(&other, NOW).unwrap_err(), Some(Code::AgentKeyUnknown));
    let overdue = authorize(&bound, &agents, &Asked::new(&manifest), NOW + 25 * 3600).unwrap_err();
    assert_eq!(overdue.code(), Some(Code::AgentKeyOverdue));
    assert!(overdue.to_string().contains("bailiwick agent rotate-key expense-bot --key FILE"), "{overdue}");
    let hourly = Asked::new(&manifest).rotation(Rotation::new(3600, 60));
    assert!(authorize(&bound, &agents, &hourly, NOW + 3659).is_ok());
    assert_eq!(authorize(&bound, &agents, &hourly, NOW + 3660).unwrap_err().code(), Some(Code::AgentKeyOverdue));

    agents.change(&bot, Change::AddKey { key: second.key(NOW), overlap: 100 }, NOW).unwrap();
    assert_eq!(code(&bound, NOW).unwrap().valid_until(), NOW + 100, "the authority ends with the key");
    assert_eq!(code(&bound, NOW + 100).unwrap_err(), Some(Code::AgentKeyExpired));
    agents.revoke(Revocable::Key(second.key(NOW).thumbprint()), None, NOW).unwrap();
    assert_eq!(code(&other, NOW).unwrap_err(), Some(Code::AgentKeyRevoked));
    assert!(code(&bound, NOW).is_ok());

    // Under way, too, a run lasts no longer than the key that it rests on.
    let basis = authorize(&bound, &agents, &Asked::new(&manifest), NOW).unwrap().basis().clone();
    assert_eq!(agents.withdrawn(&basis, NOW + 99).unwrap(), None);
    let over = agents.withdrawn(&basis, NOW + 100).unwrap().unwrap();
    assert_eq!((over.what.clone(), over.what.code()), (Withdrawn::KeyOver, Code::AgentKeyExpired));
    let (tell, told) = std::sync::mpsc::channel();
    let _watched = agents.watch(basis, Box::new(move |withdrawal| _ = tell.send(withdrawal))).unwrap();
    assert!(told.try_recv().is_err());
    agents.change(&bot, Change::AddKey { key: third.key(NOW), overlap: 0 }, NOW + 1).unwrap();
    assert_eq!(told.try_recv().unwrap(), over, "older keys end at once");
}

/// Who only looks is told what a run would be told, and nothing is counted.
#[test]
fn what_the_registry_has_against_a_token() {
    let agents = registry("fetch:get:api.example.com/**", ISSUER, Status::Active);
    let bot = AgentId::parse("expense-bot").unwrap();
    let code = |token: &Token, agents: &MemoryRegistrar| {
        admit(token, agents, Rotation::default(), NOW).map_err(|error| error.code())
    };
    let good = token(json!({"jti": "1"}));
    assert_eq!(code(&good, &agents), Ok(bot.clone()));
    assert_eq!(code(&good, &MemoryRegistrar::default()), Err(Some(Code::AgentUnknown)));
    let much = token(json!({"jti": "2", "scope": "fetch:post:api.example.com/**"}));
    assert_eq!(code(&much, &agents), Err(Some(Code::TokenPrivilegeInjection)));
    assert_eq!(agents.agent(&bot).unwrap().unwrap().injections, 0);
    agents.revoke(Revocable::Token(good.jti()), None, NOW).unwrap();
    assert_eq!(code(&good, &agents), Err(Some(Code::TokenRevoked)));
    agents.change(&bot, Change::AddKey { key: Bound::new().key(NOW), overlap: 0 }, NOW).unwrap();
    assert_eq!(code(&token(json!({"jti": "3"})), &agents), Err(Some(Code::TokenNotBound)));
    agents.change(&bot, Change::Suspend(None), NOW).unwrap();
    assert_eq!(code(&good, &agents), Err(Some(Code::AgentSuspended)));
}

#[test]
fn what_was_revoked_starts_no_run() {
    let agents = registry("fetch:get:api.example.com/**", ISSUER, Status::Active);
    let (manifest, now) = (manifest(), NOW);
    let bot = AgentId::parse("expense-bot").unwrap();
    let task = |name: &str| TaskId::parse(name).unwrap();
    let start = |token: &Token, name: &str| {
        authorize(token, &agents, &Asked::new(&manifest).task(Some(task(name))), now).map_err(|error| error.to_string())
    };
    let (one, two) = (token(json!({})), token(json!({"jti": "another"})));
    assert!(start(&one, "a").is_ok());
    let why = |text: &str| Some(Reason::parse(text).unwrap());
    agents.revoke(Revocable::Token(one.jti()), why("stolen"), now).unwrap();
    assert_eq!(start(&one, "a").unwrap_err(), "the token was revoked: stolen");
    agents.revoke(Revocable::Task(task("a")), None, now).unwrap();
    assert_eq!(start(&two, "a").unwrap_err(), "the task was ended");
    assert!(start(&two, "b").is_ok());
    let asked = Asked::new(&manifest).task(Some(task("a")));
    let refused = as_local(&bot, &agents, &asked, now).unwrap_err();
    assert_eq!(refused.code(), Some(Code::TaskEnded));
    agents.change(&bot, Change::Suspend(why("odd")), now).unwrap();
    assert_eq!(start(&two, "b").unwrap_err(), "the agent `expense-bot` is suspended: odd");
    let refused = as_local(&bot, &agents, &Asked::new(&manifest), now).unwrap_err();
    assert_eq!(refused.code(), Some(Code::AgentSuspended), "also on the word of the terminal");
    let two = authorize(&two, &agents, &Asked::new(&manifest), now).unwrap_err();
    assert_eq!(two.code(), Some(Code::AgentSuspended));
}

#[test]
fn privilege_injection_is_counted() {
    let agents = registry("fetch:get:api.example.com/**", ISSUER, Status::Active);
    let wide = token(json!({"scope": "fetch:post:api.example.com/**"}));
    for _ in 0..3 {
        authorize(&wide, &agents, &Asked::new(&manifest()), NOW).unwrap_err();
    }
    assert_eq!(agents.agent(&AgentId::parse("expense-bot").unwrap()).unwrap().unwrap().injections, 3);
}

#[test]
fn runs_end_with_what_their_authority_rests_on() {
    let agents = registry("fetch:get:api.example.com/**", ISSUER, Status::Active);
    let bot = AgentId::parse("expense-bot").unwrap();
    let basis = |jti: &str| Basis {
        token: JtiHash::of(ISSUER, jti),
        agent: Some((bot.clone(), 1)),
        key: None,
        task: Some(TaskId::parse(jti).unwrap()),
    };
    let ended = Arc::new(Mutex::new(Vec::new()));
    let watch = |name: &'static str| {
        let ended = Arc::clone(&ended);
        agents.watch(basis(name), Box::new(move |lost| ended.lock().unwrap().push((name, lost.what)))).unwrap()
    };
    let (_a, _b, c, _d) = (watch("a"), watch("b"), watch("c"), watch("d"));
    let told = || std::mem::take(&mut *ended.lock().unwrap());
    agents.revoke(Revocable::Token(JtiHash::of(ISSUER, "a")), None, NOW).unwrap();
    assert_eq!(told(), [("a", Withdrawn::Token)]);
    drop(c);
    agents.revoke(Revocable::Task(TaskId::parse("c").unwrap()), None, NOW).unwrap();
    assert_eq!(told(), [], "nobody watches it any more");
    agents.revoke(Revocable::Task(TaskId::parse("b").unwrap()), None, NOW).unwrap();
    assert_eq!(told(), [("b", Withdrawn::Task)]);
    agents.change(&bot, Change::Suspend(None), NOW).unwrap();
    assert_eq!(told(), [("d", Withdrawn::Agent(Status::Suspended))]);
    agents.change(&bot, Change::Resume, NOW).unwrap();
    let _late = watch("e");
    assert_eq!(told(), [("e", Withdrawn::Agent(Status::Active))], "authorised before, started after");
}

#[test]
fn an_issuers_signals_concern_its_own() {
    let agents = registry("fetch:get:api.example.com/**", ISSUER, Status::Active);
    let key = Bound::new().key(NOW);
    let subject = Subject::parse("expense-bot").unwrap();
    let bot = AgentId::parse("expense-bot").unwrap();
    agents.change(&bot, Change::AddKey { key: key.clone(), overlap: 0 }, NOW).unwrap();
    let signal = |issuer: &str, event| agents.apply(Signal { issuer: issuer.to_owned(), event, reason: None }, NOW);
    let disabled = || SignalEvent::SubjectDisabled { subject: subject.clone() };
    let leaked = |key| SignalEvent::KeyRevoked { subject: subject.clone(), key };
    assert!(matches!(signal("https://evil.example", disabled()), Err(RegistryError::UnknownSubject(_))));
    assert!(signal("https://evil.example", leaked(key.thumbprint())).is_err());
    assert!(matches!(
        signal(ISSUER, leaked(Bound::new().key(NOW).thumbprint())),
        Err(RegistryError::UnknownKey { .. })
    ));
    assert!(agents.revocations().unwrap().is_empty());
    signal(ISSUER, leaked(key.thumbprint())).unwrap();
    signal(ISSUER, SignalEvent::TokenRevoked { jti: "x".to_owned() }).unwrap();
    let revoked: Vec<_> = agents.revocations().unwrap().into_iter().map(|entry| entry.what).collect();
    assert_eq!(revoked, [Revocable::Token(JtiHash::of(ISSUER, "x")), Revocable::Key(key.thumbprint())]);
    signal(ISSUER, disabled()).unwrap();
    assert_eq!(agents.agent(&bot).unwrap().unwrap().status, Status::Suspended);
}
