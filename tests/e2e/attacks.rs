//! `cases/sql-attacks.tsv`: statements that try to reach what they must not. One run makes them all; what comes of each is
//! compared, and afterwards every file is as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::{calls, databases, program};

/// Fewer would not be the corpus that it is meant to be.
pub(crate) const LEAST: usize = 60;

pub(crate) struct Attack {
    pub(crate) code: String,
    pub(crate) statement: String,
}

/// All of them.
///
/// # Errors
/// When one ends otherwise, or anything was changed.
pub(crate) fn sql() -> Result<(), Failed> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let attacks = read(&fs::read_to_string(tests.join("cases/sql-attacks.tsv"))?)?;
    if attacks.iter().filter(|attack| attack.code != "allow").count() < LEAST {
        return Err("there are too few statements to be refused".into());
    }
    let folder = tempfile::tempdir()?;
    let root = folder.path().canonicalize()?;
    let work = root.join("work");
    fs::create_dir(&work)?;
    fs::copy(tests.join("common/attacked.toml"), work.join("policy.toml"))?;
    databases::make(&work.join("ledger.db"), &fs::read_to_string(tests.join("common/attacked.sql"))?)?;
    let asked = |attack: &Attack| json!(["sql.query", {"database": "ledger", "statement": attack.statement}]);
    let asked: Vec<Value> = attacks.iter().map(asked).collect();
    fs::write(work.join("calls.wat"), calls::guest(&json!(asked).to_string())?)?;

    let before = files(&work)?;
    let mut run =
        program::program(&work, ["run", "calls.wat", "--policy", "policy.toml", "--as", "bot", "--json", "--state"]);
    let ended = program::run(run.arg(root.join("state")))?;
    let report: Value = serde_json::from_str(&ended.stdout).map_err(|error| format!("{error}: {}", ended.stderr))?;
    let lines: Vec<&str> = report["stdout"].as_str().unwrap_or_default().lines().collect();
    if (ended.code, lines.len()) != (Some(0), attacks.len()) {
        return Err(format!("{} of {} replies, stop {}", lines.len(), attacks.len(), report["stop"]).into());
    }
    let outcomes = attacks.iter().zip(&lines).map(|(attack, line)| (attack, outcome(line)));
    let wrong: Vec<String> = outcomes
        .filter(|(attack, outcome)| attack.code != *outcome)
        .map(|(attack, outcome)| format!("{outcome}, not {}\t{}", attack.code, attack.statement))
        .collect();
    if !wrong.is_empty() {
        return Err(wrong.join("\n").into());
    }
    let after = files(&work)?;
    if after != before {
        return Err(format!("files were {before:#?}, and are {after:#?}").into());
    }
    agree(&attacks, &report)
}

/// A refusal is on record, and a call that was allowed names only tables that the policy has.
fn agree(attacks: &[Attack], report: &Value) -> Result<(), Failed> {
    let calls = report["calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    let reached = |call: &&Value| {
        let resource = call["resource"].as_str().unwrap_or_default();
        call["decision"] == "allow" && (resource.contains("secrets") || resource.contains("salaries"))
    };
    if let Some(call) = calls.iter().find(reached) {
        return Err(format!("allowed: {call}").into());
    }
    let denied = |code: &str| calls.iter().filter(|call| call["code"] == code).count();
    for code in [
        "deny.manifest.no_rule",
        "deny.manifest.rule",
        "deny.manifest.column",
        "deny.request.unsupported",
        "failed.sql_statement",
    ] {
        let expected = attacks.iter().filter(|attack| attack.code == code).count();
        if denied(code) != expected {
            return Err(format!("{} records of {code}, not {expected}", denied(code)).into());
        }
    }
    Ok(())
}

/// The code in a reply that the guest printed.
pub(crate) fn outcome(line: &str) -> String {
    let reply = line.strip_prefix("sql.query ").unwrap_or(line);
    match serde_json::from_str::<Value>(reply) {
        Ok(reply) => reply.pointer("/error/code").map_or("allow", |code| code.as_str().unwrap_or_default()).to_owned(),
        Err(_) => reply.to_owned(),
    }
}

pub(crate) fn read(text: &str) -> Result<Vec<Attack>, String> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (code, statement) = line.split_once('\t').ok_or_else(|| format!("no tab: {line}"))?;
            let statement =
                repeat(&statement.replace("\\n", "\n").replace("\\0", "\0").replace("\\ufeff", "\u{feff}"))?;
            Ok(Attack { code: code.to_owned(), statement })
        })
        .collect()
}

/// Writes `{{3 x}}` as `xxx`.
fn repeat(text: &str) -> Result<String, String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, after) = after.split_once("}}").ok_or("a `{{` without its end")?;
        let (times, unit) = inside.split_once(' ').ok_or("`{{` takes a number, a blank and a text")?;
        whole += before;
        whole += &unit.repeat(times.parse().map_err(|error| format!("{times}: {error}"))?);
        rest = after;
    }
    Ok(whole + rest)
}

/// What is in a folder, by checksum.
fn files(folder: &Path) -> Result<BTreeMap<PathBuf, String>, std::io::Error> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &fs::read(&path)?);
        found.insert(path, HEXLOWER.encode(digest.as_ref()));
    }
    Ok(found)
}
