//! What effects need: shared by all runs, and of one run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bailiwick_guard::{Action, Perform};
use bailiwick_policy::{Arguments, Backing, CustomKind, CustomResource, Manifest, ToolServer, Writes};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::crypto::{Crypto, KeyStore};
use crate::extension::Extensions;
use crate::fetch::{Collector, CollectorError, Dialer, Fetcher, Parts, Resolver, SystemDialer, SystemResolver};
use crate::files::{Files, MountError, MountSource, Mounts, Protected};
use crate::kv::{Kv, KvDatabase};
use crate::secrets::{SecretSource, Secrets};
use crate::sql::{PostgresServer, Sql};
use crate::sqlite::Lanes;
use crate::tools::{
    Acceptances, Bearer, Environment, Functions, Launch, Means, RegisterError, ToolContext, ToolError, Tools,
};

/// SQL statements that run at once, of all runs together.
const STATEMENTS: usize = 4;

/// What all runs share. Clones share it too.
#[derive(Clone)]
pub struct Services {
    keys: Option<Arc<KeyStore>>,
    fetch: Parts,
    protected: Arc<Protected>,
    kv: Option<Arc<KvDatabase>>,
    sql: Lanes,
    postgres: Arc<BTreeMap<String, PostgresServer>>,
    environment: Environment,
    bearers: BTreeMap<String, Bearer>,
    functions: Functions,
    acceptances: Option<Arc<Acceptances>>,
    extensions: Extensions,
    staging: Option<Arc<Path>>,
    secrets: Option<Arc<dyn SecretSource>>,
}

/// The effects of one run. Dropping it closes its files' directories and its connections.
#[derive(Debug)]
pub struct Host {
    pub files: Files,
    pub crypto: Crypto,
    pub fetch: Fetcher,
    pub tools: Tools,
    pub kv: Kv,
    pub sql: Sql,
    pub extensions: Extensions,
    pub secrets: Arc<Secrets>,
}

/// Builds [`Services`].
///
/// Defaults:
/// - no key store: no key exists, and none is made,
/// - the certificates that the operating system trusts, loaded at the first request of any run,
/// - the operating system's resolver, whose every answer is checked,
/// - TCP connections from this machine, to checked addresses only,
/// - no tool was accepted, so that none can be called, and servers of tools get no variable of the environment,
/// - no key-value stores,
/// - no PostgreSQL databases,
/// - no extensions,
/// - no secrets,
/// - no proxy, whatever the environment says; a [`ProxyDialer`](crate::fetch::ProxyDialer) as dialer is one,
/// - no folder for staged writes: a manifest with such mounts is refused,
/// - no protected paths: name the state folder and all files that decide what guests may do.
pub struct ServicesBuilder {
    keys: Option<Arc<KeyStore>>,
    roots: Option<RootCertStore>,
    resolver: Arc<dyn Resolver>,
    dialer: Arc<dyn Dialer>,
    protected: Protected,
    kv: Option<Arc<KvDatabase>>,
    postgres: BTreeMap<String, PostgresServer>,
    environment: Environment,
    bearers: BTreeMap<String, Bearer>,
    functions: Functions,
    acceptances: Option<Arc<Acceptances>>,
    extensions: Extensions,
    staging: Option<Arc<Path>>,
    secrets: Option<Arc<dyn SecretSource>>,
}

/// A text that gives no certificate authorities to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootsError {
    #[error("there is no certificate in it; it must hold PEM blocks `BEGIN CERTIFICATE`")]
    Empty,
    #[error("it holds something that is not a certificate")]
    Malformed,
}

impl Services {
    pub fn builder() -> ServicesBuilder {
        ServicesBuilder {
            keys: None,
            roots: None,
            resolver: Arc::new(SystemResolver),
            dialer: Arc::new(SystemDialer),
            protected: Protected::default(),
            kv: None,
            postgres: BTreeMap::new(),
            environment: Environment::default(),
            bearers: BTreeMap::new(),
            functions: Functions::default(),
            acceptances: None,
            extensions: Extensions::default(),
            staging: None,
            secrets: None,
        }
    }

