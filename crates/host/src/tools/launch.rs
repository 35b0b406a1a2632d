//! How a server is reached.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use bailiwick_policy::{ToolServer, ToolSource};
use data_encoding::HEXLOWER;
use http::{HeaderValue, Uri};
use url::Url;
use zeroize::Zeroizing;

use super::intake::Fault;
use crate::fetch::Parts;

/// Where the variables come from that a manifest lets through to its servers. Default: there are none.
#[derive(Clone)]
pub struct Environment(Arc<Lookup>);

/// The value of a variable, if there is one.
type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// How a server is reached, with everything that it needs. It shows no values of variables and no credentials.
#[derive(Clone, Debug)]
pub struct Launch {
    pub(super) way: Way,
    pub(super) timeout: Option<Duration>,
    digest: String,
}

#[derive(Clone, Debug)]
pub(super) enum Way {
    Program(Arc<Program>),
    Http(Arc<Address>),
}

/// A program, and what it gets.
pub(super) struct Program {
    pub(super) command: Vec<String>,
    pub(super) env: Vec<(String, OsString)>,
    pub(super) cwd: PathBuf,
}

/// A URL, and what it takes to ask there.
pub(super) struct Address {
    pub(super) url: Url,
    pub(super) private: bool,
    pub(super) bearer: Option<Bearer>,
    pub(super) parts: Parts,
}

/// How a server is reached, for whoever is asked to accept its tools.
#[derive(Clone, Copy, Debug)]
pub enum Reached<'a> {
    Program {
        /// The program and its arguments, as the manifest has them.
        command: &'a [String],
        /// The folder that it runs in: absolute, without links.
        folder: &'a Path,
    },
    Http {
        url: &'a str,
        /// Addresses that are not public may be dialled.
        private: bool,
        /// The host has credentials for this URL.
        authorized: bool,
    },
}

/// What the operator proves with to a server at a URL. It is shown nowhere.
#[derive(Clone)]
pub struct Bearer(Arc<Zeroizing<String>>);

/// No token of RFC 6750: letters, digits and `-._~+/`, then `=`; at most 12 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no bearer token: letters, digits and `-._~+/`, at most 12 KiB, on one line")]
pub struct BearerError;

/// Most bytes of a bearer token.
const MAX_BEARER: usize = 12 << 10;

/// What launches need of the host.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) environment: Environment,
    pub(crate) parts: Parts,
    /// By URL.
    pub(crate) bearers: BTreeMap<String, Bearer>,
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

impl Bearer {
    /// A token as a file holds it: white space around it is not part of it.
    ///
    /// # Errors
    /// [`BearerError`].
    pub fn new(text: &str) -> Result<Bearer, BearerError> {
        let text = text.trim();
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if text.is_empty() || text.len() > MAX_BEARER || !text.bytes().all(is_token) {
            return Err(BearerError);
        }
        Ok(Bearer(Arc::new(Zeroizing::new(format!("Bearer {text}")))))
    }

