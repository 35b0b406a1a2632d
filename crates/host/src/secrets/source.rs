//! Where the values of secrets come from.

use bailiwick_policy::SecretName;
use zeroize::Zeroizing;

/// Holds secrets for all runs. It is asked anew for each use, on a thread that may block.
///
/// A closure is one: `|name: &SecretName| my_vault.get(name.as_str())`.
pub trait SecretSource: Send + Sync + 'static {
    /// The value, of [`MIN_SECRET`](super::MIN_SECRET) to [`MAX_SECRET`](super::MAX_SECRET) bytes; `None` if there is no
    /// such secret.
    ///
    /// # Errors
    /// When nobody can tell. The guest sees `failed.internal`.
    fn secret(&self, name: &SecretName) -> Result<Option<Zeroizing<Vec<u8>>>, SourceError>;
}

/// A secret that may exist and cannot be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("the secret cannot be had")]
pub struct SourceError;

impl<F> SecretSource for F
where
    F: Fn(&SecretName) -> Option<Zeroizing<Vec<u8>>> + Send + Sync + 'static,
{
    fn secret(&self, name: &SecretName) -> Result<Option<Zeroizing<Vec<u8>>>, SourceError> {
        Ok(self(name))
    }
}
