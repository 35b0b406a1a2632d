//! Key-value stores: values, times, quotas, and whose they are.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_guard::{AuditLog, Clock, Guard, Life, Run, SystemClock, Timestamp};
use bailiwick_host::kv::*;
use bailiwick_host::{Host, Services};
use bailiwick_policy::{Authority, Code, Grant, KvKey, Manifest, Principal};

use crate::support::{code, recorded};

const TEXT: &str = r#"
schema = 1
id = "test"
agents = ["ada", "bob"]
allow = [{ id = "own", kv = "own/**", actions = ["get", "set", "delete", "list"] },
  { id = "own-list", kv = "own", actions = ["list"] },
  { id = "board", kv = "board/**", actions = ["get", "set"] },
  { id = "blind", kv = "blind/**", actions = ["set", "delete"] }]
stores = { own = "private", board = "shared", blind = "private" }
"#;

struct Frozen(std::sync::atomic::AtomicU64);

impl Clock for Frozen {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

struct World {
    folder: tempfile::TempDir,
    database: Arc<KvDatabase>,
    clock: Arc<Frozen>,
}

struct Agent {
    guard: Guard,
    host: Host,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let database = Arc::new(KvDatabase::open(&folder.path().join("state/kv.db")).unwrap());
        World { folder, database, clock: Arc::new(Frozen(1_000_000.into())) }
    }

    fn agent(&self, name: &str) -> Agent {
        let manifest = Arc::new(Manifest::parse(TEXT, "test.toml").unwrap());
        let principal = Principal { issuer: "local".into(), subject: name.into(), agent: name.into() };
        let scopes = manifest.scopes();
        let authority =
            Authority { principal, token: scopes.clone(), details: Vec::new(), registry: scopes, task: None };
        let (log, _memory) = AuditLog::in_memory().unwrap();
        let run = Run { id: "test".into(), ..Run::default() };
        let clock: Arc<dyn Clock> = self.clock.clone();
        let grant = Grant::new(manifest, None, authority);
        let guard = Guard::new(grant, run, Life::until(Timestamp(u64::MAX)), log, clock).unwrap();
        let services = Services::builder().kv(Arc::clone(&self.database)).build();
        let host = services.open(guard.grant().manifest(), std::path::Path::new("/")).unwrap();
        Agent { guard, host }
    }

    fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.clock.0.fetch_add(millis, std::sync::atomic::Ordering::SeqCst);
    }
}

fn key(text: &str) -> KvKey {
    KvKey::parse(text).unwrap()
}

impl Agent {
    async fn get(&self, name: &str) -> Option<String> {
        let value = self.guard.call(&self.host.kv, GetKey { key: key(name) }).await.unwrap();
        value.map(|value| String::from_utf8(value).unwrap())
    }

    async fn set(&self, name: &str, value: &str, ttl: Option<Duration>) -> Result<(), Code> {
        let set = SetKey { key: key(name), value: value.into(), ttl };
        self.guard.call(&self.host.kv, set).await.map_err(|error| error.code())
    }

    async fn list(&self, prefix: &str, after: Option<(&str, bool)>, limit: usize) -> Vec<String> {
        let after = after.map(|(name, more)| (key(name), more));
        self.guard.call(&self.host.kv, ListKeys { prefix: key(prefix), after, limit }).await.unwrap()
    }
}

#[tokio::test]
async fn values_are_kept_replaced_and_removed() {
    let world = World::new();
    let ada = world.agent("ada");
    assert_eq!(ada.get("own/a").await, None);
    ada.set("own/a", "1", None).await.unwrap();
    ada.set("own/a", "2", None).await.unwrap();
    assert_eq!(ada.get("own/a").await.as_deref(), Some("2"));
    let delete = || async { ada.guard.call(&ada.host.kv, DeleteKey { key: key("own/a") }).await.unwrap() };
    assert_eq!((delete().await, delete().await), (true, false));
    assert_eq!(ada.get("own/a").await, None);
    assert_eq!(recorded(&ada.guard).first().map(String::as_str), Some("kv.get own/a allow"));
}

#[tokio::test]
async fn private_stores_are_each_agents_own_and_shared_ones_are_not() {
    let world = World::new();
    let (ada, bob) = (world.agent("ada"), world.agent("bob"));
    ada.set("own/a", "ada's", None).await.unwrap();
    ada.set("board/a", "for all", None).await.unwrap();
    assert_eq!(bob.get("own/a").await, None);
    assert!(bob.list("own", None, 10).await.is_empty());
    assert_eq!(bob.get("board/a").await.as_deref(), Some("for all"));
    bob.set("own/a", "bob's", None).await.unwrap();
    assert_eq!(ada.get("own/a").await.as_deref(), Some("ada's"));
}

#[tokio::test]
async fn a_time_to_live_ends() {
    let world = World::new();
    let ada = world.agent("ada");
    ada.set("own/a", "1", Some(Duration::from_secs(10))).await.unwrap();
    ada.set("own/b", "1", None).await.unwrap();
    world.pass(Duration::from_millis(9_999));
    assert_eq!(ada.get("own/a").await.as_deref(), Some("1"));
    world.pass(Duration::from_millis(1));
    assert_eq!(ada.get("own/a").await, None);
    assert_eq!(ada.list("own", None, 10).await, ["b"]);
    assert!(!ada.guard.call(&ada.host.kv, DeleteKey { key: key("own/a") }).await.unwrap());
}

