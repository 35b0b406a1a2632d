//! The state folder: the local issuer's key and the agent registry.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which the lint does not recognise as such"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use bailiwick_identity::{
    Agent, AgentId, AgentKey, AgentRegistry, Change, DocumentError, JtiHash, LocalIssuer, LocalIssuerError,
    MissingKeys, RawToken, Reason, RegistryDocument, RegistryError, Revocable, Revocation, StateError, Status, Subject,
    TaskId, TrustedIssuers,
};
use bailiwick_policy::{Code, ScopeSet};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use tempfile::TempDir;

const NOW: u64 = 1_800_000_000;

fn state() -> (TempDir, Dir) {
    let folder = tempfile::tempdir().unwrap();
    let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
    (folder, dir)
}

fn scopes(text: &str) -> ScopeSet {
    ScopeSet::parse_strict(text).unwrap()
}

fn agent(name: &str) -> Agent {
    let (id, subject) = (AgentId::parse(name).unwrap(), Subject::parse(name).unwrap());
    Agent::new(id, LocalIssuer::ISSUER, subject, "alice@example.com", scopes("file:read,list:invoices/**"), NOW)
        .unwrap()
}

#[test]
fn the_local_issuers_tokens_verify_and_keep_its_key() {
    let (folder, dir) = state();
    let issuer = LocalIssuer::open(&dir).unwrap();
    let bot = AgentId::parse("expense-bot").unwrap();
    let wanted = scopes("fetch:get,head:api.example.com/v1/** file:read:invoices/**");
    let text = issuer.issue(&bot, &wanted, None, 900, NOW).unwrap();
    let trusted = TrustedIssuers::none().with(issuer.trusted()).unwrap();
    let token = RawToken::new(text.to_string()).verify(&trusted, NOW + 899).unwrap();
    assert_eq!((token.issuer(), token.subject().as_str()), (LocalIssuer::ISSUER, "expense-bot"));
    assert_eq!(token.scopes().to_string(), wanted.to_string());
    assert_eq!(token.expires_at(), NOW + 900);
    assert!(token.is_local());
    let late = RawToken::new(text.to_string()).verify(&trusted, NOW + 905).unwrap_err();
    assert_eq!(late.code(), Code::TokenExpired);

    let again =
        RawToken::new(issuer.issue(&bot, &wanted, None, 900, NOW).unwrap().to_string()).verify(&trusted, NOW).unwrap();
    assert_ne!(again.jti(), token.jti(), "every token has its own jti");

    let reopened = LocalIssuer::open_existing(&dir).unwrap().unwrap();
    assert_eq!(reopened.key_id(), issuer.key_id());
    assert!(
        RawToken::new(text.to_string()).verify(&TrustedIssuers::none().with(reopened.trusted()).unwrap(), NOW).is_ok()
    );

    let mode = |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("issuer"), mode("issuer/ed25519.json")), (0o700, 0o600));
    assert_eq!(fs::read_dir(folder.path().join("issuer")).unwrap().count(), 1, "no temporary file is left");
    assert!(!format!("{issuer:?}").contains("pkcs8"));
}

#[test]
fn another_installations_tokens_do_not_verify() {
    let ((_one, first), (_two, second)) = (state(), state());
    let (ours, theirs) = (LocalIssuer::open(&first).unwrap(), LocalIssuer::open(&second).unwrap());
    let text = theirs.issue(&AgentId::parse("a").unwrap(), &ScopeSet::empty(), None, 60, NOW).unwrap();
    let trusted = TrustedIssuers::none().with(ours.trusted()).unwrap();
    assert_eq!(RawToken::new(text.to_string()).verify(&trusted, NOW).unwrap_err().code(), Code::TokenUnknownKey);
}

#[test]
fn a_token_lives_an_hour_at_most() {
    let (_folder, dir) = state();
    let issuer = LocalIssuer::open(&dir).unwrap();
    let bot = AgentId::parse("a").unwrap();
    for asked in [0, 3601, u64::MAX] {
        let refused = issuer.issue(&bot, &ScopeSet::empty(), None, asked, NOW);
        assert!(matches!(refused, Err(LocalIssuerError::Lifetime { .. })), "{asked}");
    }
    assert!(issuer.issue(&bot, &ScopeSet::empty(), None, 3600, NOW).is_ok());
}

