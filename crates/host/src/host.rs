//! What effects need: shared by all runs, and of one run.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

use crate::crypto::{Crypto, KeyStore};
use crate::fetch::{Dialer, Fetcher, Parts, Resolver, SystemDialer, SystemResolver};
use crate::files::{Files, Mounts};

/// What all runs share. Clones share it too.
#[derive(Clone)]
pub struct Services {
    keys: Option<Arc<KeyStore>>,
    fetch: Parts,
}

/// The effects of one run. Dropping it closes its files' directories and its connections.
#[derive(Debug)]
pub struct Host {
    pub files: Files,
    pub crypto: Crypto,
    pub fetch: Fetcher,
}

/// Builds [`Services`].
///
/// Defaults:
/// - no key store: no key exists, and none is made,
/// - the certificates that the operating system trusts, loaded at the first request of any run,
/// - the operating system's resolver, whose every answer is checked,
/// - TCP connections from this machine, to checked addresses only,
/// - no proxy, whatever the environment says.
pub struct ServicesBuilder {
    keys: Option<Arc<KeyStore>>,
    roots: Option<RootCertStore>,
    resolver: Arc<dyn Resolver>,
    dialer: Arc<dyn Dialer>,
}

/// Why there are no services.
#[derive(Debug, thiserror::Error)]
pub enum ServicesError {
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl Services {
    pub fn builder() -> ServicesBuilder {
        ServicesBuilder { keys: None, roots: None, resolver: Arc::new(SystemResolver), dialer: Arc::new(SystemDialer) }
    }

    /// The effects of a new run, below `mounts`.
    pub fn host(&self, mounts: Mounts) -> Host {
        Host {
            files: Files::new(mounts),
            crypto: Crypto::new(self.keys.clone()),
            fetch: Fetcher::new(self.fetch.clone()),
        }
    }

    pub fn keys(&self) -> Option<&Arc<KeyStore>> {
        self.keys.as_ref()
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

    /// # Errors
    /// When the TLS library refuses its own defaults.
    pub fn build(self) -> Result<Services, ServicesError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let roots = self.roots;
        let config = OnceLock::new();
        let tls = move || {
            let make = || {
                let roots = roots.clone().unwrap_or_else(system_roots);
                Arc::new(builder.clone().with_root_certificates(roots).with_no_client_auth())
            };
            Arc::clone(config.get_or_init(make))
        };
        Ok(Services {
            keys: self.keys,
            fetch: Parts { resolver: self.resolver, dialer: self.dialer, tls: Arc::new(tls) },
        })
    }
}

/// What the operating system trusts. On a machine without certificates that is nothing, and every handshake fails.
fn system_roots() -> RootCertStore {
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