#[tokio::test]
async fn lists_go_one_level_down_page_by_page() {
    let world = World::new();
    let ada = world.agent("ada");
    for name in ["own/a", "own/a/1", "own/a/2/x", "own/a/2/y", "own/a-b", "own/b/1", "own/ab", "own/é"] {
        ada.set(name, "v", None).await.unwrap();
    }
    let all = ada.list("own", None, 100).await;
    assert_eq!(all, ["a", "a/", "a-b", "ab", "b/", "é"]);
    assert_eq!(ada.list("own/a", None, 100).await, ["a/1", "a/2/"]);
    let mut paged = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let last = after.as_ref().map(|name| match name.strip_suffix('/') {
            Some(name) => (format!("own/{name}"), true),
            None => (format!("own/{name}"), false),
        });
        let page = ada.list("own", last.as_ref().map(|(name, more)| (name.as_str(), *more)), 1).await;
        let Some(name) = page.into_iter().next() else { break };
        after = Some(name.clone());
        paged.push(name);
    }
    assert_eq!(paged, all);
    assert_eq!(
        code(ada.guard.call(&ada.host.kv, ListKeys { prefix: key("board"), after: None, limit: 1 }).await),
        Code::ManifestNoRule
    );
}

#[tokio::test]
async fn changes_that_depend_on_a_value_need_the_right_to_read_it() {
    let world = World::new();
    let ada = world.agent("ada");
    let add = |name: &'static str, by| {
        let ada = &ada;
        async move {
            let right = ada.guard.call(&ada.host.kv, ClaimKey { key: key(name) }).await?;
            ada.guard.call(&ada.host.kv, Increment { right, by }).await
        }
    };
    assert_eq!((add("own/n", 5).await.unwrap(), add("own/n", -7).await.unwrap()), (5, -2));
    assert_eq!(code(add("own/n", i64::MIN).await), Code::NotNumber);
    ada.set("own/t", "x", None).await.unwrap();
    assert_eq!(code(add("own/t", 1).await), Code::NotNumber);
    assert_eq!(code(add("blind/n", 1).await), Code::ManifestNoRule);
    let swap = |expected: Option<&'static str>, value: &'static str| {
        let ada = &ada;
        async move {
            let right = ada.guard.call(&ada.host.kv, ClaimKey { key: key("own/s") }).await.unwrap();
            let expected = expected.map(|text| text.as_bytes().to_vec());
            ada.guard.call(&ada.host.kv, SwapKey { right, expected, value: value.into() }).await.unwrap()
        }
    };
    assert_eq!((swap(Some("x"), "1").await, swap(None, "1").await, swap(None, "2").await), (false, true, false));
    assert!(swap(Some("1"), "2").await);
    assert_eq!(ada.get("own/s").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn stores_are_bounded_and_give_back_what_is_removed() {
    let world = World::new();
    let ada = world.agent("ada");
    let value = "v".repeat(MAX_VALUE);
    assert_eq!(ada.set("own/x", &"v".repeat(MAX_VALUE + 1), None).await, Err(Code::ArgumentBytes));
    let mut written = 0;
    let full = loop {
        match ada.set(&format!("own/{written}"), &value, (written == 0).then(|| Duration::from_secs(1))).await {
            Ok(()) => written += 1,
            Err(code) => break code,
        }
    };
    // The run's disk budget of 64 MiB and the store's size are the same; whichever is met first, nothing more is in there.
    assert!(matches!(full, Code::StoreSize | Code::DiskBytes), "{full:?}");
    assert_eq!(written, 63);
    let again = world.agent("ada");
    assert_eq!(again.set("own/63", &value, None).await, Err(Code::StoreSize));
    assert_eq!(again.get("own/63").await, None);
    world.pass(Duration::from_secs(2));
    again.set("own/63", &value, None).await.unwrap();
    assert_eq!(world.agent("bob").set("own/63", &value, None).await, Ok(()));
}

#[tokio::test]
async fn stores_have_so_many_entries_and_no_more() {
    let world = World::new();
    let (ada, bob) = (world.agent("ada"), world.agent("bob"));
    ada.set("own/brief", "v", Some(Duration::from_secs(1))).await.unwrap();
    ada.set("own/kept", "v", None).await.unwrap();
    // The count is kept beside the entries; to write them all would take a minute.
    let outside = rusqlite::Connection::open(world.folder.path().join("state/kv.db")).unwrap();
    outside.execute("UPDATE stores SET entries = ? WHERE owner = 'ada'", [MAX_ENTRIES]).unwrap();
    assert_eq!(ada.set("own/one-more", "v", None).await, Err(Code::StoreSize));
    assert_eq!(ada.get("own/one-more").await, None);
    assert_eq!(ada.set("own/kept", "replaced", None).await, Ok(()));
    assert_eq!(bob.set("own/one-more", "v", None).await, Ok(()));
    world.pass(Duration::from_secs(2));
    assert_eq!(ada.set("own/one-more", "v", None).await, Ok(()), "what is over makes room");
    assert_eq!(ada.set("own/another", "v", None).await, Err(Code::StoreSize));
    ada.guard.call(&ada.host.kv, DeleteKey { key: key("own/kept") }).await.unwrap();
    assert_eq!(ada.set("own/another", "v", None).await, Ok(()));
}

#[tokio::test]
async fn without_a_database_there_are_no_stores() {
    let world = World::new();
    let ada = world.agent("ada");
    let host = Services::default().open(ada.guard.grant().manifest(), std::path::Path::new("/")).unwrap();
    assert_eq!(code(ada.guard.call(&host.kv, GetKey { key: key("own/a") }).await), Code::NoStore);
    let _ = SystemClock;
}
