//! What effects gave is given again, to a host that can do nothing.

use std::sync::{Arc, Mutex};

use bailiwick_guard::journal::{ContentDigest, Crossing, Crossings, End, Lane, Sink, SinkError};
use bailiwick_guard::{CallError, Guard, HostError, Run, StopCause};
use bailiwick_host::fetch::{self, Verb};
use bailiwick_host::files::*;
use bailiwick_host::sql::{Parameters, query};
use bailiwick_host::{Host, Services};
use bailiwick_policy::Code;
use bytes::Bytes;
use rusqlite::Connection;

use crate::fetch::{allow, ask, get};
use crate::support::{Folder, Network, Server, at, guard, public, recorded, reply};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Crossing>>>);

impl Sink for Kept {
    fn take(&mut self, crossing: Crossing) -> Result<(), SinkError> {
        self.0.lock().unwrap().push(crossing);
        Ok(())
    }

    fn end(self: Box<Self>, _end: &End) -> Result<ContentDigest, SinkError> {
        Err(SinkError::Io)
    }
}

fn recording(rules: &str) -> (Guard, Kept) {
    let kept = Kept::default();
    (guard(rules).journal(Crossings::recording(Box::new(kept.clone()))), kept)
}

/// A replay of it, and its host. The folders and servers of the recorded run need not be there any more.
fn replay(rules: &str, kept: &Kept) -> (Guard, Host) {
    let manifest = guard(rules);
    let host = Services::default().replay(manifest.grant().manifest());
    let grant = crate::support::grant(rules);
    let recorded = kept.0.lock().unwrap().clone();
    (Guard::replaying(grant, Run::default(), Crossings::replaying(recorded)).unwrap(), host)
}

fn is_whole(guard: &Guard) {
    assert_eq!(guard.crossings().divergence(), None);
    assert!(Lane::ALL.iter().all(|lane| guard.crossings().left(*lane) == 0), "something was not asked for again");
}

/// Everything that a guest can do with files, and what it learns.
async fn use_files(guard: &Guard, files: &Files) -> Vec<String> {
    let mut learnt = Vec::new();
    let mut learn = |what: &dyn std::fmt::Debug| learnt.push(format!("{what:?}"));
    let write = WriteFile { path: at("/m/a"), bytes: Bytes::from_static(b"text"), mode: WriteMode::Replace };
    learn(&reach(guard, files, write).await);
    learn(&reach(guard, files, ReadFile { path: at("/m/a"), offset: 1, max: 2 }).await);
    learn(&reach(guard, files, ReadFile { path: at("/m/none"), offset: 0, max: 2 }).await);
    learn(&reach(guard, files, MakeDir { path: at("/m/d") }).await);
    learn(&reach(guard, files, Stat { path: at("/m/a"), links: Links::Show }).await);
    learn(&rename(guard, files, at("/m/a"), at("/m/d/b")).await);
    learn(&reach(guard, files, ListDir { path: at("/m") }).await);
    let opened = open(guard, files, at("/m/d/b"), Opening::ReadWrite { create: Create::Never, truncate: false }).await;
    let handle = opened.unwrap();
    learn(&(handle.path().to_string(), handle.access()));
    learn(&handle.write_at(2, Bytes::from_static(b"longer")).await);
    learn(&handle.append(Bytes::from_static(b"!")).await);
    learn(&handle.read_at(0, 100).await);
    learn(&handle.set_len(3).await);
    learn(&handle.stat().await);
    learn(&handle.sync(true).await);
    let reader = open(guard, files, at("/m/d/b"), Opening::Read).await.unwrap();
    learn(&reader.write_at(0, Bytes::new()).await);
    learn(&reader.read_at(0, 100).await);
    let directory = reach(guard, files, OpenDir { path: at("/m/d") }).await.unwrap();
    learn(&directory.path().to_string());
    learn(&reach(guard, files, Remove { path: at("/m/d/b"), what: Removal::File }).await);
    learn(&reader.read_at(0, 100).await);
    learn(&reach(guard, files, Remove { path: at("/m/d"), what: Removal::EmptyDirectory }).await);
    let meter = guard.meter();
    learn(&(meter.calls_used(), meter.disk_used(), meter.files_used(), meter.memory().peak()));
    learnt
}

