//! PostgreSQL databases that the host knows by a name: how to reach one, as whom, and how many connections there are.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use zeroize::Zeroizing;

use crate::host::system_roots;

/// Longest name of a role, schema, database or user, as PostgreSQL has it.
const MAX_NAME: usize = 63;

/// What the operator says about a database.
#[derive(Clone)]
pub struct PostgresSettings {
    /// A host name or address, or the absolute path of the folder that holds the socket.
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub password: Option<Zeroizing<String>>,
    /// The role that statements run as (`SET LOCAL ROLE`); `None` for the user itself.
    pub role: Option<String>,
    /// The one schema whose tables there are.
    pub schema: String,
    /// The certificate authorities to trust *instead of* those of the operating system.
    pub roots: Option<RootCertStore>,
    /// Without TLS, which only loopback addresses may be; a socket has none.
    pub plain: bool,
    /// Connections at once, of all runs together.
    pub connections: usize,
}

/// Settings that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostgresError {
    #[error("`{what}` takes a name of 1 to {MAX_NAME} bytes, without NUL")]
    Name { what: &'static str },
    #[error(
        "`tls = \"off\"` is for `localhost`, loopback addresses and sockets; `{host}` is reached over a network, where a password \
         and every row could be read"
    )]
    Plain { host: String },
    #[error("`host` is neither a host name nor an absolute path")]
    Host,
    #[error("`connections` is 1 to 100")]
    Connections,
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// A database that manifests may name.
#[derive(Clone)]
pub struct PostgresServer {
    pub(super) place: ServerPlace,
    pub(super) config: Config,
    pub(super) role: Option<String>,
    pub(super) schema: String,
    pub(super) tls: Option<(String, Arc<ClientConfig>)>,
    places: Arc<Semaphore>,
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub(super) enum ServerPlace {
    Tcp(String, u16),
    Socket(PathBuf),
}

impl PostgresServer {
    /// Nothing is dialled yet.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub fn new(settings: PostgresSettings) -> Result<PostgresServer, PostgresError> {
        let PostgresSettings { host, port, database, user, password, role, schema, roots, plain, connections } =
            settings;
        let role_name = role.as_deref().unwrap_or("role");
        for (what, name) in [("database", database.as_str()), ("user", &user), ("role", role_name), ("schema", &schema)]
        {
            if name.is_empty() || name.len() > MAX_NAME || name.contains('\0') {
                return Err(PostgresError::Name { what });
            }
        }
        if !(1..=100).contains(&connections) {
            return Err(PostgresError::Connections);
        }
        let (place, encrypted) = if host.starts_with('/') {
            (ServerPlace::Socket(PathBuf::from(&host).join(format!(".s.PGSQL.{port}"))), false)
        } else if host.is_empty() || host.contains(['\0', '/', '@', ' ']) {
            return Err(PostgresError::Host);
        } else {
            let loopback = host == "localhost"
                || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
            if plain && !loopback {
                return Err(PostgresError::Plain { host });
            }
            (ServerPlace::Tcp(host.clone(), port), !plain)
        };
        let mut config = Config::new();
        config.user(user).dbname(database).application_name("bailiwick");
        config.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
        if let Some(password) = password {
            config.password(password.as_bytes());
        }
        let tls = encrypted.then(|| {
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let builder = builder.map_err(|error| PostgresError::Tls(error.to_string()))?;
            let roots = roots.unwrap_or_else(system_roots);
            Ok((host, Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
        });
        let places = Arc::new(Semaphore::new(connections));
        Ok(PostgresServer { place, config, role, schema, tls: tls.transpose()?, places })
    }

    /// A place for a connection, which is given up when it is dropped.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }
}

impl fmt::Debug for PostgresServer {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresServer")
            .field("place", &self.place)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(host: &str) -> PostgresSettings {
        PostgresSettings {
            host: host.to_owned(),
            port: 5432,
            database: "crm".to_owned(),
            user: "bailiwick".to_owned(),
            password: Some(Zeroizing::new("hunter2".to_owned())),
            role: Some("reader".to_owned()),
            schema: "public".to_owned(),
            roots: Some(RootCertStore::empty()),
            plain: false,
            connections: 4,
        }
    }

    #[test]
    fn what_crosses_a_network_is_encrypted() {
        for host in ["db.example", "192.0.2.7", "10.0.0.1", "localhost.example"] {
            let refused = PostgresServer::new(PostgresSettings { plain: true, ..settings(host) }).unwrap_err();
            assert_eq!(refused, PostgresError::Plain { host: host.to_owned() });
            assert!(PostgresServer::new(settings(host)).unwrap().tls.is_some());
        }
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(PostgresServer::new(PostgresSettings { plain: true, ..settings(host) }).unwrap().tls.is_none());
        }
        assert!(PostgresServer::new(settings("/run/postgresql")).unwrap().tls.is_none());
    }

    #[test]
    fn settings_that_cannot_be_meant_are_refused() {
        let refused = |settings| PostgresServer::new(settings).unwrap_err();
        assert_eq!(refused(settings("")), PostgresError::Host);
        assert_eq!(refused(settings("a@b")), PostgresError::Host);
        assert_eq!(refused(PostgresSettings { connections: 0, ..settings("a") }), PostgresError::Connections);
        for (what, wrong) in [
            ("role", PostgresSettings { role: Some("a".repeat(64)), ..settings("a") }),
            ("schema", PostgresSettings { schema: String::new(), ..settings("a") }),
            ("database", PostgresSettings { database: "a\0".to_owned(), ..settings("a") }),
        ] {
            assert_eq!(refused(wrong), PostgresError::Name { what });
        }
        assert!(!format!("{:?}", PostgresServer::new(settings("a")).unwrap()).contains("hunter2"));
    }
}
