//! The audit log of this installation.

use bailiwick_guard::audit;
use bailiwick_guard::audit::AuditOptions;
use bailiwick_guard::{AuditLog, SystemClock};

use crate::configuration::{Configuration, Durability};
use crate::failure::Failure;

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
    let folder = host.state.folder("audit")?;
    AuditLog::open_in(&folder, AuditOptions { durability, signer: None }, &SystemClock).map_err(Failure::internal)
}