#[tokio::test]
async fn files_are_the_same_without_any() {
    let rules = Folder::everything("");
    for folder in [Folder::new(), Folder::in_memory(), Folder::staged()] {
        let (guard, kept) = recording(&rules);
        let learnt = use_files(&guard, &folder.files).await;
        drop(folder);
        for _ in 0..2 {
            let (again, host) = replay(&rules, &kept);
            assert_eq!(use_files(&again, &host.files).await, learnt);
            assert_eq!(recorded(&again), recorded(&guard));
            is_whole(&again);
        }
    }
}

#[tokio::test]
async fn a_link_leads_where_it_led() {
    let (folder, rules) = (Folder::new(), Folder::everything(""));
    std::fs::write(folder.path("m/real"), "behind").unwrap();
    std::os::unix::fs::symlink("real", folder.path("m/link")).unwrap();
    let (guard, kept) = recording(&rules);
    let read = ReadFile { path: at("/m/link"), offset: 0, max: 100 };
    let live = reach(&guard, &folder.files, read.clone()).await.unwrap();
    drop(folder);
    let (again, host) = replay(&rules, &kept);
    assert_eq!(reach(&again, &host.files, read).await.unwrap(), live);
    assert_eq!(recorded(&again), ["file.read /m/link allow", "file.read /m/real allow"]);
    is_whole(&again);
}

#[tokio::test]
async fn the_end_of_a_budget_in_a_handle_is_given_back() {
    let (folder, rules) = (Folder::new(), Folder::everything("disk = 8"));
    let (guard, kept) = recording(&rules);
    let how = Opening::Write { create: Create::New, truncate: false };
    let over = || Bytes::from_static(b"more than eight");
    let handle = open(&guard, &folder.files, at("/m/a"), how).await.unwrap();
    let end = handle.write_at(0, over()).await.unwrap_err();
    assert!(matches!(end, HostError::Stopped(StopCause::Budget(_))));
    let (again, host) = replay(&rules, &kept);
    let handle = open(&again, &host.files, at("/m/a"), how).await.unwrap();
    assert_eq!(handle.write_at(0, over()).await, Err(end));
    assert_eq!(again.meter().stopped(), guard.meter().stopped());
}

#[tokio::test]
async fn an_operation_that_was_given_up_stays_without_an_end() {
    let (folder, rules) = (Folder::in_memory(), Folder::everything(""));
    let (guard, kept) = recording(&rules);
    let how = Opening::ReadWrite { create: Create::New, truncate: false };
    let handle = open(&guard, &folder.files, at("/m/a"), how).await.unwrap();
    drop(handle.read_at(0, 1));
    handle.read_at(0, 1).await.unwrap();
    let (again, host) = replay(&rules, &kept);
    let handle = open(&again, &host.files, at("/m/a"), how).await.unwrap();
    assert!(tokio::time::timeout(std::time::Duration::ZERO, handle.read_at(0, 1)).await.is_err());
    assert_eq!(handle.read_at(0, 1).await, Ok(Bytes::new()));
    is_whole(&again);
    let other = handle.read_at(0, 2).await;
    assert_eq!(other, Err(HostError::Stopped(StopCause::Diverged)));
    assert_eq!(again.crossings().divergence().map(|divergence| divergence.lane), Some(Lane::Handle));
}

