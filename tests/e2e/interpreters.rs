//! Interpreters in one process that hosts many runs: nothing of one run is visible to the next, no two runs draw the same
//! random numbers, and what a run learns from outside decides all that it does.

use std::fs;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bailiwick::{
    ArtifactCache, CompileIn, CompileOptions, Executor, ExecutorBuilder, Guest, Interpreter, Job, Language, Outside,
    Report, Stop,
};
use bailiwick_guard::AuditLog;
use bailiwick_languages::{Languages, Packages};
use bailiwick_policy::Manifest;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::program::{PATIENCE, PROGRAM};
use crate::{calls, languages, lifted, matrix};

#[path = "../../crates/executor/examples/closures.rs"]
#[expect(dead_code, reason = "a program, of which the parts are used")]
mod closures;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("interpreters::python_forgets", || forgets(Language::Python)),
        Trial::test("interpreters::javascript_forgets", || forgets(Language::JavaScript)),
        Trial::test("interpreters::python_repeats", || repeats(Language::Python)),
        Trial::test("interpreters::javascript_repeats", || repeats(Language::JavaScript)),
        Trial::test("interpreters::python_calls_closures", || calls_closures(Language::Python)),
        Trial::test("interpreters::javascript_calls_closures", || calls_closures(Language::JavaScript)),
        Trial::test("interpreters::core_abi_calls_closures", core_abi_calls_closures),
        Trial::test("interpreters::component_calls_closures", component_calls_closures),
    ]
}

const POLICY: &str = r#"
schema = 1
id = "interpreters"
agents = ["bot"]
[limits]
timeout = "100s"
[[allow]]
id = "random"
crypto = "-"
actions = ["random"]
"#;

/// Changes everything that it can reach, in its own globals, in modules, on disk, and in what runs later.
const POLLUTE: [&str; 2] = [
    r#"
import atexit, builtins, gc, hashlib, json, os, random, sys, threading, types, warnings
import bailiwick, requests
leftover = "here"
builtins.leftover = "here"
builtins.len = lambda _: -1
builtins.sorted = builtins.print = lambda *_, **__: "leftover"
json.dumps = lambda *_: "leftover"
json.leftover = requests.leftover = bailiwick.leftover = os.leftover = "here"
sys.modules["leftover"] = types.ModuleType("leftover")
sys.path.append("/leftover")
sys.argv.append("leftover")
sys.leftover = "here"
os.environ["LEFTOVER"] = "here"
random.seed(1)
threading.leftover = warnings.leftover = "here"
sys.setrecursionlimit(500)
atexit.register(lambda: setattr(builtins, "late", "leftover"))
requests.get = bailiwick.crypto.sign = None
class Grave:
    def __del__(self):
        builtins.grave = "leftover"
grave = Grave()
for place in ("/leftover", "/tmp/leftover", "leftover"):
    try:
        open(place, "w").write("here")
    except OSError:
        pass
result = "polluted"
"#,
    r#"
globalThis.leftover = "here";
var declared = "here";
Object.prototype.leftover = Array.prototype.leftover = Function.prototype.leftover = "here";
Math.random = () => 0.5;
Math.leftover = JSON.leftover = console.leftover = "here";
JSON.stringify = () => '"leftover"';
Promise.prototype.then = undefined;
globalThis.fetch = bailiwick.files.readText = () => "leftover";
process.env.LEFTOVER = "here";
require("fs").leftover = "here";
setTimeout(() => { globalThis.late = "leftover"; }, 1);
globalThis.Date = class {};
result = "polluted";
"#,
];

