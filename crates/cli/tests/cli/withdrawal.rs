//! Taking authority away by hand: what is meant is taken away, nothing else is recorded, and nothing stands in its way.

use std::fs;

use serde_json::Value;

use crate::place::{PEM, Place, Ran, THUMBPRINT};

const SCOPES: &str = "file:read:in/**";

impl Place {
    /// A folder in whose state `bot` is registered.
    fn with_bot() -> Place {
        let place = Place::new();
        place.write("agent.pub", PEM);
        place.run(&["agent", "register", "bot", "--owner", "alice", "--capabilities", SCOPES]).expect(0);
        place
    }

    /// The user's own configuration, with trusted issuers of these names.
    fn trust(&self, names: &[&str], more: &str) {
        let entry = |name: &&str| {
            format!("[[trusted]]\nissuer = '{name}'\naudience = 'us'\njwks = 'none.json'\nalgorithms = ['ES256']\n")
        };
        self.configure(&(names.iter().map(entry).collect::<String>() + more));
    }

    fn issue(&self, agent: &str) -> String {
        let words = ["token", "issue", "--agent", agent, "--scopes", SCOPES];
        self.run(&words).expect(0).out().trim().to_owned()
    }
}

/// A `jti` names a token of one issuer only: of a wrong one, nothing would be revoked, and nobody would notice.
#[test]
fn a_token_is_revoked_at_an_issuer_that_is_trusted() {
    let place = Place::with_bot();
    let revoke = |more: &[&str]| place.run(&[&["agent", "revoke", "--token", "01", "--json"], more].concat());
    let name = |ran: Ran| ran.expect(0).json()["revoked"]["token_sha256"].as_str().unwrap().to_owned();
    let local = name(revoke(&[]));
    revoke(&["--issuer", "https://id.example"]).expect(2);

    place.trust(&["https://id.example"], "");
    let only = name(revoke(&[]));
    assert_ne!(only, local, "the one that is trusted, and not the local one");
    assert_eq!(name(revoke(&["--issuer", "https://id.example"])), only);
    for other in ["https://id.example/", "https://ID.example", "urn:bailiwick:local", ""] {
        let refused = place.run(&["agent", "revoke", "--token", "01", "--issuer", other]).expect(2).err();
        assert!(refused.contains("trusted are `https://id.example`"), "{refused}");
    }

    place.trust(&["https://id.example", "https://two.example"], "[issuer]\nlocal = true\n");
    let refused = place.run(&["agent", "revoke", "--token", "01"]).expect(2).err();
    assert!(
        refused.contains("name the agent, or the issuer") && refused.contains("`https://two.example`"),
        "{refused}"
    );
    assert_eq!(name(revoke(&["bot"])), local, "an agent has one issuer");
    assert_eq!(name(revoke(&["--issuer", "urn:bailiwick:local"])), local);
}

#[test]
fn a_key_that_nobody_has_is_revoked_on_purpose_only() {
    let place = Place::with_bot();
    let refused = place.run(&["agent", "revoke", "--key", THUMBPRINT]).expect(2).err();
    assert!(refused.contains("no agent has the key") && refused.contains("--unregistered"), "{refused}");
    place.run(&["agent", "revoke", "--key", THUMBPRINT, "--unregistered"]).expect(0);
    place.run(&["agent", "rotate-key", "bot", "--key", "agent.pub"]).expect(2);
    let other = Place::with_bot();
    other.run(&["agent", "rotate-key", "bot", "--key", "agent.pub"]).expect(0);
    other.run(&["agent", "revoke", "--key", THUMBPRINT]).expect(0);
}

/// Whoever is in a hurry pastes the token itself. It is good until it expires, and the log is not for it.
#[test]
fn a_token_in_the_wrong_place_is_not_recorded() {
    let place = Place::with_bot();
    let token = place.issue("bot");
    let long = "k".repeat(129);
    for words in [
        vec!["agent", "revoke", "--key", &token],
        vec!["agent", "revoke", "bot", "--key", &token],
        vec!["agent", "revoke", "bot", "--key", &long],
        vec!["agent", "revoke", "--token", &token],
        vec!["agent", "revoke", "bot", "--token", &token],
        vec!["agent", "revoke", "--task", &token],
        vec!["task", "end", &token],
    ] {
        let refused = place.run(&words).expect(2).err();
        assert!(!refused.contains(&token), "{refused}");
    }
    let log = place.log_text();
    assert!(!log.contains("eyJ") && !log.contains("kkk"), "{log}");
}

