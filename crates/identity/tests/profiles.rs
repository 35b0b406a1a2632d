//! What a verified token keeps, by profile, and what authority comes of it.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which the lint does not recognise as such")]

mod support;

use bailiwick_identity::{
    Agent, AgentId, Algorithm, Asked, Check, IssuerError, MemoryRegistrar, Outcome, Profile, RawToken, Registrar,
    Subject, Token, TrustDomain, TrustedIssuer, TrustedIssuers, Workload, authorize, inspect,
};
use bailiwick_policy::{Code, Manifest, ScopeSet};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::recipe::{claims_of, header_of};
use support::{AUDIENCE, ISSUER, NOW, Signer, claims, with};

const CAPABILITIES: &str = "fetch:get,post:api.example.com/**";

fn domain(name: &str) -> TrustDomain {
    TrustDomain::parse(name).unwrap()
}

fn issuer(signer: &Signer, name: &str, profile: Profile) -> TrustedIssuer {
    let jwk = with(signer.jwk(), json!({"use": "sig"}));
    let keys = bailiwick_identity::Jwks::parse(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap();
    TrustedIssuer::new(name, AUDIENCE, keys, &[Algorithm::Es256]).unwrap().profile(profile).unwrap()
}

fn verify(signer: &Signer, profile: &str, changes: Value, issuer: TrustedIssuer) -> Token {
    let text = signer.compact(&header_of(profile, signer).to_string(), &with(claims_of(profile), changes).to_string());
    RawToken::new(text).verify(&TrustedIssuers::none().with(issuer).unwrap(), NOW).unwrap()
}

fn registry(issuer: &str, subject: &str) -> MemoryRegistrar {
    let registry = MemoryRegistrar::default();
    let (id, subject) = (AgentId::parse("expense-bot").unwrap(), Subject::parse(subject).unwrap());
    let capabilities = ScopeSet::parse_strict(CAPABILITIES).unwrap();
    registry.register(Agent::new(id, issuer, subject, "alice", capabilities, NOW).unwrap()).unwrap();
    registry
}

fn manifest() -> Manifest {
    let text = "schema = 1\nid = \"expenses\"\nagents = [\"expense-bot\"]\n[[allow]]\nid = \"api\"\nfetch = \"https://api.example.com/**\"\nmethods = [\"GET\"]\n";
    Manifest::parse(text, "expenses.toml").unwrap()
}

#[test]
fn workloads_are_named_and_their_scopes_are_the_registrys_where_configured() {
    let signer = Signer::ec();
    let name = "https://kubernetes.default.svc.cluster.local";
    let profiles = [
        ("k8s", Profile::Kubernetes, name, json!({"iss": name}), "system:serviceaccount:bots:expense"),
        (
            "jwt-svid",
            Profile::JwtSvid(domain("acme.example")),
            "spiffe://acme.example",
            json!({}),
            "spiffe://acme.example/bots/expense",
        ),
    ];
    for (word, profile, name, changes, subject) in profiles {
        assert_eq!((profile.as_str(), profile.to_string().as_str()), (word, word));
        let plain = verify(&signer, word, changes.clone(), issuer(&signer, name, profile.clone()));
        assert_eq!((plain.issuer(), plain.subject().as_str()), (name, subject));
        match plain.workload() {
            Some(Workload::Kubernetes(account)) => {
                assert_eq!(
                    (account.namespace(), account.name(), account.pod()),
                    ("bots", "expense", Some("expense-0"))
                );
            }
            Some(Workload::Spiffe(id)) => assert_eq!(id.to_string(), subject),
            None => panic!("a workload"),
        }
        let registry = registry(name, subject);
        let authority = authorize(&plain, &registry, &Asked::new(&manifest()), NOW).unwrap().into_authority();
        assert!(authority.token.is_empty(), "a missing source is an empty one");

        let trusting = issuer(&signer, name, profile.clone()).scopes_from_registry().unwrap();
        let identity = verify(&signer, word, changes.clone(), trusting.clone());
        assert!(identity.leaves_scopes_to_registry());
        let authority = authorize(&identity, &registry, &Asked::new(&manifest()), NOW).unwrap().into_authority();
        assert_eq!(authority.token.to_string(), CAPABILITIES);
        // A token that has scopes after all is held to them.
        let narrow = with(changes.clone(), json!({"scope": "fetch:get:api.example.com/v1"}));
        let narrow = verify(&signer, word, narrow, trusting.clone());
        let authority = authorize(&narrow, &registry, &Asked::new(&manifest()), NOW).unwrap().into_authority();
        assert_eq!(authority.token.to_string(), "fetch:get:api.example.com/v1");
        let nothing = verify(&signer, word, with(changes, json!({"scope": ""})), trusting);
        assert!(authorize(&nothing, &registry, &Asked::new(&manifest()), NOW).unwrap().authority().token.is_empty());
    }
}

#[test]
fn configurations_that_cannot_be_meant() {
    let signer = Signer::ec();
    let at = |profile| issuer(&signer, ISSUER, profile);
    for profile in [Profile::AccessToken, Profile::Generic] {
        let refused = at(profile).scopes_from_registry().unwrap_err();
        assert_eq!(refused, IssuerError::ScopesFromRegistry { issuer: ISSUER.to_owned() });
    }
    let trusting = at(Profile::Kubernetes).scopes_from_registry().unwrap();
    assert!(trusting.profile(Profile::Generic).is_err(), "nor by changing the profile afterwards");
    let ed = Signer::ed().issuer().profile(Profile::JwtSvid(domain("acme.example"))).unwrap_err();
    assert!(matches!(ed, IssuerError::ProfileAlgorithm { algorithm: Algorithm::EdDsa, .. }), "{ed}");
    let one = TrustedIssuers::none().with(issuer(&signer, "a", Profile::JwtSvid(domain("acme.example")))).unwrap();
    let two = one.with(issuer(&signer, "b", Profile::JwtSvid(domain("acme.example")))).unwrap_err();
    assert!(matches!(two, IssuerError::TrustDomainTwice { .. }), "{two}");
    assert_eq!(Profile::parse("jwt-svid", None), None);
    assert_eq!(Profile::parse("k8s", Some(domain("a"))), None);
    assert_eq!(Profile::parse("AT+JWT", None), None);
    assert_eq!(Profile::parse("generic", None), Some(Profile::Generic));
}

/// What issuers say in the claims when they do not say it in the header.
#[test]
fn other_kinds_of_tokens_are_refused_without_a_telling_typ() {
    let signer = Signer::ec();
    let trusted = TrustedIssuers::none().with(issuer(&signer, ISSUER, Profile::Generic)).unwrap();
    let verify = |changes: Value| {
        let claims = with(claims_of("generic"), with(json!({"iss": ISSUER}), changes));
        let text = signer.compact(&header_of("generic", &signer).to_string(), &claims.to_string());
        RawToken::new(text).verify(&trusted, NOW).map(drop).map_err(|error| error.code())
    };
    for access in [json!({}), json!({"typ": "Bearer"}), json!({"token_use": "access"}), json!({"typ": "JWT"})] {
        assert_eq!(verify(access.clone()), Ok(()), "{access}");
    }
    for kind in ["ID", "id", "Refresh", "Offline", "Logout"] {
        assert_eq!(verify(json!({ "typ": kind })), Err(Code::TokenType), "{kind}");
    }
    for usage in [json!("id"), json!("refresh"), json!(""), json!(1)] {
        assert_eq!(verify(json!({ "token_use": usage })), Err(Code::TokenType), "{usage}");
    }
}

/// A refused token has an owner, for the record, exactly when its issuer signed it.
#[test]
fn who_signed_a_refused_token_is_known() {
    let signer = Signer::ed();
    let token = |changes: Value| {
        RawToken::new(signer.compact(&signer.header().to_string(), &with(claims(), changes).to_string()))
    };
    let good = token(json!({})).verify(&signer.trusted(), NOW).unwrap();
    for wrong in [json!({"exp": NOW - 100}), json!({"aud": "https://other.example"}), json!({"exp": NOW + 9000})] {
        let raw = token(wrong.clone());
        assert!(raw.verify(&signer.trusted(), NOW).is_err());
        let signed = raw.signed_for(&signer.trusted()).unwrap();
        assert_eq!((signed.issuer.as_str(), signed.subject.as_ref()), (ISSUER, Some(good.subject())), "{wrong}");
        assert_eq!(signed.jti, Some(good.jti()));
    }
    let nameless = token(json!({"sub": "a\u{1b}b", "jti": ""})).signed_for(&signer.trusted()).unwrap();
    assert_eq!((nameless.subject, nameless.jti), (None, None));
    assert_eq!(token(json!({})).signed_for(&Signer::ed().trusted()), None, "signed by somebody else");
    assert_eq!(RawToken::new("x.y.z".to_owned()).signed_for(&signer.trusted()), None);
}

#[test]
fn svids_of_two_domains_go_to_their_own_keys() {
    let (ours, theirs) = (Signer::ec(), Signer::ec());
    let trusted = TrustedIssuers::none()
        .with(issuer(&ours, "spiffe://acme.example", Profile::JwtSvid(domain("acme.example"))))
        .unwrap()
        .with(issuer(&theirs, "spiffe://other.example", Profile::JwtSvid(domain("other.example"))))
        .unwrap();
    let token = |signer: &Signer, sub: &str| {
        let claims = with(claims_of("jwt-svid"), json!({ "sub": sub }));
        RawToken::new(signer.compact(&header_of("jwt-svid", signer).to_string(), &claims.to_string()))
    };
    let verified = token(&theirs, "spiffe://other.example/a").verify(&trusted, NOW).unwrap();
    assert_eq!(verified.issuer(), "spiffe://other.example");
    let forged = token(&theirs, "spiffe://acme.example/a").verify(&trusted, NOW).unwrap_err();
    assert_eq!(forged.code(), Code::TokenSignature);
}

/// Without a `jti`, what was signed names the token, whichever of its signatures it comes with.
#[test]
fn tokens_without_jti_have_names() {
    let signer = Signer::ec();
    let issuer = || issuer(&signer, "spiffe://acme.example", Profile::JwtSvid(domain("acme.example")));
    let name = |changes: Value| verify(&signer, "jwt-svid", changes, issuer()).jti();
    assert_eq!(name(json!({})), name(json!({})));
    assert_ne!(name(json!({})), name(json!({"iat": NOW - 9})));
    assert_ne!(name(json!({"jti": "a"})), name(json!({})));
}

#[test]
fn actors_are_kept() {
    let signer = Signer::ed();
    let verified = |changes: Value| {
        let text = signer.compact(&signer.header().to_string(), &with(claims(), changes).to_string());
        signer.verify(text).unwrap()
    };
    let registry = registry(ISSUER, "expense-bot");
    let delegated = verified(json!({"act": {"sub": "orchestrator", "act": {"sub": "planner"}}}));
    assert_eq!(delegated.actors().to_string(), "orchestrator ← planner");
    let authorization = authorize(&delegated, &registry, &Asked::new(&manifest()), NOW).unwrap();
    assert_eq!(authorization.actors(), delegated.actors());
    assert_eq!(authorization.authority().principal.subject, "expense-bot", "an actor changes nothing of the authority");
    assert_eq!(authorization.sensitive_until(), None);
}

#[test]
fn an_inspection_claims_nothing_that_was_not_checked() {
    let signer = Signer::ed();
    let inspected = |changes: Value, now: u64| {
        let text = signer.compact(&signer.header().to_string(), &with(claims(), changes).to_string());
        inspect(&RawToken::new(text), None, &signer.trusted(), now)
    };
    let good = inspected(json!({}), NOW);
    assert!(good.outcomes().all(|(_, outcome)| outcome == Outcome::Passed));
    assert_eq!(good.verified().map(|token| token.subject().as_str()), Ok("expense-bot"));
    let names: std::collections::BTreeSet<_> = Check::ALL.iter().map(|check| check.name()).collect();
    assert_eq!(names.len(), Check::ALL.len());
    assert!(Check::ALL.is_sorted() && Check::ALL.iter().all(|check| !check.about().is_empty()));

    let late = inspected(json!({}), NOW + 700);
    assert_eq!(late.outcome(Check::Signature), Outcome::Passed);
    assert!(matches!(late.outcome(Check::Expiry), Outcome::Failed(error) if error.code() == Code::TokenExpired));
    assert_eq!(late.outcome(Check::Scope).as_str(), "not reached");
    let elsewhere = inspected(json!({"iss": "https://evil.example"}), NOW);
    assert_eq!(elsewhere.outcome(Check::Signature), Outcome::NotReached);
    assert_eq!(elsewhere.outcome(Check::Issuer).as_str(), "failed");
    assert_eq!(
        inspect(&RawToken::new("x".into()), None, &signer.trusted(), NOW).outcome(Check::Form).as_str(),
        "failed"
    );
}

/// Any JSON at all in any claim, signed well: never a panic, and never a scope that was not in it.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("bailiwick")),
        Just(json!("fetch:get:api.example.com/**")),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("(type|scope|calls|arguments|sum|sub|act|jkt|[a-z]{1,3})", inner, 0..4)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn no_signed_claim_panics(
        name in "(iss|aud|sub|jti|iat|exp|nbf|scope|act|authorization_details|cnf|kubernetes.io)",
        value in json_value(),
        profile in 0..4,
    ) {
        let signer = Signer::ec();
        let (word, profile) = match profile {
            0 => ("access-token", Profile::AccessToken),
            1 => ("generic", Profile::Generic),
            2 => ("k8s", Profile::Kubernetes),
            _ => ("jwt-svid", Profile::JwtSvid(domain("acme.example"))),
        };
        let mut claims = claims_of(word);
        claims.as_object_mut().unwrap().insert(name, value);
        let raw = RawToken::new(signer.compact(&header_of(word, &signer).to_string(), &claims.to_string()));
        let trusted = TrustedIssuers::none().with(issuer(&signer, ISSUER, profile)).unwrap();
        let inspection = inspect(&raw, None, &trusted, NOW);
        match raw.verify(&trusted, NOW) {
            Ok(token) => prop_assert_eq!(inspection.verified().unwrap().jti(), token.jti()),
            Err(error) => prop_assert_eq!(inspection.verified().unwrap_err(), &error),
        }
    }
}
