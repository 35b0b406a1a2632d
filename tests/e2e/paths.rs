//! `cases/path-attacks.tsv`: paths that lead, or seem to lead, out of a mount, tried by every operation in four ways: the
//! core ABI, WASI preview 1, Python (WASI preview 2) and JavaScript (the WIT package). What counts is the disk.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use bailiwick::Language;
use libtest_mimic::{Failed, Trial};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use serde_json::{Value, json};

use crate::program::Home;
use crate::{calls, languages, program};

/// Fewer would not be the corpus that it is meant to be.
const LEAST: usize = 100;
/// In no output, and in no file but its own.
const SECRET: &str = "the content that nobody may see";

const POLICY: &str = r#"
schema = 1
id = "paths"
agents = ["bot"]

[limits]
host_calls = 1_000_000
output = "16MiB"
timeout = "5m"
fuel = 1_000_000_000_000

[[allow]]
id = "all"
file = "m/**"
actions = ["read", "write", "list", "delete"]

[[allow]]
id = "m"
file = "m"
actions = ["list"]

[mounts]
m = "data"
n = "other"
"#;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("paths::core", || attack(core)),
        Trial::test("paths::preview1", || attack(preview1)),
        Trial::test("paths::python", || attack(python)),
        Trial::test("paths::javascript", || attack(javascript)),
    ]
}

struct Attack {
    word: String,
    path: String,
}

/// Operations, in the order in which they are tried. The last ones are WASI's alone.
const OPERATIONS: [&str; 12] = [
    "read",
    "list",
    "stat",
    "write",
    "make",
    "rename-to",
    "rename-from",
    "delete",
    "times",
    "symlink",
    "link",
    "readlink",
];

impl Attack {
    /// Whether an operation is tried.
    fn tries(&self, operation: &str) -> bool {
        match self.word.as_str() {
            "refused" => true,
            "kept" => !matches!(operation, "delete"),
            "special" => !matches!(operation, "delete" | "stat"),
            "looked" => matches!(operation, "read" | "list" | "stat"),
            _ => operation == "read",
        }
    }

    /// Whether its success would be an escape.
    fn must_fail(&self) -> bool {
        matches!(self.word.as_str(), "refused" | "kept" | "special")
    }
}

/// What an operation on a path gave: `None` when it failed.
type Answers = BTreeMap<(usize, &'static str), Option<String>>;

fn attack(way: fn(&Scene, &[Attack]) -> Result<Answers, String>) -> Result<(), Failed> {
    let attacks = read()?;
    let scene = Scene::new()?;
    let before = scene.snapshot()?;
    let answers = way(&scene, &attacks)?;
    let mut wrong = Vec::new();
    for ((number, operation), answer) in &answers {
        let attack = &attacks[*number];
        let shown: String = attack.path.chars().take(100).collect();
        match answer {
            Some(_) if attack.must_fail() => wrong.push(format!("{operation} {shown:?} succeeded")),
            None if attack.word == "control" => wrong.push(format!("{operation} {shown:?} failed")),
            Some(text) if attack.word == "control" && !text.starts_with("inside") => {
                wrong.push(format!("{operation} {shown:?} gave {text:?}"));
            }
            _ => {}
        }
    }
    let tried = attacks.iter().map(|attack| OPERATIONS.iter().filter(|word| attack.tries(word)).count()).sum::<usize>();
    if answers.len() * 3 < tried * 2 {
        wrong.push(format!("only {} answers to {tried} tries", answers.len()));
    }
    let after = scene.snapshot()?;
    for (path, what) in &after {
        if before.get(path) != Some(what) {
            wrong.push(format!("{} is {what}, and was {:?}", path.display(), before.get(path)));
        }
    }
    wrong.extend(
        before.keys().filter(|path| !after.contains_key(*path)).map(|path| format!("{} is gone", path.display())),
    );
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn read() -> Result<Vec<Attack>, Failed> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/path-attacks.tsv"))?;
    let mut attacks = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, path) = line.split_once('\t').ok_or_else(|| format!("not a word and a path: {line}"))?;
        if !["refused", "kept", "special", "looked", "control"].contains(&word) {
            return Err(format!("`{word}` is no such word").into());
        }
        let path = match serde_json::from_str(path)? {
            Value::String(path) => path,
            long => {
                let parts = long["$repeat"].as_array().ok_or("no `$repeat`")?;
                let part = |at: usize| parts[at].as_str().unwrap_or_default();
                let times = usize::try_from(parts[2].as_u64().unwrap_or_default())?;
                format!("{}{}{}", part(0), part(1).repeat(times), part(3))
            }
        };
        attacks.push(Attack { word: word.to_owned(), path });
    }
    if attacks.iter().filter(|attack| attack.must_fail()).count() < LEAST {
        return Err("there are too few paths to be refused".into());
    }
    Ok(attacks)
}