    /// The effects of a new run, below `mounts`. Protected paths are not looked at: [`Services::open`] does that.
    pub fn host(&self, mounts: Mounts) -> Host {
        self.with_secrets(mounts, Secrets::new(self.secrets.clone()))
    }

    fn with_secrets(&self, mounts: Mounts, secrets: Secrets) -> Host {
        let secrets = Arc::new(secrets);
        Host {
            files: Files::new(mounts),
            crypto: Crypto::new(self.keys.clone()),
            fetch: Fetcher::new(self.fetch.clone(), Arc::clone(&secrets)),
            tools: Tools::default(),
            kv: Kv::default(),
            sql: Sql::default(),
            extensions: self.extensions.clone(),
            secrets,
        }
    }

    /// The effects of a run that is replayed: none. There are no mounts, keys, stores, databases, tools, secrets and
    /// connections. What the manifest names is known by name, and extensions read their arguments; a permit for anything would
    /// be a mistake of the guard, which mints none in a replay.
    pub fn replay(&self, manifest: &Manifest) -> Host {
        let secrets = Arc::<Secrets>::default();
        Host {
            files: Files::default(),
            crypto: Crypto::default(),
            fetch: Fetcher::new(Parts::unreachable(), Arc::clone(&secrets)),
            tools: Tools::default(),
            kv: Kv::new(None, manifest),
            sql: Sql::default(),
            extensions: self.extensions.clone(),
            secrets,
        }
    }

    /// The effects of a new run under `manifest`, whose mounts are relative to the folder `base`.
    ///
    /// # Errors
    /// [`MountError`] for the first mount that cannot be opened, overlaps another, or exposes a protected path.
    pub fn open(&self, manifest: &Manifest, base: &Path) -> Result<Host, MountError> {
        let folder = |path: &str| base.join(path.strip_prefix("./").unwrap_or(path));
        let folders: Vec<PathBuf> =
            manifest.mounts().iter().map(|mount| mount.folder().map(folder).unwrap_or_default()).collect();
        let sources = manifest.mounts().iter().zip(&folders).map(|(mount, path)| {
            let source = match mount.backing() {
                Backing::Folder { writes: Writes::Direct, .. } => MountSource::Folder(path),
                Backing::Folder { writes: Writes::Staged, .. } => MountSource::Staged(path),
                Backing::Memory => MountSource::Memory,
                Backing::Report => MountSource::Report,
            };
            (mount.name(), source)
        });
        let mounts = Mounts::open_all(sources, self.staging.as_deref())?;
        let means = self.means();
        let launches = manifest.tools().iter().filter_map(|server| Launch::new(server, base, &means));
        let programs: Vec<PathBuf> = launches.flat_map(|launch| launch.integrity()).collect();
        self.protected.check(&mounts, manifest, &programs)?;
        let tools = Tools::new(manifest, base, &means, &self.functions, self.acceptances.as_ref());
        let kv = Kv::new(self.kv.clone(), manifest);
        let sql = Sql::new(manifest, base, &mounts, &self.protected.secrets, &self.postgres, self.sql.clone())?;
        let secrets = Secrets::new(self.secrets.clone()).naming(manifest.secrets());
        Ok(Host { tools, kv, sql, ..self.with_secrets(mounts, secrets) })
    }

    pub fn keys(&self) -> Option<&Arc<KeyStore>> {
        self.keys.as_ref()
    }

