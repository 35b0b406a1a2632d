//! `bailiwick vault rekey`

use std::sync::Arc;

use bailiwick_host::crypto::KeyStore;
use bailiwick_host::secrets::SecretStore;
use bailiwick_host::vault::{MasterKey, Vault};

use crate::administration::Act;
use crate::configuration::{Configuration, MasterKeySource};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, NOTE};
use crate::{keys, secrets, vault};

/// How often what runs sealed meanwhile is sealed again: they hold no lock.
const PASSES: usize = 4;

/// Seals all secrets and keys with another master key.
///
/// INVARIANT: the master key's file has the key of every record at all times: the new one is in it before anything is sealed with
/// it, and the old one until nothing is sealed with that. The lock keeps other commands from sealing anything meanwhile. Runs
/// take none: those that make keys of a ring must have ended.
pub(crate) fn run(host: &Configuration) -> Outcome {
    let _lock = vault::lock_alone(host)?;
    let secrets = secrets::open(host)?;
    look(&secrets, host)?;
    let old = Vault::with_keys(vault::keys(host)?).map_err(Failure::internal)?.id();
    let all = prepare(host)?;
    let new = Vault::with_keys(all).map_err(Failure::internal)?;
    let id = new.id();
    let store = keys::open_with(host, Arc::new(new))?;
    let vault = Vault::with_keys(vault::keys(host)?).map_err(Failure::internal)?;
    let (mut resealed_secrets, mut resealed_keys) = (0, 0);
    for pass in 0.. {
        let done = (secrets.reseal(&vault).map_err(secrets::refused)?, store.reseal().map_err(keys::refused)?);
        if done == (0, 0) {
            break;
        }
        if pass == PASSES {
            let message = "others go on sealing with the old master key; everything can be opened, by either";
            return Err(Failure::usage(message).help("end the runs that are under way, and run this again"));
        }
        resealed_secrets += done.0;
        resealed_keys += done.1;
    }
    finish(host, &id)?;
    let renamed = if old == id { format!("`{id}`") } else { format!("`{id}`, in place of `{old}`") };
    let secrets = if resealed_secrets == 1 { "secret" } else { "secrets" };
    let versions = if resealed_keys == 1 { "version" } else { "versions" };
    terminal::err(&format!(
        "sealed {resealed_secrets} {secrets} and {resealed_keys} {versions} of keys with master key {renamed}\n"
    ));
    match host.master_key {
        MasterKeySource::File => {}
        MasterKeySource::Environment | MasterKeySource::Keyring => terminal::err(&format!(
            "{NOTE}note{NOTE:#}: nothing here needs the other master keys any more; take them out, and keep them for your backups\n"
        )),
    }
    Ok(Exit::Success)
}

/// Opens everything with the master keys that there are, before anything changes.
fn look(secrets: &SecretStore, host: &Configuration) -> Result<(), Failure> {
    let vault = vault::open(host)?;
    for secret in secrets.list().map_err(secrets::refused)? {
        secrets.value(&vault, &secret.name).map_err(secrets::refused)?;
    }
    let store: KeyStore = keys::open_with(host, Arc::new(vault))?;
    store.list().map(drop).map_err(keys::refused)
}

/// The master keys, the new one first, from where they are kept. An interrupted command left both there.
fn prepare(host: &Configuration) -> Result<Vec<MasterKey>, Failure> {
    let mut keys = vault::keys(host)?;
    match (host.master_key, keys.len()) {
        (MasterKeySource::File, 1) => keys.insert(0, MasterKey::generate().map_err(Failure::internal)?),
        (_, 1) => {
            let failure = Failure::usage("there is one master key, and everything is sealed with it");
            return Err(failure.help(
                "put the new one before it, with a blank between them, where `master_key` under [vault] says that they are",
            ));
        }
        _ => {}
    }
    let id = |key: Option<&MasterKey>| key.map(MasterKey::id).unwrap_or_default();
    let target = format!("{} {}", id(keys.last()), id(keys.first()));
    let act = Act { name: "vault.rekey", target, reason: None, tightens: false };
    act.carry_out(host, || match host.master_key {
        MasterKeySource::File => {
            MasterKey::replace_file(&vault::file(host), &keys.iter().collect::<Vec<_>>()).map_err(Failure::internal)
        }
        MasterKeySource::Environment | MasterKeySource::Keyring => Ok(()),
    })?;
    Ok(keys)
}

/// Leaves the new master key alone in its file.
fn finish(host: &Configuration, id: &str) -> Result<(), Failure> {
    if host.master_key != MasterKeySource::File {
        return Ok(());
    }
    let keys = vault::keys(host)?;
    match keys.first() {
        Some(first) if first.id() == id => {
            MasterKey::replace_file(&vault::file(host), &[first]).map_err(Failure::internal)
        }
        _ => {
            Err(Failure::usage("somebody changed the master key's file meanwhile")
                .help("look at it, and run this again"))
        }
    }
}