#[test]
fn a_key_that_others_can_read_or_replace_is_refused() {
    let (folder, dir) = state();
    assert!(LocalIssuer::open_existing(&dir).unwrap().is_none());
    LocalIssuer::open(&dir).unwrap();
    let file = folder.path().join("issuer/ed25519.json");
    for mode in [0o640, 0o604, 0o620, 0o666] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let refused = LocalIssuer::open(&dir).unwrap_err();
        assert!(matches!(refused, LocalIssuerError::State(StateError::Permissions { .. })), "{mode:o}: {refused}");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let good = fs::read_to_string(&file).unwrap();
    for bad in ["", "{}", &good.replacen('1', "2", 1), &good.replacen('{', "{\"x\":1,", 1), &good[..good.len() - 9]] {
        fs::write(&file, bad).unwrap();
        assert!(matches!(LocalIssuer::open(&dir), Err(LocalIssuerError::Key)), "{bad}");
    }
    fs::write(&file, " ".repeat(5000)).unwrap();
    assert!(matches!(LocalIssuer::open(&dir), Err(LocalIssuerError::State(StateError::TooLarge { .. }))));
    fs::remove_file(&file).unwrap();
    fs::write(folder.path().join("elsewhere"), &good).unwrap();
    symlink(folder.path().join("elsewhere"), &file).unwrap();
    assert!(matches!(LocalIssuer::open(&dir), Err(LocalIssuerError::State(StateError::Io { .. }))));
}

#[test]
fn the_file_of_earlier_versions_is_read() {
    let (folder, dir) = state();
    assert!(RegistryDocument::read_file(&dir).unwrap().is_none());
    let file = folder.path().join(RegistryDocument::FILE);
    let old = r#"{"schema": 1, "agents": [{"id": "a", "issuer": "urn:bailiwick:local", "subject": "a", "owner": "alice@example.com",
        "capabilities": "file:read,list:invoices/**", "status": "suspended", "registered_at": 1800000000}]}"#;
    fs::write(&file, old).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let agents = RegistryDocument::read_file(&dir).unwrap().unwrap();
    assert_eq!(agents, [Agent { status: Status::Suspended, ..agent("a") }]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(&RegistryDocument::read_file(&dir).unwrap_err()[..], [DocumentError::File(_)]));
}

