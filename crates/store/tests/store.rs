//! The store as the ports' users see it: what is kept, what is refused, and what holds across processes and restarts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "helpers of tests, which the lints do not recognise as such"
)]

use std::fs;
use std::num::NonZeroU64;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bailiwick_identity::{
    Agent, AgentId, AgentKey, Basis, Change, JtiHash, MemoryRegistrar, MissingKeys, Reason, Registrar,
    RegistryDocument, RegistryError, ReplayError, ReplayStore, Revocable, Revocation, Status, Subject, TaskId, Watched,
    Withdrawal, Withdrawn,
};
use bailiwick_policy::ScopeSet;
use bailiwick_store::{Imported, Store, StoreError, StoreOptions};
use proptest::prelude::*;
use rusqlite::Connection;

const NOW: u64 = 1_800_000_000;
/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

fn open(folder: &Path) -> Store {
    Store::open(folder, StoreOptions::default()).unwrap().0
}

fn id(n: usize) -> JtiHash {
    JtiHash::of("https://id.example", &n.to_string())
}

fn name(text: &str) -> AgentId {
    AgentId::parse(text).unwrap()
}

fn key(number: u8) -> AgentKey {
    let x = data_encoding::BASE64URL_NOPAD.encode(&[number + 1; 32]);
    AgentKey::parse(format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"k{number}","x":"{x}"}}"#).as_bytes(), NOW).unwrap()
}

fn agent(text: &str) -> Agent {
    let capabilities = ScopeSet::parse_strict("file:read:in/** fetch:get:api.example.com/**").unwrap();
    Agent::new(name(text), "https://id.example", Subject::parse(text).unwrap(), "alice", capabilities, NOW).unwrap()
}

mod file {
    use super::*;

    fn refused(folder: &Path) -> StoreError {
        Store::open(folder, StoreOptions::default()).map(|_| ()).unwrap_err()
    }

