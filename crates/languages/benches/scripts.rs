//! Scripts in the sandbox against the same text in `python3` and `node` without one: starting, computing, calling the host;
//! runs per second, and what a live session keeps in memory.
//!
//! Takes the interpreters that the end-to-end tests installed; `bailiwick --state target/languages-test-state language
//! install python`, and the same for `javascript`, installs them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a bench may panic"
)]

#[path = "../../../benches/floor.rs"]
mod floor;
#[path = "../../../benches/programs.rs"]
mod programs;

use std::io::{BufRead, BufReader, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use bailiwick::guard::AuditLog;
use bailiwick::policy::{Authority, Grant, Manifest, Principal};
use bailiwick::{ArtifactCache, Executor, Guest, Interpreter, Job, Language, Stop};
use bailiwick_languages::{Languages, Packages};
use cap_std::fs::Dir;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const MANIFEST: &str = r#"
schema = 1
id = "bench"
agents = ["bench"]
[limits]
fuel = 200_000_000_000
host_calls = 1_000_000
[[allow]]
id = "hash"
crypto = "-"
actions = ["hash"]
"#;

/// A workload in both languages. What it computes is the same with and without the sandbox.
struct Workload {
    name: &'static str,
    python: Texts,
    javascript: Texts,
    /// What a run is given.
    input: fn() -> Value,
}

struct Texts {
    /// Defines `work()`.
    work: &'static str,
    /// Without the sandbox, in the process that does it again and again: what `work` finds.
    native: &'static str,
    /// In a run, before it.
    ours: &'static str,
}

const COMPUTING: [Workload; 2] = [
    Workload {
        name: "W2 parse 100 kB of JSON, group, sum, dump",
        python: Texts {
            native: "import json\n\
                     text = json.dumps([{'id': i, 'group': i % 7, 'amount': i * 1.5, 'note': 'x' * 30} for i in range(1300)])\n\
                     rows = lambda: json.loads(text)\n",
            ours: "import json\nrows = lambda: input\n",
            work: "def work():\n\
                   \x20   sums = {}\n\
                   \x20   for row in rows():\n\
                   \x20       if row['amount'] > 10: sums[row['group']] = sums.get(row['group'], 0) + row['amount']\n\
                   \x20   return json.dumps(sums)\n",
        },
        javascript: Texts {
            native: "const text = JSON.stringify(Array.from({length: 1300}, (_, i) => ({id: i, group: i % 7, amount: i * 1.5, note: 'x'.repeat(30)})));\n\
                     const rows = () => JSON.parse(text);\n",
            ours: "const rows = () => input;\n",
            work: "function work() { const sums = {}; for (const row of rows()) if (row.amount > 10) sums[row.group] = (sums[row.group] ?? 0) + row.amount; return JSON.stringify(sums); }\n",
        },
        input: rows,
    },
    Workload {
        name: "W3 sieve of primes below 200,000",
        python: Texts {
            native: "",
            ours: "",
            work: "def work():\n\
                   \x20   n = 200000\n\
                   \x20   sieve = bytearray([1]) * n\n\
                   \x20   for i in range(2, 448):\n\
                   \x20       if sieve[i]:\n\
                   \x20           for k in range(i * i, n, i): sieve[k] = 0\n\
                   \x20   return sum(sieve) - 2\n",
        },
        javascript: Texts {
            native: "",
            ours: "",
            work: "function work() { const n = 200000, sieve = new Uint8Array(n).fill(1); for (let i = 2; i * i < n; i++) if (sieve[i]) for (let k = i * i; k < n; k += i) sieve[k] = 0; let c = -2; for (const p of sieve) c += p; return c; }\n",
        },
        input: || Value::Null,
    },
];

/// 100 kB of JSON.
fn rows() -> Value {
    (0..1300).map(|i| json!({"id": i, "group": i % 7, "amount": f64::from(i) * 1.5, "note": "x".repeat(30)})).collect()
}

const CALLS_PYTHON: &str = "import bailiwick\nfor i in range(1000): bailiwick.crypto.hash('sha256', b'abc')\n";
const CALLS_JAVASCRIPT: &str = "for (let i = 0; i < 1000; i++) bailiwick.crypto.hash('SHA-256', 'abc');\n";

struct Bench {
    runtime: Runtime,
    executor: Executor,
    manifest: Arc<Manifest>,
}

impl Bench {
    fn grant(&self) -> Grant {
        let principal = Principal { issuer: "bench".into(), subject: "bench".into(), agent: "bench".into() };
        let scopes = self.manifest.scopes();
        let authority =
            Authority { principal, token: scopes.clone(), details: Vec::new(), registry: scopes, task: None };
        Grant::new(Arc::clone(&self.manifest), None, authority)
    }

    fn job(&self, guest: &Guest) -> Job {
        Job::new(guest.clone(), self.grant(), ".")
    }

    fn run(&self, guest: &Guest) {
        self.run_with(guest, Value::Null);
    }

    fn run_with(&self, guest: &Guest, input: Value) {
        let report = self.runtime.block_on(self.executor.run(self.job(guest).input(input))).unwrap();
        assert_eq!(report.stop, Stop::Finished, "{}", String::from_utf8_lossy(&report.stderr));
    }
}

/// A process of the language without sandbox that keeps a workload and does it once for each line it gets.
struct InProcess {
    child: Child,
    say: ChildStdin,
    hear: BufReader<ChildStdout>,
}

impl InProcess {
    fn start(language: Language, text: &str) -> InProcess {
        let mut command = match language {
            Language::Python => {
                let mut command = Command::new(programs::python());
                let loop_ = "import sys\nfor _ in sys.stdin:\n    work()\n    print('done', flush=True)\n";
                command.args(["-I", "-c", &format!("{text}{loop_}")]);
                command
            }
            Language::JavaScript => {
                let mut command = Command::new(programs::node());
                let loop_ = "require('readline').createInterface({input: process.stdin}).on('line', () => { work(); console.log('done'); });";
                command.args(["-e", &format!("{text}{loop_}")]);
                command
            }
        };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 and node");
        let (say, hear) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        InProcess { child, say, hear }
    }

    fn work(&mut self) {
        writeln!(self.say, "go").unwrap();
        let mut line = String::new();
        self.hear.read_line(&mut line).unwrap();
        assert_eq!(line, "done\n");
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() {
    let bench = Bench {
        runtime: Runtime::new().unwrap(),
        executor: Executor::builder(AuditLog::in_memory().unwrap().0).cache(cache()).build().unwrap(),
        manifest: Arc::new(Manifest::parse(MANIFEST, "bench.toml").unwrap()),
    };
    for language in Language::ALL {
        let interpreter = interpreter(language);
        let guest = |text: &str| Guest::from_source(interpreter.clone(), text.as_bytes().to_vec(), "bench").unwrap();
        let hello = guest(hello_text(language));
        bench.run(&hello);
        sessions(&bench, language, &hello);
        start(&bench, language, &guest);
        for workload in &COMPUTING {
            let Texts { native, ours, work } = match language {
                Language::Python => &workload.python,
                Language::JavaScript => &workload.javascript,
            };
            let mut native = InProcess::start(language, &format!("{native}{work}"));
            let ours = guest(&format!("{ours}{work}work()"));
            // Made before: a program has its input, and does not copy it for the run.
            let mut inputs: Vec<Value> = (0..150).map(|_| (workload.input)()).collect();
            let run = || bench.run_with(&ours, inputs.pop().unwrap_or_else(workload.input));
            floor::compare(&format!("{language} {}", workload.name), run, || native.work());
        }
        let calls = guest(match language {
            Language::Python => CALLS_PYTHON,
            Language::JavaScript => CALLS_JAVASCRIPT,
        });
        floor::compare(
            &format!("{language} W4 1,000 host calls; floor: hello"),
            || bench.run(&calls),
            || bench.run(&hello),
        );
        per_second(&bench, language, &hello);
    }
}

fn hello_text(language: Language) -> &'static str {
    match language {
        Language::Python => "print('hello')",
        Language::JavaScript => "console.log('hello')",
    }
}

fn start(bench: &Bench, language: Language, guest: &impl Fn(&str) -> Guest) {
    let text = hello_text(language);
    let ours = guest(text);
    let (program, arguments) = match language {
        Language::Python => (programs::python(), vec!["-I", "-c", text]),
        Language::JavaScript => (programs::node(), vec!["-e", text]),
    };
    let native = || programs::finish(&program, &arguments);
    floor::compare(&format!("{language} W1 hello, fresh interpreter; floor: a process"), || bench.run(&ours), native);
}

/// Runs of hello per second on all cores, as nanoseconds a run.
fn per_second(bench: &Bench, language: Language, hello: &Guest) {
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut samples = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let runs = 200;
        bench.runtime.block_on(async {
            let mut tasks = Vec::new();
            for _ in 0..cores {
                let executor = bench.executor.clone();
                let jobs: Vec<Job> = (0..runs).map(|_| bench.job(hello)).collect();
                tasks.push(tokio::spawn(async move {
                    for job in jobs {
                        executor.run(job).await.unwrap();
                    }
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
        });
        samples.push(began.elapsed().as_nanos() as f64 / (runs * cores) as f64);
    }
    floor::report(&format!("{language} W7 time per hello on {cores} cores"), samples);
}

/// What a session adds to the process's private memory: in a slot that was used before, as all are after a while.
fn sessions(bench: &Bench, language: Language, hello: &Guest) {
    const LIVE: u64 = 8;
    let before = private_bytes();
    for workload in ["W8 memory of a session, first in its slot", "W8 memory of a session, in a used slot"] {
        let bytes = bench.runtime.block_on(async {
            let mut live = Vec::new();
            for _ in 0..LIVE {
                let mut session = bench.executor.session(bench.job(hello)).await.unwrap();
                let report = session.execute(hello_text(language)).await.unwrap();
                assert_eq!(report.stop, Stop::Finished);
                live.push(session);
            }
            let bytes = private_bytes().saturating_sub(before) / LIVE;
            for session in live {
                session.end().await.unwrap();
            }
            bytes
        });
        println!("{{\"workload\":\"{language} {workload}\",\"bytes\":{bytes},\"n\":{LIVE}}}");
    }
}

fn private_bytes() -> u64 {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let dirty = rollup.lines().filter(|line| line.starts_with("Private_"));
    dirty.map(|line| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024).sum()
}

fn state() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/languages-test-state")
}

fn key() -> [u8; 32] {
    std::fs::read(state().join("cache/seal.key")).expect("installed interpreters").try_into().unwrap()
}

fn cache() -> ArtifactCache {
    let folder = Dir::open_ambient_dir(state().join("cache/artifacts"), cap_std::ambient_authority()).unwrap();
    ArtifactCache::new(folder, &key(), NonZeroU64::new(1 << 30).unwrap())
}

fn interpreter(language: Language) -> Interpreter {
    let languages = Languages::new(state().join("languages"), &key());
    languages.interpreter(language, &Packages::none()).expect("installed interpreters")
}
