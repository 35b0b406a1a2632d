//! Time and randomness as a guest sees them. Both come from one place, so that a run can be recorded and replayed.

use std::time::Duration;

use crate::random;

/// What a guest learns from outside without a host call.
pub trait Outside: Send + Sync {
    /// Wall-clock time since the Unix epoch.
    fn wall(&self) -> Duration;

    /// Time since the run began; never goes back.
    fn monotonic(&self) -> Duration;

    /// Fills `bytes` with random bytes fit for keys.
    fn random(&self, bytes: &mut [u8]);
}

/// The host's clock and the operating system's randomness. The default.
#[derive(Debug)]
pub struct Live {
    began: std::time::Instant,
}

impl Live {
    /// For a run that begins now.
    pub fn new() -> Live {
        Live { began: std::time::Instant::now() }
    }
}

impl Default for Live {
    fn default() -> Live {
        Live::new()
    }
}

impl Outside for Live {
    fn wall(&self) -> Duration {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }

    fn random(&self, bytes: &mut [u8]) {
        // Filling from the kernel's generator does not fail once the system is up; zeros would be worse than a stop.
        #[expect(clippy::expect_used, reason = "without randomness no run may go on; caught at the run's edge")]
        random::fill(bytes).expect("the operating system gives random bytes");
    }
}