    #[test]
    fn it_is_private_and_stays_where_it_was_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let store = open(folder.path());
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("state.db"), mode("state.db-wal")), (0o600, 0o600));
        store.register(agent("bot")).unwrap();
        fs::rename(&path, folder.path().join("elsewhere")).unwrap();
        assert!(matches!(store.agents(), Err(RegistryError::Unavailable(_))));
        assert!(matches!(store.register(agent("b")), Err(RegistryError::Unavailable(_))));
        assert_eq!(store.use_once(id(1), NOW + 1, NOW), Err(ReplayError::Unavailable));
    }

    #[test]
    fn what_others_may_touch_or_made_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        drop(open(folder.path()));
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(refused(folder.path()), StoreError::Permissions { .. }));
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(&path, folder.path().join("real")).unwrap();
        symlink(folder.path().join("real"), &path).unwrap();
        assert!(matches!(refused(folder.path()), StoreError::NotOurs { .. }));
        fs::remove_file(&path).unwrap();
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(refused(folder.path()), StoreError::NotOurs { .. }));
        fs::write(&path, "something else entirely, and long enough to be looked at").unwrap();
        assert!(matches!(refused(folder.path()), StoreError::NotOurs { .. }));
    }

    #[test]
    fn a_newer_schema_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path()));
        Connection::open(folder.path().join("state.db")).unwrap().pragma_update(None, "user_version", 2).unwrap();
        let error = refused(folder.path());
        assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }), "{error}");
        assert!(error.to_string().contains("use a newer version"));
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let store = open(folder.path());
        for n in 0..200 {
            store.register(agent(&format!("agent-{n}"))).unwrap();
        }
        drop(store);
        let good = fs::read(&path).unwrap();
        let mut noticed = 0;
        for page in 1..good.len() / 4096 {
            let mut bad = good.clone();
            bad[page * 4096..page * 4096 + 512].fill(0xa5);
            fs::write(&path, &bad).unwrap();
            noticed += usize::from(matches!(refused_or_read(folder.path()), Err(StoreError::Damaged { .. })));
        }
        assert!(noticed > 3, "{noticed}");
        fs::write(&path, &good[..good.len() - 4096]).unwrap();
        assert!(matches!(refused(folder.path()), StoreError::Damaged { .. }));
        fs::write(&path, &good).unwrap();
        assert_eq!(open(folder.path()).agents().unwrap().len(), 200);
    }

    fn refused_or_read(folder: &Path) -> Result<usize, StoreError> {
        let store = Store::open(folder, StoreOptions::default())?.0;
        Ok(store.agents().map_or(0, |agents| agents.len()))
    }

    const OLD: &str = r#"{"schema": 1, "agents": [{"id": "a", "issuer": "urn:bailiwick:local", "subject": "a",
        "owner": "alice", "capabilities": "file:read:in/**", "status": "suspended", "registered_at": 1700000000}]}"#;

    fn lay_out(folder: &Path, content: &str) {
        fs::write(folder.join("agents.json"), content).unwrap();
        fs::set_permissions(folder.join("agents.json"), fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn the_registry_of_earlier_versions_is_taken_in_once() {
        let folder = tempfile::tempdir().unwrap();
        lay_out(folder.path(), OLD);
        let (store, imported) = Store::open(folder.path(), StoreOptions::default()).unwrap();
        let backup = folder.path().canonicalize().unwrap().join("agents.json.imported");
        assert_eq!(imported, Some(Imported { agents: 1, backup: backup.clone() }));
        assert_eq!(fs::read_to_string(backup).unwrap(), OLD);
        let taken = store.agent(&name("a")).unwrap().unwrap();
        assert_eq!((taken.status, taken.registered_at), (Status::Suspended, 1_700_000_000));
        drop(store);
        lay_out(folder.path(), "not looked at any more");
        let (store, imported) = Store::open(folder.path(), StoreOptions::default()).unwrap();
        assert_eq!((imported, store.agents().unwrap().len()), (None, 1));
    }

    #[test]
    fn an_old_registry_that_is_none_makes_no_database() {
        let folder = tempfile::tempdir().unwrap();
        for bad in ["{}", &OLD.replace("file:read", "file:*"), &OLD.replace("]}", ",]}")] {
            lay_out(folder.path(), bad);
            assert!(matches!(refused(folder.path()), StoreError::OldRegistry { .. }), "{bad}");
        }
        lay_out(folder.path(), OLD);
        assert_eq!(open(folder.path()).agents().unwrap().len(), 1, "nothing was left half made");
    }

    #[test]
    fn first_uses_take_turns() {
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            lay_out(folder.path(), OLD);
            let barrier = Barrier::new(8);
            std::thread::scope(|scope| {
                for n in 0..8 {
                    let (folder, barrier) = (folder.path(), &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        open(folder).register(agent(&format!("agent-{n}"))).unwrap();
                    });
                }
            });
            assert_eq!(open(folder.path()).agents().unwrap().len(), 9);
        }
    }
}

mod replay {
    use super::*;

    fn small(folder: &Path, capacity: u64) -> Store {
        let options = StoreOptions { capacity: NonZeroU64::new(capacity).unwrap(), ..StoreOptions::default() };
        Store::open(folder, options).unwrap().0
    }

