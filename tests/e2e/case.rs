//! What a `case.toml` says. The reference is `tests/README.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::token::TokenSpec;

/// One case: a folder with a `case.toml`.
pub(crate) struct Case {
    pub(crate) folder: PathBuf,
    pub(crate) spec: Spec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    /// What must hold, in a sentence.
    pub(crate) about: String,
    pub(crate) guest: String,
    #[serde(default = "policy")]
    pub(crate) policy: String,
    #[serde(rename = "as")]
    pub(crate) agent: Option<String>,
    pub(crate) token: Option<TokenSpec>,
    /// Commands that run before.
    #[serde(default)]
    pub(crate) before: Vec<String>,
    /// The case has tool servers.
    #[serde(default)]
    pub(crate) tools: bool,
    /// Whose tools are accepted before, as `tool accept` takes it: manifest, server, and maybe one tool.
    #[serde(default)]
    pub(crate) accept: Vec<String>,
    /// Variables of the program, besides the canary.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) args: Vec<String>,
    pub(crate) input: Option<toml::Value>,
    pub(crate) restrict: Option<String>,
    pub(crate) rationale: Option<String>,
    /// Further flags of `run`, such as `--fuel`.
    #[serde(default)]
    pub(crate) flags: Vec<String>,
    #[serde(default)]
    pub(crate) server: bool,
    /// How many connections the server must have seen.
    pub(crate) connections: Option<usize>,
    #[serde(default)]
    pub(crate) files: BTreeMap<String, FileSpec>,
    #[serde(default)]
    pub(crate) after: BTreeMap<String, AfterSpec>,
    #[serde(default)]
    pub(crate) exit: i32,
    /// Texts that standard error contains.
    #[serde(default)]
    pub(crate) stderr: Vec<String>,
    /// JSON members whose values differ from run to run.
    #[serde(default)]
    pub(crate) mask: Vec<String>,
}

/// What to lay out before the run.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum FileSpec {
    Text(String),
    Link {
        link: String,
    },
    Fifo {
        fifo: bool,
    },
    Folder {
        folder: bool,
    },
    Filled {
        size: u64,
    },
    Bytes {
        hex: String,
    },
    /// A database, made by a file of the case or of `common/`.
    Database {
        sql: PathBuf,
    },
    Empty {
        empty_files: usize,
    },
}

/// What must be there after the run.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum AfterSpec {
    Text(String),
    Absent {
        absent: bool,
    },
    Size {
        size: u64,
    },
    /// Of a database.
    Query {
        query: String,
        answer: String,
    },
}

fn policy() -> String {
    "policy.toml".to_owned()
}

impl Case {
    pub(crate) fn load(folder: &Path) -> Result<Case, String> {
        let path = folder.join("case.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let spec: Spec = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        if spec.agent.is_some() == spec.token.is_some() {
            return Err(format!("{}: name the agent with `as`, or give it a `[token]`", path.display()));
        }
        if spec.about.is_empty() {
            return Err(format!("{}: `about` says what must hold", path.display()));
        }
        Ok(Case { folder: folder.to_owned(), spec })
    }
}