/// What is left of it, as far as a script can see.
const LOOK: [&str; 2] = [
    r#"
import bailiwick, builtins, json, os, random, requests, sys, threading, warnings
found = [name for name in ("leftover", "grave", "late") if name in globals() or hasattr(builtins, name)]
found += [module.__name__ for module in (json, requests, bailiwick, os, sys, threading, warnings) if hasattr(module, "leftover")]
found += [name for name in [*sys.modules, *sys.path, *sys.argv, *os.environ] if "leftover" in name.lower()]
found += ["len"] * (len([1]) != 1) + ["dumps"] * (json.dumps(1) != "1") + ["seed"] * (random.random() == random.Random(1).random())
found += ["limit"] * (sys.getrecursionlimit() == 500) + ["get"] * (requests.get is None) + ["sign"] * (bailiwick.crypto.sign is None)
for place in ("/leftover", "/tmp/leftover", "leftover"):
    if os.path.exists(place):
        found.append(place)
result = found
"#,
    r#"
const found = [];
for (const name of ["leftover", "declared", "late"]) if (name in globalThis) found.push(name);
for (const thing of [{}, [], () => 1, Math, JSON, console, require("fs")]) if ("leftover" in thing) found.push(String(thing));
if (Math.random() === 0.5) found.push("random");
if (JSON.stringify(1) !== "1") found.push("stringify");
if (typeof Promise.prototype.then !== "function") found.push("then");
if (process.env.LEFTOVER) found.push("environment");
if (Number.isNaN(Date.now())) found.push("Date");
try { if ((await bailiwick.files.readText("/x")) === "leftover") found.push("readText"); } catch { /* refused, as it should be */ }
result = found;
"#,
];

/// All that differs from run to run: random numbers of each kind, hashes with a secret, the time.
const DRAW: [&str; 2] = [
    r#"
import os, random, secrets, time, uuid, tempfile
print(random.random(), random.getrandbits(64), random.sample(range(10**6), 3))
print(uuid.uuid4(), secrets.token_hex(8), os.urandom(8).hex())
print(hash("a text"), list({"alpha", "beta", "gamma", "delta", "epsilon", "zeta"}))
print(next(tempfile._get_candidate_names()))
print(time.time_ns(), time.monotonic_ns() >= 0, time.perf_counter_ns() >= 0)
time.sleep(0.001)
# `hash` of a text is not among these: its secret is part of every text in the snapshot.
result = [random.random(), secrets.token_hex(8), str(uuid.uuid4()), os.urandom(8).hex(), random.SystemRandom().random()]
"#,
    r#"
console.log(Math.random(), Math.random(), [3, 1, 2].map(() => Math.random()));
console.log(Date.now(), performance.now() >= 0, new Date().toISOString());
await new Promise((resolve) => setTimeout(resolve, 1));
result = [Math.random(), Math.random()];
"#,
];

