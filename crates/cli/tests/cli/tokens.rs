//! Tokens, and who says what a command is told.

use std::fs;

use crate::place::{Place, Ran};

#[test]
fn a_token_is_verified_registered_and_recorded() {
    let place = Place::with_guests();
    let issue = |scopes: &str| {
        let issued = place.run(&["token", "issue", "--agent", "note-bot", "--scopes", scopes]).expect(0);
        place.write("token", &issued.out());
        issued
    };
    let run = || place.run(&["run", "reader.wat", "--policy", "notes.toml", "--token-file", "token", "--json"]);
    assert!(issue("file:read:data/**").err().contains("not registered"));
    assert_eq!(run().expect(4).json()["error"]["code"], "deny.agent.unknown");

    let register = ["agent", "register", "note-bot", "--owner", "alice", "--capabilities", "file:read:data/note.txt"];
    place.run(&register).expect(0);
    place.run(&register).expect(2);
    assert_eq!(run().expect(4).json()["error"]["code"], "deny.token.privilege_injection");

    assert_eq!(issue("file:read:data/note.txt").err(), "");
    let report = run().expect(0).json();
    assert_eq!(report["identity"]["provenance"], "local-issuer");
    assert_eq!(report["calls"][0]["code"], "allow");
    assert_eq!(report["calls"][1]["code"], "deny.token.scope");

    let mut token = fs::read_to_string(place.path("token")).unwrap();
    assert!(run().expect(0).0.stderr.is_empty());
    let by_flag = place.run(&["run", "quiet.wat", "--policy", "notes.toml", "--token", token.trim()]).expect(0);
    assert!(by_flag.err().contains("token of the local issuer"));
    token.insert(token.len() / 2, 'A');
    place.write("token", &token);
    let refused = run().expect(4);
    assert!(refused.json()["error"]["code"].as_str().unwrap().starts_with("deny.token."));

    let log = place.log();
    let decided: Vec<_> = log
        .iter()
        .filter(|entry| entry["type"] == "authentication")
        .map(|entry| entry["code"].as_str().unwrap())
        .collect();
    assert_eq!(&decided[..3], ["deny.agent.unknown", "deny.token.privilege_injection", "allow"]);
    assert_eq!(decided.len(), 6);
    let whole = fs::read_to_string(place.path("state/audit/log.jsonl")).unwrap() + &refused.err() + &refused.out();
    for segment in token.trim().split('.') {
        assert!(!whole.contains(segment), "a token is nowhere on record");
    }
}

/// A variable holds for every command of a shell, a flag for one: the flag wins. An empty variable is none.
#[test]
fn flags_win_over_the_environment() {
    let place = Place::with_guests();
    let run = |variables: &[(&str, &str)], more: &[&str]| {
        let mut command = place.command(&[&["run", "quiet.wat", "--json"], more].concat());
        Ran(command.envs(variables.iter().copied()).output().unwrap())
    };
    let (policy, agent) = (["--policy", "notes.toml"], ["--as", "note-bot"]);
    let both = [&policy[..], &agent].concat();
    let spoilt = [("BAILIWICK_TOKEN", "x"), ("BAILIWICK_POLICY", "missing.toml")];
    assert_eq!(run(&spoilt, &both).expect(0).json()["identity"]["provenance"], "terminal");
    let by_variable = run(&[("BAILIWICK_TOKEN", "x"), ("BAILIWICK_POLICY", "notes.toml")], &[]).expect(4);
    assert_eq!(by_variable.json()["error"]["code"], "deny.token.malformed");
    run(&[("BAILIWICK_POLICY", "notes.toml")], &agent).expect(0);
    let empty = ["BAILIWICK_TOKEN", "BAILIWICK_POLICY", "BAILIWICK_CONFIG"].map(|name| (name, ""));
    run(&empty, &both).expect(0);
    let nobody = run(&empty, &policy).expect(2);
    assert!(nobody.err().contains("does not say which agent asks"), "{}", nobody.err());
    let nothing = run(&empty, &agent).expect(2);
    assert!(nothing.err().contains("--policy MANIFEST"), "{}", nothing.err());
    // An empty name of a state folder is not this folder.
    let mut elsewhere = place.command(&["agent", "list"]);
    assert!(elsewhere.env("BAILIWICK_STATE", "").output().unwrap().status.success());
    assert!(!place.path("state.db").exists());
}

#[test]
fn the_local_issuer_is_trusted_only_where_configured() {
    let place = Place::with_guests();
    place.run(&["token", "issue", "--agent", "note-bot", "--scopes", "file:read:data/**"]).expect(0);
    place.configure("[issuer]\nlocal = false\n");
    let refused = place.guest("quiet.wat", &["--json"]).expect(4);
    assert_eq!(refused.json()["error"]["code"], "deny.identity.local_issuer");
    place.run(&["token", "issue", "--agent", "note-bot", "--scopes", "file:read:data/**"]).expect(4);
    place.run(&["token", "issue", "--agent", "note-bot", "--scopes", "file:read:data/**", "--ttl", "2h"]).expect(4);
}

#[test]
fn a_token_can_be_looked_at() {
    let place = Place::with_guests();
    let issued =
        place.run(&["token", "issue", "--agent", "note-bot", "--scopes", "file:read:data/**", "--ttl", "1m"]).expect(0);
    let token = issued.out().trim().to_owned();
    let good = place.run(&["token", "inspect", &token, "--json"]).expect(0).json();
    assert_eq!((good["accepted"].as_bool(), good["subject"].as_str()), (Some(true), Some("note-bot")));
    let late = place.run(&["token", "inspect", &token, "--json", "--now", "4000000000"]).expect(4).json();
    assert_eq!((late["accepted"].as_bool(), late["code"].as_str()), (Some(false), Some("deny.token.expired")));
    // An unsigned token from a stranger is shown as what it is, and cannot paint on the terminal.
    let hostile = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJcdTAwMWJbMkpcdTIwMmUifQ.AAAA";
    let shown = place.run(&["token", "inspect", hostile]).expect(4).out();
    assert!(shown.contains("by whoever presented it") && shown.contains("refused"), "{shown}");
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
    place.run(&["token", "inspect", "nonsense"]).expect(4);
    place.run(&["token", "inspect"]).expect(2);
}
