//! The vault that seals secrets and keys of this installation, with the master key that the configuration names.

use std::path::PathBuf;

use bailiwick_host::vault::{MasterKey, MasterKeyError, Vault};
use zeroize::Zeroizing;

use crate::configuration::{Configuration, MasterKeySource};
use crate::environment;
use crate::failure::Failure;

/// The master key's file in the state folder.
const FILE_NAME: &str = "master.key";
/// What the master key is called in the kernel's key ring.
pub(crate) const KEYRING_NAME: &str = "bailiwick-master-key";

/// The vault. A master key that should be in the state folder and is not, is made.
///
/// # Errors
/// When there is no usable master key.
pub(crate) fn open(host: &Configuration) -> Result<Vault, Failure> {
    Vault::with_keys(keys(host)?).map_err(Failure::internal)
}

/// The master keys, the one that seals first. One that should be in the state folder and is not, is made.
///
/// # Errors
/// When there is no usable master key.
pub(crate) fn keys(host: &Configuration) -> Result<Vec<MasterKey>, Failure> {
    match host.master_key {
        MasterKeySource::File => {
            host.state.open()?;
            MasterKey::file(&file(host)).map_err(refused)
        }
        MasterKeySource::Environment => from_environment(),
        MasterKeySource::Keyring => MasterKey::keyring(KEYRING_NAME).map_err(refused),
    }
}

/// The vault, if its master key is there. Makes nothing.
///
/// # Errors
/// When there is a master key that cannot be used.
pub(crate) fn open_existing(host: &Configuration) -> Result<Option<Vault>, Failure> {
    match host.master_key {
        MasterKeySource::File => {
            let keys = MasterKey::existing_file(&file(host)).map_err(refused)?;
            keys.map(Vault::with_keys).transpose().map_err(Failure::internal)
        }
        MasterKeySource::Environment | MasterKeySource::Keyring => open(host).map(Some),
    }
}

/// Where the master key is kept, unless the configuration says otherwise.
pub(crate) fn file(host: &Configuration) -> PathBuf {
    host.state.path().join(FILE_NAME)
}

fn from_environment() -> Result<Vec<MasterKey>, Failure> {
    let name = environment::MASTER_KEY;
    let text = environment::text(name)?.map(Zeroizing::new).ok_or_else(|| {
        Failure::usage(format!("{name} is not set, and the configuration says that the master key is there"))
            .help("set it to 32 bytes as base64 or hex, or change `master_key` under [vault]")
    })?;
    MasterKey::parse(&text, name).map_err(refused)
}

fn refused(error: MasterKeyError) -> Failure {
    Failure::internal(error)
}