    /// The certificates in a PEM text.
    ///
    /// # Errors
    /// When there is none in it, or one of them is not a certificate.
    pub fn roots_pem(pem: &[u8]) -> Result<RootCertStore, RootsError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| RootsError::Malformed)?;
            roots.add(certificate).map_err(|_| RootsError::Malformed)?;
        }
        if roots.is_empty() { Err(RootsError::Empty) } else { Ok(roots) }
    }

    /// The same, with what the operator accepted of servers of tools.
    pub fn with_accepted(mut self, acceptances: Arc<Acceptances>) -> Services {
        self.acceptances = Some(acceptances);
        self
    }

    /// How a run under a manifest in the folder `base` would reach a server of tools; `None` for one that is part of the
    /// embedding program.
    pub fn launch(&self, server: &ToolServer, base: &Path) -> Option<Launch> {
        Launch::new(server, base, &self.means())
    }

    /// The way to the operator's collector. It is no effect of a run, and no guest reaches it.
    ///
    /// # Errors
    /// When the endpoint is no URL of one, or no certificates can be loaded.
    pub fn collector(&self, endpoint: &str) -> Result<Collector, CollectorError> {
        Collector::new(&self.fetch, endpoint)
    }

    pub(crate) fn means(&self) -> Means {
        Means { environment: self.environment.clone(), parts: self.fetch.clone(), bearers: self.bearers.clone() }
    }
}

impl ServicesBuilder {
    /// Keys for the cryptographic actions.
    pub fn keys(mut self, keys: Arc<KeyStore>) -> ServicesBuilder {
        self.keys = Some(keys);
        self
    }

    /// Trusts these certificates *instead of* those of the operating system.
    pub fn with_roots(mut self, roots: RootCertStore) -> ServicesBuilder {
        self.roots = Some(roots);
        self
    }

    /// Trusts the certificates in this PEM text *instead of* those of the operating system.
    ///
    /// # Errors
    /// When there is none in it, or one of them is not a certificate.
    pub fn with_roots_pem(self, pem: &[u8]) -> Result<ServicesBuilder, RootsError> {
        Services::roots_pem(pem).map(|roots| self.with_roots(roots))
    }

