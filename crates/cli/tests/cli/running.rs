//! Runs as people and scripts see them: exit codes, reports, signals, pipes.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::guests::QUIET;
use crate::place::{Place, Ran};

#[test]
fn the_exit_code_says_how_it_ended() {
    let place = Place::with_guests();
    place.guest("quiet.wat", &[]).expect(0);
    place.guest("trap.wat", &[]).expect(1);
    place.guest("notes.toml", &[]).expect(1);
    place.guest("absent.wat", &[]).expect(2);
    place.guest("quiet.wat", &["--input", "{"]).expect(2);
    place.guest("quiet.wat", &["--restrict", "file:*:data/**"]).expect(2);
    place.guest("quiet.wat", &["--timeout", "0s"]).expect(2);
    place.guest("quiet.wat", &["--token", "x"]).expect(2);
    place.run(&["run", "quiet.wat", "--policy", "notes.toml"]).expect(2);
    place.run(&["run", "quiet.wat", "--policy", "absent.toml", "--as", "note-bot"]).expect(2);
    place.write("bad.toml", "schema = 2");
    place.run(&["run", "quiet.wat", "--policy", "bad.toml", "--as", "note-bot"]).expect(3);
    place.run(&["run", "quiet.wat", "--policy", "notes.toml", "--as", "stranger"]).expect(4);
    place.guest("spin.wat", &["--fuel", "1000"]).expect(5);
    place.guest("spin.wat", &["--timeout", "100ms"]).expect(5);
    place.configure("x = 1");
    place.guest("quiet.wat", &[]).expect(2);
}