const fn text_of(language: Language, texts: [&'static str; 2]) -> &'static str {
    match language {
        Language::Python => texts[0],
        Language::JavaScript => texts[1],
    }
}

/// A run that pollutes everything it can, and one that looks, in the same process, more than once.
fn forgets(language: Language) -> Result<(), Failed> {
    let stage = Stage::new(language, None)?;
    let runtime = runtime()?;
    for _ in 0..3 {
        let polluted = runtime.block_on(stage.run(text_of(language, POLLUTE)))?;
        // It may have broken what would have handed over its result.
        if !matches!(polluted.stop, Stop::Finished | Stop::Failed(_)) {
            return Err(format!("the first run ended as {:?}", polluted.stop).into());
        }
        let looked = runtime.block_on(stage.run(text_of(language, LOOK)))?;
        if looked.stop != Stop::Finished || looked.result != Some(Value::Array(Vec::new())) {
            return Err(format!("the next run sees {looked:?}").into());
        }
    }
    Ok(())
}

/// Live runs differ in each random number; with the same outside they are the same to the last unit of fuel.
fn repeats(language: Language) -> Result<(), Failed> {
    let runtime = runtime()?;
    let draw = text_of(language, DRAW);
    let live = Stage::new(language, None)?;
    let (one, two) = (runtime.block_on(live.run(draw))?, runtime.block_on(live.run(draw))?);
    let (Some(Value::Array(first)), Some(Value::Array(second))) = (&one.result, &two.result) else {
        return Err(format!("no results: {one:?} {two:?}").into());
    };
    if first.iter().zip(second).any(|(a, b)| a == b) {
        return Err(format!("two runs drew the same: {first:?} and {second:?}").into());
    }

    let fixed = Stage::new(language, Some(|| Arc::new(Fixed::default())))?;
    let (one, two) = (runtime.block_on(fixed.run(draw))?, runtime.block_on(fixed.run(draw))?);
    let seen = |report: &Report| {
        (
            report.stop.clone(),
            report.result.clone(),
            String::from_utf8_lossy(&report.stdout).into_owned(),
            report.usage.fuel,
        )
    };
    if seen(&one) == seen(&two) && one.stop == Stop::Finished {
        return Ok(());
    }
    Err(format!("the same outside, and yet {:?} and {:?}", seen(&one), seen(&two)).into())
}

/// What a script does with a function of its host, and gets for it.
const INVOICES: [&str; 2] = [
    r#"
import inspect
create = tools.billing.create_invoice
result = [str(inspect.signature(create)), inspect.getdoc(create), create(customer="Ada", amount=4200), create("Eve", 1)["number"]]
for amount in (0, 5001, "1"):
    try:
        result.append(create(customer="Ada", amount=amount))
    except Exception as error:
        result.append(f"{type(error).__name__} {error}")
"#,
    r#"
const create = tools.billing.create_invoice;
result = [create.schema.required, create.description, await create({ customer: "Ada", amount: 4200 })];
for (const amount of [0, 5001, "1"]) {
  try {
    result.push(await create({ customer: "Ada", amount }));
  } catch (error) {
    result.push(`${error.name} ${error.message}`);
  }
}
"#,
];

/// What a guest without an interpreter says in its calls, and how each is decided.
const ASKED: &[(&str, &str)] = &[
    (r#"{"customer":"Ada","amount":4200}"#, "allow"),
    (r#"{"customer":"Ada","amount":0}"#, "allow"),
    (r#"{"customer":"Ada","amount":9000}"#, "deny.manifest.argument"),
    (r#"{"customer":"Ada","amount":"all"}"#, "deny.manifest.argument"),
];

fn core_abi_calls_closures() -> Result<(), Failed> {
    let arguments = |(asked, _): &(&str, &str)| -> Result<Value, Failed> {
        let arguments: Value = serde_json::from_str(asked)?;
        Ok(json!(["tools.call", {"server": "billing", "tool": "create_invoice", "arguments": arguments}]))
    };
    let calls: Vec<Value> = ASKED.iter().map(arguments).collect::<Result<_, _>>()?;
    compiled_calls_closures(calls::guest(&Value::from(calls).to_string())?.into_bytes(), "tools.call ", "{\"error\":")
}

fn component_calls_closures() -> Result<(), Failed> {
    compiled_calls_closures(lifted::guest("tool")?, "", "deny.")
}

/// `before` stands before each line of output, and a refusal begins with `refused`.
fn compiled_calls_closures(guest: Vec<u8>, before: &str, refused: &str) -> Result<(), Failed> {
    let (log, _entries) = AuditLog::in_memory()?;
    let compile =
        CompileOptions { place: CompileIn::program(Path::new(PROGRAM)), time: PATIENCE, ..Default::default() };
    let services = closures::services().map_err(|error| error.to_string())?;
    let executor = Executor::builder(log).services(services).compile(compile).build()?;
    let manifest = Manifest::parse(closures::MANIFEST, "billing.toml").map_err(|findings| format!("{findings:?}"))?;
    let asked = ASKED.iter().flat_map(|(asked, _)| ["billing", "create_invoice", asked].map(str::to_owned));
    let job = Job::new(Guest::from_bytes(guest)?, matrix::grant(Arc::new(manifest), None), ".").args(asked.collect());
    let report = runtime()?.block_on(executor.run(job))?;
    let codes: Vec<&str> = report.calls.iter().map(|call| call.code.as_str()).collect();
    let expected: Vec<&str> = ASKED.iter().map(|(_, code)| *code).collect();
    let output = String::from_utf8_lossy(&report.stdout);
    let replies: Vec<&str> = output.lines().filter_map(|line| line.strip_prefix(before)).collect();
    let starts = [r#"{"content":"#, r#"{"content":"#, refused, refused];
    let fits = replies.len() == starts.len()
        && replies.iter().zip(starts).all(|(reply, start)| reply.starts_with(start))
        && replies[0].contains("Ada owes 4200 (asked by billing-bot)")
        && replies[1].contains("an invoice needs an amount");
    if report.stop != Stop::Finished || codes != expected || !fits {
        return Err(format!("{}: {codes:?}\n{output}", report.stop).into());
    }
    Ok(())
}

/// A function of the embedding program is a tool like any other: found with its signature, guarded, and recorded.
fn calls_closures(language: Language) -> Result<(), Failed> {
    let services = closures::services().map_err(|error| error.to_string())?;
    let stage = Stage::build(language, closures::MANIFEST, |builder| builder.services(services))?;
    let source = text_of(language, INVOICES).as_bytes().to_vec();
    let guest = Guest::from_source(stage.interpreter.clone(), source, "script").map_err(text)?;
    let report = runtime()?.block_on(closures::run(&stage.executor, guest)).map_err(|error| error.to_string())?;
    let invoice = json!({ "number": 7, "text": "Ada owes 4200 (asked by billing-bot)" });
    let expected = match language {
        Language::Python => json!([
            "(customer: str, amount: int)",
            "Creates an invoice.\n\ncustomer: Who pays.\namount: In cents.",
            invoice,
            7,
            "ToolError billing/create_invoice: an invoice needs an amount",
            "PermissionError [deny.manifest.argument] tool call billing/create_invoice",
            "PermissionError [deny.manifest.argument] tool call billing/create_invoice",
        ]),
        Language::JavaScript => json!([
            ["customer", "amount"],
            "Creates an invoice.",
            invoice,
            "ToolError billing/create_invoice: an invoice needs an amount",
            "NotAllowedError [deny.manifest.argument] tool call billing/create_invoice",
            "NotAllowedError [deny.manifest.argument] tool call billing/create_invoice",
        ]),
    };
    let codes: Vec<&str> = report.calls.iter().map(|call| call.code.as_str()).collect();
    let denied = codes.iter().filter(|code| **code == "deny.manifest.argument").count();
    if report.result != Some(expected) || denied != 2 {
        return Err(format!("{:?} {codes:?} {}", report.result, String::from_utf8_lossy(&report.stderr)).into());
    }
    Ok(())
}

/// The same for every run: a clock that each look moves on, and a sequence of bytes.
#[derive(Default)]
struct Fixed {
    looks: AtomicU64,
    drawn: AtomicU64,
}

impl Outside for Fixed {
    fn wall(&self) -> Duration {
        Duration::from_secs(1_790_000_000) + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.looks.fetch_add(1, Ordering::Relaxed))
    }

    fn random(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let at = self.drawn.fetch_add(1, Ordering::Relaxed);
            *byte = at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
        }
    }
}

pub(crate) struct Stage {
    temporary: tempfile::TempDir,
    executor: Executor,
    interpreter: Interpreter,
    policy: &'static str,
}

impl Stage {
    fn new(language: Language, outside: Option<fn() -> Arc<Fixed>>) -> Result<Stage, Failed> {
        Stage::build(language, POLICY, |builder| match outside {
            Some(outside) => builder.outside(move || outside()),
            None => builder,
        })
    }

    /// Scripts of that language under that policy, with an executor to which `equip` adds.
    pub(crate) fn build(
        language: Language,
        policy: &'static str,
        equip: impl FnOnce(ExecutorBuilder) -> ExecutorBuilder,
    ) -> Result<Stage, Failed> {
        let state = languages::install(language)?;
        let key: [u8; 32] =
            fs::read(state.join("cache/seal.key"))?.try_into().map_err(|_| "the key is not 32 bytes")?;
        let interpreter = Languages::new(state.join("languages"), &key).interpreter(language, &Packages::none())?;
        let folder = cap_std::fs::Dir::open_ambient_dir(state.join("cache/artifacts"), cap_std::ambient_authority())?;
        let (log, _entries) = AuditLog::in_memory()?;
        let room = NonZeroU64::new(4 << 30).ok_or("zero")?;
        let executor = equip(Executor::builder(log).cache(ArtifactCache::new(folder, &key, room))).build()?;
        Ok(Stage { temporary: tempfile::tempdir()?, executor, interpreter, policy })
    }

    pub(crate) async fn run(&self, source: &str) -> Result<Report, String> {
        let manifest = Manifest::parse(self.policy, "policy.toml").map_err(|findings| format!("{findings:?}"))?;
        let grant = matrix::grant(Arc::new(manifest), None);
        let guest = Guest::from_source(self.interpreter.clone(), source.as_bytes().to_vec(), "script").map_err(text)?;
        self.executor.run(Job::new(guest, grant, self.temporary.path())).await.map_err(text)
    }
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failed> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
