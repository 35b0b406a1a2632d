//! What was typed and configured, resolved to what is meant: `bailiwick.toml`, overridden by flags and `BAILIWICK_…`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use bailiwick_host::crypto::Rings;
use bailiwick_host::fetch::ProxyDialer;
use bailiwick_identity::{IssuerDirectory, LocalIssuer, Rotation};
use bailiwick_languages::Packages;
use url::Url;

pub(crate) use self::sections::{CompileSection, Durability, JournalSection, MasterKeySource, parsed};
use self::sections::{FILE_NAME, FileSections};
use crate::arguments::HostArguments;
use crate::environment;
use crate::failure::Failure;
use crate::postgres::PostgresSection;
use crate::state::StateFolder;
use crate::terminal::Untrusted;
use crate::trusted::TrustedSection;

mod sections;

/// The host's configuration.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// The file that it came from.
    pub(crate) source: Option<PathBuf>,
    /// The file of the current folder, which adds rings.
    pub(crate) local: Option<PathBuf>,
    /// Where such a file counts, whether there is one or not.
    places: Vec<PathBuf>,
    pub(crate) state: StateFolder,
    /// Whether tokens of the local issuer, and `--as`, are accepted.
    pub(crate) local_issuer: bool,
    pub(crate) durability: Durability,
    /// Whether runs are recorded, and how much of that is kept.
    pub(crate) journal: JournalSection,
    /// How often agents must get a new key.
    pub(crate) rotation: Rotation,
    /// What holds for the keys of a ring.
    pub(crate) rings: Rings,
    pub(crate) compile: CompileSection,
    /// The packages of the Python interpreter, when a command names none.
    pub(crate) python_packages: Packages,
    /// The certificate authorities for guests' requests, PEM, instead of the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Which file holds the token for the server of tools at a URL.
    pub(crate) bearers: Vec<(Url, PathBuf)>,
    /// Where the master key is.
    pub(crate) master_key: MasterKeySource,
    /// Through which guests' requests leave.
    pub(crate) proxy: Option<ProxyDialer>,
    /// The PostgreSQL databases that manifests may name.
    pub(crate) postgres: BTreeMap<String, PostgresSection>,
    trusted: Vec<TrustedSection>,
}

