//! Sessions: pieces of source text in one interpreter, from lines, from JSON, and from somebody at a terminal.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use bailiwick::{Language, MAX_SOURCE_BYTES};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::languages;
use crate::program::{self, Ended};

type Scenario = fn(&Scene) -> Result<(), Failed>;

const SCENARIOS: [(&str, Scenario); 7] = [
    ("lines", lines),
    ("json", json),
    ("limits_are_for_all_pieces", limits_are_for_all_pieces),
    ("pieces_are_bounded", pieces_are_bounded),
    ("an_input_that_breaks_is_no_end", an_input_that_breaks_is_no_end),
    ("javascript", javascript),
    ("on_a_terminal", on_a_terminal),
];

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |(name, play): (&str, Scenario)| Trial::test(format!("sessions::{name}"), move || play(&Scene::new()?));
    SCENARIOS.into_iter().map(trial).chain([Trial::test("sessions::typescript", typescript)]).collect()
}

/// A folder with a policy that grants nothing, and both languages.
struct Scene {
    _temporary: tempfile::TempDir,
    root: PathBuf,
}

impl Scene {
    fn new() -> Result<Scene, Failed> {
        languages::install(Language::Python)?;
        Scene::with_javascript()
    }

    fn with_javascript() -> Result<Scene, Failed> {
        let temporary = tempfile::tempdir()?;
        let root = temporary.path().to_owned();
        languages::lend(Language::JavaScript, &root.join("state"))?;
        fs::write(
            root.join("policy.toml"),
            "schema = 1\nid = \"nothing\"\nagents = [\"bot\"]\n[limits]\ntimeout = \"60s\"\n",
        )?;
        Ok(Scene { _temporary: temporary, root })
    }

    fn root(&self) -> &Path {
        &self.root
    }

    /// Says all of `said`, then nothing more.
    fn session(&self, arguments: &[&str], said: &str) -> Result<Ended, Failed> {
        let words = ["session", "--policy", "policy.toml", "--as", "bot", "--state", "state", "--offline"];
        let mut child = program::program(self.root(), words.iter().chain(arguments))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(said.as_bytes())?;
        }
        Ok(program::finish(child)?)
    }
}

/// Programs with types come from standard input when it is said; a session has none, and says so.
fn typescript() -> Result<(), Failed> {
    let scene = Scene::with_javascript()?;
    let source =
        "const sum = (items: number[]): number => items.reduce((a, b) => a + b, 0);\nresult = sum([1, 2, 3]);\n";
    fs::write(scene.root().join("source"), source)?;
    for (language, code, says) in [("typescript", 0, "result  6"), ("javascript", 1, "SyntaxError")] {
        let words =
            ["run", "-", "--lang", language, "--policy", "policy.toml", "--as", "bot", "--state", "state", "--offline"];
        let input = fs::File::open(scene.root().join("source"))?;
        let mut command = program::program(scene.root(), words);
        let ended = program::run(command.stdin(input))?;
        same(&ended.code, &Some(code))?;
        expect(&ended.stderr, says)?;
    }
    let ended = scene.session(&["--lang", "typescript"], "")?;
    same(&ended.code, &Some(2))?;
    expect(&ended.stderr, "JavaScript, without types")
}

fn expect(text: &str, part: &str) -> Result<(), Failed> {
    if text.contains(part) { Ok(()) } else { Err(format!("no {part:?} in:\n{text}").into()) }
}

fn same<T: PartialEq + std::fmt::Debug>(is: &T, expected: &T) -> Result<(), Failed> {
    if is == expected { Ok(()) } else { Err(format!("{is:?} instead of {expected:?}").into()) }
}

/// An error does not end a session, and what was defined before it is there after it.
fn lines(scene: &Scene) -> Result<(), Failed> {
    let said = "x = 1\nx + 1\ndef f():\n  return [x,\n    3]\n\nf()\n1 / 0\nraise SystemExit(1)\nf()[0]";
    let ended = scene.session(&["--lang", "python"], said)?;
    same(&ended.stdout.as_str(), &"2\n[1,3]\n1\n")?;
    expect(&ended.stderr, "ZeroDivisionError: division by zero")?;
    expect(&ended.stderr, "finished")?;
    same(&ended.code, &Some(0))
}

/// Each line has one line as its answer; the last one is the report of the whole session.
fn json(scene: &Scene) -> Result<(), Failed> {
    let said = "\"x = 20\"\n\nnonsense\n{\"source\": \"x + 1\"}\n\"y\"\n\"print(x)\"\n";
    let ended = scene.session(&["--lang", "python", "--json"], said)?;
    let answers: Vec<Value> = ended.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let [first, nonsense, sum, failed, printed, whole] = answers.as_slice() else {
        return Err(format!("{answers:#?}").into());
    };
    same(&first["stop"]["kind"], &"finished".into())?;
    expect(&nonsense["error"]["message"].to_string(), "expected a JSON string")?;
    same(&sum["result"], &21.into())?;
    same(&failed["stop"]["message"], &"NameError: name 'y' is not defined".into())?;
    same(&printed["stdout"], &"20\n".into())?;
    same(&whole["identity"]["agent"], &"bot".into())?;
    same(&ended.code, &Some(0))
}