#[tokio::test]
async fn answers_of_servers_are_the_same_without_a_network() {
    let server = Server::new(|asked| match asked.head.split(' ').nth(1).unwrap() {
        "/to" => reply("302 Found", "location: /x\r\n", ""),
        path => reply("200 OK", "x-here: yes\r\n", path.repeat(1000)),
    });
    let rules = allow("http://a.example", "redirects = true");
    let host = Network::tcp(&server).await.host(&public("a.example"));
    let (guard, kept) = recording(&rules);
    let whole = get(&guard, &host, "http://a.example/to").await.unwrap();
    let mut opened = fetch::open(&guard, &host.fetch, Verb::Get, ask("http://a.example/y")).await.unwrap();
    let mut pieces = Vec::new();
    for _ in 0..4 {
        pieces.push(opened.body.read(900).await.unwrap());
    }
    drop(host);
    let (again, host) = replay(&rules, &kept);
    assert_eq!(get(&again, &host, "http://a.example/to").await.unwrap(), whole);
    let mut reopened = fetch::open(&again, &host.fetch, Verb::Get, ask("http://a.example/y")).await.unwrap();
    assert_eq!((reopened.status, &reopened.headers), (opened.status, &opened.headers));
    for piece in pieces {
        assert_eq!(reopened.body.read(900).await.unwrap(), piece);
    }
    is_whole(&again);
    assert_eq!(server.asked().len(), 3, "the replay sent nothing");
    // The query is in no record, and still another one is another request.
    let other = get(&again, &host, "http://a.example/to?q").await;
    assert_eq!(other, Err(CallError::Stopped(StopCause::Diverged)));
}

#[tokio::test]
async fn statements_are_the_same_without_a_database() {
    bailiwick_sqlite::divide();
    let folder = tempfile::tempdir().unwrap();
    let database = Connection::open(folder.path().join("l.db")).unwrap();
    database.execute_batch("CREATE TABLE t (a, b); CREATE TABLE u (a); INSERT INTO t VALUES (1, 0.1)").unwrap();
    let rules = "allow = [{ id = \"l\", sql = \"l\", tables = { t = [\"select\", \"insert\"], u = [\"select\"] } }]\n\
        databases = { l = \"sqlite:l.db\" }\n";
    let (guard, kept) = recording(rules);
    let host = Services::default().open(guard.grant().manifest(), folder.path()).unwrap();
    let live = ask_all(&guard, &host).await;
    assert!(live[0].is_ok() && live[4].is_err(), "{live:?}");
    drop((host, database, folder));
    let (again, host) = replay(rules, &kept);
    assert_eq!(ask_all(&again, &host).await, live);
    assert_eq!(recorded(&again), recorded(&guard));
    is_whole(&again);
}

async fn ask_all(guard: &Guard, host: &Host) -> Vec<Result<String, String>> {
    let mut answers = Vec::new();
    for (text, values) in [
        ("SELECT a, b FROM t", ""),
        ("INSERT INTO t VALUES (?, ?)", "[2, {\"$bytes\": \"AAE=\"}]"),
        ("INSERT INTO t VALUES (?, ?)", "[3, 1.5]"),
        ("INSERT INTO t SELECT a, 1 FROM u", ""),
        ("SELECT * FROM nowhere", ""),
        ("PRAGMA user_version", ""),
        ("INSERT INTO u VALUES (1)", ""),
    ] {
        let (parameters, reachable) = (Parameters::parse(values).unwrap(), || vec!["l".to_owned()]);
        answers.push(match host.sql.inspect(&guard.place(), "l", text, parameters, reachable).await {
            Err(unfit) => Err(format!("{unfit:?}")),
            Ok(statement) => match query(guard, &host.sql, statement).await {
                Ok(answer) => Ok(answer.into_json()),
                Err(error) => Err(error.code().to_string()),
            },
        });
    }
    answers
}

#[tokio::test]
async fn a_host_of_a_replay_has_nothing() {
    let rules = Folder::everything("") + &allow("http://a.example", "");
    let host = Services::default().replay(guard(&rules).grant().manifest());
    let live = guard(&rules);
    let refused = |result: Result<Bytes, CallError>| result.map_err(CallError::code);
    let read = ReadFile { path: at("/m/a"), offset: 0, max: 1 };
    assert_eq!(refused(reach(&live, &host.files, read).await), Err(Code::NotFound));
    let fetched = get(&live, &host, "http://a.example/").await.map_err(CallError::code);
    assert!(fetched.is_err(), "{fetched:?}");
}
