//! What was typed and configured, resolved to what is meant: `bailiwick.toml`, overridden by flags and `BAILIWICK_…`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use bailiwick_host::crypto::{KeyAlgorithm, Rings};
use bailiwick_languages::Packages;
use bailiwick_identity::{Algorithm, Jwks, LocalIssuer, TrustedIssuer, TrustedIssuers};
use serde::Deserialize;

use crate::arguments::HostArguments;
use crate::failure::Failure;
use crate::quantity::{Bytes, Seconds};
use crate::state::StateFolder;
use crate::terminal::Untrusted;
use crate::{diagnostics, input};

/// The host's configuration.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// The file that it came from.
    pub(crate) source: Option<PathBuf>,
    /// Where such a file counts, whether there is one or not.
    places: Vec<PathBuf>,
    pub(crate) state: StateFolder,
    /// Whether tokens of the local issuer, and `--as`, are accepted.
    pub(crate) local_issuer: bool,
    pub(crate) durability: Durability,
    /// Rings whose missing keys are made at first use, and how.
    pub(crate) rings: Rings,
    pub(crate) compile: CompileSection,
    /// The packages of the Python interpreter, when a command names none.
    pub(crate) python_packages: Packages,
    /// The certificate authorities for guests' requests, PEM, instead of the system's.
    pub(crate) ca_file: Option<PathBuf>,
    trusted: Vec<TrustedSection>,
}

/// Which calls wait until their record is on stable storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    #[default]
    Effects,
    All,
    Buffered,
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

const FILE_NAME: &str = "bailiwick.toml";
const MAX_FILE: usize = 1 << 20;

impl Configuration {
    /// Finds and reads `bailiwick.toml`: the file that is named, else the one here, else the one in the XDG folder.
    ///
    /// # Errors
    /// A named file that is not there; anything in the file that is unknown or malformed.
    pub(crate) fn resolve(arguments: &HostArguments) -> Result<Configuration, Failure> {
        let found = [Some(PathBuf::from(FILE_NAME)), folder("XDG_CONFIG_HOME", ".config").map(|at| at.join(FILE_NAME))];
        let mut places: Vec<PathBuf> = found.into_iter().flatten().collect();
        let source = match &arguments.config {
            Some(named) => Some(named.clone()),
            None => places.iter().find(|candidate| candidate.exists()).cloned(),
        };
        places.extend(arguments.config.clone());
        let file = match &source {
            None => FileSections::default(),
            Some(path) => read(path)?,
        };
        let state = match &arguments.state {
            Some(named) => named.clone(),
            None => folder("XDG_STATE_HOME", ".local/state").ok_or_else(|| {
                Failure::usage("there is no home folder to keep state in").help("name a folder with --state DIR")
            })?,
        };
        let base = source.as_deref().and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
        Ok(Configuration {
            state: StateFolder::at(state),
            // Where real issuers are configured, a person's own word counts only when that is said as well.
            local_issuer: file.issuer.local.unwrap_or(file.trusted.is_empty()),
            durability: file.audit.durability,
            rings: file.keys.into_iter().map(|(ring, section)| (ring, section.create)).collect(),
            compile: file.compile,
            python_packages: file.languages.python.with,
            ca_file: file.fetch.ca_file.map(|path| base.join(path)),
            trusted: file
                .trusted
                .into_iter()
                .map(|entry| TrustedSection { jwks: base.join(entry.jwks), ..entry })
                .collect(),
            source,
            places,
        })
    }

    /// The files that decide whom to trust. Whoever can write one of them, or put it where none is, decides that.
    pub(crate) fn trust_files(&self) -> impl Iterator<Item = &Path> {
        let key_sets = self.trusted.iter().map(|entry| &entry.jwks);
        self.places.iter().chain(&self.ca_file).chain(key_sets).map(PathBuf::as_path)
    }

    /// Every issuer whose tokens are accepted: the configured ones, and the local one where it is allowed and has a key.
    ///
    /// # Errors
    /// A key set that cannot be read, or terms that cannot be meant.
    pub(crate) fn trusted_issuers(&self) -> Result<TrustedIssuers, Failure> {
        let mut issuers = TrustedIssuers::none();
        for entry in &self.trusted {
            issuers = issuers.with(entry.to_issuer()?).map_err(|error| self.wrong(error))?;
        }
        if self.local_issuer
            && let Some(state) = self.state.open_existing()?
            && let Some(local) = LocalIssuer::open_existing(&state).map_err(Failure::internal)?
        {
            issuers = issuers.with(local.trusted()).map_err(|error| self.wrong(error))?;
        }
        Ok(issuers)
    }

