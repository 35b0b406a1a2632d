//! Inside one process that hosts many runs: after hostile guests it is as before, their neighbours finish, and authority
//! that is withdrawn ends a run wherever it is.
//!
//! Each scenario runs in a process of its own, this test started again, so that its memory is measured alone.

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bailiwick::{CompileIn, CompileOptions, Executor, Guest, Job, Report, Stop};
use bailiwick_guard::audit::{AuditOptions, Durability};
use bailiwick_guard::{AuditLog, CallRecord, Life, Observe, Revoker, SystemClock, Timestamp};
use bailiwick_policy::{Grant, Manifest};
use libtest_mimic::Failed;
use tokio_util::sync::CancellationToken;

use crate::program::{self, PROGRAM};
use crate::server::Server;
use crate::{bomb, matrix};

/// First argument of a process that plays a scenario.
pub(crate) const ARGUMENT: &str = "__hosting";

/// Bytes by which 1,000 good runs after hostile ones may leave the process larger. Allocators keep some for themselves.
const GROWTH: u64 = 4 << 20;
const GOOD_RUNS: usize = 1000;

/// Guests that must leave no trace, with the way in which each ends. Those without a text are made where they are run.
const HOSTILE: &[(&str, &str, &str)] = &[
    ("fuel", "out_of_fuel", "(module (memory (export \"memory\") 1) (func (export \"run\") (loop $l (br $l))))"),
    ("time", "out_of_time", "(module (memory (export \"memory\") 2) (func (export \"run\") (loop $l (br $l))))"),
    (
        "start",
        "out_of_time",
        "(module (memory (export \"memory\") 1) (func $s (loop $l (br $l))) (start $s) (func (export \"run\")))",
    ),
    (
        "memory",
        "out_of_memory",
        "(module (memory (export \"memory\") 1) (func (export \"run\")
           (loop $l (br_if $l (i32.ne (memory.grow (i32.const 100)) (i32.const -1))))
           (memory.fill (i32.const 0) (i32.const 7) (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)))
           unreachable))",
    ),
    (
        "table",
        "out_of_memory",
        "(module (memory (export \"memory\") 1) (table $t 0 funcref) (func (export \"run\")
           (loop $l (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $l))))",
    ),
    (
        "recursion",
        "trapped",
        "(module (memory (export \"memory\") 1) (func $f (call $f) (call $f)) (func (export \"run\") (call $f)))",
    ),
    (
        "output",
        "out_of_budget",
        "(module (import \"bailiwick\" \"call\" (func $call (param i32 i32 i32 i32) (result i64)))
           (memory (export \"memory\") 8)
           (data (i32.const 0) \"print\")
           (func (export \"run\")
             (memory.fill (i32.const 16) (i32.const 120) (i32.const 500000))
             (memory.copy (i32.const 16) (i32.const 500100) (i32.const 9))
             (i32.store8 (i32.const 500015) (i32.const 125)) (i32.store8 (i32.const 500014) (i32.const 34))
             (loop $l (drop (call $call (i32.const 0) (i32.const 5) (i32.const 16) (i32.const 500000))) (br $l)))
           (data (i32.const 500100) \"{\\22text\\22:\\22\"))",
    ),
    ("nested-loops", "refused", ""),
    ("locals", "refused", ""),
    ("functions", "refused", ""),
    ("host_call", "out_of_time", ""),
];

/// Names of the scenarios.
pub(crate) fn scenarios() -> impl Iterator<Item = String> {
    let after = HOSTILE.iter().map(|(name, ..)| format!("after_{name}"));
    after.chain(["neighbours", "revoked_while_looping", "revoked_while_blocked", "cancelled"].map(str::to_owned))
}

/// Plays a scenario in a process of its own.
///
/// # Errors
/// When that process fails; with what it printed.
pub(crate) fn start(scenario: &str) -> Result<(), Failed> {
    let ended = program::run(Command::new(std::env::current_exe()?).args([ARGUMENT, scenario]).env_clear())?;
    if ended.code == Some(0) { Ok(()) } else { Err(format!("{}{}", ended.stdout, ended.stderr).into()) }
}

/// Plays a scenario here.
pub(crate) fn play(scenario: &str) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let stage = Stage::new()?;
        match scenario {
            "neighbours" => stage.neighbours().await,
            "revoked_while_looping" => stage.revoked_while_looping().await,
            "revoked_while_blocked" => stage.blocked("revoked").await,
            "cancelled" => stage.blocked("cancelled").await,
            _ => stage.after(scenario.trim_start_matches("after_")).await,
        }
    })
}

struct Stage {
    temporary: tempfile::TempDir,
    executor: Executor,
}

const GOOD: &str = r#"(module
  (import "bailiwick" "call" (func $call (param i32 i32 i32 i32) (result i64)))
  (memory (export "memory") 4)
  (data (i32.const 0) "crypto.hash{\"algorithm\":\"sha-256\",\"data\":\"x\"}result{\"value\":\"good\"}")
  (func (export "run")
    (drop (call $call (i32.const 0) (i32.const 11) (i32.const 11) (i32.const 34)))
    (drop (call $call (i32.const 45) (i32.const 6) (i32.const 51) (i32.const 16)))))"#;

