//! One case: its folder is laid out somewhere else, the program runs in it, and what came of it is compared.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use serde_json::Value;

use crate::case::{AfterSpec, Case, FileSpec};
use crate::normal::{self, Names};
use crate::program::{self, Ended};
use crate::server::{self, Server};
use crate::token::TokenSpec;
use crate::{bomb, calls, canary, databases, golden, languages, lifted, tools, transcript};

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Files of a case's folder that are not for the run.
const OWN: [&str; 4] = ["case.toml", "report.json", "audit.json", "calls.json"];

/// Runs a case.
///
/// # Errors
/// When anything is not as the case says.
pub(crate) fn run(case: &Case) -> Result<(), Failed> {
    let stage = Stage::new(case)?;
    let ended = program::run(&mut stage.command())?;
    stage.judge(&ended)
}

struct Stage<'a> {
    case: &'a Case,
    /// Kept for as long as the case runs.
    _temporary: tempfile::TempDir,
    root: PathBuf,
    work: PathBuf,
    state: PathBuf,
    guest: PathBuf,
    names: Names,
    servers: Vec<Server>,
}

impl<'a> Stage<'a> {
    fn new(case: &'a Case) -> Result<Stage<'a>, String> {
        let temporary = tempfile::tempdir().map_err(text)?;
        let root = temporary.path().canonicalize().map_err(text)?;
        let (work, state) = (root.join("work"), root.join("state"));
        fs::create_dir(&work).map_err(text)?;
        let mut stage = Stage {
            case,
            _temporary: temporary,
            guest: PathBuf::new(),
            names: Names { replaced: Vec::new(), masked: case.spec.mask.clone() },
            servers: Vec::new(),
            root,
            work,
            state,
        };
        stage.serve()?;
        if case.spec.tools {
            stage.names.replaced.extend(tools::places()?);
        }
        stage.names.replaced.push((stage.root.display().to_string(), "{{root}}".to_owned()));
        canary::plant(&stage.root, &stage.work, &stage.state).map_err(text)?;
        stage.lay_out()?;
        stage.guest = stage.guest()?;
        if let Some(language) = languages::of(&stage.guest) {
            languages::lend(language, &stage.state)?;
        }
        if let Some(token) = &case.spec.token {
            token.prepare(&stage.work, &stage.state)?;
        }
        for command in &case.spec.before {
            let words = transcript::words(command);
            let ended = program::run(program::program(&stage.work, &words).arg("--state").arg(&stage.state))?;
            if ended.code != Some(0) {
                return Err(format!("`{command}` failed: {}", ended.stderr));
            }
        }
        for words in &case.spec.accept {
            tools::accept(&transcript::words(words), |words| {
                let mut command = program::program(&stage.work, words);
                command.arg("--state").arg(&stage.state).envs(stage.environment());
                command
            })?;
        }
        // What came before is on record as well, and not what the case is about.
        match fs::remove_dir_all(stage.state.join("audit")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(text(error)),
            _ => {}
        }
        Ok(stage)
    }

    /// Starts the servers; their ports have names in the case's files.
    fn serve(&mut self) -> Result<(), String> {
        if !self.case.spec.server {
            return Ok(());
        }
        let plain = Server::plain().map_err(text)?;
        let (tls, authority) = Server::tls().map_err(text)?;
        fs::write(self.work.join("ca.pem"), authority).map_err(text)?;
        let closed = server::closed_port().map_err(text)?;
        for (port, name) in [(plain.port(), "{{port}}"), (tls.port(), "{{tls_port}}"), (closed, "{{closed_port}}")] {
            self.names.replaced.push((port.to_string(), name.to_owned()));
        }
        self.servers = vec![plain, tls];
        Ok(())
    }

    fn lay_out(&self) -> Result<(), String> {
        let spec = &self.case.spec;
        fs::write(self.work.join("bailiwick.toml"), program::CONFIGURATION).map_err(text)?;
        for folder in ["policies", "guest-examples"] {
            copy(&repository().join(folder), &self.work.join(folder)).map_err(text)?;
        }
        for entry in fs::read_dir(&self.case.folder).map_err(text)? {
            let entry = entry.map_err(text)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !OWN.contains(&name.as_str()) {
                let content = fs::read_to_string(entry.path()).map_err(|error| format!("{name}: {error}"))?;
                fs::write(self.work.join(name), self.substitute(&content)).map_err(text)?;
            }
        }
        self.lay_out_common()?;
        // Folders first, links last: a link may lead to what is laid out with it.
        let is_link = |file: &FileSpec| matches!(file, FileSpec::Link { .. });
        let mut files: Vec<_> = spec.files.iter().collect();
        files.sort_by_key(|(_, file)| is_link(file));
        for (name, file) in files {
            self.place(&self.work.join(name), file).map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(())
    }

    /// A manifest that many cases share, and what it mounts.
    fn lay_out_common(&self) -> Result<(), String> {
        let common = Path::new(env!("CARGO_MANIFEST_DIR")).join("common");
        let Ok(policy) = fs::read_to_string(common.join(&self.case.spec.policy)) else { return Ok(()) };
        fs::write(self.work.join(&self.case.spec.policy), self.substitute(&policy)).map_err(text)?;
        copy(&common.join("box"), &self.work.join("box")).map_err(text)
    }

    fn place(&self, path: &Path, file: &FileSpec) -> io::Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        match file {
            FileSpec::Text(content) => fs::write(path, self.substitute(content)),
            FileSpec::Link { link } => std::os::unix::fs::symlink(link, path),
            FileSpec::Fifo { fifo: true } => {
                use rustix::fs::{CWD, FileType, Mode, mknodat};
                Ok(mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?)
            }
            FileSpec::Folder { folder: true } => fs::create_dir_all(path),
            FileSpec::Fifo { .. } | FileSpec::Folder { .. } => Err(io::Error::other("write `true`, or leave it out")),
            FileSpec::Filled { size } => fs::File::create(path)?.set_len(*size),
            FileSpec::Bytes { hex } => {
                let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).map_err(io::Error::other)?;
                fs::write(path, bytes)
            }
            FileSpec::Database { sql } => {
                let common = Path::new(env!("CARGO_MANIFEST_DIR")).join("common");
                let places = [self.case.folder.join(sql), common.join(sql), repository().join(sql)];
                let found = places.iter().find(|place| place.exists()).unwrap_or(sql);
                databases::make(path, &fs::read_to_string(found)?).map_err(io::Error::other)
            }
            FileSpec::Empty { empty_files } => {
                fs::create_dir_all(path)?;
                (0..*empty_files).try_for_each(|at| fs::write(path.join(format!("file-{at}")), ""))
            }
        }
    }