    /// How many issuers the file configures.
    pub(crate) fn trusted_count(&self) -> usize {
        self.trusted.len()
    }

    fn wrong(&self, error: impl std::fmt::Display) -> Failure {
        let source = self.source.as_deref().unwrap_or(Path::new(FILE_NAME)).display().to_string();
        Failure::usage(format!("configuration `{}`: {error}", Untrusted(&source)))
    }
}

fn read(path: &Path) -> Result<FileSections, Failure> {
    let content = input::text(path, "the configuration", MAX_FILE)?;
    toml::from_str(&content).map_err(|error| {
        let name = path.display().to_string();
        let at = error.span().map(|span| diagnostics::position(&content, span.start));
        let at = at.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
        Failure::usage(format!("configuration `{}{at}`: {}", Untrusted(&name), Untrusted(error.message())))
            .help("its sections are [issuer], [[trusted]], [keys.RING], [audit], [compile], [fetch], [languages.python]")
    })
}

/// The folder that the XDG base directory specification gives, with our name; relative values are to be ignored.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the XDG variables")]
fn folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let base = std::env::var_os(variable).and_then(absolute);
    base.or_else(|| std::env::home_dir().map(|home| home.join(below_home))).map(|base| base.join("bailiwick"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSections {
    #[serde(default)]
    issuer: IssuerSection,
    #[serde(default)]
    trusted: Vec<TrustedSection>,
    #[serde(default)]
    keys: BTreeMap<String, RingSection>,
    #[serde(default)]
    audit: AuditSection,
    #[serde(default)]
    compile: CompileSection,
    #[serde(default)]
    fetch: FetchSection,
    #[serde(default)]
    languages: LanguagesSection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerSection {
    local: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrustedSection {
    issuer: String,
    audience: String,
    jwks: PathBuf,
    algorithms: Vec<String>,
    #[serde(default, deserialize_with = "parsed")]
    max_lifetime: Option<Seconds>,
    /// `0s` is meant as such, so this is not a [`Seconds`].
    skew: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RingSection {
    #[serde(deserialize_with = "key_algorithm")]
    create: KeyAlgorithm,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditSection {
    #[serde(default)]
    durability: Durability,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FetchSection {
    ca_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LanguagesSection {
    #[serde(default)]
    python: PythonSection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PythonSection {
    #[serde(default, deserialize_with = "packages")]
    with: Packages,
}

impl TrustedSection {
    fn to_issuer(&self) -> Result<TrustedIssuer, Failure> {
        let name = Untrusted(&self.issuer);
        let wrong = |problem: &dyn std::fmt::Display| Failure::usage(format!("trusted issuer `{name}`: {problem}"));
        let content = input::bytes(&self.jwks, "the key set", Jwks::MAX_BYTES)?;
        let keys = Jwks::parse(&content).map_err(|error| {
            let path = self.jwks.display().to_string();
            wrong(&format!("key set `{}`: {error}", Untrusted(&path)))
        })?;
        let mut algorithms = Vec::new();
        for text in &self.algorithms {
            let known = Algorithm::parse(text).ok_or_else(|| {
                wrong(&format!("`{}` is not an algorithm; known are ES256, EdDSA, PS256, RS256", Untrusted(text)))
            })?;
            algorithms.push(known);
        }
        let mut issuer =
            TrustedIssuer::new(&self.issuer, &self.audience, keys, &algorithms).map_err(|error| wrong(&error))?;
        if let Some(limit) = self.max_lifetime {
            issuer = issuer.max_lifetime(limit.whole()).map_err(|error| wrong(&error))?;
        }
        if let Some(skew) = self.skew {
            issuer = issuer.skew(skew).map_err(|error| wrong(&error))?;
        }
        Ok(issuer)
    }
}

/// A text that parses.
fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

fn packages<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Packages, D::Error> {
    Packages::parse(Vec::<String>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn key_algorithm<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<KeyAlgorithm, D::Error> {
    let text = String::deserialize(deserializer)?;
    KeyAlgorithm::parse(&text).ok_or_else(|| {
        let known = KeyAlgorithm::ALL.map(KeyAlgorithm::as_str).join(", ");
        serde::de::Error::custom(format!("unknown key algorithm; known are {known}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(content: &str) -> Result<Configuration, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        std::fs::write(&path, content).unwrap();
        let state = Some(folder.path().join("state"));
        Configuration::resolve(&HostArguments { config: Some(path), state })
    }

    #[test]
    fn every_section_is_read() {
        let text = r#"
            [issuer]
            local = true
            [[trusted]]
            issuer = "https://id.example"
            audience = "us"
            jwks = "keys.json"
            algorithms = ["ES256"]
            max_lifetime = "15m"
            skew = 0
            [keys.release]
            create = "ed25519"
            [audit]
            durability = "all"
            [compile]
            time = "5s"
            memory = "2GiB"
            [fetch]
            ca_file = "ca.pem"
            [languages.python]
            with = ["Markdown", "six"]
        "#;
        let configuration = resolve(text).unwrap();
        assert!(configuration.local_issuer);
        assert_eq!(configuration.durability, Durability::All);
        assert_eq!(configuration.rings.get("release"), Some(&KeyAlgorithm::Ed25519));
        assert_eq!(configuration.python_packages.to_string(), "markdown,six");
        assert_eq!(configuration.compile.memory.unwrap().get().get(), 2 << 30);
        assert!(configuration.ca_file.as_ref().unwrap().ends_with("ca.pem"));
        assert_eq!(configuration.trusted.len(), 1);
        let trust: Vec<_> = configuration.trust_files().collect();
        for file in ["bailiwick.toml", "ca.pem", "keys.json"] {
            assert!(trust.iter().any(|path| path.ends_with(file)), "no {file} in {trust:?}");
        }
        assert!(trust.contains(&Path::new(FILE_NAME)), "the places where nothing is count too");
    }

    #[test]
    fn the_local_issuer_is_for_installations_without_another() {
        let trusted = "[[trusted]]\nissuer = 'a'\naudience = 'b'\njwks = 'c'\nalgorithms = ['ES256']\n";
        assert!(resolve("").unwrap().local_issuer);
        assert!(!resolve("[issuer]\nlocal = false").unwrap().local_issuer);
        assert!(!resolve(trusted).unwrap().local_issuer);
        assert!(resolve(&format!("{trusted}[issuer]\nlocal = true")).unwrap().local_issuer);
    }

    #[test]
    fn what_is_unknown_or_malformed_is_refused() {
        for (bad, at) in [
            ("x = 1", ":1:1"),
            ("[isuer]", ":1:2"),
            ("\n[issuer]\nlocl = true", ":3:1"),
            ("[issuer]\nlocal = 'yes'", ":2:9"),
            ("[audit]\ndurability = 'none'", ":2:14"),
            ("[compile]\ntime = '0s'", ":2:8"),
            ("[compile]\nmemory = 5", ":2:10"),
            ("[[trusted]]\nissuer = 'a'", ":1:1"),
            ("[keys.r]", ":1:1"),
            ("[keys.r]\ncreate = 'rsa'", ":2:10"),
            ("[languages.python]\nwith = ['-r x']", ":2:8"),
            ("[languages.javascript]\nwith = ['x']", ":1:12"),
        ] {
            let failure = resolve(bad).unwrap_err();
            assert_eq!(failure.exit(), crate::exit::Exit::Usage);
            assert!(failure.message().contains(&format!("bailiwick.toml{at}`")), "{bad}: {}", failure.message());
        }
    }

    #[test]
    fn trusted_issuers_need_their_keys() {
        let text = "[[trusted]]\nissuer = 'a'\naudience = 'b'\njwks = 'absent.json'\nalgorithms = ['ES256']\n";
        let failure = resolve(text).unwrap().trusted_issuers().unwrap_err();
        assert!(failure.message().contains("absent.json"), "{}", failure.message());
        assert_eq!(resolve("").unwrap().trusted_issuers().unwrap().iter().count(), 0);
    }
}
