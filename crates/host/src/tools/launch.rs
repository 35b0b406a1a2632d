//! How a server is started.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use bailiwick_policy::ToolServer;
use data_encoding::HEXLOWER;

/// Where the variables come from that a manifest lets through to its servers. Default: there are none.
#[derive(Clone)]
pub struct Environment(Arc<Lookup>);

/// The value of a variable, if there is one.
type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// A server's command with everything that it needs. It shows no values of variables.
#[derive(Clone)]
pub struct Launch {
    pub(super) command: Vec<String>,
    pub(super) env: Vec<(String, OsString)>,
    pub(super) cwd: PathBuf,
    pub(super) timeout: Option<Duration>,
    digest: String,
}

impl Environment {
    /// Looks variables up with `lookup`, by name.
    pub fn new(lookup: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static) -> Environment {
        Environment(Arc::new(lookup))
    }
}

impl Default for Environment {
    fn default() -> Environment {
        Environment::new(|_| None)
    }
}

impl Launch {
    /// The launch of `server` under a manifest in the folder `base`. Variables that are not set are left out.
    pub fn new(server: &ToolServer, base: &Path, environment: &Environment) -> Launch {
        let below = |path: &str| base.join(path.strip_prefix("./").unwrap_or(path));
        let cwd = server.cwd().map_or_else(|| base.to_owned(), below);
        // INVARIANT: absolute and without links, so that what is accepted for one folder never counts for another. A path
        // that leads nowhere, such as a circle of links, stays as it is: no server can be started there.
        let cwd = crate::ambient::route(&cwd).map_or(cwd, |route| route.end);
        let value = |name: &String| Some((name.clone(), (environment.0)(name)?));
        Launch {
            command: server.command().to_vec(),
            env: server.env().iter().filter_map(value).collect(),
            digest: fingerprint(server, &cwd),
            cwd,
            timeout: server.timeout(),
        }
    }

    /// The program and its arguments, as the manifest has them.
    pub fn command(&self) -> &[String] {
        &self.command
    }

    /// The folder that the server runs in: absolute, without links.
    pub fn folder(&self) -> &Path {
        &self.cwd
    }

    /// The variables that the server gets: those that its manifest names and that are set.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.env.iter().map(|(name, _)| name.as_str())
    }

    /// SHA-256, in hex, of the command, the names of its variables and its folder: what an acceptance is bound to.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The files that decide what the server does, as far as its command names them, and one that stands for its folder.
    pub(crate) fn integrity(&self) -> Vec<PathBuf> {
        let words = self.command.iter().map(|word| self.cwd.join(word));
        let files = words.filter(|path| crate::ambient::is_file(path));
        files.chain([self.cwd.join("package.json")]).collect()
    }
}

fn fingerprint(server: &ToolServer, cwd: &Path) -> String {
    let mut text = String::from("bailiwick tool server 1\n");
    let cwd = cwd.to_string_lossy();
    let parts = [server.command(), server.env(), &[cwd.into_owned()]];
    for part in parts {
        // With lengths, so that no two launches read the same.
        text.push_str(&format!("{}\n", part.len()));
        part.iter().for_each(|word| text.push_str(&format!("{} {word}\n", word.len())));
    }
    HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref())
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch").field("command", &self.command).field("cwd", &self.cwd).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_policy::Manifest;

    use super::*;

    fn digest(base: &Path, fields: &str) -> String {
        let text = format!("schema = 1\nid = \"m\"\nagents = [\"a\"]\n[tools.s]\n{fields}\n");
        let manifest = Manifest::parse(&text, "m.toml").unwrap();
        Launch::new(manifest.tools().first().unwrap(), base, &Environment::default()).digest().to_owned()
    }

    #[test]
    fn every_part_of_a_launch_is_in_its_digest() {
        let base = Path::new("/x");
        let plain = digest(base, "command = [\"a\", \"b\"]");
        assert_eq!(digest(base, "command = [\"a\", \"b\"]\ntimeout = \"1s\""), plain);
        for fields in [
            "command = [\"a\"]",
            "command = [\"a\", \"b\", \"\"]",
            "command = [\"a b\"]",
            "command = [\"a\"]\nenv = [\"b\"]",
            "command = [\"a\", \"b\"]\nenv = [\"PATH\"]",
            "command = [\"a\", \"b\"]\ncwd = \"y\"",
        ] {
            assert_ne!(digest(base, fields), plain, "{fields}");
        }
        assert_ne!(digest(Path::new("/y"), "command = [\"a\", \"b\"]"), plain);
    }

    #[test]
    fn a_folder_is_the_same_by_every_name_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::os::unix::fs::symlink(&root, root.join("link")).unwrap();
        let command = "command = [\"./server\"]";
        let plain = digest(&root, command);
        assert_eq!(digest(&root.join("link"), command), plain);
        assert_eq!(digest(&root.join("."), command), plain);
        assert_eq!(digest(&root, &format!("{command}\ncwd = \"./link\"")), plain);
        // The working directory of this process is a folder like any other.
        let here = digest(Path::new(""), command);
        assert_eq!(digest(Path::new("."), command), here);
        assert_eq!(digest(&std::env::current_dir().unwrap(), command), here);
        assert_ne!(here, plain);
    }
}