/// Who makes keys and tokens is on record; what they are is not.
#[test]
fn keys_and_tokens_are_made_on_record() {
    let place = Place::with_bot();
    let token = place.issue("bot");
    let jti = place.run(&["token", "inspect", &token, "--json"]).expect(0).json()["jti_sha256"].clone();
    place.run(&["key", "create", "release/2026"]).expect(0);
    let log = place.log_text();
    for (act, target) in
        [("token.issue", format!("bot {}", jti.as_str().unwrap())), ("key.create", "release/2026 ed25519".to_owned())]
    {
        let is_there = place.log().iter().any(|entry| entry["act"] == act && entry["target"] == target);
        assert!(is_there, "no {act} {target} in {log}");
    }
    fs::write(place.path("state/audit/log.jsonl"), log.replacen("alice", "mallory", 1).replacen("bot", "bat", 1))
        .unwrap();
    let refused = place.run(&["token", "issue", "--agent", "bot", "--scopes", SCOPES]).expect(7);
    assert_eq!(refused.out(), "", "no record, no token");
    place.run(&["key", "create", "release/2027"]).expect(7);
    assert!(!place.run(&["key", "list"]).expect(0).out().contains("2027"));
}

/// Looking at a token says what a run would be told.
#[test]
fn a_token_that_the_registry_refuses_is_not_called_accepted() {
    let place = Place::with_bot();
    let token = place.issue("bot");
    let inspect = |token: &str| place.run(&["token", "inspect", token, "--json"]);
    let good = inspect(&token).expect(0).json();
    let hash = good["jti_sha256"].as_str().unwrap();
    assert_eq!(inspect(&place.issue("nobody")).expect(4).json()["code"], "deny.agent.unknown");
    place.run(&["agent", "suspend", "bot", "--reason", "odd"]).expect(0);
    assert_eq!(inspect(&token).expect(4).json()["code"], "deny.agent.suspended");
    let shown = place.run(&["token", "inspect", &token]).expect(4).out();
    assert!(shown.contains("is suspended: odd") && !shown.contains("accepted"), "{shown}");
    place.run(&["agent", "resume", "bot"]).expect(0);
    inspect(&token).expect(0);
    place.run(&["agent", "revoke", "--token-sha256", hash]).expect(0);
    let revoked = inspect(&token).expect(4).json();
    assert_eq!((revoked["accepted"].as_bool(), revoked["code"].as_str()), (Some(false), Some("deny.token.revoked")));
}

/// A refused token that its issuer signed is refused on record under its own name.
#[test]
fn who_was_refused_is_on_record() {
    let place = Place::with_bot();
    let manifest = "schema = 1\nid = 'm'\nagents = ['bot']\n[[allow]]\nid = 'h'\ncrypto = '-'\nactions = ['hash']\n";
    fs::write(place.path("m.toml"), manifest).unwrap();
    fs::write(place.path("g.wat"), "(module (memory (export \"memory\") 1) (func (export \"run\")))").unwrap();
    let token = place.issue("bot");
    let jti = place.run(&["token", "inspect", &token, "--json"]).expect(0).json()["jti_sha256"].clone();
    fs::write(place.path("proof"), "no proof").unwrap();
    let run = |token: &str| {
        place.run(&["run", "g.wat", "--policy", "m.toml", "--token", token, "--dpop-proof", "proof"]).expect(4)
    };
    run(&token);
    let (signed, _) = token.rsplit_once('.').unwrap();
    run(&format!("{signed}.{}", "A".repeat(86)));
    let log = place.log_text();
    let entries: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refused: Vec<(&Value, &Value)> = entries
        .iter()
        .filter(|entry| entry["type"] == "authentication")
        .map(|entry| (&entry["agent"], &entry["jti"]))
        .collect();
    assert_eq!(refused, [(&Value::from("bot"), &jti), (&Value::from(""), &Value::from(""))], "{log}");
}

#[test]
fn permissions_stand_in_nobodys_way_who_takes_away() {
    let place = Place::with_bot();
    for (n, (name, mode)) in
        [("state/state.db", 0o666), ("state/state.db", 0o400), ("state", 0o777)].into_iter().enumerate()
    {
        place.chmod(name, mode);
        let task = format!("task-{n}");
        let ended = place.run(&["task", "end", &task]);
        assert!(
            ended.err().contains("warning") && ended.err().contains("it is done all the same"),
            "{name} {}",
            ended.err()
        );
        place.run(&["agent", "rotate-key", "bot", "--key", "agent.pub"]).expect(if mode == 0o400 { 0 } else { 7 });
        place.chmod(name, if name == "state" { 0o700 } else { 0o600 });
        let revoked = place.run(&["agent", "revocations"]).expect(0).out();
        assert!(revoked.contains(&task), "{revoked}");
    }
}

/// Everything in the state folder is for its owner alone, what was accepted of tool servers as well.
#[test]
fn every_folder_of_the_state_is_private() {
    let place = Place::with_bot();
    fs::create_dir_all(place.path("state/tools")).unwrap();
    place.chmod("state/tools", 0o777);
    let refused = place.run(&["agent", "list"]).expect(7).err();
    assert!(refused.contains("tools"), "{refused}");
    place.chmod("state/tools", 0o755);
    assert!(place.run(&["doctor"]).out().contains("others may look into it"));
}
