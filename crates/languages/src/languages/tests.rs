//! Installing, with a program that plays Python.

use std::fs;
use std::io::Read as _;
use std::num::NonZeroU64;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::progress::Quiet;
use crate::runner::File;

const PLAYER: &str = include_str!("python3.sh");
const FILES: &[File] = &[
    File { name: "build.py", bytes: b"the real one is elsewhere" },
    File { name: "lib/inner/a.py", bytes: b"1" },
    File { name: "requirements.lock", bytes: b"# nothing\ncomponentize-py==9.9 \\\n    --hash=sha256:00\n" },
];
const NEWER: &[File] = &[File { name: "build.py", bytes: b"another version" }];
const WIT: &[(&str, &str)] = &[("bailiwick.wit", "package x:y;"), ("deps/a.wit", "package z:z;")];
const KEY: [u8; 32] = [5; 32];

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "bin", "cache", "languages"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let player = folder.path().join("bin/python3");
        fs::write(&player, PLAYER).unwrap();
        fs::set_permissions(&player, fs::Permissions::from_mode(0o755)).unwrap();
        Fixture { folder }
    }

    fn languages(&self) -> Languages {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display());
        let home = self.path("home");
        let variables = [
            ("PATH", path.as_str()),
            ("HOME", home.to_str().unwrap()),
            ("https_proxy", "http://proxy.example"),
            ("PIP_TARGET", "/elsewhere"),
            ("SECRET", "canary"),
        ];
        let variables = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let mut languages = Languages::new(self.path("languages"), &KEY).environment(variables);
        languages.sources = |_| Sources { files: FILES, wit: WIT };
        languages
    }

    fn cache(&self) -> ArtifactCache {
        let dir = cap_std::fs::Dir::open_ambient_dir(self.path("cache"), cap_std::ambient_authority()).unwrap();
        ArtifactCache::new(dir, &KEY, NonZeroU64::new(1 << 30).unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the player does in that phase: shell.
    fn say(&self, phase: &str, text: &str) {
        fs::write(self.path("home").join(phase), text).unwrap();
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("home/log")).unwrap_or_default()
    }

    fn builds(&self) -> usize {
        self.log().lines().filter(|line| line.starts_with("build.py ")).count()
    }

    fn installed(&self) -> Vec<String> {
        names(&self.path("languages"))
    }

    fn file(&self, name: &str) -> PathBuf {
        let id = self.installed().into_iter().find(|name| !name.starts_with('.')).unwrap();
        self.path("languages").join(id).join(name)
    }

    async fn install(&self, packages: &str) -> Result<Interpreter, LanguageError> {
        self.languages().install(Language::Python, &parse(packages), &self.cache(), &Quiet).await
    }

    fn find(&self, packages: &str) -> Result<Interpreter, LanguageError> {
        self.languages().interpreter(Language::Python, &parse(packages))
    }

    fn states(&self) -> Vec<(Language, &'static str)> {
        let list = self.languages().list(&self.cache()).unwrap();
        list.iter().map(|listed| (listed.language, listed.standing.as_str())).collect()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn parse(packages: &str) -> Packages {
    Packages::parse(Some(packages).filter(|it| !it.is_empty())).unwrap()
}

/// Keeps what it hears, but for waiting: what another test starts holds a copy of the lock until it is executed.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Progress for Heard {
    fn event(&self, event: Event<'_>) {
        if let Event::Began(step) = event
            && step != Step::Wait
        {
            self.0.lock().unwrap().push(format!("{step:?}"));
        }
    }
}

#[tokio::test]
async fn installed_once_and_found_from_then_on() {
    let fixture = Fixture::new();
    assert!(matches!(fixture.find(""), Err(LanguageError::NotInstalled(Language::Python, _))));
    assert_eq!(fixture.states(), [(Language::Python, "missing"), (Language::JavaScript, "missing")]);

    let heard = Heard::default();
    let languages = fixture.languages();
    let made = languages.install(Language::Python, &Packages::none(), &fixture.cache(), &heard).await.unwrap();
    assert_eq!(*heard.0.lock().unwrap(), ["Fetch", "Build", "Compile"]);
    assert_eq!(fixture.find("").unwrap().digest(), made.digest());
    assert_eq!(fixture.states(), [(Language::Python, "ready"), (Language::JavaScript, "missing")]);
    assert_eq!(fixture.installed().len(), 2, "the lock and the installation: {:?}", fixture.installed());

    let runtime = fixture.languages().list(&fixture.cache()).unwrap().remove(0).runtime.unwrap();
    assert_eq!(runtime.interpreter, "CPython 3.14 (componentize-py 9.9)");
    assert_eq!((runtime.bytes, runtime.component), (8, made.digest().to_string()));
    for name in [COMPONENT, RUNTIME] {
        assert_eq!(fs::metadata(fixture.file(name)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let again = Heard::default();
    languages.install(Language::Python, &Packages::none(), &fixture.cache(), &again).await.unwrap();
    assert!(again.0.lock().unwrap().is_empty());

    // What it has run is run again by it, also when another one is installed by now.
    let mut newer = fixture.languages();
    newer.sources = |_| Sources { files: NEWER, wit: WIT };
    assert!(newer.interpreter(Language::Python, &Packages::none()).is_err());
    let found = newer.with_digest(Language::Python, made.digest()).unwrap().unwrap();
    assert_eq!((found.digest(), found.language()), (made.digest(), Language::Python));
    assert!(newer.with_digest(Language::JavaScript, made.digest()).unwrap().is_none());
    assert!(newer.with_digest(Language::Python, GuestDigest::of(b"another")).unwrap().is_none());
    assert_eq!(fixture.builds(), 1);
}

#[tokio::test]
async fn programs_get_the_variables_they_need_and_no_others() {
    let fixture = Fixture::new();
    fixture.install("").await.unwrap();
    let seen = fs::read_to_string(fixture.path("home/env")).unwrap();
    for name in ["PATH=", "HOME=", "https_proxy=", "LANG=C.UTF-8", "TMPDIR="] {
        assert!(seen.lines().any(|line| line.starts_with(name)), "no {name} in {seen}");
    }
    assert!(!seen.contains("canary") && !seen.contains("PIP_TARGET"), "{seen}");
}

#[tokio::test]
async fn what_fails_leaves_nothing_and_says_why() {
    for phase in ["fetch", "build"] {
        let fixture = Fixture::new();
        fixture.say(phase, "for n in $(seq 1 30); do echo line $n >&2; done; exit 3\n");
        let Err(LanguageError::Failed { program, how, lines, .. }) = fixture.install("").await else {
            panic!("{phase} did not fail")
        };
        assert_eq!((program.as_str(), how.as_str()), ("python", "ended with code 3"));
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (20, "line 30"));
        assert_eq!(fixture.installed(), [".lock"]);
        fixture.say(phase, "");
        fixture.install("").await.unwrap();
    }
}

#[tokio::test]
async fn what_is_built_must_be_a_component() {
    for text in ["printf '\\0asm\\1\\0\\0\\0'", "printf ''", "true >/dev/null; rm -f"] {
        let fixture = Fixture::new();
        fixture.say("build", &format!("while [ \"$1\" != --out ]; do shift; done; {text} >\"$2\"; exit 0\n"));
        assert!(fixture.install("").await.is_err(), "accepted after `{text}`");
        assert_eq!(fixture.installed(), [".lock"]);
    }
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let fixture = Fixture::new();
    fixture.say("no-venv", "");
    let Err(LanguageError::Tool { install, .. }) = fixture.install("").await else { panic!("no error") };
    assert!(install.contains("python3-venv"), "{install}");
    let languages = fixture.languages().environment([(OsString::from("PATH"), OsString::from("/nowhere"))]);
    let installed = languages.install(Language::JavaScript, &Packages::none(), &fixture.cache(), &Quiet).await;
    assert!(matches!(installed, Err(LanguageError::Tool { install, .. }) if install.contains("nodejs npm")));
}

#[tokio::test]
async fn nothing_is_started_offline() {
    let fixture = Fixture::new();
    let offline = || fixture.languages().offline(true);
    let installed = offline().install(Language::Python, &parse("six"), &fixture.cache(), &Quiet).await;
    assert!(matches!(installed, Err(LanguageError::NotInstalled(_, packages)) if packages == parse("six")));
    assert_eq!(fixture.log(), "");

    fixture.install("").await.unwrap();
    let log = fixture.log();
    // What is installed is compiled again without the network.
    fs::remove_dir_all(fixture.path("cache")).unwrap();
    fs::create_dir(fixture.path("cache")).unwrap();
    assert_eq!(fixture.states()[0].1, "not compiled");
    offline().install(Language::Python, &Packages::none(), &fixture.cache(), &Quiet).await.unwrap();
    assert_eq!((fixture.states()[0].1, fixture.log()), ("ready", log));
}

#[tokio::test]
async fn what_was_tampered_with_is_built_anew_and_never_loaded() {
    type Harm = fn(&Fixture);
    let harms: [(&str, Harm); 8] = [
        ("a component of another size", |it| fs::write(it.file(COMPONENT), b"\0asm\x0d\0\x01\0\0").unwrap()),
        ("no component", |it| fs::remove_file(it.file(COMPONENT)).unwrap()),
        ("a folder for a component", |it| {
            fs::remove_file(it.file(COMPONENT)).unwrap();
            fs::create_dir(it.file(COMPONENT)).unwrap();
        }),
        ("no runtime.json", |it| fs::remove_file(it.file(RUNTIME)).unwrap()),
        ("an empty runtime.json", |it| fs::write(it.file(RUNTIME), "").unwrap()),
        ("another digest", |it| {
            let text = fs::read_to_string(it.file(RUNTIME)).unwrap();
            let at = text.find("\"component\": \"").unwrap() + 14;
            let other = if &text[at..=at] == "0" { "1" } else { "0" };
            fs::write(it.file(RUNTIME), format!("{}{other}{}", &text[..at], &text[at + 1..])).unwrap();
        }),
        ("the seal of another key", |it| {
            let runtime = it.languages().read(it.installed().last().unwrap()).unwrap();
            fs::write(it.file(RUNTIME), Seal::new(&[6; 32]).close(runtime).unwrap()).unwrap();
        }),
        ("another interpreter, sealed by us", |it| {
            let mut runtime = it.languages().read(it.installed().last().unwrap()).unwrap();
            runtime.recipe = "00".repeat(32);
            fs::write(it.file(RUNTIME), Seal::new(&KEY).close(runtime).unwrap()).unwrap();
        }),
    ];
    for (what, harm) in harms {
        let fixture = Fixture::new();
        fixture.install("").await.unwrap();
        harm(&fixture);
        assert!(matches!(fixture.find(""), Err(LanguageError::Damaged { .. })), "accepted: {what}");
        assert!(["damaged", "outdated"].contains(&fixture.states()[0].1), "{what}: {:?}", fixture.states());
        fixture.install("").await.unwrap();
        assert_eq!((fixture.builds(), fixture.states()[0].1), (2, "ready"), "{what}");
    }
}

#[tokio::test]
async fn another_component_of_the_same_size_is_not_compiled() {
    let fixture = Fixture::new();
    fixture.install("").await.unwrap();
    fs::write(fixture.file(COMPONENT), b"\0asm\x0d\0\x01\x01").unwrap();
    fixture.find("").unwrap().forget(&fixture.cache()).unwrap();
    let refused = fixture.find("").unwrap().precompile(&fixture.cache()).unwrap_err();
    assert!(refused.to_string().contains("not the one that was installed"), "{refused}");
    assert_eq!(names(&fixture.path("cache")), [""; 0]);
    fixture.install("").await.unwrap();
    assert_eq!((fixture.builds(), fixture.states()[0].1), (2, "ready"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_at_once_build_once() {
    let fixture = Fixture::new();
    let (one, two, cache) = (fixture.languages(), fixture.languages(), fixture.cache());
    let packages = Packages::none();
    let both = tokio::join!(
        one.install(Language::Python, &packages, &cache, &Quiet),
        two.install(Language::Python, &packages, &cache, &Quiet),
    );
    assert_eq!(both.0.unwrap().digest(), both.1.unwrap().digest());
    assert_eq!(fixture.builds(), 1);
}

/// Ends the work when the player says that it hangs.
struct Hangs(tokio::sync::Notify);

impl Progress for Hangs {
    fn event(&self, event: Event<'_>) {
        if matches!(event, Event::Line("hanging")) {
            self.0.notify_one();
        }
    }
}

#[tokio::test]
async fn nobody_waits_and_everything_that_was_started_ends() {
    let fixture = Fixture::new();
    let fifo = fixture.path("home/alive");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    // A grandchild holds the pipe as well, and outlives its parent's end.
    fixture.say("build", "exec 9>\"$HOME/alive\"; sleep 1000 & echo hanging; wait\n");
    let reader = std::thread::spawn(move || fs::File::open(fifo).unwrap().read_to_end(&mut Vec::new()).unwrap());
    let (languages, cache, hangs) = (fixture.languages(), fixture.cache(), Hangs(tokio::sync::Notify::new()));
    let packages = Packages::none();
    tokio::select! {
        _ = languages.install(Language::Python, &packages, &cache, &hangs) => panic!("it does not end by itself"),
        () = hangs.0.notified() => {}
    }
    assert_eq!(reader.join().unwrap(), 0);
    assert_eq!(fixture.installed(), [".lock"]);
}

#[tokio::test]
async fn what_takes_too_long_is_stopped() {
    let fixture = Fixture::new();
    fixture.say("build", "echo before; sleep 1000\n");
    let mut languages = fixture.languages();
    languages.times.build = Duration::from_millis(300);
    let late = languages.install(Language::Python, &Packages::none(), &fixture.cache(), &Quiet).await;
    assert!(matches!(late, Err(LanguageError::Late { step: Step::Build, .. })), "{late:?}");
    assert_eq!(fixture.installed(), [".lock"]);
}

#[tokio::test]
async fn packages_make_an_interpreter_of_their_own() {
    let fixture = Fixture::new();
    fixture.install("").await.unwrap();
    fixture.install("Pure.Package").await.unwrap();
    assert!(fixture.find("pure_package").is_ok());
    assert!(matches!(fixture.find("pure-package==1.0"), Err(LanguageError::NotInstalled(..))));
    let log = fixture.log();
    assert!(log.lines().any(|line| line.starts_with("build.py") && line.contains(" --packages ")), "{log}");
    let asked: Vec<&str> = log.lines().filter(|line| line.contains("--target")).collect();
    for (at, flags) in [
        (0, &["--only-binary=:all:", "--dry-run", "-- pure-package"][..]),
        (1, &["--only-binary=:all:", "--no-deps", "--platform any", "--abi none", "-- Pure.Package==1.0"]),
    ] {
        for flag in flags {
            assert!(asked[at].contains(flag), "no {flag} in {}", asked[at]);
        }
    }
    let list = fixture.languages().list(&fixture.cache()).unwrap();
    let listed = list.iter().find(|it| it.runtime.as_ref().is_some_and(|it| !it.requested.is_empty())).unwrap();
    let packages = &listed.runtime.as_ref().unwrap().packages;
    assert_eq!(packages[0].name, "pure-package");
    assert_eq!((packages[0].version.as_str(), packages[0].sha256.as_str()), ("1.0", "00ff"));

    let refused = fixture.languages().interpreter(Language::JavaScript, &parse("six"));
    assert!(matches!(refused, Err(LanguageError::NoPackages(Language::JavaScript))));
}

#[tokio::test]
async fn packages_that_cannot_work_are_refused_by_name() {
    let fixture = Fixture::new();
    // pip ends so when a package, or one that it needs, has no wheel at all.
    let pip = "echo 'ERROR: No matching distribution found for Num_Py<3,>=1.2 (from outer)' >&2; exit 1\n";
    fixture.say("resolve", pip);
    let Err(LanguageError::Unusable { package, reason }) = fixture.install("outer").await else { panic!("accepted") };
    assert_eq!(package, "num-py");
    assert!(reason.contains("as source only"), "{reason}");

    // And so when it would have to be built.
    fixture.say(
        "resolve",
        "echo 'ERROR: Could not install packages due to an OSError: packages are not built here'; exit 1\n",
    );
    let Err(LanguageError::Unusable { package, reason }) = fixture.install("outer").await else { panic!("accepted") };
    assert!(package == "outer" && reason.contains("nothing is built"), "{package}: {reason}");
    fixture.say("resolve", "");
    let direct = r#"{"url":"https://x.example/a-1-py3-none-any.whl","archive_info":{"hashes":{}}},"is_direct":true"#;
    fixture.say(
        "report",
        &format!(r#"{{"install":[{{"download_info":{direct},"metadata":{{"name":"a","version":"1"}}}}]}}"#),
    );
    let Err(LanguageError::Unusable { package, reason }) = fixture.install("outer").await else { panic!("accepted") };
    assert!(package == "a" && reason.contains("an address"), "{package}: {reason}");
    fs::remove_file(fixture.path("home/report")).unwrap();

    // And so when it has some, of native code.
    fixture.say("resolve", "");
    fixture.say("packages", pip);
    let wheel = r#"{"url":"https://x.example/num_py-2.0-cp314-manylinux.whl#sha256=0","archive_info":{"hashes":{}}}"#;
    let metadata = r#"{"name":"Num.py","version":"2.0"}"#;
    let outer = r#"{"download_info":{"url":"","archive_info":{"hashes":{}}},"metadata":{"name":"outer","version":"1","requires_dist":["num-py<3,>=1.2"]}}"#;
    let report = format!(r#"{{"install":[{{"download_info":{wheel},"metadata":{metadata}}},{outer}]}}"#);
    fixture.say("report", &report);
    let Err(LanguageError::Unusable { package, reason }) = fixture.install("outer").await else { panic!("accepted") };
    assert_eq!(package, "num-py");
    assert!(reason.contains("which `outer` needs") && reason.contains("`num_py-2.0-cp314-manylinux.whl`"), "{reason}");

    // A wheel that calls itself pure and is not.
    let hidden = "while [ $# -gt 0 ]; do if [ \"$1\" = --target ]; then mkdir -p \"$2/x/y\" \"$2/Some_Thing-1.0.dist-info\"; \
                  echo >\"$2/x/y/fast.SO\"; echo 'x/y/fast.SO,sha256=,1' >\"$2/Some_Thing-1.0.dist-info/RECORD\"; fi; \
                  if [ \"$1\" = --report ]; then echo '{\"install\":[]}' >\"$2\"; fi; shift; done; exit 0\n";
    fixture.say("packages", hidden);
    let Err(LanguageError::Unusable { package, reason }) = fixture.install("outer").await else { panic!("accepted") };
    assert_eq!(package, "some-thing");
    assert!(reason.contains("fast.SO"), "{reason}");
    assert_eq!(fixture.installed(), [".lock"]);
}

#[tokio::test]
async fn removed_with_what_was_compiled() {
    let fixture = Fixture::new();
    fixture.install("").await.unwrap();
    fixture.install("pure").await.unwrap();
    let remove = async |packages: Option<&str>| {
        let (packages, cache) = (packages.map(parse), fixture.cache());
        fixture.languages().remove(Language::Python, packages.as_ref(), &cache, &Quiet).await.unwrap().len()
    };
    assert_eq!(remove(Some("other")).await, 0);
    assert_eq!(remove(Some("pure")).await, 1);
    assert!(fixture.find("").is_ok() && fixture.find("pure").is_err());
    assert_eq!(names(&fixture.path("cache")).len(), 0, "both components are the same");
    fs::write(fixture.file(RUNTIME), "damaged").unwrap();
    assert_eq!(remove(None).await, 1);
    assert_eq!(remove(None).await, 0);
    assert_eq!(fixture.installed(), [".lock"]);
}

#[tokio::test]
async fn another_version_has_an_interpreter_of_its_own() {
    let fixture = Fixture::new();
    fixture.install("").await.unwrap();
    let mut newer = fixture.languages();
    newer.sources = |_| Sources { files: NEWER, wit: WIT };
    let missing = newer.interpreter(Language::Python, &Packages::none());
    assert!(matches!(missing, Err(LanguageError::NotInstalled(..))));
    let states: Vec<_> = newer.list(&fixture.cache()).unwrap().iter().map(|it| it.standing.as_str()).collect();
    assert_eq!(states, ["missing", "outdated", "missing"]);
}
