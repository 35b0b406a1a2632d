//! A mount on disk with something outside it that nobody may see or change.

use std::fs;
use std::path::{Path, PathBuf};

use bailiwick_host::files::{Files, Mounts};
use bailiwick_policy::GuestPath;
use tempfile::TempDir;

pub const SECRET: &str = "do not read this";

pub struct Folder {
    dir: TempDir,
    pub files: Files,
}

impl Folder {
    /// Mounts `m` and `n`, and `outside/secret.txt` beside them.
    pub fn new() -> Folder {
        let dir = tempfile::tempdir().unwrap();
        for name in ["m", "n", "outside"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("outside/secret.txt"), SECRET).unwrap();
        let (m, n) = (dir.path().join("m"), dir.path().join("n"));
        let files = Files::new(Mounts::open([("m", m.as_path()), ("n", n.as_path())]).unwrap());
        Folder { dir, files }
    }

    /// Everything below `m` and `n` and the mounts themselves; `limits` is the content of `[limits]`.
    pub fn everything(limits: &str) -> String {
        let mut rules = format!("[limits]\n{limits}\n[mounts]\nm = \"m\"\nn = \"n\"\n");
        for (id, file) in [("m", "m"), ("mm", "m/**"), ("n", "n"), ("nn", "n/**")] {
            rules += &format!(
                "[[allow]]\nid = \"{id}\"\nfile = \"{file}\"\nactions = [\"read\", \"write\", \"list\", \"delete\"]\n"
            );
        }
        rules
    }

    /// One rule.
    pub fn only(file: &str, actions: &str) -> String {
        let actions: Vec<String> = actions.split(' ').map(|action| format!("\"{action}\"")).collect();
        format!("[mounts]\nm = \"m\"\n[[allow]]\nid = \"r\"\nfile = \"{file}\"\nactions = [{}]\n", actions.join(", "))
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    pub fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap()
    }

    pub fn link(&self, relative: &str, target: impl AsRef<Path>) {
        std::os::unix::fs::symlink(target, self.path(relative)).unwrap();
    }

    /// Panics when something outside the mounts was changed.
    pub fn assert_outside_untouched(&self) {
        let names: Vec<_> = fs::read_dir(self.path("outside")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["secret.txt"]);
        assert_eq!(self.read("outside/secret.txt"), SECRET);
    }
}

pub fn at(path: &str) -> GuestPath {
    GuestPath::parse(path).unwrap()
}
