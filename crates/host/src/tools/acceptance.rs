//! What the operator accepted: one file for each manifest and server, `<manifest>.<server>.json`.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Offer;
use super::offer::MAX_LIST;
use crate::{ambient, private};

/// Most bytes in such a file: a server's list, indented.
const MAX_FILE: u64 = 16 * MAX_LIST as u64;
/// The version of the file format.
const VERSION: u32 = 1;

/// The folder of acceptances. Shared by all runs.
#[derive(Debug)]
pub struct Acceptances {
    folder: PathBuf,
    dir: Dir,
}

/// The tools of one server that may be called under one manifest. By default, none.
#[derive(Clone, Debug, Default)]
pub struct Acceptance {
    launch: String,
    tools: BTreeMap<String, AcceptedTool>,
}

/// A tool as the operator accepted it.
#[derive(Clone, Debug, PartialEq)]
pub struct AcceptedTool(Offer);

/// Why what was accepted cannot be read or written. Guests see `failed.internal`.
#[derive(Debug, thiserror::Error)]
pub enum AcceptanceError {
    #[error("the folder of accepted tools, `{folder}`, cannot be opened: {error}")]
    Folder { folder: PathBuf, error: io::Error },
    #[error("`{file}`: {error}")]
    Io { file: PathBuf, error: io::Error },
    #[error("`{file}` is damaged; remove it and accept the tools again")]
    Malformed { file: PathBuf },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    manifest: String,
    server: String,
    /// [`Launch::digest`](super::Launch::digest).
    launch: String,
    tools: Vec<Value>,
}

impl Acceptances {
    /// Opens the folder, and makes it for the owner alone if it is missing.
    ///
    /// # Errors
    /// [`AcceptanceError::Folder`].
    pub fn open(folder: &Path) -> Result<Acceptances, AcceptanceError> {
        let opened = ambient::open_private_dir(folder);
        let dir = opened.map_err(|error| AcceptanceError::Folder { folder: folder.to_owned(), error })?;
        Ok(Acceptances { folder: folder.to_owned(), dir })
    }

    /// What was accepted of a server under a manifest; nothing if there is no record.
    ///
    /// # Errors
    /// When there is a record that cannot be read.
    pub fn read(&self, manifest: &str, server: &str) -> Result<Acceptance, AcceptanceError> {
        let name = file_name(manifest, server);
        let file = || self.folder.join(&name);
        let mut options = OpenOptions::new();
        options.read(true).follow(FollowSymlinks::No);
        let opened = match self.dir.open_with(&name, &options) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Acceptance::default()),
            opened => opened,
        };
        let mut text = Vec::new();
        let read = opened.and_then(|file| file.take(MAX_FILE).read_to_end(&mut text));
        read.map_err(|error| AcceptanceError::Io { file: file(), error })?;
        let malformed = || AcceptanceError::Malformed { file: file() };
        let stored: Stored = serde_json::from_slice(&text).map_err(|_| malformed())?;
        if (stored.version, stored.manifest.as_str(), stored.server.as_str()) != (VERSION, manifest, server) {
            return Err(malformed());
        }
        let offers = stored.tools.iter().map(Offer::of).collect::<Result<Vec<_>, _>>().map_err(|_| malformed())?;
        let tools = offers.into_iter().map(|offer| (offer.name().to_owned(), AcceptedTool(offer))).collect();
        Ok(Acceptance { launch: stored.launch, tools })
    }

    /// Keeps what was accepted, in place of what was.
    ///
    /// # Errors
    /// [`AcceptanceError::Io`]; the old record is then still there.
    pub fn write(&self, manifest: &str, server: &str, acceptance: &Acceptance) -> Result<(), AcceptanceError> {
        let name = file_name(manifest, server);
        let tools = acceptance.tools.values().map(|tool| tool.0.definition().clone()).collect();
        let (manifest, server) = (manifest.to_owned(), server.to_owned());
        let stored = Stored { version: VERSION, manifest, server, launch: acceptance.launch.clone(), tools };
        let text = serde_json::to_vec_pretty(&stored).map_err(io::Error::from);
        let written = text.and_then(|text| private::replace(&self.dir, &name, &text));
        written.map_err(|error| AcceptanceError::Io { file: self.folder.join(&name), error })
    }
}