struct Scene {
    root: Home,
}

impl Scene {
    fn new() -> Result<Scene, Failed> {
        let root = Home::new()?;
        for folder in ["data/dir", "other", "outside/inner"] {
            fs::create_dir_all(root.join(folder))?;
        }
        fs::write(root.join("policy.toml"), POLICY)?;
        for file in ["outside/secret.txt", "outside/inner/deep", "other/other.txt"] {
            fs::write(root.join(file), SECRET)?;
        }
        let data = root.join("data");
        for file in [
            "file.txt",
            "dir/inner.txt",
            "mine",
            "name with blanks.txt",
            "\u{e4}-composed.txt",
            "file.txt.",
            "FILE.TXT",
        ] {
            fs::write(data.join(file), "inside")?;
        }
        fs::write(data.join("a\u{308}-composed.txt"), "the other normal form")?;
        fs::write(root.join("outside/linked"), "inside")?;
        fs::hard_link(root.join("outside/linked"), data.join("hard"))?;
        let outside = root.join("outside");
        for (link, target) in [
            ("in-link", Path::new("dir/inner.txt")),
            ("in-dir", Path::new("dir")),
            ("in-chain", Path::new("in-link")),
            ("absolute", &outside.join("secret.txt")),
            ("relative", Path::new("../outside/secret.txt")),
            ("chain", Path::new("chain-end")),
            ("chain-end", Path::new("relative")),
            ("loop", Path::new("pool")),
            ("pool", Path::new("loop")),
            ("self", Path::new("self/x")),
            ("dangling", Path::new("../outside/new.txt")),
            ("dangling-dir", Path::new("../outside/none")),
            ("etc", Path::new("/etc/passwd")),
            ("etc-dir", Path::new("/etc")),
            ("proc-root", Path::new("/proc/self/root")),
            ("proc-cwd", Path::new("/proc/self/cwd")),
            ("proc-fd", Path::new("/proc/self/fd")),
            ("proc-fd-link", Path::new("/proc/self/fd/0")),
            ("dev-null", Path::new("/dev/null")),
            ("other", Path::new("../other/other.txt")),
            ("other-dir", Path::new("../other")),
            ("to-mounts", Path::new("../../n")),
            ("up", Path::new("..")),
            ("up-and-back", Path::new("../data/file.txt")),
            ("backslash-link", Path::new("..\\outside\\secret.txt")),
            ("absolute-dir", &outside),
            ("relative-dir", Path::new("../outside")),
            ("chain-dir", Path::new("relative-dir")),
        ] {
            symlink(target, data.join(link))?;
        }
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, data.join("fifo"), FileType::Fifo, mode, 0)?;
        drop(UnixListener::bind(data.join("socket"))?);
        for (name, kind, device) in
            [("null", FileType::CharacterDevice, makedev(1, 3)), ("block", FileType::BlockDevice, makedev(7, 200))]
        {
            mknodat(CWD, data.join(name), kind, mode, device)
                .map_err(|error| format!("this test makes device files, and needs to be root: {error}"))?;
        }
        Ok(Scene { root })
    }

    /// Every path around the mount and in it, with what is there: links are not followed, and times count.
    fn snapshot(&self) -> Result<BTreeMap<PathBuf, String>, Failed> {
        let mut found = BTreeMap::new();
        let mut ahead = vec![self.root.to_path_buf()];
        while let Some(at) = ahead.pop() {
            for entry in fs::read_dir(at)? {
                let path = entry?.path();
                let name = path.strip_prefix(&*self.root)?.to_owned();
                // What the command itself needs.
                if ["state", "guest.wat", "guest.py", "guest.js", "input.json"].iter().any(|own| name == Path::new(own))
                {
                    continue;
                }
                let about = fs::symlink_metadata(&path)?;
                let kind = about.file_type();
                let content = if kind.is_symlink() {
                    format!("link to {:?}", fs::read_link(&path)?)
                } else if kind.is_file() {
                    format!("{:?}", fs::read_to_string(&path)?)
                } else if kind.is_dir() {
                    ahead.push(path.clone());
                    "directory".to_owned()
                } else {
                    format!("special {} {}", kind.is_fifo(), about.rdev())
                };
                let times =
                    if kind.is_dir() { String::new() } else { format!(" {} {}", about.mtime(), about.mtime_nsec()) };
                found.insert(name, format!("{content}{times} mode {:o}", about.mode()));
            }
        }
        Ok(found)
    }

    /// Runs a guest; what it printed.
    fn run(&self, guest: &str, text: &str, input: Option<&Value>) -> Result<String, String> {
        let failed = |error: std::io::Error| error.to_string();
        fs::write(self.root.join(guest), text).map_err(failed)?;
        let mut command = self.root.program(["run", guest, "--policy", "policy.toml", "--as", "bot", "--json"]);
        if let Some(input) = input {
            fs::write(self.root.join("input.json"), input.to_string()).map_err(failed)?;
            command.args(["--input", "@input.json"]);
        }
        let ended = program::run(&mut command)?;
        let report: Value =
            serde_json::from_str(&ended.stdout).map_err(|error| format!("{error}: {}", ended.stderr))?;
        if report["stop"]["kind"] != "finished" {
            return Err(format!("{} {}", report["stop"], report["stderr"]));
        }
        if ended.stdout.contains(SECRET) || ended.stderr.contains(SECRET) || ended.stdout.contains("root:x:") {
            return Err("something outside was read".to_owned());
        }
        Ok(report["stdout"].as_str().unwrap_or_default().to_owned())
    }
}

