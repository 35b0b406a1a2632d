//! The state folder: the local issuer's key and the agent registry.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which the lint does not recognise as such")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use bailiwick_identity::{
    Agent, AgentId, AgentRegistry, LocalIssuer, LocalIssuerError, RawToken, RegistryError, StateError, Status, Subject,
    TrustedIssuers,
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
    Agent {
        id: AgentId::parse(name).unwrap(),
        issuer: LocalIssuer::ISSUER.to_owned(),
        subject: Subject::parse(name).unwrap(),
        owner: "alice@example.com".to_owned(),
        capabilities: scopes("file:read,list:invoices/**"),
        status: Status::Active,
        registered_at: NOW,
    }
}

#[test]
fn the_local_issuers_tokens_verify_and_keep_its_key() {
    let (folder, dir) = state();
    let issuer = LocalIssuer::open(&dir).unwrap();
    let bot = AgentId::parse("expense-bot").unwrap();
    let wanted = scopes("fetch:get,head:api.example.com/v1/** file:read:invoices/**");
    let text = issuer.issue(&bot, &wanted, 900, NOW).unwrap();
    let trusted = TrustedIssuers::none().with(issuer.trusted()).unwrap();
    let token = RawToken::new(text.to_string()).verify(&trusted, NOW + 899).unwrap();
    assert_eq!((token.issuer(), token.subject().as_str()), (LocalIssuer::ISSUER, "expense-bot"));
    assert_eq!(token.scopes().to_string(), wanted.to_string());
    assert_eq!(token.expires_at(), NOW + 900);
    assert!(token.is_local());
    let late = RawToken::new(text.to_string()).verify(&trusted, NOW + 905).unwrap_err();
    assert_eq!(late.code(), Code::TokenExpired);

    let again =
        RawToken::new(issuer.issue(&bot, &wanted, 900, NOW).unwrap().to_string()).verify(&trusted, NOW).unwrap();
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
    let text = theirs.issue(&AgentId::parse("a").unwrap(), &ScopeSet::empty(), 60, NOW).unwrap();
    let trusted = TrustedIssuers::none().with(ours.trusted()).unwrap();
    assert_eq!(RawToken::new(text.to_string()).verify(&trusted, NOW).unwrap_err().code(), Code::TokenUnknownKey);
}

#[test]
fn a_token_lives_an_hour_at_most() {
    let (_folder, dir) = state();
    let issuer = LocalIssuer::open(&dir).unwrap();
    let bot = AgentId::parse("a").unwrap();
    for asked in [0, 3601, u64::MAX] {
        let refused = issuer.issue(&bot, &ScopeSet::empty(), asked, NOW);
        assert!(matches!(refused, Err(LocalIssuerError::Lifetime { .. })), "{asked}");
    }
    assert!(issuer.issue(&bot, &ScopeSet::empty(), 3600, NOW).is_ok());
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
fn the_registry_keeps_what_was_registered() {
    let (folder, dir) = state();
    assert_eq!(AgentRegistry::load(&dir).unwrap().iter().count(), 0);
    AgentRegistry::update(&dir, |registry| registry.register(agent("b"))).unwrap();
    AgentRegistry::update(&dir, |registry| registry.register(agent("a"))).unwrap();
    let twice = AgentRegistry::update(&dir, |registry| registry.register(agent("a"))).unwrap_err();
    assert!(matches!(twice, RegistryError::Exists(_)));
    let same = Agent { id: AgentId::parse("c").unwrap(), ..agent("a") };
    let same = AgentRegistry::update(&dir, |registry| registry.register(same)).unwrap_err();
    assert!(matches!(same, RegistryError::SameSubject(_)));
    let registry = AgentRegistry::load(&dir).unwrap();
    assert_eq!(registry.iter().map(|agent| agent.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let entry = registry.get(&AgentId::parse("a").unwrap()).unwrap();
    assert_eq!(entry.capabilities.to_string(), "file:read,list:invoices/**");
    assert_eq!((entry.owner.as_str(), entry.status, entry.registered_at), ("alice@example.com", Status::Active, NOW));
    let file = folder.path().join("agents.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(AgentRegistry::load(&dir), Err(RegistryError::State(StateError::Permissions { .. }))));
}

#[test]
fn the_registry_is_strict() {
    let mut registry = AgentRegistry::default();
    registry.register(agent("a")).unwrap();
    let good = registry.to_json();
    assert!(AgentRegistry::parse(good.as_bytes()).is_ok());
    for (from, to) in [
        ("\"schema\": 1", "\"schema\": 2"),
        ("\"schema\": 1", "\"schema\": 1, \"x\": 1"),
        ("\"owner\"", "\"ownr\""),
        ("\"owner\"", "\"owner\": \"x\", \"owner\""),
        ("alice@example.com", ""),
        ("alice@example.com", "a\\u001b"),
        ("\"active\"", "\"Active\""),
        ("\"id\": \"a\"", "\"id\": \"a b\""),
        ("\"subject\": \"a\"", "\"subject\": \"a b\""),
        ("file:read,list:invoices/**", "file:read,list:invoices/** openid"),
        ("file:read,list:invoices/**", "file:*:invoices/**"),
        ("file:read,list:invoices/**", "file:read:../**"),
        ("1800000000", "-1"),
        ("]\n}", "]\n}}"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        assert!(AgentRegistry::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    let entry = good.split_once('[').unwrap().1.rsplit_once(']').unwrap().0.trim();
    let twice = good.replacen(entry, &format!("{entry}, {entry}"), 1);
    assert!(matches!(AgentRegistry::parse(twice.as_bytes()), Err(RegistryError::Exists(_))));
}

#[test]
fn writers_take_turns() {
    let (folder, _dir) = state();
    std::thread::scope(|scope| {
        for name in 0..8 {
            let path = folder.path();
            scope.spawn(move || {
                let dir = Dir::open_ambient_dir(path, ambient_authority()).unwrap();
                AgentRegistry::update(&dir, |registry| registry.register(agent(&format!("agent-{name}")))).unwrap();
                LocalIssuer::open(&dir).unwrap().key_id().to_owned()
            });
        }
    });
    let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
    assert_eq!(AgentRegistry::load(&dir).unwrap().iter().count(), 8);
}