impl Acceptance {
    /// Adds tools as they are offered by a server that is started like that. What was accepted for another way of starting
    /// it does not count any more, and is dropped.
    pub fn accept<'o>(&mut self, launch: &super::Launch, offers: impl IntoIterator<Item = &'o Offer>) {
        if self.launch != launch.digest() {
            self.tools.clear();
            self.launch = launch.digest().to_owned();
        }
        self.tools.extend(offers.into_iter().map(|offer| (offer.name().to_owned(), AcceptedTool(offer.clone()))));
    }

    /// Whether the server is started as it was when its tools were accepted.
    pub(super) fn is_for(&self, launch: &super::Launch) -> bool {
        self.launch == launch.digest()
    }

    /// The tool, if it was accepted.
    pub fn tool(&self, name: &str) -> Option<&AcceptedTool> {
        self.tools.get(name)
    }

    /// All of them, by name.
    pub fn tools(&self) -> impl Iterator<Item = &AcceptedTool> {
        self.tools.values()
    }
}

impl AcceptedTool {
    /// A tool of the embedding program, whose word needs nobody's agreement.
    pub(super) fn own(offer: Offer) -> AcceptedTool {
        AcceptedTool(offer)
    }

    /// Its name at the server.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// What the server said that it does; untrusted text. Empty when it said nothing.
    pub fn description(&self) -> &str {
        self.0.description()
    }

    /// The JSON Schema of its arguments.
    pub fn input_schema(&self) -> &Value {
        self.0.input_schema()
    }

    pub(super) fn output_schema(&self) -> Option<&Value> {
        self.0.output_schema()
    }

    /// Everything that was accepted of it, as JSON.
    pub fn definition(&self) -> &Value {
        self.0.definition()
    }

    /// SHA-256 of its definition, in hex.
    pub fn digest(&self) -> &str {
        self.0.digest()
    }
}

/// Neither name has a `.`, so that no two servers share a file.
fn file_name(manifest: &str, server: &str) -> String {
    format!("{manifest}.{server}.json")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests damage files")]
mod tests {
    use bailiwick_policy::Manifest;
    use serde_json::json;

    use super::*;
    use crate::Services;
    use crate::tools::Launch;

    fn launch(command: &str) -> Launch {
        let text = format!("schema = 1\nid = \"m\"\nagents = [\"a\"]\n[tools.s]\ncommand = [\"{command}\"]\n");
        let manifest = Manifest::parse(&text, "m.toml").unwrap();
        Launch::new(manifest.tools().first().unwrap(), Path::new("/x"), &Services::default().means()).unwrap()
    }

    fn offer(name: &str) -> Offer {
        Offer::of(&json!({"name": name, "description": "\u{202e}x", "inputSchema": {"type": "object"}})).unwrap()
    }

    #[test]
    fn what_was_accepted_reads_back_equal() {
        let dir = tempfile::tempdir().unwrap();
        let all = Acceptances::open(&dir.path().join("tools")).unwrap();
        let mut acceptance = all.read("m", "s").unwrap();
        assert!(acceptance.tool("a").is_none());
        acceptance.accept(&launch("one"), &[offer("a"), offer("b")]);
        all.write("m", "s", &acceptance).unwrap();
        let read = all.read("m", "s").unwrap();
        assert!(read.is_for(&launch("one")) && !read.is_for(&launch("two")));
        assert_eq!(read.tool("a").unwrap().digest(), offer("a").digest());
        assert_eq!(read.tools().count(), 2);
        assert!(all.read("m", "t").unwrap().tool("a").is_none());
    }

    #[test]
    fn another_command_starts_over() {
        let mut acceptance = Acceptance::default();
        acceptance.accept(&launch("one"), &[offer("a")]);
        acceptance.accept(&launch("one"), &[offer("b")]);
        assert_eq!(acceptance.tools().count(), 2);
        acceptance.accept(&launch("two"), &[offer("b")]);
        assert_eq!(acceptance.tools().map(AcceptedTool::name).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_an_error_and_not_an_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let all = Acceptances::open(dir.path()).unwrap();
        let good = json!({"version": 1, "manifest": "m", "server": "s", "launch": "", "tools": []}).to_string();
        for (text, fine) in [
            (good.clone(), true),
            (good.replace("\"s\"", "\"t\""), false),
            (good.replace(":1,", ":2,"), false),
            (good.replace("[]", "[1]"), false),
            ("{".to_owned(), false),
            (String::new(), false),
        ] {
            std::fs::write(dir.path().join("m.s.json"), &text).unwrap();
            assert_eq!(all.read("m", "s").is_ok(), fine, "{text}");
        }
    }
}
