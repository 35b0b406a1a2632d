//! Python and JavaScript: installed once for all tests, into `target/languages-test-state`; and what the `language`
//! commands do, for real. The first run of these tests fetches what builds the interpreters.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use bailiwick::Language;
use libtest_mimic::Failed;
use serde_json::Value;

use crate::program::{self, Ended};
use crate::stage::{copy, repository};

/// Fetching and building, on a slow connection and a busy machine.
const PATIENCE: Duration = Duration::from_secs(1200);

/// Grants nothing.
const POLICY: &str = "schema = 1\nid = \"nothing\"\nagents = [\"bot\"]\n";

/// The language of a guest that is source text.
pub(crate) fn of(guest: &Path) -> Option<Language> {
    Language::of_extension(guest.extension()?.to_str()?)
}

/// Lends the installed interpreter to a state folder: installations, and the cache with the key that seals both.
///
/// # Errors
/// When it cannot be installed.
pub(crate) fn lend(language: Language, state: &Path) -> Result<(), String> {
    let shared = install(language)?;
    fs::create_dir_all(state).map_err(|error| error.to_string())?;
    for folder in ["languages", "cache"] {
        std::os::unix::fs::symlink(shared.join(folder), state.join(folder))
            .map_err(|error| format!("{folder}: {error}"))?;
    }
    Ok(())
}

/// The state folder that the interpreters are installed into.
pub(crate) fn state() -> PathBuf {
    repository().join("target/languages-test-state")
}

/// Installs the language, once in this process and once for all, and returns the state folder that has it.
///
/// # Errors
/// When it cannot be installed.
pub(crate) fn install(language: Language) -> Result<PathBuf, String> {
    static DONE: [OnceLock<Result<(), String>>; 2] = [OnceLock::new(), OnceLock::new()];
    let state = state();
    let done = DONE.get(Language::ALL.iter().position(|it| *it == language).unwrap_or(0)).ok_or("no such language")?;
    done.get_or_init(|| {
        let ended = with_tools(&state, &["language", "install", language.name()])?;
        if ended.code == Some(0) { Ok(()) } else { Err(format!("{language} cannot be installed:\n{}", ended.stderr)) }
    })
    .clone()?;
    Ok(state)
}

/// The folder of the plain interpreter of this version; earlier ones may be there as well.
fn current(state: &Path, language: Language) -> Result<String, Failed> {
    let listed = json(&with_tools(state, &["language", "list", "--json"])?)?;
    let plain = |it: &&Value| {
        it["language"] == language.name()
            && it["state"] == "ready"
            && it["requested"].as_array().is_some_and(Vec::is_empty)
    };
    let found = listed["languages"].as_array().and_then(|list| list.iter().find(plain));
    found.and_then(|it| it["id"].as_str()).map(str::to_owned).ok_or_else(|| format!("no {language} in {listed}").into())
}

/// A command of the program with the variables of this process, in which pip and npm are found.
fn with_tools(state: &Path, args: &[&str]) -> Result<Ended, String> {
    let parent = state.parent().unwrap_or(state);
    fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    let mut command = program::program(parent, args);
    command.envs(std::env::vars_os()).env("BAILIWICK_STATE", state);
    command.env("BAILIWICK_CONFIG", "/dev/null");
    program::run_for(&mut command, PATIENCE)
}

/// A state folder of a test's own with both languages in it, copied, so that the test may harm them.
struct Own {
    folder: tempfile::TempDir,
}