impl Configuration {
    /// Finds and reads `bailiwick.toml`: the file that is named and no other, or else the user's own, which is in the XDG folder,
    /// and what the one in the current folder may add.
    ///
    /// # Errors
    /// A file that is named or there, and cannot be read; anything in it that is unknown, malformed or not for its place.
    pub(crate) fn resolve(arguments: &HostArguments) -> Result<Configuration, Failure> {
        let here = PathBuf::from(FILE_NAME);
        let own = folder("XDG_CONFIG_HOME", ".config").map(|at| at.join(FILE_NAME));
        let named = environment::path(arguments.config.as_ref(), environment::CONFIG);
        let places = [Some(&here), own.as_ref(), named.as_ref()].into_iter().flatten().cloned().collect();
        let (source, local) = match named {
            Some(named) => (Some(named), None),
            None => {
                let own = present(own)?;
                let local = present(Some(here))?.filter(|here| !own.as_deref().is_some_and(|own| same(here, own)));
                (own, local)
            }
        };
        let file = source.as_deref().map(FileSections::read).transpose()?.unwrap_or_default();
        let mut keys = local.as_deref().map(FileSections::read_local).transpose()?.unwrap_or_default().keys;
        keys.extend(file.keys); // what the host's own file says of a ring holds
        let state = match environment::path(arguments.state.as_ref(), environment::STATE) {
            Some(named) => named,
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
            journal: file.journal,
            rotation: file.registry.rotation(),
            rings: keys
                .into_iter()
                .map(|(ring, section)| {
                    let rules = section.ring();
                    (ring, rules)
                })
                .collect(),
            compile: file.compile,
            python_packages: file.languages.python.with,
            ca_file: file.fetch.ca_file.map(|path| base.join(path)),
            bearers: file.tools.into_iter().map(|(url, section)| (url.0, base.join(section.bearer_file))).collect(),
            master_key: file.vault.master_key,
            proxy: file.fetch.proxy,
            postgres: file.postgres.into_iter().map(|(name, section)| (name, section.relative_to(&base))).collect(),
            trusted: file.trusted.into_iter().map(|entry| entry.relative_to(&base)).collect(),
            source,
            local,
            places,
        })
    }

    /// The files that decide whom to trust. Whoever can write one of them, or put it where none is, decides that.
    pub(crate) fn trust_files(&self) -> impl Iterator<Item = &Path> {
        let of_issuers = self.trusted.iter().flat_map(TrustedSection::files);
        let of_databases = self.postgres.values().flat_map(PostgresSection::files);
        self.places.iter().chain(&self.ca_file).chain(of_issuers).chain(of_databases).map(PathBuf::as_path)
    }

    /// Files with a password or a token, whether this run uses them or not: no guest may read them.
    pub(crate) fn secret_files(&self) -> impl Iterator<Item = &Path> {
        let passwords = self.postgres.values().filter_map(|section| section.password_file.as_deref());
        passwords.chain(self.bearers.iter().map(|(_, file)| file.as_path()))
    }

    /// Every issuer whose tokens are accepted: the configured ones, and the local one where it is allowed and has a key.
    ///
    /// # Errors
    /// A file that cannot be read, or terms that cannot be meant.
    pub(crate) fn issuers(&self) -> Result<IssuerDirectory, Failure> {
        let mut issuers = IssuerDirectory::none();
        for entry in &self.trusted {
            issuers = entry.add_to(issuers, &|| self.state.issuers())?;
        }
        if self.local_issuer
            && let Some(state) = self.state.open_existing()?
            && let Some(local) = LocalIssuer::open_existing(&state).map_err(Failure::internal)?
        {
            issuers = issuers.with(local.trusted()).map_err(|error| self.wrong(error))?;
        }
        Ok(issuers)
    }

    /// The names of the issuers whose tokens are accepted, as they are configured.
    pub(crate) fn issuer_names(&self) -> impl Iterator<Item = &str> {
        let local = self.local_issuer.then_some(LocalIssuer::ISSUER);
        self.trusted.iter().map(|entry| entry.issuer.as_str()).chain(local)
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

/// The path, if something is there. What cannot be looked at is not taken for absent: it may say whom not to trust.
fn present(path: Option<PathBuf>) -> Result<Option<PathBuf>, Failure> {
    let Some(path) = path else { return Ok(None) };
    match fs::symlink_metadata(&path) {
        Ok(_) => Ok(Some(path)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => {
            let name = path.display().to_string();
            Err(Failure::usage(format!("configuration `{}` cannot be looked for: {error}", Untrusted(&name))))
        }
    }
}

/// Whether commands are run from the folder of the user's own configuration.
fn same(here: &Path, own: &Path) -> bool {
    let at = |path| fs::metadata(path).map(|it| (it.dev(), it.ino())).ok();
    at(here).is_some_and(|it| at(own) == Some(it))
}

/// The folder that the XDG base directory specification gives, with our name; relative values are to be ignored.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the XDG variables")]
fn folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let base = std::env::var_os(variable).and_then(absolute);
    base.or_else(|| std::env::home_dir().map(|home| home.join(below_home))).map(|base| base.join("bailiwick"))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use bailiwick_host::crypto::{KeyAlgorithm, Ring, Rotate};

    use super::*;

    fn resolve(content: &str) -> Result<Configuration, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        std::fs::write(&path, content).unwrap();
        let state = Some(folder.path().join("state"));
        Configuration::resolve(&HostArguments { config: Some(path), state, ..HostArguments::default() })
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
            [[trusted]]
            issuer = "https://idp.example/realms/a"
            audience = "https://us.example"
            algorithms = ["ES256", "EdDSA"]
            profile = "k8s"
            require_dpop = true
            single_use = true
            scopes_from_registry = true
            ca_file = "idp.pem"
            private = true
            [keys.release]
            create = "ed25519"
            [keys.partners]
            rotate = "168h"
            [keys.archive]
            rotate = "never"
            [registry]
            rotate = "12h"
            grace = "30m"
            [audit]
            durability = "all"
            [journal]
            enabled = false
            max = "1MiB"
            keep = "24h"
            total = "1GiB"
            [compile]
            time = "5s"
            memory = "2GiB"
            [fetch]
            ca_file = "ca.pem"
            proxy = "http://proxy.example:3128"
            [postgres.crm]
            host = "db.example"
            database = "crm"
            user = "bailiwick"
            password_file = "crm.password"
            ca_file = "db.pem"
            role = "agents"
            [tools."https://crm.example/mcp"]
            bearer_file = "crm.token"
            [languages.python]
            with = ["Markdown", "six"]
            [vault]
            master_key = "keyring"
        "#;
        let configuration = resolve(text).unwrap();
        assert!(configuration.local_issuer);
        assert_eq!(configuration.durability, Durability::All);
        assert_eq!(configuration.rotation, Rotation::new(12 * 3600, 1800));
        let kept = configuration.journal.options();
        assert_eq!((kept.max.get(), kept.total.get()), (1 << 20, 1 << 30));
        assert_eq!((kept.keep.as_secs(), configuration.journal.is_enabled()), (24 * 3600, false));
        assert!(resolve("").unwrap().journal.is_enabled());
        assert_eq!(configuration.rings.get("release"), Some(&Ring::creating(KeyAlgorithm::Ed25519)));
        let week = Rotate::After(NonZeroU64::new(7 * 24 * 3600).unwrap());
        assert_eq!(configuration.rings.get("partners"), Some(&Ring { create: None, rotate: week }));
        assert_eq!(configuration.rings.get("archive").map(|ring| ring.rotate), Some(Rotate::Never));
        assert_eq!(configuration.python_packages.to_string(), "markdown,six");
        assert_eq!(configuration.compile.memory.unwrap().get().get(), 2 << 30);
        assert!(configuration.ca_file.as_ref().unwrap().ends_with("ca.pem"));
        assert_eq!(configuration.master_key, MasterKeySource::Keyring);
        assert_eq!(resolve("").unwrap().master_key, MasterKeySource::File);
        assert_eq!(configuration.proxy, "http://proxy.example:3128".parse().ok());
        let [(url, file)] = configuration.bearers.as_slice() else { panic!("one token") };
        assert!(url.as_str() == "https://crm.example/mcp" && file.ends_with("crm.token") && file.is_absolute());
        assert_eq!(configuration.trusted.len(), 2);
        let trust: Vec<_> = configuration.trust_files().collect();
        for file in ["bailiwick.toml", "ca.pem", "keys.json", "idp.pem", "db.pem", "crm.password"] {
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
            ("[journal]\nmax = '2GiB'", ":2:7"),
            ("[journal]\nkeep = 'forever'", ":2:8"),
            ("[compile]\ntime = '0s'", ":2:8"),
            ("[compile]\nmemory = 5", ":2:10"),
            ("[[trusted]]\nissuer = 'a'", ":1:1"),
            ("[vault]\nmaster_key = 'disk'", ":2:14"),
            ("[keys.r]\ncreate = 'rsa'", ":2:10"),
            ("[fetch]\nproxy = 'https://proxy.example'", ":2:9"),
            ("[keys.r]\nrotate = 'always'", ":2:10"),
            ("[keys.r]\nrotate = '0s'", ":2:10"),
            ("[keys.r]\nrotate = '59s'", ":2:10"),
            ("[keys.r]\nrotates = '1h'", ":2:1"),
            ("[postgres.crm]\nhost = 'a'", ":1:1"),
            ("[postgres.crm]\nurl = 'postgres://a'", ":2:1"),
            ("[tools.crm]\nbearer_file = 'x'", ":1:8"),
            ("[tools.'ftp://a.example']\nbearer_file = 'x'", ":1:8"),
            ("[tools.'https://a.example']\ntoken = 'x'", ":2:1"),
            ("[languages.python]\nwith = ['-r x']", ":2:8"),
            ("[languages.javascript]\nwith = ['x']", ":1:12"),
        ] {
            let failure = resolve(bad).unwrap_err();
            assert_eq!(failure.exit(), crate::exit::Exit::Usage);
            assert!(failure.message().contains(&format!("bailiwick.toml{at}`")), "{bad}: {}", failure.message());
        }
    }

    #[test]
    fn misspelt_names_are_recognised() {
        for (bad, advice) in [
            ("[[trused]]", "did you mean `trusted`?"),
            ("[issuer]\nlocl = true", "did you mean `local`?"),
            ("[[trusted]]\naudiences = ['x']", "did you mean `audience`?"),
            ("[[trusted]]\nprofile = 'jwtsvid'", "did you mean `jwt-svid`?"),
            ("[[trusted]]\nxyz = 1", "its sections are [issuer]"),
        ] {
            let failure = resolve(bad).unwrap_err();
            assert!(failure.advice().unwrap().starts_with(advice), "{bad}: {:?}", failure.advice());
        }
    }

    #[test]
    fn terms_of_an_issuer_fit_together() {
        let terms = "audience = 'us'\nalgorithms = ['ES256']\n";
        for (more, problem) in [
            ("issuer = 'http://id.example'", "not an https URL"),
            ("issuer = 'urn:x'", "not an https URL"),
            ("issuer = 'https://id.example'\ntrust_domain = 'acme'", "belongs to the profile `jwt-svid`"),
            ("issuer = 'https://id.example'\nprofile = 'jwt-svid'", "needs `trust_domain`"),
            (
                "issuer = 'https://id.example'\nprofile = 'jwt-svid'\ntrust_domain = 'spiffe://acme'",
                "without `spiffe://`",
            ),
            ("issuer = 'https://id.example'\nscopes_from_registry = true", "`k8s` and `jwt-svid`"),
            ("issuer = 'https://id.example'\nskew = 61", "at most 60 s"),
            ("issuer = 'https://id.example'\nmax_lifetime = '2h'", "1 to 3600 s"),
            ("issuer = 'https://id.example'\nca_file = 'none.pem'", "none.pem"),
            ("issuer = 'https://id.example'\njwks = 'k.json'\nprivate = true", "nothing is fetched"),
            ("issuer = 'https://id.example'\nalgorithms = []", "duplicate key"),
        ] {
            let refused =
                resolve(&format!("[[trusted]]\n{terms}{more}\n")).and_then(|host| host.issuers()).unwrap_err();
            assert!(refused.message().contains(problem), "{more}: {}", refused.message());
        }
        let svid = "[[trusted]]\nissuer = 'https://id.example'\nprofile = 'jwt-svid'\ntrust_domain = 'acme.example'\n";
        assert_eq!(resolve(&format!("{svid}{terms}")).unwrap().issuers().unwrap().published().len(), 1);
    }

    #[test]
    fn trusted_issuers_need_their_keys() {
        let text = "[[trusted]]\nissuer = 'a'\naudience = 'b'\njwks = 'absent.json'\nalgorithms = ['ES256']\n";
        let failure = resolve(text).unwrap().issuers().unwrap_err();
        assert!(failure.message().contains("absent.json"), "{}", failure.message());
        assert_eq!(resolve("").unwrap().issuers().unwrap().issuers().iter().count(), 0);
    }
}
