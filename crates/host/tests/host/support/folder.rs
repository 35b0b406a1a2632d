//! A mount on disk with something outside it that nobody may see or change.

use std::fs;
use std::path::{Path, PathBuf};

use bailiwick_host::files::{Files, MountSource, Mounts};
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

    /// The same with staged writes in `m`, and the folder `staging`.
    pub fn staged() -> Folder {
        let mut folder = Folder::new();
        folder.open_staged();
        folder
    }

    /// Opens the mounts anew, as the next run does.
    pub fn open_staged(&mut self) {
        let (m, n) = (self.path("m"), self.path("n"));
        let sources = [("m", MountSource::Staged(&m)), ("n", MountSource::Folder(&n))];
        self.files = Files::new(Mounts::open_all(sources, Some(&self.path("staging"))).unwrap());
    }

    /// `m` in memory, and `n` in memory for the report.
    pub fn in_memory() -> Folder {
        let sources = [("m", MountSource::Memory), ("n", MountSource::Report)];
        Folder { files: Files::new(Mounts::open_all(sources, None).unwrap()), ..Folder::new() }
    }

    /// What is below a folder: paths, and what the files hold.
    pub fn tree(&self, relative: &str) -> Vec<String> {
        fn walk(at: &Path, below: &str, found: &mut Vec<String>) {
            for entry in fs::read_dir(at).unwrap() {
                let entry = entry.unwrap();
                let name = format!("{below}{}", entry.file_name().to_string_lossy());
                if entry.file_type().unwrap().is_dir() {
                    found.push(format!("{name}/"));
                    walk(&entry.path(), &format!("{name}/"), found);
                } else {
                    found.push(format!("{name}={}", fs::read_to_string(entry.path()).unwrap()));
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.path(relative), "", &mut found);
        found.sort();
        found
    }

    /// The same, with the targets of links instead of what is behind them.
    pub fn tree_or_links(&self, relative: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut ahead = vec![self.path(relative)];
        while let Some(at) = ahead.pop() {
            for entry in fs::read_dir(at).unwrap() {
                let path = entry.unwrap().path();
                let kind = fs::symlink_metadata(&path).unwrap();
                let content = if kind.is_symlink() {
                    format!("{:?}", fs::read_link(&path).unwrap())
                } else if kind.is_dir() {
                    ahead.push(path.clone());
                    String::new()
                } else {
                    fs::read_to_string(&path).unwrap()
                };
                found.push(format!("{}={content}", path.display()));
            }
        }
        found.sort();
        found
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
