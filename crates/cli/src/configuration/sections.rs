//! What `bailiwick.toml` holds, section by section.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use bailiwick_guard::journal::files::JournalOptions;
use bailiwick_host::crypto::{KeyAlgorithm, Ring, Rotate};
use bailiwick_host::fetch::ProxyDialer;
use bailiwick_identity::Rotation;
use bailiwick_languages::Packages;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::failure::Failure;
use crate::postgres::PostgresSection;
use crate::quantity::{Bytes, Seconds};
use crate::terminal::Untrusted;
use crate::trusted::TrustedSection;
use crate::{diagnostics, input};

pub(super) const FILE_NAME: &str = "bailiwick.toml";
const MAX_FILE: usize = 1 << 20;
/// Seconds between two versions of a key, at least.
const SHORTEST_ROTATION: u64 = 60;
const ELSEWHERE: &str = "move it to bailiwick/bailiwick.toml in your configuration folder (~/.config), or name this file if you \
                         trust it: `--config bailiwick.toml`, or BAILIWICK_CONFIG";
const SECTIONS: &str = "its sections are [issuer], [[trusted]], [registry], [keys.RING], [audit], [journal], [compile], [fetch], [tools.\"URL\"], [postgres.NAME], [languages.python], [vault]";

/// Which calls wait until their record is on stable storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    #[default]
    Effects,
    All,
    Buffered,
}

/// Where the master key is, with which secrets and keys are sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MasterKeySource {
    /// In the state folder, made at first use.
    #[default]
    File,
    /// In the environment.
    Environment,
    /// In the kernel's key ring.
    Keyring,
}

/// Bounds for the process that compiles untrusted code.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompileSection {
    #[serde(default, deserialize_with = "parsed")]
    pub(crate) time: Option<Seconds>,
    #[serde(default, deserialize_with = "parsed")]
    pub(crate) memory: Option<Bytes>,
}

/// Whether runs are recorded, and how much of that is kept for how long.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JournalSection {
    enabled: Option<bool>,
    #[serde(default, deserialize_with = "journal_max")]
    max: Option<Bytes>,
    #[serde(default, deserialize_with = "parsed")]
    keep: Option<Seconds>,
    #[serde(default, deserialize_with = "parsed")]
    total: Option<Bytes>,
}

impl JournalSection {
    pub(crate) fn is_enabled(self) -> bool {
        self.enabled.unwrap_or(true)
    }

