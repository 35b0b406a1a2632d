//! Runs that were: listed, shown, and their journals deleted.

use std::fs;

use serde_json::Value;

use crate::place::Place;

/// A folder in which runs are recorded.
fn recording() -> Place {
    let place = Place::with_guests();
    place.configure("[journal]\nenabled = true\n");
    place
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
    for verb in ["show"] {
        for bad in ["last", "x", "../../etc", "0190a1b2-c3d4-7000-8000-000000000001"] {
            place.run(&["runs", verb, bad]).expect(2);
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
