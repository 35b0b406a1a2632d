//! Runs are recorded, and run again in a process that knows nothing but their journals.

mod guests;
mod programs;

use std::fs;
use std::num::NonZeroU64;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bailiwick::host::Services;
use bailiwick::host::kv::KvDatabase;
use bailiwick::{
    ArtifactCache, CompileIn, CompileOptions, Executor, Guest, Interpreter, Job, Language, Likeness, RecordEnd,
    Recorded, Report, Stop,
};
use bailiwick_guard::AuditLog;
use bailiwick_guard::journal::files::{self, JournalFolder, JournalOptions};
use bailiwick_languages::{Languages, Packages};
use bailiwick_policy::Manifest;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use self::programs::Programs;
use crate::interpreters::{runtime, text};
use crate::program::{self, PATIENCE, PROGRAM};
use crate::{languages, matrix};

/// First argument of a process that replays what is in a file.
pub(crate) const ARGUMENT: &str = "__replay";

/// What runs that are recorded may do.
fn policy() -> Result<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("common/recorded.toml");
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Programs of each language, and how many of them share an interpreter.
const PROGRAMS: u64 = 500;
const IN_A_SESSION: u64 = 25;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = guests::ALL
        .iter()
        .map(|guest| Trial::test(format!("replays::{}", guest.name), || guests::check(guest)))
        .collect();
    trials.push(Trial::test("replays::python_programs", || random_programs(Language::Python)));
    trials.push(Trial::test("replays::javascript_programs", || random_programs(Language::JavaScript)));
    trials.push(Trial::test("replays::another_policy", another_policy));
    trials.push(Trial::test("replays::what_was_changed", what_was_changed));
    trials.push(Trial::test("replays::what_is_missing", what_is_missing));
    trials
}

/// Replays all runs that have a journal in a folder, twice, in this process, and prints what came of each.
#[expect(clippy::print_stdout, reason = "a process that says what it found")]
pub(crate) fn play(folder: &str) -> Result<(), String> {
    let stage = Stage::new()?;
    let runtime = runtime().map_err(|error| format!("{error:?}"))?;
    let journals = JournalFolder::at(folder, JournalOptions::default());
    for run in journals.runs().map_err(text)?.into_iter().flat_map(|run| [run.clone(), run]) {
        let recorded = stage.read(&journals, &run)?;
        let replayed = runtime.block_on(stage.executor.replay(recorded, None)).map_err(text)?;
        println!("{}", serde_json::to_string(&replayed).map_err(text)?);
    }
    Ok(())
}

/// An executor whose runs are recorded, and what they work with.
pub(crate) struct Stage {
    temporary: tempfile::TempDir,
    pub(crate) executor: Executor,
    journals: JournalFolder,
}

impl Stage {
    pub(crate) fn new() -> Result<Stage, String> {
        let temporary = tempfile::tempdir().map_err(text)?;
        fs::create_dir(temporary.path().join("work")).map_err(text)?;
        let state = languages::state();
        let journals = JournalFolder::at(temporary.path().join("journals"), JournalOptions::default());
        let (log, _entries) = AuditLog::in_memory().map_err(text)?;
        let kv = KvDatabase::open(&temporary.path().join("kv.db")).map_err(text)?;
        let compile =
            CompileOptions { place: CompileIn::program(Path::new(PROGRAM)), time: PATIENCE, ..Default::default() };
        let mut builder = Executor::builder(log)
            .services(Services::builder().kv(Arc::new(kv)).build())
            .compile(compile)
            .journals(Arc::new(journals.clone()));
        if state.join("cache/seal.key").exists() {
            let folder = state.join("cache/artifacts");
            let folder = cap_std::fs::Dir::open_ambient_dir(folder, cap_std::ambient_authority()).map_err(text)?;
            let room = NonZeroU64::new(4 << 30).ok_or("zero")?;
            builder = builder.cache(ArtifactCache::new(folder, &key(&state)?, room));
        }
        Ok(Stage { temporary, executor: builder.build().map_err(text)?, journals })
    }

    fn interpreter(&self, language: Language) -> Result<Interpreter, String> {
        let state = languages::install(language)?;
        Languages::new(state.join("languages"), &key(&state)?).interpreter(language, &Packages::none()).map_err(text)
    }

    fn script(&self, language: Language, source: &str) -> Result<Guest, String> {
        Guest::from_source(self.interpreter(language)?, source.as_bytes().to_vec(), "script").map_err(text)
    }

    fn job(&self, guest: Guest, policy: &str) -> Result<Job, String> {
        let manifest = Manifest::parse(policy, "policy.toml").map_err(|findings| format!("{findings:?}"))?;
        Ok(Job::new(guest, matrix::grant(Arc::new(manifest), None), self.temporary.path()))
    }

