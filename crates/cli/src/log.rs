//! The audit logs of this installation, and the key that signs them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bailiwick_guard::audit::{self, AuditOptions};
use bailiwick_guard::tlog::{Signer, VerifierKey};
use bailiwick_guard::{AuditLog, SystemClock};

use crate::configuration::{Configuration, Durability};
use crate::failure::Failure;
use crate::input;

/// A verifier key is less than 200 bytes; this leaves room for blanks around it.
const MAX_KEY: usize = 4096;

/// Opens the first audit log that no other process uses.
///
/// # Errors
/// When it cannot be opened, or does not verify.
pub(crate) fn open(host: &Configuration) -> Result<AuditLog, Failure> {
    let durability = match host.durability {
        Durability::Effects => audit::Durability::Effects,
        Durability::All => audit::Durability::All,
        Durability::Buffered => audit::Durability::Buffered,
    };
    let (folder, secret) = host.state.audit()?;
    let options = AuditOptions { durability, signer: Some(signer(&secret)?) };
    AuditLog::open_in(&folder, options, &SystemClock).map_err(Failure::internal)
}

/// The key that the logs of this installation are signed with; made at first use.
///
/// # Errors
/// When it cannot be made or read.
pub(crate) fn public_key(host: &Configuration) -> Result<VerifierKey, Failure> {
    let (_, secret) = host.state.audit()?;
    Ok(signer(&secret)?.public().clone())
}

/// The key to verify with: the one that is given, as a text or in a file, or this installation's.
///
/// # Errors
/// When there is none, or it is not a key.
pub(crate) fn verifier(host: &Configuration, given: Option<&str>) -> Result<VerifierKey, Failure> {
    let example = "write the line that `bailiwick audit key` prints where the log is made, or a file that holds it";
    let Some(given) = given else {
        let existing = host.state.existing_audit()?;
        let (_, secret) = existing.ok_or_else(|| {
            Failure::usage("there is no signing key here to verify with").help("name the log's own with --key")
        })?;
        return Ok(signer(&secret)?.public().clone());
    };
    let text = match given.contains('+') {
        true => given.to_owned(),
        false => input::text(Path::new(given), "key", MAX_KEY)?,
    };
    text.trim().parse().map_err(|error| Failure::usage(format!("--key: {error}")).help(example))
}

/// The logs of this installation, in the order of their names.
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn paths(host: &Configuration) -> Result<Vec<PathBuf>, Failure> {
    let folder = host.state.path().join("audit");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::internal(format!("`{}`: {error}", folder.display()))),
    };
    let path = |path: PathBuf| match path.join("checkpoint").exists() {
        // A log that is gone is missed where its checkpoint is.
        true => Some(path.with_extension("jsonl")),
        false => path.extension().is_some_and(|it| it == "jsonl").then_some(path),
    };
    let paths: BTreeSet<_> = entries.flatten().filter_map(|entry| path(entry.path())).collect();
    Ok(paths.into_iter().collect())
}

/// Whether a log of this installation is the one that its file says: copies of another are signed with the same key.
pub(crate) fn is_itself(path: &Path, origin: &str, key: &VerifierKey) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    origin.strip_prefix(key.name()).and_then(|rest| rest.strip_prefix('/')) == Some(&*name)
}

/// Names the key after itself, so that no two installations have one name.
fn signer(secret: &[u8; 32]) -> Result<Signer, Failure> {
    let unnamed = Signer::new("bailiwick", secret).map_err(Failure::internal)?;
    let name = format!("bailiwick-{}", unnamed.public().hash());
    Signer::new(&name, secret).map_err(Failure::internal)
}
