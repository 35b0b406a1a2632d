//! What holds when processes race, and when they are killed. Each test starts this binary again as the other process.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests, which the lints do not recognise as such"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bailiwick_identity::{Agent, AgentId, JtiHash, Registrar, ReplayError, ReplayStore, Revocable, Subject, TaskId};
use bailiwick_policy::ScopeSet;
use bailiwick_store::{Store, StoreOptions};

const NOW: u64 = 1_800_000_000;
const FOLDER: &str = "BAILIWICK_STORE_TEST_FOLDER";

fn id(n: usize) -> JtiHash {
    JtiHash::of("https://id.example", &n.to_string())
}

fn agent(n: usize) -> Agent {
    let name = AgentId::parse(&format!("agent-{n}")).unwrap();
    Agent::new(name.clone(), "urn:x", Subject::from(&name), "alice", ScopeSet::empty(), NOW).unwrap()
}

fn open(folder: &Path) -> Store {
    Store::open(folder, StoreOptions::default()).unwrap().0
}

/// The folder to play the other process in, when that is what this process is.
fn played() -> Option<Store> {
    std::env::var_os(FOLDER).map(|folder| open(Path::new(&folder)))
}

fn start(test: &str, folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(FOLDER, folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "said {text}").unwrap();
    out.flush().unwrap();
}

fn said(line: &str) -> Option<usize> {
    line.split_once("said ")?.1.parse().ok()
}

/// A hundred presentations of each of twenty `jti`s, from ten processes at once: one succeeds.
#[test]
fn a_use_is_granted_to_one_process() {
    if let Some(store) = played() {
        // They begin together: each waits until there is nothing to read any more.
        say("0");
        let mut nothing = String::new();
        std::io::stdin().read_line(&mut nothing).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| {
                    for n in 1..=20 {
                        match store.use_once(id(n), NOW + 60, NOW) {
                            Ok(()) => say(&n.to_string()),
                            Err(ReplayError::Used) => {}
                            Err(other) => panic!("{other}"),
                        }
                    }
                });
            }
        });
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut children: Vec<Child> = (0..10).map(|_| start("a_use_is_granted_to_one_process", folder.path())).collect();
    let readers: Vec<_> = children
        .iter_mut()
        .map(|child| {
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
            while lines.next().is_some_and(|line| said(&line) != Some(0)) {}
            lines
        })
        .collect();
    for child in &mut children {
        drop(child.stdin.take());
    }
    let mut granted = BTreeMap::<usize, usize>::new();
    for n in readers.into_iter().flatten().filter_map(|line| said(&line)) {
        *granted.entry(n).or_default() += 1;
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(granted, (1..=20).map(|n| (n, 1)).collect());
}

/// Who goes on with an index of the log that others cannot see any more does not close over what they wrote.
#[test]
fn what_was_told_survives_the_loss_of_the_index() {
    if let Some(store) = played() {
        store.register(agent(1)).unwrap();
        say("1");
        let mut nothing = String::new();
        std::io::stdin().read_line(&mut nothing).unwrap();
        assert!(store.register(agent(2)).is_err(), "it cannot be seen by others");
        drop(store);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = start("what_was_told_survives_the_loss_of_the_index", folder.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    while lines.next().is_some_and(|line| said(&line) != Some(1)) {}
    std::fs::remove_file(folder.path().join("state.db-shm")).unwrap();
    for n in 1..=3 {
        open(folder.path()).revoke(Revocable::Token(id(n)), None, NOW).unwrap();
    }
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    let store = open(folder.path());
    store.verify().unwrap();
    assert_eq!((store.agents().unwrap().len(), store.revocations().unwrap().len()), (1, 3));
}

/// What a process was told is done stays done when it is killed at any moment after, and nothing is left half done.
#[test]
fn what_was_told_survives_a_kill() {
    if let Some(store) = played() {
        for n in 1.. {
            store.use_once(id(n), NOW + 60, NOW).unwrap();
            store.register(agent(n)).unwrap();
            store.revoke(Revocable::Task(TaskId::parse(&n.to_string()).unwrap()), None, NOW).unwrap();
            say(&n.to_string());
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = start("what_was_told_survives_a_kill", folder.path());
    let mut last = 0;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    for line in lines.by_ref() {
        last = said(&line).unwrap_or(last);
        if last == 40 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(last >= 40);
    let store = open(folder.path());
    store.verify().unwrap();
    let (agents, revocations) = (store.agents().unwrap().len(), store.revocations().unwrap().len());
    assert!(
        (last..=last + 1).contains(&agents) && (last..=agents).contains(&revocations),
        "{last} {agents} {revocations}"
    );
    for n in 1..=last {
        assert_eq!(store.use_once(id(n), NOW + 60, NOW), Err(ReplayError::Used), "{n}");
    }
}