    /// What a journal has of a run.
    fn read(&self, journals: &JournalFolder, run: &str) -> Result<Recorded, String> {
        let files::Recorded { header, contents, crossings, end, .. } = journals.read(run).map_err(text)?;
        let language = header.script.as_ref().and_then(|script| Language::named(&script.language));
        let interpreter = language.map(|language| self.interpreter(language)).transpose()?;
        Ok(Recorded { header, contents, interpreter, crossings, end })
    }

    /// Runs a guest, and gives the record of it.
    pub(crate) async fn record(&self, guest: Guest, policy: &str) -> Result<(Report, Recorded), String> {
        let job = self.job(guest, policy)?.input(json!({"n": 0.1, "list": [1, null]})).args(vec!["a".to_owned()]);
        let report = self.executor.run(job).await.map_err(text)?;
        let recorded = self.read(&self.journals, &report.run_id)?;
        Ok((report, recorded))
    }
}

fn key(state: &Path) -> Result<[u8; 32], String> {
    fs::read(state.join("cache/seal.key")).map_err(text)?.try_into().map_err(|_| "the key is not 32 bytes".to_owned())
}

/// Replays all that was recorded, twice, in a fresh process, and gives what it says of each, in the order of the runs.
pub(crate) fn elsewhere(stage: &Stage) -> Result<Vec<Value>, Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(ARGUMENT).arg(stage.temporary.path().join("journals")).env_clear();
    let ended = program::run_for(&mut command, 5 * PATIENCE)?;
    if ended.code != Some(0) {
        return Err(format!("the replaying process failed: {}{}", ended.stdout, ended.stderr).into());
    }
    ended.stdout.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// What the report of a run and of its replay have in common, when the replay is exact.
fn same(report: &Report, replayed: &Value) -> bool {
    let report = serde_json::to_value(report).unwrap_or_default();
    let seen = |report: &Value| {
        let calls = report["calls"].as_array().cloned().unwrap_or_default();
        let calls: Vec<Value> =
            calls.iter().map(|call| json!([call["action"], call["resource"], call["code"]])).collect();
        let usage = &report["usage"];
        let usage = [&usage["fuel"], &usage["host_calls"], &usage["output_bytes"]].map(Clone::clone);
        json!([report["run_id"], report["stop"], report["result"], report["stdout"], report["stderr"], calls, usage])
    };
    seen(&report) == seen(&replayed["report"])
}

/// Random programs: most of them as pieces of sessions, the others as runs of their own.
fn random_programs(language: Language) -> Result<(), Failed> {
    let stage = Stage::new()?;
    let guest = stage.script(language, "")?;
    let programs = Programs::load(language)?;
    let (runtime, policy) = (runtime()?, policy()?);
    let mut numbers = Vec::new();
    let (mut number, mut finished) = (0, 0);
    while number < PROGRAMS {
        let mut session = runtime.block_on(stage.executor.session(stage.job(guest.clone(), &policy)?))?;
        for _ in 0..IN_A_SESSION {
            let piece = runtime.block_on(session.execute(&programs.program(number)))?;
            number += 1;
            finished += u64::from(piece.stop == Stop::Finished);
            if session.over().is_some() {
                break;
            }
        }
        runtime.block_on(session.end())?;
        numbers.push(number);
        let alone = stage.script(language, &programs.program(number))?;
        runtime.block_on(stage.executor.run(stage.job(alone, &policy)?))?;
        number += 1;
        numbers.push(number);
    }
    // Most statements at the end of a program make it fail; a program that fails before that shows little.
    assert!(4 * finished > number, "only {finished} of {number} programs came to a good end");
    let replays = elsewhere(&stage)?;
    assert_eq!(replays.len(), 2 * numbers.len());
    for (number, replayed) in numbers.into_iter().flat_map(|number| [number, number]).zip(replays) {
        if replayed["likeness"]["kind"] != "exact" {
            return Err(format!("programs up to {number}: {}", replayed["likeness"]).into());
        }
    }
    Ok(())
}

/// A script that asks for three things.
const ASKS: &str = r#"
import bailiwick, random
open("/work/a", "w").write("x")
bailiwick.kv("notes").set("k", str(random.random()))
print(open("/work/a").read(), bailiwick.kv("notes").get("k"))
"#;