impl Own {
    fn new(languages: &[Language]) -> Result<Own, Failed> {
        let folder = tempfile::tempdir()?;
        let state = folder.path().join("state");
        fs::create_dir(&state)?;
        for language in languages {
            let shared = install(*language)?;
            let id = current(&shared, *language)?;
            // Another test may be installing there: what is under way is not copied.
            for folder in ["languages", "cache", "cache/artifacts"] {
                fs::create_dir_all(state.join(folder))?;
                for entry in fs::read_dir(shared.join(folder))? {
                    let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
                    let to = state.join(folder).join(&name);
                    let name = name.to_string_lossy();
                    if entry.is_file() && !name.ends_with(".tmp") {
                        fs::copy(entry, to)?;
                    } else if name == id {
                        copy(&entry, &to)?;
                    }
                }
            }
        }
        fs::write(folder.path().join("policy.toml"), POLICY)?;
        fs::write(folder.path().join("one.py"), "result = 1 + 1\n")?;
        fs::write(folder.path().join("one.js"), "result = 1 + 1\n")?;
        Ok(Own { folder })
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A command that finds neither pip nor npm.
    fn command(&self, args: &[&str]) -> Result<Ended, Failed> {
        let mut command = program::program(self.folder.path(), args);
        Ok(program::run(command.env("BAILIWICK_STATE", self.state()).env("PATH", "/nowhere"))?)
    }

    /// Runs a file whose result is 2.
    fn runs(&self, file: &str, more: &[&str]) -> Result<Ended, Failed> {
        let args = ["run", file, "--policy", "policy.toml", "--as", "bot", "--json"];
        self.command(&[&args[..], more].concat())
    }

    fn states(&self) -> Result<Vec<(String, String)>, Failed> {
        let listed = json(&self.command(&["language", "list", "--json"])?)?;
        let list = listed["languages"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(list.iter().map(|it| (text(&it["language"]), text(&it["state"]))).collect())
    }

    /// The files with that name, or below a folder with it.
    fn files(&self, folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.state().join(folder)];
        while let Some(at) = folders.pop() {
            for entry in fs::read_dir(at).into_iter().flatten().flatten() {
                if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
            }
        }
        found
    }
}

fn json(ended: &Ended) -> Result<Value, Failed> {
    serde_json::from_str(&ended.stdout).map_err(|_| format!("{}{}", ended.stdout, ended.stderr).into())
}

fn expect(what: &str, ended: &Ended, code: i32, said: &[&str]) -> Result<(), Failed> {
    let all = format!("{}{}", ended.stdout, ended.stderr);
    if ended.code != Some(code) {
        return Err(format!("{what}: exit {:?}, not {code}: {all}", ended.code).into());
    }
    match said.iter().find(|text| !all.contains(**text)) {
        Some(text) => Err(format!("{what}: no `{text}` in: {all}").into()),
        None => Ok(()),
    }
}

fn expect_states(what: &str, own: &Own, expected: &[(&str, &str)]) -> Result<(), Failed> {
    let states = own.states()?;
    let states: Vec<(&str, &str)> =
        states.iter().map(|(language, state)| (language.as_str(), state.as_str())).collect();
    if states == expected { Ok(()) } else { Err(format!("{what}: {states:?}, not {expected:?}").into()) }
}

/// Where nothing is installed and nothing may be fetched, every command says what is missing and how to get it.
pub(crate) fn offline() -> Result<(), Failed> {
    let own = Own::new(&[])?;
    expect_states("at first", &own, &[("python", "missing"), ("javascript", "missing")])?;
    for (language, file) in [("python", "one.py"), ("javascript", "one.js")] {
        let how = format!("`bailiwick language install {language}`");
        let said = [format!("{language} is not installed"), how];
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        expect("install", &own.command(&["language", "install", language, "--offline"])?, 2, &said)?;
        expect("run", &own.runs(file, &["--offline"])?, 2, &said)?;
    }
    let with = own.runs("one.py", &["--offline", "--with", "Markdown,six"])?;
    expect("with", &with, 2, &["bailiwick language install python --with markdown,six"])?;
    let without_tools = own.command(&["language", "install", "python"])?;
    expect("no tools", &without_tools, 7, &["apt-get install", "python3-venv"])?;
    let javascript = own.command(&["language", "install", "javascript", "--with", "left-pad"])?;
    expect("javascript packages", &javascript, 2, &["python only"])?;
    expect_states("nothing was left", &own, &[("python", "missing"), ("javascript", "missing")])
}

/// Damage is noticed. What can be made again without the network is; the rest is not loaded.
pub(crate) fn damaged() -> Result<(), Failed> {
    let own = Own::new(&[Language::JavaScript])?;
    let ready = [("python", "missing"), ("javascript", "ready")];
    expect_states("whole", &own, &ready)?;
    expect("whole", &own.runs("one.js", &[])?, 0, &["\"result\": 2"])?;

    // Every entry of the cache, a byte in its middle: compiled again.
    for entry in own.files("cache/artifacts") {
        let mut bytes = fs::read(&entry)?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x40;
        fs::write(&entry, bytes)?;
    }
    expect("a damaged cache", &own.runs("one.js", &["--offline"])?, 0, &["\"result\": 2"])?;

    // No cache: compiled again, before the run.
    fs::remove_dir_all(own.state().join("cache/artifacts"))?;
    expect_states("no cache", &own, &[("python", "missing"), ("javascript", "not compiled")])?;
    expect("no cache", &own.runs("one.js", &["--offline"])?, 0, &["\"result\": 2"])?;
    expect_states("compiled", &own, &ready)?;

    // Another component, and nothing compiled: refused, and where tools are, built anew.
    let component = own.files("languages").into_iter().find(|path| path.ends_with("component.wasm")).ok_or("none")?;
    let mut bytes = fs::read(&component)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&component, bytes)?;
    fs::remove_dir_all(own.state().join("cache/artifacts"))?;
    let said = ["javascript is damaged: the component is another one", "bailiwick language install javascript"];
    expect("another component", &own.runs("one.js", &["--offline"])?, 7, &said)?;