    pub(crate) fn options(self) -> JournalOptions {
        let usual = JournalOptions::default();
        JournalOptions {
            max: self.max.map_or(usual.max, Bytes::get),
            keep: self.keep.map_or(usual.keep, Seconds::duration),
            total: self.total.map_or(usual.total, Bytes::get),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSections {
    #[serde(default)]
    pub(super) issuer: IssuerSection,
    #[serde(default)]
    pub(super) trusted: Vec<TrustedSection>,
    #[serde(default)]
    pub(super) keys: BTreeMap<String, RingSection>,
    #[serde(default)]
    pub(super) registry: RegistrySection,
    #[serde(default)]
    pub(super) audit: AuditSection,
    #[serde(default)]
    pub(super) journal: JournalSection,
    #[serde(default)]
    pub(super) compile: CompileSection,
    #[serde(default)]
    pub(super) fetch: FetchSection,
    #[serde(default)]
    pub(super) postgres: BTreeMap<String, PostgresSection>,
    #[serde(default)]
    pub(super) tools: BTreeMap<ToolUrl, ToolSection>,
    #[serde(default)]
    pub(super) languages: LanguagesSection,
    #[serde(default)]
    pub(super) vault: VaultSection,
}

impl FileSections {
    /// Reads a whole file.
    ///
    /// # Errors
    /// It cannot be read, or anything in it is unknown or malformed.
    pub(super) fn read(path: &Path) -> Result<FileSections, Failure> {
        parse(path, &input::text(path, "the configuration", MAX_FILE)?)
    }

    /// Reads the file of the folder that commands are run from. Whoever can write to that folder wrote it: a colleague, the
    /// author of a repository, a guest with a mount there. So it has the one section that gives nobody any trust.
    ///
    /// # Errors
    /// The same; and any other section.
    pub(super) fn read_local(path: &Path) -> Result<FileSections, Failure> {
        let content = input::text(path, "the configuration", MAX_FILE)?;
        let sections: FileSections = parse(path, &content)?;
        let table: toml::Table = parse(path, &content)?;
        let looser = |ring: &RingSection| match (ring.rotate, Rotate::default()) {
            (Rotate::After(given), Rotate::After(usual)) => given > usual,
            (Rotate::Never, _) => true,
            (Rotate::After(_), Rotate::Never) => false,
        };
        if sections.keys.values().any(looser) {
            let message =
                "`rotate` lets keys sign for longer than 24 h, which no file does by lying in the current folder";
            return Err(wrong(path, "", message).help(ELSEWHERE));
        }
        let Some(other) = table.keys().find(|key| *key != "keys") else { return Ok(sections) };
        let message = format!("`[{other}]` decides whom to trust, which no file does by lying in the current folder");
        Err(wrong(path, "", &message).help(ELSEWHERE))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerSection {
    pub(super) local: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RingSection {
    #[serde(default, deserialize_with = "key_algorithm")]
    create: Option<KeyAlgorithm>,
    #[serde(default, deserialize_with = "rotation")]
    rotate: Rotate,
}

impl RingSection {
    pub(super) fn ring(&self) -> Ring {
        Ring { create: self.create, rotate: self.rotate }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegistrySection {
    #[serde(default, deserialize_with = "parsed")]
    pub(super) rotate: Option<Seconds>,
    #[serde(default, deserialize_with = "parsed")]
    pub(super) grace: Option<Seconds>,
}

impl RegistrySection {
    pub(super) fn rotation(&self) -> Rotation {
        let usual = Rotation::default();
        let seconds = |given: Option<Seconds>, usual| given.map_or(usual, Seconds::whole);
        Rotation::new(seconds(self.rotate, usual.every()), seconds(self.grace, usual.grace()))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditSection {
    #[serde(default)]
    pub(super) durability: Durability,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FetchSection {
    pub(super) ca_file: Option<PathBuf>,
    #[serde(default, deserialize_with = "parsed")]
    pub(super) proxy: Option<ProxyDialer>,
}

/// The URL of a server of tools, written as in a manifest.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ToolUrl(pub(super) Url);

impl TryFrom<String> for ToolUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<ToolUrl, &'static str> {
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        url.map(ToolUrl).ok_or("the sections of `tools` are named by URLs, as in [tools.\"https://…/mcp\"]")
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolSection {
    pub(super) bearer_file: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LanguagesSection {
    #[serde(default)]
    pub(super) python: PythonSection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PythonSection {
    #[serde(default, deserialize_with = "packages")]
    pub(super) with: Packages,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VaultSection {
    #[serde(default)]
    pub(super) master_key: MasterKeySource,
}

fn parse<T: DeserializeOwned>(path: &Path, content: &str) -> Result<T, Failure> {
    toml::from_str(content).map_err(|error| {
        let at = error.span().map(|span| diagnostics::position(content, span.start));
        let at = at.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
        wrong(path, &at, error.message()).help_or(meant(error.message()), SECTIONS)
    })
}

fn wrong(path: &Path, at: &str, message: &str) -> Failure {
    let name = path.display().to_string();
    Failure::usage(format!("configuration `{}{at}`: {}", Untrusted(&name), Untrusted(message)))
}

/// The known name that was probably meant, where a message names one that is unknown and those that are known.
fn meant(message: &str) -> Option<String> {
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next().filter(|_| message.starts_with("unknown "))?;
    let scored = names.map(|known| (strsim::jaro_winkler(unknown, known), known));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|best| best.0 > 0.8)?;
    Some(format!("did you mean `{}`?", best.1))
}

/// A text that parses.
pub(crate) fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// A size that is read back, too.
fn journal_max<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
    let max: Option<Bytes> = parsed(deserializer)?;
    match max {
        Some(max) if max.get().get() > JournalOptions::MOST => Err(serde::de::Error::custom("at most `1GiB`")),
        max => Ok(max),
    }
}

fn packages<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Packages, D::Error> {
    Packages::parse(Vec::<String>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// A duration, or `never`.
fn rotation<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Rotate, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "never" {
        return Ok(Rotate::Never);
    }
    let seconds: Seconds =
        text.parse().map_err(|error| serde::de::Error::custom(format!("{error}, or write `never`")))?;
    let least =
        || serde::de::Error::custom(format!("at least {SHORTEST_ROTATION} s: each version is a file that stays"));
    let seconds = NonZeroU64::new(seconds.whole()).filter(|seconds| seconds.get() >= SHORTEST_ROTATION);
    Ok(Rotate::After(seconds.ok_or_else(least)?))
}

fn key_algorithm<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<KeyAlgorithm>, D::Error> {
    let text = String::deserialize(deserializer)?;
    KeyAlgorithm::parse(&text).map(Some).ok_or_else(|| {
        let known = KeyAlgorithm::ALL.map(KeyAlgorithm::as_str).join(", ");
        serde::de::Error::custom(format!("unknown key algorithm; known are {known}"))
    })
}