/// One call, and then a loop without end.
const LOOPING: &str = r#"(module
  (import "bailiwick" "call" (func $call (param i32 i32 i32 i32) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "crypto.hash{\"algorithm\":\"sha-256\",\"data\":\"x\"}")
  (func (export "run")
    (drop (call $call (i32.const 0) (i32.const 11) (i32.const 11) (i32.const 34)))
    (loop $l (br $l))))"#;

impl Stage {
    fn new() -> Result<Stage, String> {
        let temporary = tempfile::tempdir().map_err(text)?;
        let options = AuditOptions { durability: Durability::Effects, ..AuditOptions::default() };
        let log = AuditLog::open(&temporary.path().join("log.jsonl"), options, &SystemClock).map_err(text)?;
        let compile = CompileOptions {
            place: CompileIn::program(Path::new(PROGRAM)),
            time: program::PATIENCE,
            ..CompileOptions::default()
        };
        let runs = NonZeroU32::new(8).ok_or("zero")?;
        let executor = Executor::builder(log).compile(compile).runs(runs).build().map_err(text)?;
        Ok(Stage { temporary, executor })
    }

    fn grant(&self, limits: &str, rules: &str) -> Result<Grant, String> {
        let text = format!(
            "schema = 1\nid = \"hosting\"\nagents = [\"bot\"]\n[limits]\n{limits}\n[[allow]]\nid = \"hash\"\ncrypto = \"-\"\nactions = [\"hash\"]\n{rules}"
        );
        let manifest = Manifest::parse(&text, "hosting.toml").map_err(|findings| format!("{findings:?}"))?;
        Ok(matrix::grant(Arc::new(manifest), None))
    }

    fn job(&self, guest: Guest, limits: &str) -> Result<Job, String> {
        Ok(Job::new(guest, self.grant(limits, "")?, self.temporary.path()))
    }

