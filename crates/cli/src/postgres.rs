//! `[postgres.NAME]`: a PostgreSQL database that manifests name as `postgres:NAME`, and never reach on their own.

use std::path::{Path, PathBuf};

use bailiwick_host::Services;
use bailiwick_host::sql::{PostgresServer, PostgresSettings};
use bailiwick_policy::SecretName;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::terminal::Untrusted;
use crate::{environment, input, secrets};

/// Bytes of a password file, at most.
const MAX_PASSWORD: usize = 4096;
/// Bytes of a file of certificate authorities, at most.
const MAX_AUTHORITIES: usize = 16 << 20;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostgresSection {
    /// A name, an address, or the folder of a socket.
    host: String,
    port: Option<u16>,
    database: String,
    user: String,
    pub(crate) password_file: Option<PathBuf>,
    /// The name of a variable.
    password_env: Option<String>,
    /// The name of a secret in the vault.
    password_secret: Option<String>,
    ca_file: Option<PathBuf>,
    role: Option<String>,
    schema: Option<String>,
    #[serde(default)]
    tls: Tls,
    connections: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tls {
    #[default]
    Required,
    Off,
}

impl PostgresSection {
    /// The same with its files relative to the folder of the configuration.
    pub(crate) fn relative_to(self, base: &Path) -> PostgresSection {
        let below = |path: Option<PathBuf>| path.map(|path| base.join(path));
        PostgresSection { password_file: below(self.password_file), ca_file: below(self.ca_file), ..self }
    }

    /// The files that it names.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.ca_file.iter().chain(&self.password_file)
    }

    /// The database that it describes. Nothing is dialled.
    ///
    /// # Errors
    /// Settings that cannot be meant; files, variables and secrets that cannot be read.
    pub(crate) fn server(&self, name: &str, host: &Configuration) -> Result<PostgresServer, Failure> {
        let wrong = |why: &dyn std::fmt::Display| {
            Failure::usage(format!("configuration `[postgres.{}]`: {why}", Untrusted(name)))
        };
        let password = match (&self.password_file, &self.password_env, &self.password_secret) {
            (Some(path), None, None) => {
                let text = input::private_text(path, "the password", MAX_PASSWORD)?;
                Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
            (None, None, Some(secret)) => {
                let secret =
                    SecretName::parse(secret).map_err(|error| wrong(&format!("`password_secret`: {error}")))?;
                Some(kept(&secret, host)?.ok_or_else(|| {
                    wrong(&format!("there is no secret `{secret}`"))
                        .help(format!("`bailiwick secret set {secret}` keeps it"))
                })?)
            }
            (None, Some(variable), None) => {
                let text = environment::named(variable).map_err(|why| wrong(&why))?;
                let missing = || wrong(&format!("the environment has no variable `{}`", Untrusted(variable)));
                Some(Zeroizing::new(text.ok_or_else(missing)?))
            }
            (None, None, None) => None,
            _ => {
                let why = "`password_file`, `password_env` and `password_secret` are ways to say the same; keep one";
                return Err(wrong(&why));
            }
        };
        let roots = match &self.ca_file {
            None => None,
            Some(path) => {
                let pem = input::bytes(path, "the file of certificate authorities", MAX_AUTHORITIES)?;
                let shown = path.display().to_string();
                Some(Services::roots_pem(&pem).map_err(|error| wrong(&format!("`{}`: {error}", Untrusted(&shown))))?)
            }
        };
        PostgresServer::new(PostgresSettings {
            host: self.host.clone(),
            port: self.port.unwrap_or(5432),
            database: self.database.clone(),
            user: self.user.clone(),
            password,
            role: self.role.clone(),
            schema: self.schema.clone().unwrap_or_else(|| "public".to_owned()),
            roots,
            plain: self.tls == Tls::Off,
            connections: self.connections.unwrap_or(8),
        })
        .map_err(|error| wrong(&error))
    }
}

/// A password that is a secret of the vault, if that is there.
fn kept(name: &SecretName, host: &Configuration) -> Result<Option<Zeroizing<String>>, Failure> {
    let Some(value) = secrets::value(name, host)? else { return Ok(None) };
    match std::str::from_utf8(&value) {
        Ok(text) => Ok(Some(Zeroizing::new(text.to_owned()))),
        Err(_) => Err(Failure::usage(format!("the secret `{name}` is no text, so that it is no password"))),
    }
}