fn core(scene: &Scene, attacks: &[Attack]) -> Result<Answers, String> {
    let (mut asked, mut keys) = (Vec::new(), Vec::new());
    for (number, attack) in attacks.iter().enumerate() {
        let path = &attack.path;
        for operation in OPERATIONS.iter().filter(|operation| attack.tries(operation)) {
            let call = match *operation {
                "read" => json!(["files.read", {"path": path}]),
                "list" => json!(["files.list", {"path": path}]),
                "stat" => json!(["files.stat", {"path": path}]),
                "write" => json!(["files.write", {"path": path, "content": "changed"}]),
                "make" => json!(["files.make_directory", {"path": path}]),
                "rename-to" => json!(["files.rename", {"from": "/m/mine", "to": path}]),
                "rename-from" => json!(["files.rename", {"from": path, "to": "/m/stolen"}]),
                "delete" => json!(["files.delete", {"path": path}]),
                _ => continue,
            };
            asked.push(call);
            keys.push((number, *operation));
        }
    }
    let printed = scene.run("guest.wat", &calls::guest(&Value::from(asked).to_string())?, None)?;
    let lines: Vec<&str> = printed.lines().collect();
    if lines.len() != keys.len() {
        return Err(format!("{} lines for {} calls", lines.len(), keys.len()));
    }
    let answer = |line: &str| {
        let reply: Value =
            line.split_once(' ').and_then(|(_, reply)| serde_json::from_str(reply).ok()).unwrap_or_default();
        let content = reply["content"].as_str().map_or_else(|| line.to_owned(), str::to_owned);
        reply.get("error").is_none().then_some(content)
    };
    Ok(keys.into_iter().zip(lines).map(|(key, line)| (key, answer(line))).collect())
}

