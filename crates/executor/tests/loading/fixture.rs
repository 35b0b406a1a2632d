//! An engine, a catalogue, and programs that only pretend to be a compile child.

use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bailiwick::engine::Engine;
use bailiwick::{ArtifactCache, Catalogue, CompileIn, CompileOptions, Guest, Interface, LoadError, Loader, Refusal};

pub(crate) const CATALOGUE: Catalogue = Catalogue {
    core: &[("bailiwick", "call"), ("bailiwick", "take")],
    interfaces: &[
        Interface::linked("wasi:cli/environment@0.2"),
        Interface::linked("wasi:cli/exit@0.2"),
        Interface::linked("wasi:cli/stdin@0.2"),
        Interface::linked("wasi:cli/stdout@0.2"),
        Interface::linked("wasi:cli/stderr@0.2"),
        Interface::linked("wasi:cli/terminal-input@0.2"),
        Interface::linked("wasi:cli/terminal-output@0.2"),
        Interface::linked("wasi:cli/terminal-stdin@0.2"),
        Interface::linked("wasi:cli/terminal-stdout@0.2"),
        Interface::linked("wasi:cli/terminal-stderr@0.2"),
        Interface::linked("wasi:clocks/wall-clock@0.2"),
        Interface::linked("wasi:filesystem/preopens@0.2"),
        Interface::linked("wasi:filesystem/types@0.2"),
        Interface::linked("wasi:io/error@0.2"),
        Interface::linked("wasi:io/poll@0.2"),
        Interface::linked("wasi:io/streams@0.2"),
        Interface::only("test:host/files@0.1.0", &["read", "write"]),
    ],
    entry_points: &["wasi:cli/run@0.2"],
};

/// Made once, shared by all tests.
pub(crate) struct Fixture {
    folder: PathBuf,
    pub(crate) engine: Engine,
}

/// Shell scripts in the place of the compile child.
const PROGRAMS: &[(&str, &str)] = &[
    ("echo", "exec /bin/cat"),
    ("garbage", "/bin/cat >/dev/null; echo this is no reply, and it is longer than the header of one would be"),
    ("brief", "/bin/cat >/dev/null; echo hm"),
    ("silent", "exec /bin/cat >/dev/null"),
    ("fails", "/bin/cat >/dev/null; echo no such luck >&2; exit 3"),
    ("dies", "/bin/cat >/dev/null; kill -9 $$"),
    ("endless", "exec /usr/bin/yes"),
    ("shouts", "/bin/cat >/dev/null; /usr/bin/yes | /usr/bin/head -c 10000000 >&2; exit 1"),
    ("hangs", "echo $$ > \"$(/usr/bin/dirname \"$0\")/hangs.pid\"; exec /usr/bin/tail -f /dev/null"),
];

impl Fixture {
    pub(crate) fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap().keep();
        for (name, script) in PROGRAMS {
            let path = folder.join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        Fixture { folder, engine: Engine::new(NonZeroU32::new(4).unwrap()).unwrap() }
    }

    pub(crate) fn clean(&self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn loader(&self) -> Loader {
        self.loader_with(patient(), None)
    }

    pub(crate) fn loader_with(&self, options: CompileOptions, cache: Option<ArtifactCache>) -> Loader {
        Loader::new(self.engine.clone(), CATALOGUE, options, cache)
    }

    /// A loader whose compile child is another program.
    pub(crate) fn loader_of(&self, program: &str) -> Loader {
        self.loader_with(CompileOptions { place: CompileIn::program(self.path(program)), ..patient() }, None)
    }

    pub(crate) fn cache(&self, folder: &Path, key: u8) -> ArtifactCache {
        let dir = cap_std::fs::Dir::open_ambient_dir(folder, cap_std::ambient_authority()).unwrap();
        ArtifactCache::new(dir, &[key; 32], std::num::NonZeroU64::new(1 << 30).unwrap())
    }
}

/// Options for a machine that is busy with other tests: a timeout is an outcome only where a test wants one.
pub(crate) fn patient() -> CompileOptions {
    CompileOptions { time: Duration::from_secs(60), ..CompileOptions::default() }
}

pub(crate) fn guest(bytes: impl AsRef<[u8]>) -> Guest {
    Guest::from_bytes(bytes.as_ref()).unwrap()
}

/// The reason for which a loader does not load a guest.
pub(crate) async fn refusal(loader: &Loader, bytes: impl AsRef<[u8]>) -> Refusal {
    match loader.load(&guest(bytes)).await {
        Err(LoadError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}
