//! Processes that write a log and are killed at any moment: nothing that they were told is durable is lost.

use std::collections::BTreeSet;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use bailiwick_guard::audit::{AuditOptions, Durability, verify_signed};
use bailiwick_guard::tlog::Signer;
use bailiwick_guard::{AuditLog, Guard, HostError, Life, Perform, Permit, Run, SystemClock, Timestamp};
use serde_json::Value;

use crate::support::actions::Random;
use crate::support::{HASH_AND_RANDOM, grant};

const LOGS: u64 = 20;
const KILLS: u64 = 10;

/// Calls after which a run says what was flushed.
const FLUSH: u64 = 4;

fn open(path: &Path) -> AuditLog {
    let signer = Signer::new("test", &[1; 32]).unwrap();
    let options = AuditOptions { durability: Durability::Effects, signer: Some(signer) };
    AuditLog::open(path, options, &SystemClock).unwrap()
}

/// Tells the parent, in one write, what must be in the log now.
struct Told {
    run: String,
    calls: Mutex<u64>,
}

fn tell(line: &str) {
    // Not by a macro: the test harness would keep that to itself.
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}

impl Perform<Random> for Told {
    async fn perform(&self, _permit: Permit<'_, Random>) -> Result<u8, HostError> {
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        tell(&format!("\nintent {} {calls}\n", self.run));
        Ok(4)
    }
}

/// The process that is killed. It has the log's path from its standard input, and ends when there is none.
#[test]
#[ignore = "played by `killed_two_hundred_times_a_log_loses_nothing`, which says where the log is"]
fn the_process_that_is_killed() {
    let mut input = String::new();
    std::io::stdin().read_line(&mut input).unwrap();
    let Some((path, round)) = input.trim().rsplit_once(' ') else { return };
    let log = open(Path::new(path));
    let manifest = HASH_AND_RANDOM.replace("host_calls = 3", "host_calls = 1000000");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let work = |number: u64| {
        let (log, manifest) = (log.clone(), manifest.clone());
        async move {
            let id = format!("{round}-{number}");
            let run = Run { id: id.clone(), ..Run::default() };
            let life = Life::until(Timestamp(u64::MAX));
            let guard = Guard::new(grant(&manifest), run, life, log.clone(), Arc::new(SystemClock)).unwrap();
            let host = Told { run: id.clone(), calls: Mutex::new(0) };
            for call in 1.. {
                guard.call(&host, Random).await.unwrap();
                if call % FLUSH == 0 {
                    log.flush().await.unwrap();
                    tell(&format!("\noutcome {id} {call}\n"));
                }
            }
        }
    };
    runtime.block_on(async {
        let [a, b, c, d, e, f, g, h] = std::array::from_fn(|number| work(number as u64));
        tokio::join!(a, b, c, d, e, f, g, h);
    });
}

/// What a log has, as (run, call): the intents of allowed calls, and the outcomes.
fn calls(text: &str) -> [BTreeSet<(String, u64)>; 2] {
    let mut found = [BTreeSet::new(), BTreeSet::new()];
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let entry: Value = serde_json::from_str(line).unwrap();
        let of = match entry["type"].as_str() {
            Some("intent") => 0,
            Some("outcome") => 1,
            _ => continue,
        };
        found[of].insert((entry["context"]["run"].as_str().unwrap().to_owned(), entry["call"].as_u64().unwrap()));
    }
    found
}

/// Numbers that look random (xorshift), so that a failure can be had again as far as the scheduler lets it.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Starts the process, kills it after some acknowledgements and some more work, and returns what it acknowledged.
fn killed(path: &Path, round: u64, random: &mut u64) -> [BTreeSet<(String, u64)>; 2] {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "crash::the_process_that_is_killed"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{} {round}", path.display()).unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let wanted = next(random) % 48;
    let mut text = String::new();
    let mut heard = 0;
    while heard < wanted {
        let start = text.len();
        assert!(output.read_line(&mut text).unwrap() > 0, "the process ended by itself: {text}");
        heard += u64::from(text[start..].starts_with("intent") || text[start..].starts_with("outcome"));
    }
    for spin in 0..next(random) % 2_000_000 {
        black_box(spin);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    output.read_to_string(&mut text).unwrap();
    let mut told = [BTreeSet::new(), BTreeSet::new()];
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let of = match words.first() {
            Some(&"intent") => 0,
            Some(&"outcome") => 1,
            _ => continue,
        };
        told[of].insert((words[1].to_owned(), words[2].parse().unwrap()));
    }
    told
}

#[test]
fn killed_two_hundred_times_a_log_loses_nothing() {
    let key = Signer::new("test", &[1; 32]).unwrap().public().clone();
    let mut random = 0x9e37_79b9_7f4a_7c15;
    let (mut told_in_all, mut dangling_in_all) = (0, 0);
    for _ in 0..LOGS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        for round in 0..KILLS {
            let told = killed(&path, round, &mut random);
            // It may have been killed before there was a log.
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let Ok(found) = verify_signed(&path, &key, None) else {
                // Nor was there a checkpoint: then nothing was written.
                assert!(text.is_empty() && told[0].is_empty(), "{text}");
                continue;
            };
            assert_eq!(found.problem, None);
            let here = calls(&text);
            for (what, (told, here)) in ["intents", "outcomes"].iter().zip(told.iter().zip(&here)) {
                assert!(told.is_subset(here), "lost {what}: {:?}", told.difference(here).collect::<Vec<_>>());
                told_in_all += told.len();
            }
            let left: Vec<_> = here[0].difference(&here[1]).cloned().collect();
            assert_eq!(found.dangling, left, "whatever has no outcome is shown");
            dangling_in_all += left.len();
        }
        drop(open(&path));
        let text = fs::read_to_string(&path).unwrap();
        let found = verify_signed(&path, &key, None).unwrap();
        assert_eq!((found.problem, found.torn_bytes, found.covered), (None, 0, text.lines().count() as u64));
    }
    assert!(told_in_all > 1_000 && dangling_in_all > 0, "{told_in_all} acknowledged, {dangling_in_all} dangling");
}