#[test]
fn a_document_is_read_strictly_and_every_error_is_told() {
    let key = |number: u8| {
        let jwk = format!(
            r#"{{"kty":"OKP","crv":"Ed25519","kid":"k","x":"{}"}}"#,
            data_encoding::BASE64URL_NOPAD.encode(&[number; 32])
        );
        AgentKey::parse(jwk.as_bytes(), NOW).unwrap()
    };
    let keys = vec![key(1).until(NOW + 10).unwrap(), key(2)];
    let written = [agent("b"), Agent { keys, reason: Some(Reason::parse("x").unwrap()), ..agent("a") }];
    let revoked = |what, reason: Option<&str>| Revocation {
        what,
        reason: reason.map(|text| Reason::parse(text).unwrap()),
        at: NOW - 7,
    };
    let revocations = vec![
        revoked(Revocable::Key(key(1).thumbprint()), Some("laptop lost")),
        revoked(Revocable::Task(TaskId::parse("close march").unwrap()), None),
        revoked(Revocable::Token(JtiHash::of("https://id.example", "01")), None),
    ];
    let written = RegistryDocument { agents: written.to_vec(), revocations };
    let good = format!("{:#}", written.to_json());
    assert_eq!(RegistryDocument::parse(good.as_bytes()).unwrap(), written);
    let mut older = written.to_json();
    older.as_object_mut().unwrap().remove("revocations");
    assert!(RegistryDocument::parse(older.to_string().as_bytes()).is_err(), "schema 3 says what is revoked");
    older["schema"] = 2.into();
    let without = RegistryDocument { revocations: Vec::new(), ..written.clone() };
    assert_eq!(RegistryDocument::parse(older.to_string().as_bytes()).unwrap(), without);
    for (from, to) in [
        ("\"schema\": 3", "\"schema\": 4"),
        ("\"schema\": 3", "\"schema\": 2"),
        ("\"schema\": 3", "\"schema\": 1"),
        ("\"schema\": 3", "\"schema\": 3, \"x\": 1"),
        ("\"kind\": \"task\"", "\"kind\": \"agent\""),
        ("\"kind\": \"token\"", "\"kind\": \"key\""),
        ("\"close march\"", "\"close\\nmarch\""),
        ("\"laptop lost\"", "\"\""),
        ("\"at\": 1799999993", "\"at\": \"1799999993\""),
        ("\"at\": 1799999993", "\"until\": 1799999993"),
        ("\"owner\"", "\"ownr\""),
        ("\"owner\"", "\"owner\": \"x\", \"owner\""),
        ("alice@example.com", ""),
        ("alice@example.com", "a\\u001b"),
        ("\"active\"", "\"Active\""),
        ("\"id\": \"a\"", "\"id\": \"a b\""),
        ("\"subject\": \"a\"", "\"subject\": \"a b\""),
        ("file:read,list:invoices/**", "openid"),
        ("file:read,list:invoices/**", "file:*:invoices/**"),
        ("file:read,list:invoices/**", "file:read:../**"),
        ("1800000000", "-1"),
        ("\"reason\": \"x\"", "\"reason\": \"\""),
        ("\"crv\": \"Ed25519\"", "\"crv\": \"P-256\""),
        ("\"thumbprint\": \"", "\"thumbprint\": \"x"),
        ("1800000010", "1800000000"),
        ("]\n}", "]\n}}"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        assert!(RegistryDocument::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    let bad = good.replace("alice@example.com", "").replace("file:read,list", "file:*").replacen(
        "\"id\": \"a\"",
        "\"id\": \"A\"",
        1,
    );
    let errors: Vec<_> = RegistryDocument::parse(bad.as_bytes()).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 3, "{errors:#?}");
    assert!(errors[0].starts_with("agent 1 (`b`): `capabilities`") && errors[1].starts_with("agent 2: "));
}

#[test]
fn what_holds_between_agents() {
    let key = |number: u8| {
        let jwk = format!(
            r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#,
            data_encoding::BASE64URL_NOPAD.encode(&[number; 32])
        );
        AgentKey::parse(jwk.as_bytes(), NOW).unwrap()
    };
    let with = |name: &str, number: u8| Agent { keys: vec![key(number)], ..agent(name) };
    let mut registry = AgentRegistry::default();
    registry.register(with("a", 1)).unwrap();
    assert!(matches!(registry.register(agent("a")), Err(RegistryError::Exists(_))));
    let same = Agent { id: AgentId::parse("c").unwrap(), ..agent("a") };
    assert!(matches!(registry.register(same), Err(RegistryError::SameSubject(_))));
    assert!(matches!(registry.register(with("b", 1)), Err(RegistryError::SameKey { .. })));
    registry.register(with("b", 2)).unwrap();
    let add = |number| Change::AddKey { key: key(number), overlap: 60 };
    let (a, b) = (AgentId::parse("a").unwrap(), AgentId::parse("b").unwrap());
    assert!(matches!(registry.change(&a, add(2), NOW), Err(RegistryError::SameKey { .. })));
    registry.revoke_key(key(3).thumbprint());
    assert!(matches!(registry.change(&a, add(3), NOW), Err(RegistryError::RevokedKey(_))));
    assert!(matches!(registry.register(with("c", 3)), Err(RegistryError::RevokedKey(_))));
    assert_eq!(registry.change(&a, add(4), NOW).unwrap().keys.len(), 2);

    // All or none, and every reason at once.
    let before: Vec<_> = registry.iter().cloned().collect();
    registry.change(&b, Change::Revoke(None), NOW).unwrap();
    let wrong = vec![with("b", 2), with("c", 1), with("d", 3), agent("d")];
    let document = |agents, revocations| RegistryDocument { agents, revocations };
    let errors = registry.import(document(wrong, Vec::new()), MissingKeys::Refuse, NOW + 1).unwrap_err();
    assert_eq!(errors.len(), 4, "{errors:?}");
    assert_eq!(registry.iter().next(), before.first());
    assert_eq!(registry.iter().count(), 2);

    // What may go on, and what may not.
    let next = Agent { owner: "bob".to_owned(), ..registry.get(&a).unwrap().clone() };
    registry.import(document(vec![next.clone(), agent("e")], Vec::new()), MissingKeys::Refuse, NOW + 2).unwrap();
    assert_eq!((registry.get(&a).unwrap().epoch, registry.get(&a).unwrap().owner.as_str()), (1, "bob"));
    let narrower = Agent { capabilities: scopes("file:read:invoices/**"), ..next };
    registry.import(document(vec![narrower], Vec::new()), MissingKeys::Refuse, NOW + 3).unwrap();
    assert_eq!((registry.get(&a).unwrap().epoch, registry.get(&a).unwrap().registered_at), (2, NOW));

    // An agent may come with a key that the same document revokes, and nobody gets that key afterwards.
    let lost = |number: u8| vec![Revocation { what: Revocable::Key(key(number).thumbprint()), reason: None, at: NOW }];
    registry.import(document(vec![with("f", 5)], lost(5)), MissingKeys::Refuse, NOW + 4).unwrap();
    assert!(registry.is_revoked(key(5).thumbprint()));
    assert!(matches!(registry.register(with("g", 5)), Err(RegistryError::RevokedKey(_))));
    assert!(registry.import(document(vec![with("g", 3)], Vec::new()), MissingKeys::Refuse, NOW + 5).is_err());
    assert!(registry.import(document(vec![with("f", 1), agent("f")], lost(6)), MissingKeys::Refuse, NOW + 5).is_err());
    assert!(!registry.is_revoked(key(6).thumbprint()), "what is refused revokes nothing");
}

/// An old or a forged document takes back nothing that was decided here.
#[test]
fn an_import_relaxes_nothing() {
    let key = |number: u8, not_before: u64| {
        let x = data_encoding::BASE64URL_NOPAD.encode(&[number; 32]);
        AgentKey::parse(format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#).as_bytes(), not_before).unwrap()
    };
    let with = |name: &str, keys: Vec<AgentKey>| Agent { keys, ..agent(name) };
    let id = |name: &str| AgentId::parse(name).unwrap();
    let mut registry = AgentRegistry::default();
    for agent in [with("s", vec![key(1, NOW)]), with("r", vec![key(2, NOW)]), with("k", vec![key(3, NOW)])] {
        registry.register(agent).unwrap();
    }
    let why = Reason::parse("odd calls").unwrap();
    registry.change(&id("s"), Change::Suspend(Some(why.clone())), NOW).unwrap();
    registry.change(&id("r"), Change::Revoke(None), NOW).unwrap();
    registry.change(&id("k"), Change::AddKey { key: key(4, NOW), overlap: 60 }, NOW).unwrap();
    let import = |registry: &mut AgentRegistry, agents: Vec<Agent>, missing| {
        let document = RegistryDocument { agents, revocations: Vec::new() };
        registry.import(document, missing, NOW + 10).map_err(|errors| format!("{errors:?}"))
    };
    let (refuse, drop) = (MissingKeys::Refuse, MissingKeys::Drop);

    // Who is suspended stays so, with the reason, and runs nothing more than before.
    import(&mut registry, vec![with("s", vec![key(1, NOW)])], refuse).unwrap();
    let suspended = registry.get(&id("s")).unwrap();
    assert_eq!((suspended.status, suspended.reason.as_ref(), suspended.epoch), (Status::Suspended, Some(&why), 2));

    // Neither they nor the revoked leave their place to another.
    let moved =
        |name: &str, status, keys| Agent { subject: Subject::parse("elsewhere").unwrap(), status, ..with(name, keys) };
    for (name, status, number) in [("s", Status::Active, 1), ("s", Status::Suspended, 1), ("r", Status::Revoked, 2)] {
        let error = import(&mut registry, vec![moved(name, status, vec![key(number, NOW)])], drop).unwrap_err();
        assert!(error.contains("Held"), "{name} {error}");
    }
    import(&mut registry, vec![Agent { status: Status::Revoked, ..agent("r") }], drop).unwrap();
    assert_eq!(registry.get(&id("r")).unwrap().keys.len(), 1, "who is revoked stays as it is");

    // A key that serves is dropped by those only who say so, and ends the runs.
    for keys in [vec![], vec![key(4, NOW)], vec![key(5, NOW)]] {
        let error = import(&mut registry, vec![with("k", keys)], refuse).unwrap_err();
        assert!(error.contains("KeyMissing"), "{error}");
    }
    // Known keys keep their times, or end earlier.
    let prolonged = vec![key(3, NOW + 9), key(4, NOW + 9).until(NOW + 500).unwrap()];
    import(&mut registry, vec![with("k", prolonged)], refuse).unwrap();
    let times = |registry: &AgentRegistry| -> Vec<_> {
        registry.get(&id("k")).unwrap().keys.iter().map(|key| (key.not_before(), key.expires())).collect()
    };
    assert_eq!(times(&registry), [(NOW, Some(NOW + 60)), (NOW, Some(NOW + 500))]);
    assert_eq!(registry.get(&id("k")).unwrap().epoch, 1);
    import(&mut registry, vec![agent("k")], drop).unwrap();
    assert_eq!((registry.get(&id("k")).unwrap().epoch, times(&registry)), (2, Vec::new()));

    // Nothing begins in a future in which nobody would ask for another key.
    for later in [NOW + 71, 1 << 53] {
        let error = import(&mut registry, vec![with("k", vec![key(6, later)])], refuse).unwrap_err();
        assert!(error.contains("not_before"), "{error}");
        let error = import(&mut registry, vec![Agent { registered_at: later, ..agent("n") }], refuse).unwrap_err();
        assert!(error.contains("registered_at"), "{error}");
    }
    import(&mut registry, vec![with("k", vec![key(6, NOW + 70)])], refuse).unwrap();

    // What has served its time may be missing, as long as a key is left.
    registry.change(&id("k"), Change::AddKey { key: key(7, NOW), overlap: 0 }, NOW + 5).unwrap();
    let epoch = registry.get(&id("k")).unwrap().epoch;
    let document = RegistryDocument { agents: vec![with("k", vec![key(7, NOW)])], revocations: Vec::new() };
    registry.import(document, refuse, NOW + 100).unwrap();
    assert_eq!((registry.get(&id("k")).unwrap().keys.len(), registry.get(&id("k")).unwrap().epoch), (1, epoch));
}
