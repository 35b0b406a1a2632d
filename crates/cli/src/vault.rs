//! The vault that seals secrets and keys of this installation, with the master key that the configuration names.

use std::fs::{File, TryLockError};
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

/// A lock on what is sealed, held until it is dropped. It is the state folder's own, which every installation has.
pub(crate) struct Lock {
    _folder: File,
}

/// Keeps `bailiwick vault rekey` out. Whoever writes or removes secrets or keys takes it before opening the vault, and keeps it
/// until that is done: what is sealed with a master key that is replaced meanwhile could not be opened any more, and what is
/// removed while it is sealed anew would be back.
///
/// # Errors
/// When the vault is being rekeyed, or there is no state folder that can be used.
pub(crate) fn lock(host: &Configuration) -> Result<Lock, Failure> {
    locked(host, File::try_lock_shared, || {
        Failure::usage("the vault is being rekeyed").help("try again when `bailiwick vault rekey` has ended")
    })
}

/// Keeps everybody else out who takes either lock.
///
/// # Errors
/// When somebody holds one, or there is no state folder that can be used.
pub(crate) fn lock_alone(host: &Configuration) -> Result<Lock, Failure> {
    locked(host, File::try_lock, || {
        Failure::usage("another `bailiwick vault rekey`, or a command that changes secrets or keys, is under way")
            .help("wait for its end, and run this again")
    })
}

fn locked(
    host: &Configuration,
    take: fn(&File) -> Result<(), TryLockError>,
    held: fn() -> Failure,
) -> Result<Lock, Failure> {
    host.state.open()?;
    let folder = File::open(host.state.path()).map_err(|error| host.state.failed("open", &error))?;
    match take(&folder) {
        Ok(()) => Ok(Lock { _folder: folder }),
        Err(TryLockError::WouldBlock) => Err(held()),
        Err(TryLockError::Error(error)) => Err(host.state.failed("lock", &error)),
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
