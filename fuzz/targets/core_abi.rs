//! The core ABI, through a real executor: whatever a guest passes to `call` and `take`, the run ends with a report, and
//! nothing is done that the grant does not cover.
//!
//! The input is lines. `files.read {"path":"/in/a.csv"}` calls that operation with that argument, in any bytes;
//! `!call 0 5 5 2` and `!take 0 4096` call with these pointers and lengths. The guest, `core_abi.wat`, is compiled once.
#![no_main]

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use bailiwick::compile::danger::compile_trusted_guests_in_this_process;
use bailiwick::{CompileOptions, Executor, Guest, Job, Report, Stop};
use bailiwick_guard::audit::{MemoryLog, verify};
use bailiwick_guard::{AuditLog, CallRecord, Outcome};
use bailiwick_host::Services;
use bailiwick_host::crypto::{KeyAlgorithm, KeyStore, Rings};
use bailiwick_host::fetch::{Dialer, Pending, Resolver, Stream};
use bailiwick_policy::{Authority, Decision, Grant, Manifest, Principal, Request};
use data_encoding::HEXLOWER;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The guest decodes its input into one page.
const MAX_STEPS: usize = 48 << 10;
/// The log and the files are made anew after so many runs.
const RUNS_OF_A_WORLD: u32 = 2_000;

const MANIFEST: &str = r#"
schema = 1
id = "fuzz"
agents = ["fuzz-bot"]
[limits]
fuel = 10_000_000
memory = "1MiB"
timeout = "10s"
output = "16KiB"
host_calls = 50
disk = "64KiB"
[[allow]]
id = "in"
file = "in/**"
actions = ["read", "list"]
[[allow]]
id = "in-itself"
file = "in"
actions = ["read", "list"]
[[allow]]
id = "out"
file = "out/*"
actions = ["read", "write", "list", "delete"]
[[allow]]
id = "keyless"
crypto = "-"
actions = ["hash", "random"]
[[allow]]
id = "fetch"
fetch = "https://*.example.com/**"
methods = ["GET", "POST"]
headers = ["accept"]
[[deny]]
id = "not-this"
file = "in/denied"
actions = ["read"]
[mounts]
in = "./in"
out = "./out"
"#;

/// Where runs happen.
struct World {
    runtime: Runtime,
    executor: Executor,
    log: AuditLog,
    lines: MemoryLog,
    folder: TempDir,
    runs: u32,
}

static WORLD: Mutex<Option<World>> = Mutex::new(None);

static GUEST: LazyLock<Guest> =
    LazyLock::new(|| Guest::from_bytes(include_bytes!("core_abi.wat").as_slice()).expect("it is WAT"));

static GRANTED: LazyLock<Arc<Manifest>> = LazyLock::new(|| {
    let mut text = MANIFEST.to_owned();
    // One key of each algorithm, in the ring of its name.
    for algorithm in KeyAlgorithm::ALL {
        text += &format!("[[allow]]\nid = \"{algorithm}\"\ncrypto = \"{algorithm}/key\"\n");
        text += "actions = [\"hmac\", \"sign\", \"verify\", \"encrypt\", \"decrypt\", \"derive\"]\n";
    }
    Arc::new(Manifest::parse(&text, "fuzz.toml").expect("the manifest has no errors"))
});

fuzz_target!(|data: &[u8]| {
    let steps = encode(data);
    if steps.len() > MAX_STEPS {
        return;
    }
    let mut world = WORLD.lock().expect("no run panics");
    if world.as_ref().is_some_and(|world| world.runs >= RUNS_OF_A_WORLD)
        && let Some(old) = world.take()
    {
        old.end();
    }
    let report = world.get_or_insert_with(World::new).run(&steps);
    check(&report, &grant());
});

fn check(report: &Report, grant: &Grant) {
    assert!(!matches!(report.stop, Stop::Refused(_) | Stop::Failed(_) | Stop::OutOfTime), "{:?}", report.stop);
    assert!(report.usage.host_calls <= 50 && report.stdout.len() + report.stderr.len() <= 16 << 10);
    report.calls.iter().for_each(|call| check_call(call, grant));
    serde_json::to_string(report).expect("a report can be written");
}

fn check_call(call: &CallRecord, grant: &Grant) {
    assert!(!call.resource.chars().any(char::is_control), "{:?}", call.resource);
    if call.decision != Decision::Allow {
        assert!(call.outcome.is_none() && call.code.as_str().starts_with("deny."), "{call:?}");
        return;
    }
    // What the record says was done is a request, and one that the grant covers.
    let text = format!("{} {} {}", call.action.kind, call.action.action, call.resource);
    let request = Request::parse(&text).expect("an allowed call names its resource");
    assert_eq!(grant.decide(&request).decision(), Decision::Allow, "{request}");
    assert!(call.outcome.is_some(), "{call:?} has no end");
}