    fn substitute(&self, content: &str) -> String {
        self.names.replaced.iter().fold(content.to_owned(), |content, (actual, name)| content.replace(name, actual))
    }

    /// Where the guest is, after it was made if it is one that is made.
    fn guest(&self) -> Result<PathBuf, String> {
        let named = &self.case.spec.guest;
        if let Some(built) = named.strip_prefix("built/") {
            let path = repository().join("target/guests").join(built);
            if !path.exists() {
                return Err(format!("`{}` is not built; run scripts/guests.sh", path.display()));
            }
            return Ok(path);
        }
        if let Some(name) = named.strip_prefix("bomb/") {
            let path = self.work.join("bomb.wasm");
            fs::write(&path, bomb::guest(name)?).map_err(text)?;
            return Ok(path);
        }
        if let Some(name) = named.strip_prefix("lifted/") {
            let path = self.work.join("lifted.wasm");
            fs::write(&path, lifted::guest(name)?).map_err(text)?;
            return Ok(path);
        }
        if named == "calls.json" {
            let calls = fs::read_to_string(self.case.folder.join(named)).map_err(text)?;
            fs::write(self.work.join("calls.wat"), calls::guest(&self.substitute(&calls))?).map_err(text)?;
            return Ok(PathBuf::from("calls.wat"));
        }
        Ok(PathBuf::from(named))
    }

    fn environment(&self) -> impl Iterator<Item = (&String, String)> {
        self.case.spec.environment.iter().map(|(name, value)| (name, self.substitute(value)))
    }

    fn command(&self) -> std::process::Command {
        let spec = &self.case.spec;
        let mut command = program::program(&self.work, ["run", "--json", "--policy", &spec.policy]);
        canary::environment(&mut command);
        command.envs(self.environment());
        command.arg("--state").arg(&self.state).arg(&self.guest);
        if let Some(agent) = &spec.agent {
            command.args(["--as", agent]);
        } else {
            command.args(["--token-file", "token"]);
        }
        if spec.token.as_ref().is_some_and(TokenSpec::is_bound) {
            command.args(["--dpop-proof", "proof"]);
        }
        if let Some(input) = &spec.input {
            let json = serde_json::to_value(input).unwrap_or_default();
            command.args(["--input", &self.substitute(&json.to_string())]);
        }
        for (flag, value) in [("--restrict", &spec.restrict), ("--rationale", &spec.rationale)] {
            if let Some(value) = value {
                command.args([flag, value]);
            }
        }
        command.args(&spec.flags).arg("--").args(spec.args.iter().map(|arg| self.substitute(arg)));
        command
    }