    // A description that is not ours.
    fs::write(component.with_file_name("runtime.json"), "{}")?;
    expect_states("runtime.json", &own, &[("python", "missing"), ("javascript", "damaged")])?;
    expect("runtime.json", &own.runs("one.js", &["--offline"])?, 7, &["runtime.json is not ours"])?;

    // With another key, all of it is foreign.
    let other = Own::new(&[Language::JavaScript])?;
    fs::write(other.state().join("cache/seal.key"), [7; 32])?;
    expect_states("another key", &other, &[("python", "missing"), ("javascript", "damaged")])
}

/// Removing takes the installation and what was compiled of it.
pub(crate) fn removed() -> Result<(), Failed> {
    let own = Own::new(&[Language::JavaScript])?;
    let before = own.files("cache/artifacts").len();
    expect("remove", &own.command(&["language", "remove", "javascript"])?, 0, &["removed javascript-"])?;
    if own.files("cache/artifacts").len() + 1 != before {
        return Err(format!("{} entries of {before} are left", own.files("cache/artifacts").len()).into());
    }
    expect_states("removed", &own, &[("python", "missing"), ("javascript", "missing")])?;
    expect("again", &own.command(&["language", "remove", "javascript"])?, 0, &["nothing to remove"])
}

/// A wheel that requires another package at an address: a folder whose build backend leaves a mark.
const TRAP: &str = r#"
import pathlib, sys, zipfile
root = pathlib.Path(sys.argv[1])
inner = root / "inner"
inner.mkdir()
(inner / "pyproject.toml").write_text(
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    '[project]\nname = "inner"\nversion = "1.0"\n')
(inner / "backend.py").write_text(f"open({str(root / 'executed')!r}, 'w').write('here')\n")
(root / "wheels").mkdir()
with zipfile.ZipFile(root / "wheels/outer_of_trap-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("outer_of_trap.py", "")
    info = "outer_of_trap-1.0.dist-info/"
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: outer-of-trap\nVersion: 1.0\n"
                   f"Requires-Dist: inner @ {inner.as_uri()}\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", "")
"#;

/// Whatever a package requires, nothing of it is executed while it is fetched.
pub(crate) fn packages_that_would_be_built() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let made = Command::new("python3").args(["-I", "-c", TRAP]).arg(folder.path()).status()?;
    if !made.success() {
        return Err("python3 cannot make a wheel".into());
    }
    let state = folder.path().join("state");
    let mut command = program::program(folder.path(), ["language", "install", "python", "--with", "outer-of-trap"]);
    command.envs(std::env::vars_os()).env("BAILIWICK_STATE", &state).env("BAILIWICK_CONFIG", "/dev/null");
    command.env("PIP_FIND_LINKS", folder.path().join("wheels"));
    let ended = program::run_for(&mut command, PATIENCE)?;
    expect("a package to build", &ended, 2, &["package `outer-of-trap` cannot be used", "nothing is built here"])?;
    if folder.path().join("executed").exists() {
        return Err("a package's build backend was executed".into());
    }
    Ok(())
}

/// Packages of Python code go in; native ones are refused by name. Needs the package index.
pub(crate) fn packages() -> Result<(), Failed> {
    let state = repository().join("target/languages-test-state");
    install(Language::Python)?;
    let install = |with| with_tools(&state, &["language", "install", "python", "--with", with]);
    let refused = install("numpy")?;
    expect("numpy", &refused, 2, &["package `numpy` cannot be used", "native code"])?;
    expect("markdown", &install("markdown==3.9")?, 0, &["markdown 3.9"])?;
    let folder = tempfile::tempdir()?;
    lend(Language::Python, &folder.path().join("state"))?;
    fs::write(folder.path().join("policy.toml"), POLICY)?;
    fs::write(folder.path().join("page.py"), "import markdown\nresult = markdown.markdown('*hello*')\n")?;
    let run = |more: &[&str]| {
        let args = ["run", "page.py", "--policy", "policy.toml", "--as", "bot", "--json", "--offline"];
        let args: Vec<OsString> = args.iter().chain(more).map(OsString::from).collect();
        let mut command: Command = program::program(folder.path(), args);
        program::run(command.env("BAILIWICK_STATE", folder.path().join("state")))
    };
    expect("with it", &run(&["--with", "Markdown==3.9"])?, 0, &["<p><em>hello</em></p>"])?;
    expect("without it", &run(&[])?, 1, &["ModuleNotFoundError"])?;
    expect("another version", &run(&["--with", "markdown"])?, 2, &["bailiwick language install python --with markdown"])
}