fn grant() -> Grant {
    let scopes = GRANTED.scopes();
    let principal = Principal { issuer: "i".into(), subject: "s".into(), agent: "fuzz-bot".into() };
    Grant::new(Arc::clone(&GRANTED), None, Authority { principal, token: scopes.clone(), details: Vec::new(), registry: scopes, task: None })
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().expect("a folder");
        fill(folder.path()).expect("the folder can be written");
        let rings: Rings = KeyAlgorithm::ALL.into_iter().map(|algorithm| (algorithm.to_string(), algorithm)).collect();
        let keys = KeyStore::open(&folder.path().join("keys"), rings).expect("a key store");
        let services = Services::builder().keys(Arc::new(keys)).resolver(Nowhere).dialer(Nowhere).build();
        let (log, lines) = AuditLog::in_memory().expect("a log");
        let compile = CompileOptions { place: compile_trusted_guests_in_this_process(), ..CompileOptions::default() };
        let executor = Executor::builder(log.clone()).services(services).compile(compile).build().expect("an engine");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut world = World { runtime, executor, log, lines, folder, runs: 0 };
        // Without this a broken guest would look like a host without faults.
        let report = world.run(&encode(b"files.read {\"path\":\"/in/a.csv\"}\nprint {\"text\":\"ready\"}"));
        assert_eq!((&report.stop, report.stdout.as_slice(), report.calls.len()), (&Stop::Finished, &b"ready"[..], 1));
        assert_eq!(report.calls[0].outcome, Some(Outcome::Done));
        world
    }

    fn run(&mut self, steps: &[u8]) -> Report {
        self.runs += 1;
        let job = Job::new(GUEST.clone(), grant(), self.folder.path()).input(Value::from(HEXLOWER.encode(steps)));
        let report = self.runtime.block_on(self.executor.run(job)).expect("every run has a report");
        assert_eq!(self.executor.panics(), 0);
        report
    }

    /// Every run is in the log, and the log is whole.
    fn end(self) {
        self.runtime.block_on(self.log.flush()).expect("memory can be written");
        let text = self.lines.text();
        let summary = verify(text.as_bytes()).expect("memory can be read");
        assert!(summary.fault.is_none() && summary.torn_bytes == 0 && summary.dangling.is_empty(), "{summary:?}");
        assert_eq!(text.matches("\"type\":\"run_ended\"").count(), usize::try_from(self.runs).expect("it fits"));
    }
}

fn fill(folder: &Path) -> io::Result<()> {
    for name in ["in/sub", "out"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    std::fs::write(folder.join("outside"), "not to be read")?;
    std::fs::write(folder.join("in/a.csv"), "name,amount\na,1\n")?;
    std::fs::write(folder.join("in/denied"), "x")?;
    std::fs::write(folder.join("in/sub/bytes"), [0xff, 0, 0x80])?;
    std::os::unix::fs::symlink("../outside", folder.join("in/link"))?;
    std::os::unix::fs::symlink("sub/bytes", folder.join("in/inner"))
}

/// Knows addresses, public and private, and reaches none.
struct Nowhere;

impl Resolver for Nowhere {
    fn resolve<'a>(&'a self, host: &'a str) -> Pending<'a, io::Result<Vec<IpAddr>>> {
        let address = if host.starts_with('p') { Ipv4Addr::new(10, 0, 0, 1) } else { Ipv4Addr::new(93, 184, 215, 14) };
        Box::pin(async move { Ok(vec![address.into()]) })
    }
}

impl Dialer for Nowhere {
    fn dial(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        assert_eq!(address.ip(), Ipv4Addr::new(93, 184, 215, 14), "a private address was dialled");
        Box::pin(async { Err(io::Error::from(io::ErrorKind::ConnectionRefused)) })
    }
}

/// The lines as steps of the guest.
fn encode(data: &[u8]) -> Vec<u8> {
    let mut steps = Vec::new();
    for line in data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match step_with_pointers(line) {
            Some((kind, words)) => {
                steps.push(kind);
                words.iter().for_each(|word| steps.extend_from_slice(&word.to_le_bytes()));
            }
            None => {
                let at = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
                let (name, argument) = line.split_at(at);
                let argument = argument.strip_prefix(b" ").unwrap_or_default();
                steps.push(1);
                for part in [name, argument] {
                    steps.extend_from_slice(&u32::try_from(part.len()).expect("inputs are small").to_le_bytes());
                }
                steps.extend_from_slice(name);
                steps.extend_from_slice(argument);
            }
        }
    }
    steps.push(0);
    steps
}

fn step_with_pointers(line: &[u8]) -> Option<(u8, Vec<u32>)> {
    let mut parts = std::str::from_utf8(line).ok()?.split(' ');
    let (kind, count) = match parts.next()? {
        "!call" => (2, 4),
        "!take" => (3, 2),
        _ => return None,
    };
    let words: Vec<u32> = parts.map(str::parse).collect::<Result<_, _>>().ok()?;
    (words.len() == count).then_some((kind, words))
}