    #[test]
    fn of_a_hundred_at_once_one_succeeds_also_across_stores_and_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let stores = [open(folder.path()), open(folder.path()), open(folder.path())];
        for round in 0..5 {
            let barrier = Barrier::new(100);
            let granted: usize = std::thread::scope(|scope| {
                let attempt = |n: usize| {
                    let (store, barrier) = (&stores[n % 3], &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        usize::from(store.use_once(id(round), NOW + 60, NOW).is_ok())
                    })
                };
                let attempts: Vec<_> = (0..100).map(attempt).collect();
                attempts.into_iter().map(|attempt| attempt.join().unwrap()).sum()
            });
            assert_eq!(granted, 1);
        }
        drop(stores);
        let store = open(folder.path());
        for round in 0..5 {
            assert_eq!(store.use_once(id(round), NOW + 60, NOW + 59), Err(ReplayError::Used));
        }
    }

    #[test]
    fn a_flood_forgets_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = small(folder.path(), 100);
        store.use_once(id(0), NOW + 60, NOW).unwrap();
        let flood = |from: usize| {
            std::thread::scope(|scope| {
                let attempt = |n| (n..n + 50).filter(|n| store.use_once(id(*n), NOW + 60, NOW).is_ok()).count();
                let parts: Vec<_> = (0..20).map(|part| scope.spawn(move || attempt(from + part * 50))).collect();
                parts.into_iter().map(|part| part.join().unwrap()).sum::<usize>()
            })
        };
        assert_eq!((flood(1), flood(10_000)), (99, 0));
        assert_eq!(store.use_once(id(0), NOW + 60, NOW), Err(ReplayError::Used));
        drop(store);
        let store = small(folder.path(), 100);
        assert_eq!(store.use_once(id(0), NOW + 60, NOW), Err(ReplayError::Used));
        assert_eq!(store.use_once(id(20_000), NOW + 60, NOW + 59), Err(ReplayError::Full));
        store.use_once(id(20_000), NOW + 120, NOW + 60).unwrap();
        let rows: i64 = Connection::open(folder.path().join("state.db"))
            .unwrap()
            .query_row("SELECT count(*) FROM uses", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 1, "what expired is gone");
    }

    #[test]
    fn what_is_over_stays_over() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        assert_eq!(store.use_once(id(1), NOW, NOW), Err(ReplayError::Over));
        store.use_once(id(1), NOW + 10, NOW).unwrap();
        store.use_once(id(2), NOW + 100, NOW + 10).unwrap();
        drop(store);
        let store = open(folder.path());
        assert_eq!(store.use_once(id(1), NOW + 10, NOW), Err(ReplayError::Over), "the clock was set back");
        assert_eq!(store.use_once(id(2), NOW + 100, NOW), Err(ReplayError::Used));
    }

    #[test]
    fn what_cannot_be_recorded_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { busy: Duration::from_millis(50), ..StoreOptions::default() };
        let store = Store::open(folder.path(), options).unwrap().0;
        let other = Connection::open(folder.path().join("state.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(store.use_once(id(1), NOW + 60, NOW), Err(ReplayError::Unavailable));
        other.execute_batch("ROLLBACK").unwrap();
        store.use_once(id(1), NOW + 60, NOW).unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whatever is asked in whatever order, restarts included: the durable store answers as the one in memory does.
        #[test]
        fn it_answers_as_the_one_in_memory(
            asked in prop::collection::vec((0..6_usize, 0..30_u64, 0..30_u64, prop::bool::weighted(0.1)), 1..40)
        ) {
            let folder = tempfile::tempdir().unwrap();
            let memory = bailiwick_identity::MemoryReplayStore::new(std::num::NonZeroUsize::new(4).unwrap());
            let mut store = small(folder.path(), 4);
            let mut latest = 0;
            for (n, until, now, restart) in asked {
                // A refusal as full tells the one in memory the time, and the durable one nothing: clocks go forward here.
                latest = now.max(latest);
                if restart {
                    drop(store);
                    store = small(folder.path(), 4);
                }
                prop_assert_eq!(store.use_once(id(n), until, latest), memory.use_once(id(n), until, latest));
            }
        }
    }
}

mod registry {
    use super::*;

