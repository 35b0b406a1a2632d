//! The registry as administrators use it: what is shown, kept, moved, and on record.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::place::{PEM, Place, Ran, THUMBPRINT};

/// The private half of [`PEM`], RFC 8037 A.1.
const PRIVATE_PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
/// RFC 7517 A.1.
const JWK: &str = r#"{"kty":"EC","crv":"P-256","kid":"next","use":"sig",
    "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;

impl Place {
    /// A folder with two public keys.
    fn with_keys() -> Place {
        let place = Place::new();
        place.write("agent.pub", PEM);
        place.write("next.json", JWK);
        place
    }

    fn register(&self) {
        let words =
            ["agent", "register", "bot", "--owner", "alice", "--capabilities", "file:read:in/**", "--key", "agent.pub"];
        self.run(&words).expect(0);
    }

    fn acts(&self) -> Vec<(String, String)> {
        let acts = self.log().into_iter().filter(|entry| entry["type"] == "administration");
        let word = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
        acts.map(|entry| (word(&entry, "act"), word(&entry, "target"))).collect()
    }
}

#[test]
fn an_agents_life_is_shown_and_on_record() {
    let place = Place::with_keys();
    place.register();
    let listed = place.run(&["agent", "list"]).expect(0).out();
    assert!(listed.starts_with("AGENT  STATUS  OWNER"), "{listed}");
    assert!(listed.contains("bot    active  alice") && listed.contains("until 20"), "{listed}");

    let rotated = place.run(&["agent", "rotate-key", "bot", "--key", "next.json", "--overlap", "30m"]).expect(0).err();
    assert!(rotated.contains("serves from now on") && rotated.contains("the one before serves until"), "{rotated}");
    place.run(&["agent", "rotate-key", "bot", "--key", "next.json"]).expect(2);
    place.run(&["agent", "revoke", "bot", "--key", "next", "--reason", "laptop lost"]).expect(0);
    place.run(&["agent", "suspend", "bot", "--reason", "odd calls"]).expect(0);
    let shown = place.run(&["agent", "show", "bot"]).expect(0).out();
    for part in
        ["bot  suspended: odd calls", "urn:bailiwick:local, as bot", "file:read:in/**", THUMBPRINT, "(next)  revoked"]
    {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    let shown = place.run(&["agent", "show", "bot", "--json"]).expect(0).json();
    assert_eq!(
        (shown["status"].as_str(), shown["epoch"].as_u64(), shown["injections"].as_u64()),
        (Some("suspended"), Some(2), Some(0))
    );
    assert_eq!(shown["keys"][0]["thumbprint"], THUMBPRINT);
    let revoked = place.run(&["agent", "revocations"]).expect(0).out();
    assert!(revoked.contains("key") && revoked.contains("laptop lost"), "{revoked}");
    let revoked = place.run(&["agent", "revocations", "--json"]).expect(0).json();
    assert_eq!(revoked["revocations"].as_array().map(Vec::len), Some(1));

    place.run(&["agent", "resume", "bot", "--json"]).expect(0).json();
    place.run(&["task", "end", "t"]).expect(0);
    place.run(&["agent", "revoke", "nobody"]).expect(2);
    let acts = place.acts();
    let words: Vec<_> =
        acts.iter().map(|(act, target)| format!("{act} {}", target.split(' ').next().unwrap())).collect();
    let expected = [
        "agent.register bot",
        "agent.rotate_key bot",
        "agent.rotate_key bot",
        "agent.rotate_key bot",
        "key.revoke bot",
        "agent.suspend bot",
        "agent.resume bot",
        "task.end t",
        "agent.revoke nobody",
        "agent.revoke nobody",
    ];
    assert_eq!(words, expected, "what failed is there twice: as tried, and as failed");
    let log = fs::read_to_string(place.path("state/audit/log.jsonl")).unwrap();
    assert!(log.contains(r#""failed":"no agent `nobody` is registered""#), "{log}");
    let lost = place.log().into_iter().find(|entry| entry["reason"] == "laptop lost").unwrap();
    assert!(lost["by"].as_str().unwrap().starts_with("uid "), "{lost}");
}

#[test]
fn what_is_exported_can_be_imported() {
    let place = Place::with_keys();
    place.register();
    place.run(&["agent", "suspend", "bot"]).expect(0);
    let exported = place.run(&["agent", "export"]).expect(0).out();
    fs::write(place.path("agents.json"), &exported).unwrap();
    place.on("other", &["agent", "import", "agents.json"]).expect(0);
    let there = place.on("other", &["agent", "export", "bot"]).expect(0).json();
    let here: Value = serde_json::from_str(&exported).unwrap();
    for member in ["id", "issuer", "subject", "owner", "capabilities", "status", "keys", "registered_at"] {
        assert_eq!(there["agents"][0][member], here["agents"][0][member], "{member}");
    }
    // The runs of an agent whose authority stays as it is go on.
    let epoch = |state: &str| place.on(state, &["agent", "show", "bot", "--json"]).expect(0).json()["epoch"].as_u64();
    let before = epoch("other");
    place.on("other", &["agent", "import", "agents.json"]).expect(0);
    assert_eq!(epoch("other"), before);
    fs::write(place.path("agents.json"), exported.replace("suspended", "active")).unwrap();
    let imported = place.on("other", &["agent", "import", "agents.json"]).expect(0).err();
    assert!(imported.contains("`bot` is active in the document and stays suspended here"), "{imported}");
    let shown = place.on("other", &["agent", "show", "bot", "--json"]).expect(0).json();
    assert_eq!((shown["status"].as_str(), epoch("other")), (Some("suspended"), before));
    let again = place.on("other", &["agent", "import", "agents.json", "--json"]).expect(0).json();
    assert_eq!(again["still_suspended"][0], "bot");

    // Keys that serve are not lost by accident.
    let mut keyless: Value = serde_json::from_str(&exported).unwrap();
    keyless["agents"][0]["keys"] = serde_json::json!([]);
    fs::write(place.path("agents.json"), keyless.to_string()).unwrap();
    let refused = place.on("other", &["agent", "import", "agents.json"]).expect(2).err();
    assert!(refused.contains("--drop-keys"), "{refused}");
    place.on("other", &["agent", "import", "agents.json", "--drop-keys"]).expect(0);
    assert_eq!(epoch("other"), before.map(|epoch| epoch + 1));

    // What stands in the document does not pose as lines of ours.
    keyless["agents"][0]["x\nerror: all is well\n"] = 1.into();
    fs::write(place.path("agents.json"), keyless.to_string()).unwrap();
    let refused = place.on("other", &["agent", "import", "agents.json"]).expect(2).err();
    assert!(!refused.contains("\nerror: all is well"), "{refused}");
}

#[test]
fn what_was_revoked_is_exported_too() {
    let place = Place::with_keys();
    place.register();
    let token = "ab".repeat(32);
    place.run(&["agent", "revoke", "--token-sha256", &token, "--reason", "it leaked"]).expect(0);
    place.run(&["task", "end", "close march"]).expect(0);
    place.run(&["agent", "revoke", "bot", "--key", THUMBPRINT]).expect(0);
    let exported = place.run(&["agent", "export"]).expect(0);
    let names = |document: &Value| -> Vec<String> {
        let list = document["revocations"].as_array().unwrap();
        list.iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&exported.json()), [THUMBPRINT, "close march", &token]);
    let of_bot = place.run(&["agent", "export", "bot"]).expect(0).json();
    assert_eq!(names(&of_bot), [THUMBPRINT], "tokens and tasks are nobody's in particular");
    fs::write(place.path("agents.json"), exported.out()).unwrap();
    let imported = place.on("other", &["agent", "import", "agents.json"]).expect(0);
    assert_eq!(imported.err(), "imported 1 agent and 3 revocations\n");
    let there = place.on("other", &["agent", "export"]).expect(0).json();
    assert_eq!(there["revocations"], exported.json()["revocations"], "with their times and reasons");
    place.on("other", &["agent", "rotate-key", "bot", "--key", "agent.pub"]).expect(2);
    place.on("other", &["agent", "import", "agents.json"]).expect(0);
    assert_eq!(place.on("other", &["agent", "export"]).expect(0).json()["revocations"], there["revocations"]);
}

/// By hand, as a person would try it: a key, a token that is bound to it, a proof for each run.
#[test]
fn a_token_that_is_bound_to_a_key_takes_a_proof() {
    let place = Place::with_keys();
    let manifest = "schema = 1\nid = 'm'\nagents = ['bot']\n[[allow]]\nid = 'h'\ncrypto = '-'\nactions = ['hash']\nsensitive = true\n";
    fs::write(place.path("policy.toml"), manifest).unwrap();
    fs::write(place.path("agent.pem"), PRIVATE_PEM).unwrap();
    fs::write(place.path("guest.wat"), r#"(module (memory (export "memory") 1) (func (export "run")))"#).unwrap();
    fs::create_dir_all(place.path(".config/bailiwick")).unwrap();
    fs::write(place.path(".config/bailiwick/bailiwick.toml"), "[compile]\ntime = \"60s\"\n").unwrap();
    let scopes = ["--scopes", "crypto:hash:-"];
    let register =
        ["agent", "register", "bot", "--owner", "alice", "--capabilities", "crypto:hash:-", "--key", "agent.pub"];
    place.run(&register).expect(0);
    let unbound = place.run(&[&["token", "issue", "--agent", "bot"], &scopes[..]].concat()).expect(0);
    assert!(unbound.err().contains("runs accept only tokens that are bound to one of them"), "{}", unbound.err());
    let bound = ["token", "issue", "--agent", "bot", "--dpop-key", "agent.pub"];
    let bound = place.run(&[&bound[..], &scopes[..]].concat()).expect(0);
    assert_eq!(bound.err(), "");
    fs::write(place.path("token"), bound.out()).unwrap();
    let prove = |more: &[&str]| place.run(&[&["token", "prove", "--token-file", "token"], more].concat());
    let run = |proof: &Ran| {
        fs::write(place.path("proof"), proof.out()).unwrap();
        let words = ["run", "guest.wat", "--policy", "policy.toml", "--token-file", "token", "--dpop-proof", "proof"];
        place.run(&[&words[..], &["--json"]].concat())
    };
    let good = prove(&["--key", "agent.pem"]).expect(0);
    assert_eq!(good.err(), "");
    assert_eq!(run(&good).expect(0).json()["stop"]["kind"], "finished");
    assert_eq!(run(&good).expect(4).json()["error"]["code"], "deny.proof.replayed");
    for (more, code) in
        [(["--method", "GET"], "deny.proof.method"), (["--target", "https://elsewhere.example/"], "deny.proof.target")]
    {
        let proof = prove(&[&["--key", "agent.pem"], &more[..]].concat()).expect(0);
        assert_eq!(run(&proof).expect(4).json()["error"]["code"], code);
    }
    let not_a_key = prove(&["--key", "agent.pub"]).expect(2);
    assert!(not_a_key.err().contains("it is the public half of a key"), "{}", not_a_key.err());
    prove(&["--key", "agent.pem", "--target", "urn:x"]).expect(2);
    fs::write(place.path("token"), unbound.out()).unwrap();
    let other = prove(&["--key", "agent.pem"]).expect(0);
    assert!(other.err().contains("the token is bound to no key"), "{}", other.err());
}

#[test]
fn the_registry_of_an_earlier_version_is_taken_over() {
    let place = Place::with_keys();
    place.run(&["agent", "list"]).expect(0);
    assert!(!place.path("state").exists(), "looking makes nothing");
    fs::create_dir(place.path("state")).unwrap();
    fs::set_permissions(place.path("state"), fs::Permissions::from_mode(0o700)).unwrap();
    let old = r#"{"schema": 1, "agents": [{"id": "bot", "issuer": "urn:bailiwick:local", "subject": "bot", "owner": "alice",
        "capabilities": "file:read:in/**", "status": "active", "registered_at": 1700000000}]}"#;
    fs::write(place.path("state/agents.json"), old).unwrap();
    fs::set_permissions(place.path("state/agents.json"), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(place.run(&["doctor"]).out().contains("1 agents in `agents.json`"));
    assert!(place.path("state/agents.json").exists(), "doctor changes nothing");
    let listed = place.run(&["agent", "list"]).expect(0);
    assert!(listed.out().contains("bot"), "{}", listed.out());
    assert!(listed.err().contains("1 agents) is now in `state.db`") && listed.err().contains("agents.json.imported"));
    assert_eq!(place.run(&["agent", "list"]).expect(0).err(), "");
    assert_eq!(fs::read_to_string(place.path("state/agents.json.imported")).unwrap(), old);
}

/// Without a record nobody gets anything, and what takes away is done all the same.
#[test]
fn acts_that_cannot_be_recorded() {
    let place = Place::with_keys();
    place.register();
    let log = place.path("state/audit/log.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("alice", "mallory", 1).replacen("bot", "bat", 1)).unwrap();
    let status =
        || place.run(&["agent", "show", "bot", "--json"]).expect(0).json()["status"].as_str().unwrap().to_owned();
    let suspended = place.run(&["agent", "suspend", "bot"]).expect(7).err();
    assert!(suspended.contains("`agent.suspend` is in force, but could not be recorded"), "{suspended}");
    assert_eq!(status(), "suspended");
    place.run(&["agent", "resume", "bot"]).expect(7);
    assert_eq!(status(), "suspended");
}

/// The store decides who may run: when it cannot be used, nobody may.
#[test]
fn a_registry_that_cannot_be_used_allows_nothing() {
    let place = Place::with_keys();
    place.register();
    let state = place.path("state/state.db");
    let manifest = "schema = 1\nid = 'm'\nagents = ['bot']\n[[allow]]\nid = 'h'\ncrypto = '-'\nactions = ['hash']\n";
    fs::write(place.path("m.toml"), manifest).unwrap();
    fs::write(place.path("g.wat"), "(module (memory (export \"memory\") 1) (func (export \"run\")))").unwrap();
    let run = || place.run(&["run", "g.wat", "--policy", "m.toml", "--as", "bot"]);
    run().expect(0);
    fs::set_permissions(&state, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(run().expect(7).err().contains("chmod 600"));
    fs::set_permissions(&state, fs::Permissions::from_mode(0o600)).unwrap();
    let good = fs::read(&state).unwrap();
    fs::write(&state, &good[..good.len() / 2]).unwrap();
    run().expect(7);
    fs::write(
        &state,
        "not a database at all, and longer than a header of one hundred bytes, which is what is read first of it",
    )
    .unwrap();
    assert!(run().expect(7).err().contains("is not a database of this program"));
}
