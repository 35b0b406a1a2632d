//! What the database file must be, and what is taken over.

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
    Connection::open(folder.path().join("state.db")).unwrap().pragma_update(None, "user_version", 3).unwrap();
    let error = refused(folder.path());
    assert!(matches!(error, StoreError::Newer { found: 3, known: 2, .. }), "{error}");
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