/// A piece that is stopped ends the session; what was said after it is not executed.
fn limits_are_for_all_pieces(scene: &Scene) -> Result<(), Failed> {
    let piece = "\"for (let i = 0; i < 2e5; i++);\"\n";
    let said = format!("{}\"console.log('never')\"\n", piece.repeat(20));
    let ended = scene.session(&["--lang", "javascript", "--json", "--fuel", "500000000"], &said)?;
    let kinds: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).map(|answer| answer["stop"]["kind"].clone()))
        .collect::<Result<_, _>>()?;
    let (finished, stopped): (Vec<_>, Vec<_>) = kinds.iter().partition(|kind| **kind == "finished");
    if finished.is_empty() || stopped.len() != 2 || stopped.iter().any(|kind| **kind != "out_of_fuel") {
        return Err(format!("{kinds:?}").into());
    }
    if ended.stdout.contains("never") { Err("it went on".into()) } else { same(&ended.code, &Some(5)) }
}

/// Source text over the limit is refused, in lines and in JSON, and the session goes on with what comes after it.
fn pieces_are_bounded(scene: &Scene) -> Result<(), Failed> {
    let said = format!("{}print('never'))\n\n6 * 7\n", "(\n".repeat(MAX_SOURCE_BYTES / 2));
    let ended = scene.session(&["--lang", "python"], &said)?;
    same(&ended.stdout.as_str(), &"42\n")?;
    expect(&ended.stderr, "a piece of more than 4194304 bytes is not executed")?;
    same(&ended.code, &Some(0))?;

    let said = format!("\"#{}\"\n\"6 * 7\"\n", "x".repeat(MAX_SOURCE_BYTES));
    let ended = scene.session(&["--lang", "python", "--json"], &said)?;
    let answers: Vec<Value> = ended.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let [refused, product, _] = answers.as_slice() else { return Err(format!("{answers:#?}").into()) };
    same(&refused["stop"]["reason"], &"too_large".into())?;
    same(&product["result"], &42.into())?;
    same(&ended.code, &Some(0))
}

/// A folder can be opened, and not be read.
fn an_input_that_breaks_is_no_end(scene: &Scene) -> Result<(), Failed> {
    let words = ["session", "--policy", "policy.toml", "--as", "bot", "--state", "state", "--offline"];
    for more in [&["--lang", "javascript"][..], &["--lang", "javascript", "--json"]] {
        let child = program::program(scene.root(), words.iter().chain(more))
            .stdin(fs::File::open(scene.root())?)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let ended = program::finish(child)?;
        expect(&format!("{}{}", ended.stdout, ended.stderr), "standard input cannot be read")?;
        same(&ended.code, &Some(7))?;
    }
    Ok(())
}

/// Lexical variables stay, and may be declared again, also where the first time failed; promises are awaited; comments may go
/// over several lines.
fn javascript(scene: &Scene) -> Result<(), Failed> {
    let said = [
        "let x = 1; const y = { a: 2 }; class P { z = 3 }",
        "x + y.a + new P().z",
        "x = await new Promise((done) => setTimeout(() => done(9), 5))",
        "null.x",
        "/* it's\n\n( */ x + 1",
        "function f(\n) { return `\n\n` + x }",
        "f().length",
        "const half = 1, w = null.x",
        "let x = 20; const w = 30, half = 40; class P {}",
        "[x, w, half, f().length, String(new P().z)]",
        "throw new SyntaxError(\"redeclaration of 'nothing'\")",
    ];
    let ended = scene.session(&["--lang", "javascript"], &said.join("\n"))?;
    same(&ended.stdout.as_str(), &"6\n9\n10\n3\n[20,30,40,4,\"undefined\"]\n")?;
    expect(&ended.stderr, "at <eval> (<session>:1:1)")?;
    same(&ended.code, &Some(0))
}

/// Somebody who types is told how to leave, sees a prompt when there is something to say, and leaves with Ctrl-D.
fn on_a_terminal(scene: &Scene) -> Result<(), Failed> {
    let line =
        format!("{} session --lang python --policy policy.toml --as bot --state state --offline", program::PROGRAM);
    // It runs its command on a terminal of its own.
    let mut child = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .current_dir(scene.root())
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (Some(mut keys), Some(mut screen)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("no pipes".into());
    };
    let (seen, shown) = mpsc::channel();
    thread::spawn(move || {
        let mut piece = [0; 1024];
        while let Ok(length @ 1..) = screen.read(&mut piece) {
            if seen.send(piece.get(..length).unwrap_or_default().to_vec()).is_err() {
                return;
            }
        }
    });
    let (mut all, mut fresh) = (String::new(), String::new());
    // What is typed before the prompt is lost, as on every terminal that edits lines.
    for (prompt, typed) in [
        (">>> ", "x = 41\r"),
        (">>> ", "def f():\r"),
        ("... ", "  return x + 1\r"),
        ("... ", "\r"),
        (">>> ", "f()\r"),
        (">>> ", "\x04"),
    ] {
        while !fresh.rsplit_once('\n').is_some_and(|(_, last)| last.contains(prompt)) {
            let lost = |_| format!("no prompt for {typed:?} after:\n{all}{fresh}");
            fresh.push_str(&String::from_utf8_lossy(&shown.recv_timeout(program::PATIENCE).map_err(lost)?));
        }
        all.push_str(&std::mem::take(&mut fresh));
        keys.write_all(typed.as_bytes())?;
    }
    drop(keys);
    let ended = program::finish(child)?;
    all.extend(shown.iter().map(|piece| String::from_utf8_lossy(&piece).into_owned()));
    for part in ["as `bot`", "Ctrl-D ends the session", "42", "finished"] {
        expect(&all, part)?;
    }
    same(&ended.code, &Some(0))
}
