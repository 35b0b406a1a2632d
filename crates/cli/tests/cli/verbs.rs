//! The other verbs: policies, keys, the doctor, help.

use std::fs;

use serde_json::Value;

use crate::place::Place;

#[test]
fn policies_are_checked_and_explained() {
    let place = Place::with_guests();
    let explain = |more: &[&str], call: &str| {
        place.run(&[&["policy", "explain", "notes.toml", "--json"], more, &[call]].concat())
    };
    assert_eq!(explain(&[], "file read /data/note.txt").expect(0).json()["decision"], "allow");
    assert_eq!(explain(&[], "file read /etc/passwd").expect(6).json()["code"], "deny.manifest.no_rule");
    let scoped = explain(&["--scopes", "file:read:data/a"], "file read /data/b").expect(6).json();
    assert_eq!(scoped["code"], "deny.token.scope");
    assert!(scoped["help"].as_str().unwrap().contains("file:read:data/b"), "{scoped}");
    let registry = explain(&["--registry", "file:read:data/a"], "file read /data/b").expect(6).json();
    assert_eq!(registry["code"], "deny.registry.capability");
    let task = explain(&["--restrict", "file:read:data/a"], "file read /data/b").expect(6).json();
    assert_eq!(task["code"], "deny.task.restriction");
    explain(&[], "file raed /data/b").expect(2);
    explain(&["--as", "stranger"], "file read /data/b").expect(6);
    let text = place.run(&["policy", "explain", "notes.toml", "file read /etc/passwd"]).expect(6).out();
    assert!(text.starts_with("denied: file read /etc/passwd"), "{text}");

    place.run(&["policy", "check", "notes.toml"]).expect(0);
    place.write("bad.toml", "schema = 1\nid = 'x y'\nagentss = 1\n[limits]\nfuel = 0\n");
    let bad = place.run(&["policy", "check", "notes.toml", "bad.toml"]).expect(3).err();
    for expected in
        ["bad.toml:2:6", "bad.toml:3:1", "bad.toml:5:8", "did you mean `agents`", "^^^", "notes.toml: valid"]
    {
        assert!(bad.contains(expected), "no `{expected}` in\n{bad}");
    }
    let data = place.run(&["policy", "check", "notes.toml", "bad.toml", "--json"]).expect(3).json();
    assert_eq!(data["manifests"][0]["valid"], true);
    assert_eq!(data["manifests"][1]["diagnostics"].as_array().unwrap().len(), 4, "{data:#}");
}

#[test]
fn keys_are_made_listed_and_shown_by_their_public_half() {
    let place = Place::with_guests();
    place.run(&["key", "create", "release/2026"]).expect(0);
    place.run(&["key", "create", "release/2026"]).expect(2);
    place.run(&["key", "create", "release/seal", "--algorithm", "aes-256-gcm"]).expect(0);
    place.run(&["key", "create", "release/rsa", "--algorithm", "rsa"]).expect(2);
    place.run(&["key", "create", "../x"]).expect(2);
    let list = place.run(&["key", "list"]).expect(0).out();
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().take(3).collect()).collect();
    assert_eq!(lines[1..], [["release/2026", "ed25519", "1"], ["release/seal", "aes-256-gcm", "1"]], "{list}");
    let public = place.run(&["key", "public", "release/2026"]).expect(0).json();
    assert_eq!(
        (&public["keys"][0]["kty"], &public["keys"][0]["crv"]),
        (&"OKP".into(), &"Ed25519".into()),
        "{public:#}"
    );
    assert!(public["keys"][0].get("d").is_none() && public["keys"].as_array().unwrap().len() == 1, "{public:#}");
    place.run(&["key", "public", "release/seal"]).expect(2);
    place.run(&["key", "public", "release/absent"]).expect(2);
}

#[test]
fn a_secret_that_could_be_guessed_is_not_kept() {
    let place = Place::with_guests();
    place.write("fifteen.txt", "  hunter2-hunter2\n");
    let refused = place.run(&["secret", "set", "bank", "--from-file", "fifteen.txt"]).expect(2).err();
    for expected in ["a secret has at least 16 bytes", "this one has 15", "a guest could guess it"] {
        assert!(refused.contains(expected) && !refused.contains("hunter2"), "{refused}");
    }
    place.write("sixteen.txt", "hunter2-hunter2-\n");
    place.run(&["secret", "set", "bank", "--from-file", "sixteen.txt"]).expect(0);
    let listed = place.run(&["secret", "list"]).expect(0).out();
    assert!(listed.starts_with("bank ") && listed.lines().count() == 1, "{listed}");
    assert!(!place.log_text().contains("hunter2"));
}

#[test]
fn the_doctor_finds_what_is_wrong() {
    let place = Place::with_guests();
    let fresh = place.run(&["doctor", "--json"]).expect(0).json();
    assert_eq!(fresh["works"], true, "{fresh:#}");
    assert!(!place.path("state").exists(), "looking changes nothing");
    place.guest("reader.wat", &[]).expect(0);
    place.run(&["token", "issue", "--agent", "note-bot", "--scopes", "file:read:data/**"]).expect(0);
    let state = |report: &Value, name: &str| {
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .clone()
            .find(|finding| finding["name"] == name)
            .map(|finding| finding["state"].as_str().unwrap().to_owned())
    };
    let used = place.run(&["doctor", "--json"]).expect(0).json();
    assert_eq!(state(&used, "audit log").as_deref(), Some("good"));
    assert_eq!(state(&used, "issuer key").as_deref(), Some("good"));
    assert_eq!(state(&used, "trial run").as_deref(), Some("good"));

    let log = place.path("state/audit/log.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("note-bot", "evil-bot", 1)).unwrap();
    fs::write(place.path("state/state.db"), "nonsense").unwrap();
    place.configure("[audit]\ndurability = 'buffered'\n");
    let broken = place.run(&["doctor", "--json"]).expect(7).json();
    assert_eq!(broken["works"], false);
    assert_eq!(state(&broken, "audit log").as_deref(), Some("broken"));
    assert_eq!(state(&broken, "agent registry").as_deref(), Some("broken"));
    assert_eq!(state(&broken, "audit durability").as_deref(), Some("doubtful"));
    place.configure("nonsense");
    assert_eq!(state(&place.run(&["doctor", "--json"]).expect(7).json(), "configuration").as_deref(), Some("broken"));
    assert!(place.run(&["doctor"]).expect(7).out().contains("guests cannot run here"));
}

#[test]
fn help_version_completions_and_man_pages_come_from_one_definition() {
    let place = Place::with_guests();
    assert!(place.run(&["--version"]).expect(0).out().starts_with("bailiwick "));
    assert!(place.run(&["run", "--help"]).expect(0).out().contains("--restrict"));
    place.run(&[]).expect(2);
    place.run(&["rnu"]).expect(2);
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.run(&["completions", shell]).expect(0).out().contains("--token-file"));
    }
    place.run(&["man", "pages"]).expect(0);
    assert!(fs::read_to_string(place.path("pages/bailiwick-run.1")).unwrap().contains("token\\-file"));
    assert!(place.run(&["man"]).expect(0).out().contains(".TH bailiwick"));
}