    /// Resolves host names. Its answers are checked like those of the default one.
    pub fn resolver(mut self, resolver: impl Resolver) -> ServicesBuilder {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Makes connections. It is asked only for addresses that were checked.
    pub fn dialer(mut self, dialer: impl Dialer) -> ServicesBuilder {
        self.dialer = Arc::new(dialer);
        self
    }

    /// What the operator accepted of servers of tools. Without it no tool can be called.
    pub fn accepted_tools(mut self, acceptances: Arc<Acceptances>) -> ServicesBuilder {
        self.acceptances = Some(acceptances);
        self
    }

    /// Where servers of tools get the variables that their manifest names.
    pub fn environment(mut self, environment: Environment) -> ServicesBuilder {
        self.environment = environment;
        self
    }

    /// Where the files of mounts with staged writes wait: a folder for this alone, made when it is missing, and protected
    /// from mounts like the state. Best on the file system of the mounts, so that applying is renaming.
    pub fn staging(mut self, folder: impl Into<PathBuf>) -> ServicesBuilder {
        let folder = folder.into();
        self.protected.secrets.push(folder.clone());
        self.staging = Some(folder.into());
        self
    }

    /// Where secrets come from. Without it every use of one fails with `failed.no_secret`.
    pub fn secrets(mut self, source: impl SecretSource) -> ServicesBuilder {
        self.secrets = Some(Arc::new(source));
        self
    }

    /// What proves the operator to the server of tools at this very URL, as a manifest writes it; sent nowhere else.
    pub fn tool_bearer(mut self, url: &Url, bearer: Bearer) -> ServicesBuilder {
        self.bearers.insert(url.to_string(), bearer);
        self
    }

    /// Makes a function a tool, `server/name`, for every manifest that says `[tools.SERVER] embedded = true`. Its arguments are
    /// a struct, from which the tool's JSON Schema is made (draft 2020-12); its result is anything that can be written as JSON.
    ///
    /// It is called only if the rules of the run allow it, and recorded like any other call. `timeout` of the manifest's server
    /// holds (30 s otherwise); a panic is caught. The function is part of this program and not confined: its arguments come from
    /// a guest.
    ///
    /// # Errors
    /// [`RegisterError`]: a name that rules cannot have, or that is taken; arguments that are no object.
    pub fn tool<A, R, F, O>(
        mut self,
        server: &str,
        name: &str,
        description: &str,
        function: F,
    ) -> Result<ServicesBuilder, RegisterError>
    where
        A: DeserializeOwned + JsonSchema,
        R: Serialize,
        F: Fn(A, ToolContext) -> O + Send + Sync + 'static,
        O: Future<Output = Result<R, ToolError>> + Send + 'static,
    {
        self.functions.register(server, name, description, function)?;
        Ok(self)
    }

    /// Where key-value stores are kept. Without it every action with one fails with `failed.no_store`.
    pub fn kv(mut self, database: Arc<KvDatabase>) -> ServicesBuilder {
        self.kv = Some(database);
        self
    }

    /// Adds an action of the embedder's own, for guests that call `kind` with it. `make` gets the resource and the arguments
    /// that the guest named, and gives the action, whose [`resource`](Action::resource) and
    /// [`arguments`](Action::arguments) are these; `None` if the arguments are not as they must be. Then the guard decides,
    /// records, and `host` performs. A later action with the same kind and name takes the place of the earlier one.
    pub fn extension<A, P>(
        self,
        kind: CustomKind,
        make: impl Fn(CustomResource, Arguments) -> Option<A> + Send + Sync + 'static,
        host: P,
    ) -> ServicesBuilder
    where
        A: Action<Output = Value>,
        P: Perform<A> + Send + Sync + 'static,
    {
        ServicesBuilder { extensions: self.extensions.with(kind, make, host), ..self }
    }

    /// A PostgreSQL database that manifests may name (`postgres:NAME`). Runs share its connections' number, and no connection.
    pub fn postgres(mut self, name: impl Into<String>, server: PostgresServer) -> ServicesBuilder {
        self.postgres.insert(name.into(), server);
        self
    }

    /// Refuses every mount that contains `path` or lies in it, whatever the rules: for the state folder, which holds keys,
    /// the audit log and compiled guests. It need not exist yet. A relative path is relative to the working directory.
    pub fn protect_secret(mut self, path: impl Into<PathBuf>) -> ServicesBuilder {
        self.protected.secrets.push(path.into());
        self
    }

    /// Refuses every mount that contains `path`, if an allow rule lets a guest write to that mount or delete in it: for the
    /// files that decide what guests may do (configuration, manifest, ceiling, key sets, certificate authorities). The
    /// links on the way to it are protected, too. It need not exist yet.
    pub fn protect_integrity(mut self, path: impl Into<PathBuf>) -> ServicesBuilder {
        self.protected.integrity.push(path.into());
        self
    }

    pub fn build(self) -> Services {
        let roots = self.roots;
        let config = OnceLock::new();
        let tls = move || {
            let make = || {
                let roots = roots.clone().unwrap_or_else(system_roots);
                let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
                let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
                builder.map(|builder| Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
            };
            config.get_or_init(make).clone()
        };
        Services {
            keys: self.keys,
            fetch: Parts { resolver: self.resolver, dialer: self.dialer, tls: Arc::new(tls) },
            protected: Arc::new(self.protected),
            kv: self.kv,
            sql: Lanes::new(STATEMENTS),
            postgres: Arc::new(self.postgres),
            environment: self.environment,
            bearers: self.bearers,
            functions: self.functions,
            acceptances: self.acceptances,
            extensions: self.extensions,
            staging: self.staging,
            secrets: self.secrets,
        }
    }
}

impl Default for Services {
    /// What [`Services::builder`] gives when nothing is set.
    fn default() -> Services {
        Services::builder().build()
    }
}

/// What the operating system trusts. On a machine without certificates that is nothing, and every handshake fails.
pub(crate) fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl fmt::Debug for ServicesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServicesBuilder").field("keys", &self.keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_certificates_or_refused() {
        let refused = |pem: &str| Services::builder().with_roots_pem(pem.as_bytes()).map(|_| ()).unwrap_err();
        assert_eq!(refused(""), RootsError::Empty);
        assert_eq!(refused("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"), RootsError::Malformed);
        assert_eq!(refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), RootsError::Malformed);
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        assert!(Services::builder().with_roots_pem(made.cert.pem().as_bytes()).is_ok());
    }
}
