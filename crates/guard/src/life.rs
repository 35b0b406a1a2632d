//! How long a run's authority lasts: until its token expires or somebody revokes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bailiwick_policy::Code;
use tokio::sync::Notify;

use crate::Timestamp;

/// The lifetime of a run's authority. Reading it costs one atomic load and one comparison, so every call does.
#[derive(Clone, Debug)]
pub struct Life {
    expires: Timestamp,
    sensitive: Sensitive,
    shared: Arc<Shared>,
}

/// For how long an authority covers sensitive calls. Not at all by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitive {
    /// Nobody proved to be who the authority was given to.
    #[default]
    Never,
    /// Somebody did, and it was given so recently that it counts until then.
    Until(Timestamp),
}

/// The right to end a run's authority, held by whoever revokes tokens, agents, keys or tasks.
#[derive(Clone, Debug)]
pub struct Revoker {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    revoked: AtomicBool,
    changed: Notify,
}

impl Life {
    /// Authority that ends at `expires` at the latest, and covers no sensitive call.
    pub fn until(expires: Timestamp) -> Life {
        Life { expires, sensitive: Sensitive::Never, shared: Arc::default() }
    }

    /// Covers sensitive calls for that long.
    pub fn sensitive(self, sensitive: Sensitive) -> Life {
        Life { sensitive, ..self }
    }

    /// Whether it covers a sensitive call now.
    ///
    /// # Errors
    /// [`Code::TokenNotBound`] or [`Code::TokenTooOld`].
    pub fn check_sensitive(&self, now: Timestamp) -> Result<(), Code> {
        match self.sensitive {
            Sensitive::Never => Err(Code::TokenNotBound),
            Sensitive::Until(until) if now > until => Err(Code::TokenTooOld),
            Sensitive::Until(_) => Ok(()),
        }
    }

    pub fn revoker(&self) -> Revoker {
        Revoker { shared: Arc::clone(&self.shared) }
    }

    /// When it ends at the latest.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }

    /// How long it still lasts.
    pub fn left(&self, now: Timestamp) -> Duration {
        Duration::from_millis(self.expires.0.saturating_sub(now.0))
    }

    pub fn is_revoked(&self) -> bool {
        self.shared.revoked.load(Ordering::Acquire)
    }

    /// Completes when the authority is revoked; stays pending otherwise. Cancel-safe.
    pub async fn revoked(&self) {
        loop {
            let changed = self.shared.changed.notified();
            if self.is_revoked() {
                return;
            }
            changed.await;
        }
    }
}

impl Revoker {
    /// Ends the authority, for good. Running guests stop at their next interruption point, blocked host calls at once.
    pub fn revoke(&self) {
        self.shared.revoked.store(true, Ordering::Release);
        self.shared.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_expired_at_its_very_expiry() {
        let life = Life::until(Timestamp(1000));
        assert!(!life.is_expired(Timestamp(999)));
        assert!(life.is_expired(Timestamp(1000)));
    }

    #[tokio::test]
    async fn revocation_wakes_a_waiter_and_stays() {
        let life = Life::until(Timestamp(u64::MAX));
        let waiter = tokio::spawn({
            let life = life.clone();
            async move { life.revoked().await }
        });
        life.revoker().revoke();
        waiter.await.expect("the waiter ends");
        assert!(life.is_revoked());
        life.revoked().await;
    }
}