    #[test]
    fn everything_about_an_agent_survives() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let full = Agent { keys: vec![key(1).until(NOW + 9).unwrap(), key(2)], ..agent("full") };
        store.register(full.clone()).unwrap();
        store.register(agent("bare")).unwrap();
        store.change(&name("full"), Change::Suspend(Some(Reason::parse("odd").unwrap())), NOW + 1).unwrap();
        store.count_injection(&name("full")).unwrap();
        drop(store);
        let store = open(folder.path());
        let suspended = Agent {
            status: Status::Suspended,
            reason: Some(Reason::parse("odd").unwrap()),
            epoch: 2,
            injections: 1,
            updated_at: NOW + 1,
            ..full
        };
        assert_eq!(store.agents().unwrap(), [agent("bare"), suspended.clone()]);
        assert_eq!(store.agent(&name("full")).unwrap(), Some(suspended));
        assert_eq!(store.find("https://id.example", &Subject::parse("bare").unwrap()).unwrap(), Some(agent("bare")));
        assert_eq!(store.find("https://other.example", &Subject::parse("bare").unwrap()).unwrap(), None);
    }

    #[test]
    fn a_row_that_was_edited_into_nonsense_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        store.register(Agent { keys: vec![key(1)], ..agent("bot") }).unwrap();
        let other = Connection::open(folder.path().join("state.db")).unwrap();
        for (edit, back) in [
            ("UPDATE agents SET status = 'trusted'", "UPDATE agents SET status = 'active'"),
            ("UPDATE agents SET capabilities = 'all'", "UPDATE agents SET capabilities = ''"),
            ("UPDATE agent_keys SET thumbprint = 'x'", "UPDATE agent_keys SET jwk = '{}'"),
        ] {
            other.execute_batch(edit).unwrap();
            assert!(matches!(store.agent(&name("bot")), Err(RegistryError::Unavailable(_))), "{edit}");
            other.execute_batch(back).unwrap();
        }
    }

    /// One thing that an administrator does.
    #[derive(Clone, Debug)]
    enum Act {
        Register(usize, u8),
        Change(usize, u8, u8),
        Import(Vec<(usize, u8)>, u8, bool),
        RevokeKey(u8),
        RevokeToken(usize),
        EndTask(usize),
        Injection(usize),
        Restart,
    }

    fn act() -> impl Strategy<Value = Act> {
        let (who, key) = (0..4_usize, 0..5_u8);
        prop_oneof![
            (who.clone(), key.clone()).prop_map(|(who, key)| Act::Register(who, key)),
            (who.clone(), 0..4_u8, key.clone()).prop_map(|(who, what, key)| Act::Change(who, what, key)),
            (prop::collection::vec((who.clone(), key.clone()), 0..3), key.clone(), prop::bool::ANY)
                .prop_map(|(agents, key, drop)| Act::Import(agents, key, drop)),
            key.prop_map(Act::RevokeKey),
            who.clone().prop_map(Act::RevokeToken),
            who.clone().prop_map(Act::EndTask),
            who.prop_map(Act::Injection),
            Just(Act::Restart),
        ]
    }

    fn made(who: usize, number: u8) -> Agent {
        let agent = agent(&format!("agent-{who}"));
        if number == 0 { agent } else { Agent { keys: vec![key(number)], ..agent } }
    }

    fn perform(registrar: &dyn Registrar, act: &Act, now: u64) -> String {
        let who = |who: &usize| name(&format!("agent-{who}"));
        match act {
            Act::Register(who, key) => format!("{:?}", registrar.register(made(*who, *key))),
            Act::Change(agent, what, number) => {
                let change = match what {
                    0 => Change::Suspend(None),
                    1 => Change::Resume,
                    2 => Change::Revoke(Reason::parse("enough").ok()),
                    _ => Change::AddKey { key: key(*number), overlap: 60 },
                };
                format!("{:?}", registrar.change(&who(agent), change, now))
            }
            Act::Import(agents, number, drop) => {
                let agents = agents.iter().map(|(who, key)| made(*who, *key)).collect();
                let document = RegistryDocument { agents, revocations: revoked(*number, now) };
                let missing = if *drop { MissingKeys::Drop } else { MissingKeys::Refuse };
                format!("{:?}", registrar.import(document, missing, now))
            }
            Act::RevokeKey(number) => {
                format!("{:?}", registrar.revoke(Revocable::Key(key(*number).thumbprint()), None, now))
            }
            Act::RevokeToken(n) => format!("{:?}", registrar.revoke(Revocable::Token(id(*n)), None, now)),
            Act::EndTask(n) => format!("{:?}", registrar.revoke(Revocable::Task(task(*n)), None, now)),
            Act::Injection(agent) => format!("{:?}", registrar.count_injection(&who(agent))),
            Act::Restart => String::new(),
        }
    }

    /// A key and a task, or nothing.
    fn revoked(number: u8, now: u64) -> Vec<Revocation> {
        let what = [Revocable::Key(key(number).thumbprint()), Revocable::Task(task(usize::from(number)))];
        let revocation = |what| Revocation { what, reason: Reason::parse("import").ok(), at: now - 1 };
        if number == 0 { Vec::new() } else { what.map(revocation).into() }
    }

    fn task(n: usize) -> TaskId {
        TaskId::parse(&format!("task {n}")).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whatever is done in whatever order, restarts included: the durable registrar is as the one in memory.
        #[test]
        fn it_is_as_the_one_in_memory(acts in prop::collection::vec(act(), 1..30)) {
            let folder = tempfile::tempdir().unwrap();
            let memory = MemoryRegistrar::default();
            let mut store = open(folder.path());
            for (now, act) in (NOW..).zip(&acts) {
                if matches!(act, Act::Restart) {
                    drop(store);
                    store = open(folder.path());
                }
                prop_assert_eq!(perform(&store, act, now), perform(&memory, act, now));
                prop_assert_eq!(store.agents().unwrap(), memory.agents().unwrap());
                prop_assert_eq!(store.revocations().unwrap(), memory.revocations().unwrap());
                for n in 0..4 {
                    let basis = Basis {
                        token: id(n),
                        agent: Some((name(&format!("agent-{n}")), 1)),
                        key: Some(key(n as u8 + 1).thumbprint()),
                        task: Some(task(n)),
                    };
                    for second in [now, now + 60] {
                        let gone = store.withdrawn(&basis, second).unwrap();
                        prop_assert_eq!(gone, memory.withdrawn(&basis, second).unwrap());
                    }
                }
            }
        }
    }
}