/// A module of WASI preview 1 that calls its functions themselves, and prints a character for each error number.
fn preview1(scene: &Scene, attacks: &[Attack]) -> Result<Answers, String> {
    const TEXTS: usize = 1 << 20;
    const RESULTS: usize = 64 << 10;
    let (mut data, mut steps, mut keys) = (String::new(), String::new(), Vec::new());
    let mut at = TEXTS;
    let mut add = |text: &str| {
        let place = (at, text.len());
        let bytes = text.bytes().fold(String::new(), |mut escaped, byte| {
            let _ = write!(escaped, "\\{byte:02x}");
            escaped
        });
        let _ = writeln!(data, "  (data (i32.const {at}) \"{bytes}\")");
        at += text.len();
        place
    };
    let (mine, stolen, target) = (add("m/mine"), add("m/stolen"), add("../outside/secret.txt"));
    for (number, attack) in attacks.iter().enumerate() {
        // As the C library does it: relative to the one directory that the program has.
        let (path, len) = add(attack.path.strip_prefix('/').unwrap_or(&attack.path));
        let one = format!("(i32.const {path}) (i32.const {len})");
        let of = |(at, len): (usize, usize)| format!("(i32.const {at}) (i32.const {len})");
        let open = |flags: u32, create: u32, rights: u64| {
            format!(
                "(call $open (i32.const 3) (i32.const {flags}) {one} (i32.const {create}) (i64.const {rights}) (i64.const 0) (i32.const 0) (i32.const 512))"
            )
        };
        for operation in OPERATIONS.iter().filter(|operation| attack.tries(operation)) {
            let call = match *operation {
                "read" => open(1, 0, 2),
                "list" => open(1, 2, 0x4000),
                "stat" => format!("(call $stat (i32.const 3) (i32.const 1) {one} (i32.const 1024))"),
                "write" => open(1, 1 | 8, 64),
                "make" => format!("(call $make (i32.const 3) {one})"),
                "rename-to" => format!("(call $rename (i32.const 3) {} (i32.const 3) {one})", of(mine)),
                "rename-from" => format!("(call $rename (i32.const 3) {one} (i32.const 3) {})", of(stolen)),
                "delete" => format!("(call $unlink (i32.const 3) {one})"),
                "times" => format!(
                    "(call $times (i32.const 3) (i32.const 1) {one} (i64.const 0) (i64.const 0) (i32.const 10))"
                ),
                "symlink" => format!("(call $symlink {} (i32.const 3) {one})", of(target)),
                "link" => format!("(call $link (i32.const 3) (i32.const 0) {} (i32.const 3) {one})", of(mine)),
                _ => format!("(call $readlink (i32.const 3) {one} (i32.const 2048) (i32.const 100) (i32.const 512))"),
            };
            let at = RESULTS + keys.len();
            let _ = writeln!(steps, "    (call $note (i32.const {at}) {call})");
            if matches!(*operation, "read" | "list" | "write") {
                // Its first character is what is read, and the descriptor is given back.
                let _ = writeln!(steps, "    (call $end (i32.const {at}))");
            }
            keys.push((number, *operation));
        }
    }
    let pages = at.div_ceil(1 << 16) + 1;
    let len = keys.len();
    let guest = format!(
        r#"(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $stat (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $make (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_set_times" (func $times (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link" (func $link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_readlink" (func $readlink (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") {pages})
{data}
  (func $note (param $at i32) (param $errno i32)
    (i32.store8 (local.get $at) (i32.add (local.get $errno) (i32.const 48))))
  (func $end (param $at i32)
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 48)) (then
      (i32.store (i32.const 520) (i32.const 4096)) (i32.store (i32.const 524) (i32.const 100))
      (i32.store8 (i32.const 4096) (i32.const 0))
      (drop (call $read (i32.load (i32.const 512)) (i32.const 520) (i32.const 1) (i32.const 528)))
      (if (i32.eq (i32.load8_u (i32.const 4096)) (i32.const 105)) (then (i32.store8 (local.get $at) (i32.const 47))))
      (drop (call $close (i32.load (i32.const 512)))))))
  (func (export "_start")
{steps}
    (i32.store (i32.const 520) (i32.const {RESULTS})) (i32.store (i32.const 524) (i32.const {len}))
    (drop (call $write (i32.const 1) (i32.const 520) (i32.const 1) (i32.const 528)))))