/// With another manifest, a replay says which calls it would have decided about differently, and goes on as it was.
fn another_policy() -> Result<(), Failed> {
    let stage = Stage::new()?;
    let (runtime, policy) = (runtime()?, policy()?);
    let (_, recorded) = runtime.block_on(stage.record(stage.script(Language::Python, ASKS)?, &policy))?;
    let stricter = policy.replace("actions = [\"get\", \"set\", \"delete\"]", "actions = [\"get\"]");
    let manifest = Manifest::parse(&stricter, "stricter.toml").map_err(|findings| format!("{findings:?}"))?;
    let other = matrix::grant(Arc::new(manifest), None);
    let replayed = runtime.block_on(stage.executor.replay(recorded, Some(other)))?;
    let different: Vec<String> = replayed
        .differences
        .iter()
        .map(|it| format!("{} {} {} {}", it.action, it.resource, it.was.code, it.would_be.code))
        .collect();
    if replayed.likeness != Likeness::Exact || different != ["kv.set notes/k allow deny.manifest.no_rule"] {
        return Err(format!("{}: {different:?}", replayed.likeness).into());
    }
    Ok(())
}

/// A record that was changed is not replayed as if it were what happened.
fn what_was_changed() -> Result<(), Failed> {
    use bailiwick_guard::journal::Lane;
    let stage = Stage::new()?;
    let (runtime, policy) = (runtime()?, policy()?);
    let (report, recorded) = runtime.block_on(stage.record(stage.script(Language::Python, ASKS)?, &policy))?;
    let replay = |change: fn(&mut Recorded)| -> Result<Likeness, Failed> {
        let mut changed = recorded.clone();
        change(&mut changed);
        Ok(runtime.block_on(stage.executor.replay(changed, None))?.likeness)
    };
    assert_eq!(replay(|_| ())?, Likeness::Exact);
    let diverged = |likeness: Likeness| match likeness {
        Likeness::Diverged(departure) => departure,
        other => panic!("not noticed: {other}"),
    };
    // Other random bytes: another value is set, and that is the first call that differs.
    let departure = diverged(replay(|it| {
        for crossing in it.crossings.iter_mut().filter(|it| it.lane == Lane::Random) {
            // Behind the length, and before what the journal adds.
            let end = crossing.given.len() - 1;
            crossing.given[2..end].iter_mut().for_each(|byte| *byte ^= 0x55);
        }
    })?);
    assert!(report.calls.iter().any(|call| Some(call.call) == departure.call), "{departure}");
    // A call that is not there.
    let departure = diverged(replay(|it| {
        let first = it.crossings.iter().position(|it| it.lane == Lane::Call).unwrap();
        it.crossings.remove(first);
    })?);
    assert_eq!((departure.recorded, departure.replayed), ("`kv.set notes/k`".into(), "`file.write /work/a`".into()));
    // Another end.
    for change in [
        (|it| it.end.as_mut().unwrap().fuel += 1) as fn(&mut Recorded),
        |it| it.end.as_mut().unwrap().peak_memory_bytes += 1,
        |it| it.end.as_mut().unwrap().stdout_bytes += 1,
        |it| it.end.as_mut().unwrap().stop = json!({ "kind": "out_of_fuel" }),
        |it| it.crossings.push(it.crossings.iter().rfind(|it| it.lane == Lane::Call).unwrap().clone()),
    ] {
        diverged(replay(change)?);
    }
    // What does not even begin.
    let replay = |change: fn(&mut Recorded)| {
        let mut changed = recorded.clone();
        change(&mut changed);
        runtime.block_on(stage.executor.replay(changed, None)).map(|_| ()).unwrap_err().to_string()
    };
    assert!(replay(|it| it.interpreter = None).contains("interpreter"));
    assert!(replay(|it| it.contents = Default::default()).contains("lacks"));
    assert!(replay(|it| it.header.grant["agent"] = json!("other")).contains("digest"));
    Ok(())
}

/// A record that ends before its run did is replayed as far as it goes.
fn what_is_missing() -> Result<(), Failed> {
    let stage = Stage::new()?;
    let (runtime, policy) = (runtime()?, policy()?);
    let (_, recorded) = runtime.block_on(stage.record(stage.script(Language::Python, ASKS)?, &policy))?;
    let replay = |recorded: Recorded| -> Result<Likeness, Failed> {
        Ok(runtime.block_on(stage.executor.replay(recorded, None))?.likeness)
    };
    for kept in 0..recorded.crossings.len() {
        let mut killed = recorded.clone();
        killed.crossings.truncate(kept);
        killed.end = None;
        assert_eq!(replay(killed)?, Likeness::UpTo(RecordEnd::Unfinished), "{kept} crossings");
        let mut cut = recorded.clone();
        cut.crossings.truncate(kept);
        cut.end.as_mut().unwrap().cut = Some(bailiwick_guard::journal::SinkError::Full);
        assert_eq!(replay(cut)?, Likeness::UpTo(RecordEnd::Cut), "{kept} crossings");
    }
    Ok(())
}