mod watching {
    use super::*;

    fn basis(token: usize) -> Basis {
        Basis { token: id(token), agent: None, key: None, task: None }
    }

    fn watch(store: &Store, basis: Basis) -> (Watched, Receiver<Withdrawal>) {
        let (tell, told) = channel();
        (store.watch(basis, Box::new(move |lost| _ = tell.send(lost))).unwrap(), told)
    }

    fn lost(what: Withdrawn) -> Result<Withdrawal, std::sync::mpsc::RecvTimeoutError> {
        Ok(Withdrawal { what, reason: None })
    }

    #[test]
    fn what_another_store_revokes_ends_runs() {
        let folder = tempfile::tempdir().unwrap();
        let (here, elsewhere) = (open(folder.path()), open(folder.path()));
        here.register(agent("bot")).unwrap();
        let task = TaskId::parse("t").unwrap();
        let by_agent = Basis { agent: Some((name("bot"), 1)), ..basis(2) };
        let (_token, token) = watch(&here, basis(1));
        let (_agent, agent) = watch(&here, by_agent.clone());
        let (_key, of_key) = watch(&here, Basis { key: Some(key(1).thumbprint()), ..basis(3) });
        let (_task, of_task) = watch(&here, Basis { task: Some(task.clone()), ..basis(4) });
        let (_nothing, nothing) = watch(&here, basis(5));
        elsewhere.revoke(Revocable::Token(id(1)), None, NOW).unwrap();
        assert_eq!(token.recv_timeout(PATIENCE), lost(Withdrawn::Token));
        elsewhere.revoke(Revocable::Key(key(1).thumbprint()), None, NOW).unwrap();
        assert_eq!(of_key.recv_timeout(PATIENCE), lost(Withdrawn::Key));
        elsewhere.revoke(Revocable::Task(task), None, NOW).unwrap();
        assert_eq!(of_task.recv_timeout(PATIENCE), lost(Withdrawn::Task));
        elsewhere.change(&name("bot"), Change::Suspend(None), NOW).unwrap();
        assert_eq!(agent.recv_timeout(PATIENCE), lost(Withdrawn::Agent(Status::Suspended)));
        elsewhere.change(&name("bot"), Change::Resume, NOW).unwrap();
        let (_late, late) = watch(&here, by_agent);
        assert_eq!(late.recv_timeout(PATIENCE), lost(Withdrawn::Agent(Status::Active)), "before it was watched");
        assert!(nothing.try_recv().is_err());
        here.revoke(Revocable::Token(id(5)), Some(Reason::parse("why").unwrap()), NOW).unwrap();
        assert_eq!(nothing.recv_timeout(PATIENCE).unwrap().to_string(), "the token was revoked: why");
    }