"#
    );
    let printed = scene.run("guest.wat", &guest, None)?;
    if printed.len() != keys.len() {
        return Err(format!("{} characters for {} calls: {printed}", printed.len(), keys.len()));
    }
    // `0` is the errno of success, and `/`, before it, that of a file that begins as a control does.
    let answer = |errno: char| match errno {
        '/' => Some("inside".to_owned()),
        '0' => Some(String::new()),
        _ => None,
    };
    Ok(keys.into_iter().zip(printed.chars().map(answer)).collect())
}

const PYTHON: &str = r#"
import os

def write(path):
    with open(path, "w") as file:
        file.write("changed")

def read(path):
    with open(path) as file:
        return file.read(6)

ways = {
    "read": read,
    "list": lambda path: str(len(os.listdir(path))),
    "stat": lambda path: str(os.stat(path).st_size),
    "write": write,
    "make": os.mkdir,
    "rename-to": lambda path: os.rename("/m/mine", path),
    "rename-from": lambda path: os.rename(path, "/m/stolen"),
    "delete": os.unlink,
    "times": lambda path: os.utime(path, (1, 1)),
    "symlink": lambda path: os.symlink("../outside/secret.txt", path),
    "link": lambda path: os.link("/m/mine", path),
    "readlink": os.readlink,
}
for number, operation, path in input:
    try:
        print(number, operation, "ok", ways[operation](path))
    except Exception as error:
        print(number, operation, type(error).__name__)
"#;

const JAVASCRIPT: &str = r#"
const { files } = bailiwick;
const ways = {
  read: (path) => files.readText(path).slice(0, 6),
  list: (path) => files.list(path).length,
  stat: (path) => files.stat(path).size,
  write: (path) => files.write(path, "changed"),
  make: (path) => files.makeDirectory(path),
  "rename-to": (path) => files.rename("/m/mine", path),
  "rename-from": (path) => files.rename(path, "/m/stolen"),
  delete: (path) => files.remove(path),
};
for (const [number, operation, path] of input) {
  if (!ways[operation]) continue;
  try {
    const given = await ways[operation](path);
    console.log(`${number} ${operation} ok ${given}`);
  } catch (error) {
    console.log(`${number} ${operation} ${error.name}`);
  }
}
"#;

fn python(scene: &Scene, attacks: &[Attack]) -> Result<Answers, String> {
    languages::lend(Language::Python, &scene.root.join("state"))?;
    script(scene, attacks, "guest.py", PYTHON)
}

fn javascript(scene: &Scene, attacks: &[Attack]) -> Result<Answers, String> {
    languages::lend(Language::JavaScript, &scene.root.join("state"))?;
    script(scene, attacks, "guest.js", JAVASCRIPT)
}

fn script(scene: &Scene, attacks: &[Attack], name: &str, text: &str) -> Result<Answers, String> {
    let mut asked = Vec::new();
    for (number, attack) in attacks.iter().enumerate() {
        for operation in OPERATIONS.iter().filter(|operation| attack.tries(operation)) {
            asked.push(json!([number, operation, attack.path]));
        }
    }
    let printed = scene.run(name, text, Some(&Value::from(asked)))?;
    let mut answers = Answers::new();
    for line in printed.lines() {
        let mut words = line.splitn(4, ' ');
        let number = words.next().and_then(|word| word.parse().ok()).ok_or_else(|| format!("no number: {line}"))?;
        let operation = words.next().and_then(|word| OPERATIONS.iter().find(|known| **known == word));
        let succeeded = words.next() == Some("ok");
        let given = words.next().unwrap_or_default().to_owned();
        answers.insert((number, operation.ok_or_else(|| format!("no operation: {line}"))?), succeeded.then_some(given));
    }
    Ok(answers)
}
