//! Runs end when their authority does, whoever took it away.

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
    let bound =
        |token, number| Basis { agent: Some((name("bot"), 1)), key: Some(key(number).thumbprint()), ..basis(token) };
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