    #[test]
    fn what_nobody_watches_is_not_ended() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let (watched, told) = watch(&store, basis(1));
        drop(watched);
        let (_other, later) = watch(&store, basis(2));
        for n in [1, 2] {
            store.revoke(Revocable::Token(id(n)), None, NOW).unwrap();
        }
        assert!(later.recv_timeout(PATIENCE).is_ok());
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn what_an_import_revokes_ends_runs_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let (_watched, told) = watch(&store, basis(1));
        let lost = Revocation { what: Revocable::Token(id(1)), reason: Reason::parse("it leaked").ok(), at: NOW - 5 };
        let older = Revocation { what: Revocable::Token(id(2)), reason: None, at: NOW - 9 };
        let document = RegistryDocument { agents: vec![agent("bot")], revocations: vec![lost, older] };
        store.import(document.clone(), MissingKeys::Refuse, NOW).unwrap();
        let withdrawal = told.recv_timeout(PATIENCE).unwrap();
        assert_eq!(withdrawal.to_string(), "the token was revoked: it leaked");
        drop(store);
        let store = open(folder.path());
        assert_eq!(store.revocations().unwrap(), document.revocations);
        store.import(document.clone(), MissingKeys::Refuse, NOW + 1).unwrap();
        assert_eq!(store.revocations().unwrap(), document.revocations, "once is enough");
        let other = Agent { id: name("other"), ..agent("bot") };
        let wrong = RegistryDocument {
            agents: vec![other],
            revocations: vec![Revocation { what: Revocable::Token(id(3)), reason: None, at: NOW }],
        };
        assert!(store.import(wrong, MissingKeys::Refuse, NOW + 2).is_err());
        assert_eq!(store.revocations().unwrap().len(), 2, "what is refused revokes nothing");
    }

    #[test]
    fn other_writes_end_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        store.register(agent("bot")).unwrap();
        let (_watched, told) = watch(&store, Basis { agent: Some((name("bot"), 1)), ..basis(1) });
        store.use_once(id(9), NOW + 1, NOW).unwrap();
        store.count_injection(&name("bot")).unwrap();
        store.change(&name("bot"), Change::AddKey { key: key(1), overlap: 0 }, NOW).unwrap();
        let agents = vec![Agent { owner: "bob".to_owned(), keys: vec![key(1)], ..agent("bot") }];
        let document = RegistryDocument { agents, revocations: Vec::new() };
        store.import(document, MissingKeys::Refuse, NOW).unwrap();
        store.revoke(Revocable::Token(id(2)), None, NOW).unwrap();
        let (_other, seen) = watch(&store, basis(3));
        store.revoke(Revocable::Token(id(3)), None, NOW).unwrap();
        assert!(seen.recv_timeout(PATIENCE).is_ok(), "all that was before was looked at");
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn runs_end_when_the_database_is_gone() {
        for delete in
            [&["state.db"][..], &["state.db-wal"], &["state.db-shm"], &["state.db", "state.db-wal", "state.db-shm"]]
        {
            let folder = tempfile::tempdir().unwrap();
            let store = open(folder.path());
            let (_watched, told) = watch(&store, basis(1));
            for name in delete {
                fs::remove_file(folder.path().join(name)).unwrap();
            }
            assert_eq!(told.recv_timeout(PATIENCE), lost(Withdrawn::Unknown), "{delete:?}");
            let refused = store.watch(basis(2), Box::new(|_| ()));
            assert!(matches!(refused, Err(RegistryError::Unavailable(_))));
            let revoked = store.revoke(Revocable::Token(id(1)), None, NOW);
            assert!(matches!(revoked, Err(RegistryError::Unavailable(_))), "nobody is told that it is done");
        }
    }

    /// SQLite would go on with what it remembers.
    #[test]
    fn runs_end_when_the_database_is_overwritten_in_place() {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path()));
        let path = folder.path().join("state.db");
        let older = fs::read(&path).unwrap();
        open(folder.path()).revoke(Revocable::Token(id(9)), None, NOW).unwrap();
        for content in [vec![0; 4096], older] {
            let (folder, name) = (tempfile::tempdir().unwrap(), "state.db");
            fs::copy(&path, folder.path().join(name)).unwrap();
            let store = open(folder.path());
            assert!(store.withdrawn(&basis(9), NOW).unwrap().is_some());
            let (_watched, told) = watch(&store, basis(1));
            let mut file = fs::OpenOptions::new().write(true).open(folder.path().join(name)).unwrap();
            std::io::Write::write_all(&mut file, &content).unwrap();
            assert_eq!(told.recv_timeout(PATIENCE), lost(Withdrawn::Unknown));
            let revoked = store.withdrawn(&basis(9), NOW);
            assert!(!matches!(revoked, Ok(Some(_))), "what it remembers is not what there is: {revoked:?}");
            // SQLite holds its locks by this file: it is closed after the store.
            drop(store);
            drop(file);
        }
    }

    /// When its owner may not write in it, nobody can revoke; when others may, nobody knows what is revoked.
    #[test]
    fn runs_end_when_permissions_change_and_what_takes_away_is_done_all_the_same() {
        for (name, mode) in [("state.db", 0o666), ("state.db", 0o400), ("state.db", 0o604), ("state.db-wal", 0o620)] {
            let folder = tempfile::tempdir().unwrap();
            let store = open(folder.path());
            let (_watched, told) = watch(&store, basis(1));
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(told.recv_timeout(PATIENCE), lost(Withdrawn::Unknown), "{name} {mode:o}");
            let refused = Store::open(folder.path(), StoreOptions::default()).map(drop).unwrap_err();
            assert!(matches!(refused, StoreError::Permissions { .. } | StoreError::Locked { .. }), "{refused}");
            let options = StoreOptions { despite_permissions: true, ..StoreOptions::default() };
            let despite = Store::open(folder.path(), options).unwrap().0;
            despite.revoke(Revocable::Token(id(1)), None, NOW).unwrap();
            drop((store, despite));
            fs::set_permissions(folder.path().join("state.db"), fs::Permissions::from_mode(0o600)).unwrap();
            let _ = fs::set_permissions(folder.path().join("state.db-wal"), fs::Permissions::from_mode(0o600));
            assert!(open(folder.path()).withdrawn(&basis(1), NOW).unwrap().is_some());
        }
    }

    /// The time at which keys are judged here.
    static CLOCK: AtomicU64 = AtomicU64::new(NOW);

    #[test]
    fn runs_end_when_their_key_serves_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { clock: || CLOCK.load(Ordering::SeqCst), ..StoreOptions::default() };
        let here = Store::open(folder.path(), options).unwrap().0;
        let elsewhere = open(folder.path());
        here.register(Agent { keys: vec![key(1)], ..agent("bot") }).unwrap();
        let bound = |token, number| Basis {
            agent: Some((name("bot"), 1)),
            key: Some(key(number).thumbprint()),
            ..basis(token)
        };
        let (_first, first) = watch(&here, bound(1, 1));
        elsewhere.change(&name("bot"), Change::AddKey { key: key(2), overlap: 60 }, NOW).unwrap();
        // Authorised before the rotation, watched after it.
        let (_late, late) = watch(&here, bound(2, 1));
        let (_second, second) = watch(&here, bound(3, 2));
        assert!(here.withdrawn(&bound(1, 1), NOW + 59).unwrap().is_none());
        // All that was before is looked at when this has ended.
        let (_other, seen) = watch(&here, basis(9));
        elsewhere.revoke(Revocable::Token(id(9)), None, NOW).unwrap();
        assert!(seen.recv_timeout(PATIENCE).is_ok());
        assert!(first.try_recv().is_err() && late.try_recv().is_err(), "it serves for the overlap");
        CLOCK.store(NOW + 60, Ordering::SeqCst);
        assert_eq!(first.recv_timeout(PATIENCE), lost(Withdrawn::KeyOver));
        assert_eq!(late.recv_timeout(PATIENCE), lost(Withdrawn::KeyOver));
        elsewhere.change(&name("bot"), Change::AddKey { key: key(3), overlap: 0 }, NOW + 60).unwrap();
        assert_eq!(second.recv_timeout(PATIENCE), lost(Withdrawn::KeyOver), "replaced at once");
        let (_unknown, unknown) = watch(&here, bound(4, 7));
        assert_eq!(unknown.recv_timeout(PATIENCE), lost(Withdrawn::KeyOver), "not one of its keys");
    }

    #[test]
    fn another_writer_blinds_nobody_and_a_store_that_closes_ends_its_runs() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let (_watched, told) = watch(&store, basis(1));
        let other = Connection::open(folder.path().join("state.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE; UPDATE meta SET value = 0 WHERE name = 'uses'").unwrap();
        assert!(store.withdrawn(&basis(1), NOW).unwrap().is_none());
        other.execute_batch("COMMIT").unwrap();
        drop(store);
        assert_eq!(told.recv_timeout(PATIENCE), lost(Withdrawn::Unknown), "nobody watches any more");
    }

    #[test]
    fn runs_end_when_the_revocations_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let (_watched, told) = watch(&store, basis(1));
        let other = Connection::open(folder.path().join("state.db")).unwrap();
        // At once: between the two the watcher would find that nothing of the run is revoked.
        let loss = "BEGIN; UPDATE meta SET value = value + 1 WHERE name = 'epoch'; DROP TABLE revocations; COMMIT";
        other.execute_batch(loss).unwrap();
        assert_eq!(told.recv_timeout(PATIENCE), lost(Withdrawn::Unknown));
    }
}
