//! Nonces that the server gives out and proofs must carry (RFC 9449 §9).

use aws_lc_rs::{constant_time, hmac};
use data_encoding::BASE64URL_NOPAD;

/// The nonces that the server accepts. Times are in seconds since the Unix epoch.
pub trait Nonces: Send + Sync {
    /// A nonce to hand out now.
    fn current(&self, now: u64) -> String;

    /// Whether the server gave out that nonce lately.
    fn accepts(&self, nonce: &str, now: u64) -> bool;
}

/// Nonces of one key, without a store: a counter of periods and its authentication code. A nonce is accepted in the
/// period that it was made in and in the next one, on every node that has the key.
pub struct PeriodicNonces {
    key: hmac::Key,
    period: u64,
}

impl PeriodicNonces {
    /// Seconds that a nonce is handed out unless chosen.
    pub const DEFAULT_PERIOD: u64 = 120;
    /// Seconds that a nonce is handed out at most.
    pub const MAX_PERIOD: u64 = 3600;

    /// Nonces of that key, which are accepted for 2 to 4 minutes.
    pub fn new(key: &[u8; 32]) -> PeriodicNonces {
        PeriodicNonces { key: hmac::Key::new(hmac::HMAC_SHA256, key), period: Self::DEFAULT_PERIOD }
    }

    /// Hands each nonce out for this many seconds, from 1 to 3600, and accepts it for once to twice as long.
    pub fn period(self, seconds: u64) -> PeriodicNonces {
        PeriodicNonces { period: seconds.clamp(1, Self::MAX_PERIOD), ..self }
    }

    fn nonce(&self, period: u64) -> String {
        let mut nonce = period.to_be_bytes().to_vec();
        // With its length: a counter of other periods says something else.
        let length = self.period.to_be_bytes();
        let tag = hmac::sign(&self.key, &[b"bailiwick dpop nonce", &length[..], &nonce[..]].concat());
        nonce.extend(tag.as_ref().iter().take(16));
        BASE64URL_NOPAD.encode(&nonce)
    }
}

impl Nonces for PeriodicNonces {
    fn current(&self, now: u64) -> String {
        self.nonce(now / self.period)
    }

    fn accepts(&self, nonce: &str, now: u64) -> bool {
        let period = now / self.period;
        let same = |text: String| constant_time::verify_slices_are_equal(text.as_bytes(), nonce.as_bytes()).is_ok();
        same(self.nonce(period)) || same(self.nonce(period.saturating_sub(1)))
    }
}

impl std::fmt::Debug for PeriodicNonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeriodicNonces").field("period", &self.period).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_accepted_for_two_periods() {
        let nonces = PeriodicNonces::new(&[7; 32]);
        let (now, nonce) = (1_800_000_000, nonces.current(1_800_000_000));
        for (at, accepted) in [(now, true), (now + 119, true), (now + 239, true), (now + 240, false), (now - 1, false)]
        {
            assert_eq!(nonces.accepts(&nonce, at), accepted, "{at}");
        }
        assert_ne!(nonces.current(now + 120), nonce);
        assert!(!PeriodicNonces::new(&[8; 32]).accepts(&nonce, now));
        let longer = PeriodicNonces::new(&[7; 32]).period(600);
        let nonce_of_longer = longer.current(now);
        assert!(longer.accepts(&nonce_of_longer, now + 600) && !longer.accepts(&nonce_of_longer, now + 1200));
        assert!(!nonces.accepts(&longer.nonce(now / 120), now), "of other periods");
        assert_eq!(PeriodicNonces::new(&[7; 32]).period(0).period, 1);
        for forged in ["", "x", &nonce[1..], &format!("{nonce}="), &"A".repeat(nonce.len())] {
            assert!(!nonces.accepts(forged, now), "{forged}");
        }
    }
}