    pub(super) fn header(&self) -> Result<HeaderValue, Fault> {
        let mut value = HeaderValue::from_str(&self.0).map_err(|_| Fault::Protocol("a token cannot be sent"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl Address {
    pub(super) fn uri(&self) -> Result<Uri, Fault> {
        self.url.as_str().parse().map_err(|_| Fault::Protocol("its URL cannot be asked"))
    }
}

impl Launch {
    /// The launch of `server` under a manifest in the folder `base`; `None` for one that is part of the embedding program.
    /// Variables that are not set are left out.
    pub(crate) fn new(server: &ToolServer, base: &Path, means: &Means) -> Option<Launch> {
        let (way, digest) = match server.source() {
            ToolSource::Embedded => return None,
            ToolSource::Program(program) => {
                let below = |path: &str| base.join(path.strip_prefix("./").unwrap_or(path));
                let cwd = program.cwd.as_deref().map_or_else(|| base.to_owned(), below);
                // INVARIANT: absolute and without links, so that what is accepted for one folder never counts for another.
                // A path that leads nowhere, such as a circle of links, stays as it is: no server can be started there.
                let cwd = crate::ambient::route(&cwd).map_or(cwd, |route| route.end);
                let value = |name: &String| Some((name.clone(), (means.environment.0)(name)?));
                let env = program.env.iter().filter_map(value).collect();
                let folder = cwd.to_string_lossy().into_owned();
                let digest = fingerprint("bailiwick tool server 1", [&program.command, &program.env, &[folder]]);
                (Way::Program(Arc::new(Program { command: program.command.clone(), env, cwd })), digest)
            }
            ToolSource::Http { url, private } => {
                let bearer = means.bearers.get(url.as_str()).cloned();
                let zone = if *private { "private" } else { "public" };
                let digest = fingerprint("bailiwick tool server http 1", [&[url.to_string()], &[zone.to_owned()], &[]]);
                let (url, parts) = (url.clone(), means.parts.clone());
                (Way::Http(Arc::new(Address { url, private: *private, bearer, parts })), digest)
            }
        };
        Some(Launch { way, timeout: server.timeout(), digest })
    }

    /// How the server is reached.
    pub fn reached(&self) -> Reached<'_> {
        match &self.way {
            Way::Program(program) => Reached::Program { command: &program.command, folder: &program.cwd },
            Way::Http(address) => Reached::Http {
                url: address.url.as_str(),
                private: address.private,
                authorized: address.bearer.is_some(),
            },
        }
    }

    /// The variables that a program gets: those that its manifest names and that are set.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let env = match &self.way {
            Way::Program(program) => program.env.as_slice(),
            Way::Http(_) => &[],
        };
        env.iter().map(|(name, _)| name.as_str())
    }

    /// SHA-256, in hex, of the command, the names of its variables and its folder, or of the URL: what an acceptance is
    /// bound to.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The files that decide what the server does, as far as its command names them, and one that stands for its folder.
    pub(crate) fn integrity(&self) -> Vec<PathBuf> {
        let Way::Program(program) = &self.way else { return Vec::new() };
        let Program { command, cwd, .. } = &**program;
        let words = command.iter().map(|word| cwd.join(word));
        let files = words.filter(|path| crate::ambient::is_file(path));
        files.chain([cwd.join("package.json")]).collect()
    }
}

fn fingerprint(head: &str, parts: [&[String]; 3]) -> String {
    let mut text = format!("{head}\n");
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

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("command", &self.command).field("cwd", &self.cwd).finish_non_exhaustive()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer")
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_policy::Manifest;

    use super::*;
    use crate::Services;

    fn digest(base: &Path, fields: &str) -> String {
        let text = format!("schema = 1\nid = \"m\"\nagents = [\"a\"]\n[tools.s]\n{fields}\n");
        let manifest = Manifest::parse(&text, "m.toml").unwrap();
        Launch::new(manifest.tools().first().unwrap(), base, &Services::default().means()).unwrap().digest().to_owned()
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
        let plain = digest(base, "url = \"https://a.example/mcp\"");
        assert_eq!(digest(Path::new("/y"), "url = \"https://a.example/mcp\"\ntimeout = \"1s\""), plain);
        for fields in [
            "url = \"https://a.example/mcp/\"",
            "url = \"https://a.example/mcp?x\"",
            "url = \"https://b.example/mcp\"",
            "url = \"https://a.example/mcp\"\nprivate = true",
            "command = [\"https://a.example/mcp\"]\nenv = [\"public\"]",
        ] {
            assert_ne!(digest(base, fields), plain, "{fields}");
        }
    }

    #[test]
    fn a_bearer_is_one_word_and_shown_nowhere() {
        let bearer = Bearer::new(" abc.DEF-_~+/==\n").unwrap();
        assert_eq!(bearer.header().unwrap(), "Bearer abc.DEF-_~+/==");
        assert!(bearer.header().unwrap().is_sensitive());
        assert_eq!(format!("{bearer:?}"), "Bearer");
        for text in ["", " \n", "a b", "a\nb", "Bearer a", "\u{e4}", &"a".repeat(MAX_BEARER + 1)] {
            assert_eq!(Bearer::new(text).map(|_| ()), Err(BearerError), "{text:?}");
        }
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