#[test]
fn a_denial_is_explained_to_the_person_and_coded_for_programs() {
    let place = Place::with_guests();
    let report = place.guest("reader.wat", &["--json"]).expect(0).json();
    let codes: Vec<_> = report["calls"].as_array().unwrap().iter().map(|call| call["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["allow", "deny.manifest.no_rule"], "{report:#}");
    assert_eq!(report["calls"][0]["location"], "notes.toml:5");
    assert_eq!(report["identity"]["provenance"], "terminal");
    assert_eq!(report["stop"]["kind"], "finished");
    let shown = place.guest("reader.wat", &["--trace"]).expect(0).err();
    for expected in [
        "denied: file read /etc/passwd",
        "[deny.manifest.no_rule]",
        "help: add to notes.toml",
        "on your own word",
        "done     file.read /data/note.txt",
    ] {
        assert!(shown.contains(expected), "no `{expected}` in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "no colours without a terminal");
}

#[test]
fn a_restriction_narrows() {
    let place = Place::with_guests();
    let report = place.guest("reader.wat", &["--json", "--restrict", "file:read:data/other.txt"]).expect(0).json();
    assert_eq!(report["calls"][0]["code"], "deny.task.restriction");
}

#[test]
fn failures_are_json_when_json_was_asked_for() {
    let place = Place::with_guests();
    let refused = place.run(&["run", "quiet.wat", "--policy", "notes.toml", "--as", "stranger", "--json"]).expect(4);
    assert_eq!(refused.json()["error"]["code"], "deny.manifest.agent");
    place.write("bad.toml", "schema = 1\nid = 'x'\nagentss = 1");
    let invalid = place.run(&["run", "quiet.wat", "--policy", "bad.toml", "--as", "x", "--json"]).expect(3).json();
    assert_eq!(invalid["error"]["diagnostics"][0]["line"], 3, "{invalid:#}");
}

/// Into a pipe the guest's bytes go as they are; whoever reads a pipe is a program.
#[test]
fn output_goes_through_unchanged_when_nobody_looks() {
    let place = Place::with_guests();
    let ran = place.guest("hostile.wat", &[]).expect(0);
    assert_eq!(ran.0.stdout, b"\x1b[2Jx\n\n");
    assert!(!ran.err().contains('\u{1b}'));
    assert_eq!(place.guest("hostile.wat", &["--json"]).expect(0).json()["stdout"], "\u{1b}[2Jx\n\n");
}

#[test]
fn what_is_shown_of_names_is_harmless() {
    let place = Place::with_guests();
    let name = "a\u{1b}[2J\u{202e}.wat";
    let absent = place.guest(name, &[]).expect(2).err();
    assert!(!absent.contains('\u{1b}') && !absent.contains('\u{202e}'), "{absent:?}");
    place.write(name, QUIET);
    let ran = place.guest(name, &[]).expect(0).err();
    assert!(!ran.contains('\u{1b}') && !ran.contains('\u{202e}'), "{ran:?}");
    let agent = place.run(&["run", "quiet.wat", "--policy", "notes.toml", "--as", "a\u{1b}[2J"]).expect(2).err();
    assert!(!agent.contains('\u{1b}'), "{agent:?}");
}

/// Starts a guest, and waits until it has printed its line.
fn started(place: &Place, guest: &str) -> Child {
    let mut command = place.command(&["run", guest, "--policy", "notes.toml", "--as", "note-bot"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = [0; 5];
    child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    assert_eq!(&line, b"busy\n");
    child
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_signal_cancels_the_run_and_that_is_recorded() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let place = Place::with_guests();
        let child = started(&place, "busy.wat");
        send(&child, signal);
        let ran = Ran(child.wait_with_output().unwrap()).expect(6);
        assert!(ran.err().contains("cancelled"), "{signal:?}: {}", ran.err());
        let ended = place.log().pop().unwrap();
        assert_eq!((&ended["type"], &ended["stop"]), (&"run_ended".into(), &"cancelled".into()), "{ended}");
    }
}

/// Standard output is a pipe that stays full and open.
#[test]
fn output_that_nobody_reads_does_not_hold_the_exit() {
    let place = Place::with_guests();
    let mut child = started(&place, "flood.wat");
    send(&child, Signal::TERM);
    let stdout = child.stdout.take();
    assert_eq!(child.wait().unwrap().code(), Some(6));
    drop(stdout);
    assert_eq!(place.log().pop().unwrap()["stop"], "cancelled");
}

#[test]
fn the_second_signal_ends_the_process_at_once() {
    let place = Place::with_guests();
    let mut child = started(&place, "flood.wat");
    send(&child, Signal::TERM);
    send(&child, Signal::INT);
    let stdout = child.stdout.take();
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::KILL.as_raw()));
    drop(stdout);
}

#[test]
fn a_guest_cannot_pose_as_the_report() {
    let place = Place::with_guests();
    let shown = place.guest("poser.wat", &[]).expect(1).err();
    let id = place.log().pop().unwrap()["context"]["run"].as_str().unwrap().to_owned();
    let (guest, report) = shown.split_once(&format!("\n── run {id} ──\n")).unwrap_or_else(|| panic!("{shown}"));
    assert_eq!(guest, "── run 1 ──\nfinished  poser.wat as x");
    assert!(report.starts_with("trapped") && !report.contains("── run"), "{report}");
}

#[test]
fn json_is_harmless_on_a_terminal() {
    let place = Place::with_guests();
    let name = "a\u{202e}\u{9b}\u{200b}\u{7f}\u{e0041}.wat";
    let refused = place.guest(name, &["--json"]).expect(2);
    assert!(refused.out().is_ascii() && !refused.out().contains('\u{7f}'), "{:?}", refused.out());
    assert!(refused.err().is_ascii() && !refused.err().contains('\u{7f}'), "{:?}", refused.err());
    refused.json();
    let token = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJcdTAwMWJbMkpcdTIwMmUifQ.AAAA";
    let inspected = place.run(&["token", "inspect", token, "--json"]).expect(4);
    assert!(inspected.out().is_ascii(), "{:?}", inspected.out());
    assert_eq!(inspected.json()["unverified"]["claims"]["iss"], "\u{1b}[2J\u{202e}");
    let typed = place.run(&["run", "--\u{1b}[2J\u{202e}"]).expect(2).err();
    assert!(typed.is_ascii() && !typed.contains('\u{1b}'), "{typed:?}");
}