    fn judge(&self, ended: &Ended) -> Result<(), Failed> {
        let spec = &self.case.spec;
        let said = || format!("stdout: {}\nstderr: {}", ended.stdout, ended.stderr);
        let report = normal::report(&ended.stdout, &self.names).map_err(|error| format!("{error}\n{}", said()))?;
        let audit = match fs::read(self.state.join("audit/log.jsonl")) {
            Ok(log) => Some(normal::audit(&log, &self.names)?),
            Err(_) => None,
        };
        if let Some(audit) = &audit {
            normal::agree(&report, audit)?;
        }
        golden::compare(&self.case.folder.join("report.json"), &pretty(&report))?;
        let expected = self.case.folder.join("audit.json");
        match &audit {
            Some(audit) => golden::compare(&expected, &pretty(audit))?,
            None => golden::absent(&expected)?,
        }
        if ended.code != Some(spec.exit) {
            return Err(format!("exit code {:?}, not {}\n{}", ended.code, spec.exit, said()).into());
        }
        for part in &spec.stderr {
            if !self.names.text(&ended.stderr).contains(part) {
                return Err(format!("stderr does not contain `{part}`\n{}", said()).into());
            }
        }
        if ended.stderr.contains("panicked at") {
            return Err(format!("something panicked\n{}", said()).into());
        }
        let log = || fs::read(self.state.join("audit/log.jsonl")).unwrap_or_default();
        let before = log();
        // What is looked at below is as it was, also after a replay.
        self.replay()?;
        if log() != before {
            return Err("a replay wrote to the audit log".into());
        }
        let log = String::from_utf8_lossy(&before);
        let texts = [("stdout", ended.stdout.as_str()), ("stderr", &ended.stderr), ("the audit log", &log)];
        canary::search(&texts, &self.root, &self.work, &self.state)?;
        self.check_after()?;
        self.check_connections()
    }

    /// What was recorded is replayed, twice, each time by a fresh process: from its journal alone it must do the same.
    fn replay(&self) -> Result<(), Failed> {
        // A run that was refused before it began has none.
        let listed =
            program::run(program::program(&self.work, ["runs", "list", "--json", "--state"]).arg(&self.state))?;
        let listed: Value = serde_json::from_str(&listed.stdout)?;
        if listed.pointer("/runs/0/has_journal") != Some(&Value::Bool(true)) {
            return Ok(());
        }
        for _ in 0..2 {
            let mut command = program::program(&self.work, ["replay", "last", "--json", "--state"]);
            let ended = program::run(command.arg(&self.state))?;
            let replayed: Value = serde_json::from_str(&ended.stdout).unwrap_or_default();
            let kind = replayed.pointer("/likeness/kind").and_then(Value::as_str);
            let is_alike = matches!(kind, Some("exact" | "exact_as_far_as_recorded"));
            if ended.code != Some(0) || !is_alike {
                let likeness = replayed.get("likeness").cloned().unwrap_or_default();
                return Err(format!("replayed: exit code {:?}, {likeness}\n{}", ended.code, ended.stderr).into());
            }
        }
        Ok(())
    }

    fn check_after(&self) -> Result<(), Failed> {
        for (name, after) in &self.case.spec.after {
            let path = self.work.join(name);
            let wrong = match after {
                AfterSpec::Text(expected) => {
                    let found = fs::read_to_string(&path).unwrap_or_else(|error| format!("({error})"));
                    (found != *expected).then(|| format!("holds `{found}`"))
                }
                AfterSpec::Absent { absent } => {
                    (fs::symlink_metadata(&path).is_err() != *absent).then(|| "is there, or is not".to_owned())
                }
                AfterSpec::Size { size } => {
                    let found = fs::metadata(&path).map(|metadata| metadata.len()).ok();
                    (found != Some(*size)).then(|| format!("has {found:?} bytes"))
                }
                AfterSpec::Query { query, answer } => {
                    let found = databases::ask(&path, query)?;
                    (found != *answer).then(|| format!("answers `{found}`"))
                }
            };
            if let Some(wrong) = wrong {
                return Err(format!("after the run `{name}` {wrong}").into());
            }
        }
        Ok(())
    }

    fn check_connections(&self) -> Result<(), Failed> {
        let Some(expected) = self.case.spec.connections else { return Ok(()) };
        let seen: usize = self.servers.iter().map(Server::connections).sum();
        if seen == expected { Ok(()) } else { Err(format!("{seen} connections, not {expected}").into()) }
    }
}

/// Copies a folder of plain files.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if from.ends_with("policies/data/outbox") && entry.file_name() != ".gitkeep" {
            continue; // what runs by hand have left there is not part of the case
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?
        } else {
            fs::copy(entry.path(), target).map(drop)?
        }
    }
    Ok(())
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
