//! Runs that were: listed, shown, and their journals deleted.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::place::Place;

/// A folder in which runs are recorded, as they are everywhere.
fn recording() -> Place {
    Place::with_guests()
}

fn list(place: &Place, words: &[&str]) -> Vec<Value> {
    let listed = place.run(&[&["runs", "list", "--json"], words].concat()).expect(0).json();
    listed["runs"].as_array().unwrap().clone()
}

fn journal(place: &Place, run: &str) -> std::path::PathBuf {
    place.path("state/journals").join(run).join("journal")
}

#[test]
fn runs_are_listed_and_shown() {
    let place = recording();
    let first =
        place.guest("reader.wat", &["--json", "--task", "t-1", "--rationale", "to\u{1b}[2J see"]).expect(0).json();
    place.guest("trap.wat", &[]).expect(1);
    let runs = list(&place, &[]);
    assert_eq!(runs.len(), 2);
    assert_eq!((&runs[0]["run"], &runs[0]["agent"]), (&first["run_id"], &"note-bot".into()));
    assert_eq!((&runs[0]["calls"], &runs[0]["refused"], &runs[0]["has_journal"]), (&2.into(), &1.into(), &true.into()));
    assert_eq!((&runs[0]["stop"], &runs[1]["stop"]), (&"finished".into(), &"trapped".into()));
    assert_eq!(list(&place, &["-n", "1"]), runs[1..]);
    assert_eq!(list(&place, &["--agent", "other"]), Vec::<Value>::new());
    assert_eq!(list(&place, &["--agent", "note-bot", "--since", "1h"]).len(), 2);
    let shown = place.run(&["runs", "list"]).expect(0).out();
    assert!(shown.contains("JOURNAL") && shown.contains("note-bot") && shown.contains("trapped"), "{shown}");

    let id = first["run_id"].as_str().unwrap();
    let run = place.run(&["runs", "show", id, "--json"]).expect(0).json();
    assert_eq!((&run["task"], &run["journal"]["standing"]), (&"t-1".into(), &"as the audit log has it".into()));
    assert_eq!(run["journal"]["end"]["fuel"], first["usage"]["fuel"]);
    let calls = run["calls"].as_array().unwrap();
    let of = |name: &str| calls.iter().map(|call| call[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("call"), [1, 2].map(Value::from));
    assert_eq!(of("resource"), ["/data/note.txt", "/etc/passwd"].map(Value::from));
    assert_eq!(of("decision"), ["allow", "deny"].map(Value::from));
    assert_eq!(of("rule"), ["read-notes".into(), Value::Null]);
    assert_eq!(of("outcome"), ["done".into(), Value::Null]);
    assert!(calls[0]["bytes"].as_u64().unwrap() > 0 && calls[1]["explanation"].as_str().unwrap().contains("help"));
    assert_eq!(calls[1]["code"], "deny.manifest.no_rule");
    let shown = place.run(&["runs", "show", "last"]).expect(0).out();
    assert!(shown.contains("trapped after"), "{shown}");
    let shown = place.run(&["runs", "show", id]).expect(0).out();
    for expected in ["t-1", "notes.toml", "read-notes, notes.toml:5", "/etc/passwd", "deny.manifest.no_rule", "fuel"] {
        assert!(shown.contains(expected), "no `{expected}` in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

#[test]
fn a_run_without_a_journal_is_shown_from_the_log() {
    let place = Place::with_guests();
    place.configure("[journal]\nenabled = false\n");
    place.guest("reader.wat", &[]).expect(0);
    assert!(!place.path("state/journals").exists());
    let run = place.run(&["runs", "show", "last", "--json"]).expect(0).json();
    assert_eq!((&run["journal"], run["calls"].as_array().unwrap().len()), (&Value::Null, 2));
    assert!(place.run(&["runs", "show", "last"]).expect(0).out().contains("none; the run cannot be replayed"));
}

#[test]
fn what_happened_to_a_journal_is_told() {
    let place = recording();
    place.guest("quiet.wat", &[]).expect(0);
    let run = list(&place, &[])[0]["run"].as_str().unwrap().to_owned();
    let standing = || {
        let shown = place.run(&["runs", "show", "last", "--json"]).expect(0).json();
        let journal = &shown["journal"];
        journal["standing"].as_str().or(journal["error"].as_str()).unwrap_or_default().to_owned()
    };
    let file = journal(&place, &run);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 2]).unwrap();
    assert_eq!(standing(), "changed since the run ended");
    fs::write(&file, "x").unwrap();
    assert_eq!(standing(), "the file is not a journal");
    fs::write(&file, &whole).unwrap();
    assert_eq!(standing(), "as the audit log has it");
    fs::remove_dir_all(place.path("state/audit")).unwrap();
    assert_eq!(standing(), "no audit log here has the run, so nothing shows whether it was changed");
    assert_eq!(list(&place, &[])[0]["has_journal"], true);
}

#[test]
fn journals_are_deleted_and_the_log_stays() {
    let place = recording();
    for _ in 0..3 {
        place.guest("quiet.wat", &[]).expect(0);
    }
    let runs: Vec<String> = list(&place, &[]).iter().map(|run| run["run"].as_str().unwrap().to_owned()).collect();
    let pruned = place.run(&["runs", "prune", &runs[0], "--json"]).expect(0).json();
    assert_eq!(pruned["runs"], Value::from(vec![runs[0].clone()]));
    assert!(!journal(&place, &runs[0]).exists() && journal(&place, &runs[1]).exists());
    assert_eq!(place.run(&["runs", "prune"]).expect(0).err().split(';').next(), Some("deleted 0 journals, 0 B"));
    place.run(&["runs", "prune", &runs[0]]).expect(2);
    // Not everything is older than a millisecond, but all of these are by now.
    let pruned = place.run(&["runs", "prune", "--keep", "1ms", "--json"]).expect(0).json();
    assert_eq!((&pruned["left"], pruned["runs"].as_array().unwrap().len()), (&0.into(), 2));
    assert_eq!(list(&place, &[]).iter().filter(|run| run["has_journal"] == false).count(), 3);
}

#[test]
fn what_is_no_run_is_refused() {
    let place = Place::with_guests();
    for verb in [&["runs", "show"][..], &["replay"]] {
        for bad in ["last", "x", "../../etc", "0190a1b2-c3d4-7000-8000-000000000001"] {
            place.run(&[verb, &[bad]].concat()).expect(2);
        }
    }
    assert_eq!(list(&place, &[]), Vec::<Value>::new());
    place.run(&["runs", "prune"]).expect(0);
}

#[test]
fn journals_that_others_could_have_written_are_not_used() {
    let place = recording();
    place.guest("quiet.wat", &[]).expect(0);
    place.chmod("state/journals", 0o770);
    assert!(place.guest("quiet.wat", &[]).expect(7).err().contains("others may write"));
    place.run(&["runs", "prune"]).expect(7);
}

#[test]
fn a_run_is_replayed_without_what_it_was_given() {
    let place = recording();
    let first = place.guest("reader.wat", &["--json"]).expect(0).json();
    let log = place.log_text();
    fs::remove_dir_all(place.path("data")).unwrap();
    fs::remove_file(place.path("notes.toml")).unwrap();
    fs::remove_file(place.path("reader.wat")).unwrap();
    for words in [&["replay", "last", "--json"][..], &["replay", first["run_id"].as_str().unwrap(), "--json"]] {
        let replayed = place.run(words).expect(0).json();
        assert_eq!(replayed["likeness"]["kind"], "exact", "{replayed:#}");
        assert_eq!(replayed["journal"], "as the audit log has it");
        let (then, now) = (&first, &replayed["report"]);
        for same in ["stop", "result", "stdout", "stderr"] {
            assert_eq!(then[same], now[same], "{same}");
        }
        assert_eq!(then["usage"]["fuel"], now["usage"]["fuel"]);
        let calls = |report: &Value| {
            let calls = report["calls"].as_array().unwrap().iter();
            calls
                .map(|call| ["action", "resource", "decision", "code", "rule", "outcome"].map(|it| call[it].clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(calls(then), calls(now));
    }
    assert_eq!(
        place.run(&["replay", "last"]).expect(0).out(),
        "exact: the same output, result, fuel, memory and calls\n"
    );
    assert_eq!(place.log_text(), log, "a replay is not on record");
}

#[test]
fn what_another_manifest_would_decide_is_told() {
    let place = recording();
    place.guest("reader.wat", &[]).expect(0);
    let manifest = fs::read_to_string(place.path("notes.toml")).unwrap();
    place.write("same.toml", &manifest);
    place.write("strict.toml", &manifest.replace("data/**", "data/other.txt"));
    place.write("bad.toml", "schema = 2");
    let same = place.run(&["replay", "last", "--policy", "same.toml", "--json"]).expect(0).json();
    assert_eq!(same["differences"], Value::Array(Vec::new()));
    let strict = place.run(&["replay", "last", "--policy", "strict.toml", "--json"]).expect(1).json();
    assert_eq!(strict["likeness"]["kind"], "exact");
    let [difference] = strict["differences"].as_array().unwrap().as_slice() else { panic!("{strict:#}") };
    assert_eq!((&difference["call"], &difference["resource"]), (&1.into(), &"/data/note.txt".into()));
    assert_eq!((&difference["was"]["decision"], &difference["was"]["rule"]), (&"allow".into(), &"read-notes".into()));
    assert_eq!(difference["would_be"]["code"], "deny.manifest.no_rule");
    let shown = place.run(&["replay", "last", "--policy", "strict.toml"]).expect(1).out();
    assert!(shown.contains("1 of 2 calls would be decided differently under strict.toml"), "{shown}");
    assert!(shown.contains("allow (read-notes, notes.toml:5)  ->  deny [deny.manifest.no_rule]"), "{shown}");
    place.run(&["replay", "last", "--policy", "bad.toml"]).expect(3);
}

#[test]
fn a_run_that_was_killed_is_replayed_as_far_as_it_is_recorded() {
    let place = recording();
    let command = &mut place.command(&["run", "busy.wat", "--policy", "notes.toml", "--as", "note-bot"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = [0; 5];
    child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let run = place.run(&["runs", "show", "last", "--json"]).expect(0).json();
    assert_eq!((&run["stop"], &run["journal"]["end"]), (&Value::Null, &Value::Null));
    // It never ends by itself: only its own limit ends the replay.
    place.guest("spin.wat", &["--timeout", "100ms"]).expect(5);
    let replayed = place.run(&["replay", "last", "--json"]).expect(0).json();
    assert_eq!(replayed["likeness"]["kind"], "exact_as_far_as_recorded", "{replayed:#}");
    assert_eq!(replayed["likeness"]["record_end"], "interrupted");
}

#[test]
fn a_run_that_outgrows_its_journal_says_so() {
    let place = recording();
    place.configure("[journal]\nmax = \"100B\"\n");
    let report = place.guest("reader.wat", &["--json"]).expect(0).json();
    assert_eq!(report["anomalies"][0]["kind"], "journal_incomplete", "{report:#}");
    assert!(place.run(&["runs", "show", "last"]).expect(0).out().contains("it ends before the run does"));
    let replayed = place.run(&["replay", "last", "--json"]).expect(0).json();
    assert_eq!(replayed["likeness"]["record_end"], "cut", "{replayed:#}");
}

#[test]
fn a_journal_that_was_changed_is_refused() {
    let place = recording();
    let run = place.guest("reader.wat", &["--json"]).expect(0).json()["run_id"].as_str().unwrap().to_owned();
    let file = journal(&place, &run);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    let refused = place.run(&["replay", "last", "--json"]).expect(1).json();
    assert!(refused["error"]["message"].as_str().unwrap().contains("was changed since the run ended"), "{refused:#}");
    // Where no log has the run, it is what it is.
    fs::remove_dir_all(place.path("state/audit")).unwrap();
    let ran = place.run(&["replay", "last"]).expect(0);
    assert!(ran.out().contains("as far as it is recorded") && ran.err().contains("no audit log here"), "{}", ran.out());
    fs::write(&file, &whole).unwrap();
    assert!(place.run(&["replay", "last"]).expect(0).out().starts_with("exact:"));
    fs::write(&file, "x").unwrap();
    assert!(place.run(&["replay", "last"]).expect(1).err().contains("not a journal"));
    fs::remove_file(&file).unwrap();
    assert!(place.run(&["replay", &run]).expect(2).err().contains("no journal of the run"));
}