    /// A guest whose call never gets an answer.
    fn hanging(&self, server: &Server, limits: &str) -> Result<Job, String> {
        let url = format!("http://127.0.0.1:{}/hang", server.port());
        let guest = crate::calls::guest(&format!(r#"[["fetch", {{"url": "{url}"}}]]"#))?;
        let rule = format!("[[allow]]\nid = \"web\"\nfetch = \"{url}\"\nmethods = [\"GET\"]\nprivate = true\n");
        Ok(Job::new(wat(&guest)?, self.grant(limits, &rule)?, self.temporary.path()))
    }

    async fn good(&self) -> Result<(), String> {
        let report = self.executor.run(self.job(wat(GOOD)?, "memory = \"1MiB\"")?).await.map_err(text)?;
        let calls: Vec<&str> = report.calls.iter().map(|call| call.code.as_str()).collect();
        if report.stop == Stop::Finished && report.result == Some("good".into()) && calls == ["allow"] {
            return Ok(());
        }
        Err(format!("a good run ended as {report:?}"))
    }

    async fn hostile(&self, name: &str) -> Result<Report, String> {
        let (_, expected, guest) =
            HOSTILE.iter().find(|(other, ..)| *other == name).ok_or_else(|| format!("no scenario `{name}`"))?;
        let limits = match *expected {
            "out_of_time" => "timeout = \"300ms\"\nfuel = 1_000_000_000_000_000\nmemory = \"64MiB\"",
            "out_of_fuel" => "fuel = 10_000_000",
            // The engine's own bound on tables would come first.
            _ if name == "table" => "memory = \"256KiB\"",
            _ => "memory = \"64MiB\"",
        };
        let mut server = None;
        let job = match (*guest, *expected) {
            ("", "refused") => self.job(Guest::from_bytes(bomb::guest(name)?).map_err(text)?, limits)?,
            ("", _) => self.hanging(server.insert(Server::plain().map_err(text)?), limits)?,
            (guest, _) => self.job(wat(guest)?, limits)?,
        };
        let report = self.executor.run(job).await.map_err(text)?;
        if report.stop.kind() == *expected { Ok(report) } else { Err(format!("`{name}` ended as {:?}", report.stop)) }
    }

    /// Memory after hostile runs and 1,000 good ones is what it was before.
    async fn after(&self, hostile: &str) -> Result<(), String> {
        // What every process takes once (pools, caches, threads) must not count.
        self.hostile(hostile).await?;
        for _ in 0..100 {
            self.good().await?;
        }
        let before = resident()?;
        for _ in 0..5 {
            self.hostile(hostile).await?;
        }
        for _ in 0..GOOD_RUNS {
            self.good().await?;
        }
        let after = resident()?;
        if self.executor.panics() > 0 {
            return Err(format!("{} panics were caught", self.executor.panics()));
        }
        // Shown when something fails.
        eprintln!("resident memory: {before} bytes, then {after}");
        if after > before + GROWTH {
            return Err(format!("resident memory grew from {before} to {after} bytes"));
        }
        Ok(())
    }

    /// Fifty guests finish beside one that computes until its time is up.
    async fn neighbours(&self) -> Result<(), String> {
        let hostile = self.hostile("time");
        let good = (0..50).map(|_| {
            let stage = Stage { temporary: tempfile::tempdir().map_err(text)?, executor: self.executor.clone() };
            Ok(tokio::spawn(async move { stage.good().await }))
        });
        let good: Vec<_> = good.collect::<Result<_, String>>()?;
        hostile.await?;
        for run in good {
            run.await.map_err(text)??;
        }
        Ok(())
    }

    /// Revoked by whoever sees its first call end; it loops from then on.
    async fn revoked_while_looping(&self) -> Result<(), String> {
        struct Revoke(Revoker);
        impl Observe for Revoke {
            fn call_ended(&self, _record: &CallRecord) {
                self.0.revoke();
            }
        }
        let life = Life::until(Timestamp(u64::MAX));
        let job = self.job(wat(LOOPING)?, "timeout = \"100s\"\nfuel = 1_000_000_000_000_000")?;
        let observer = Arc::new(Revoke(life.revoker()));
        let report = self.executor.run(job.life(life).observer(observer)).await.map_err(text)?;
        expect(&report, "revoked")?;
        self.good().await
    }

    /// Ended while its call waits for a server that never answers.
    async fn blocked(&self, how: &str) -> Result<(), String> {
        let server = Arc::new(Server::plain().map_err(text)?);
        let (life, cancel) = (Life::until(Timestamp(u64::MAX)), CancellationToken::new());
        let job = self.hanging(&server, "timeout = \"100s\"")?.life(life.clone()).cancelled_by(cancel.clone());
        let run = tokio::spawn({
            let executor = self.executor.clone();
            async move { executor.run(job).await }
        });
        let arrived = tokio::task::spawn_blocking(move || server.next_request().map(|_| server)).await.map_err(text)?;
        let _server = arrived.ok_or("no request arrived")?;
        if how == "revoked" {
            life.revoker().revoke()
        } else {
            cancel.cancel()
        }
        let report = run.await.map_err(text)?.map_err(text)?;
        expect(&report, how)?;
        self.good().await?;
        let log = fs::read_to_string(self.temporary.path().join("log.jsonl")).map_err(text)?;
        if log.contains("\"outcome\":\"abandoned\"") { Ok(()) } else { Err(format!("no abandoned call in {log}")) }
    }
}

fn expect(report: &Report, kind: &str) -> Result<(), String> {
    if report.stop.kind() == kind { Ok(()) } else { Err(format!("ended as {:?}, not {kind}", report.stop)) }
}

fn wat(guest: &str) -> Result<Guest, String> {
    Guest::from_bytes(guest.as_bytes()).map_err(text)
}

/// Bytes of this process that are in memory.
fn resident() -> Result<u64, String> {
    let statm = fs::read_to_string("/proc/self/statm").map_err(text)?;
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).ok_or("statm is not as expected")?;
    Ok(pages * rustix::param::page_size() as u64)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
