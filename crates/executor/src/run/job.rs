//! What an orchestrator hands over for one run.

use std::path::PathBuf;
use std::sync::Arc;

use bailiwick_guard::{Life, Observe, Timestamp};
use bailiwick_policy::Grant;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::output::Listen;
use crate::Guest;

/// One guest to run, and the authority to run it under.
///
/// Defaults: no input, no arguments, no task, nobody listens to output or calls, authority that does not expire before
/// the run's own time limit, and nobody who could cancel it.
pub struct Job {
    pub(crate) guest: Guest,
    pub(crate) grant: Grant,
    pub(crate) base: PathBuf,
    pub(crate) input: Value,
    pub(crate) args: Vec<String>,
    pub(crate) task: Option<String>,
    pub(crate) rationale: Option<String>,
    pub(crate) life: Life,
    pub(crate) listener: Option<Arc<dyn Listen>>,
    pub(crate) observer: Option<Arc<dyn Observe>>,
    pub(crate) cancel: CancellationToken,
}

impl Job {
    /// A job for `guest` under `grant`. The mounts of the grant's manifest are relative to `base`, the manifest's folder.
    pub fn new(guest: Guest, grant: Grant, base: impl Into<PathBuf>) -> Job {
        Job {
            guest,
            grant,
            base: base.into(),
            input: Value::Null,
            args: Vec::new(),
            task: None,
            rationale: None,
            life: Life::until(Timestamp(u64::MAX)),
            listener: None,
            observer: None,
            cancel: CancellationToken::new(),
        }
    }

    /// JSON that the guest can ask for.
    pub fn input(mut self, input: Value) -> Job {
        self.input = input;
        self
    }

    /// Command-line arguments, without the program's name.
    pub fn args(mut self, args: Vec<String>) -> Job {
        self.args = args;
        self
    }

    /// The orchestrator's task that this run belongs to; recorded.
    pub fn task(mut self, task: impl Into<String>) -> Job {
        self.task = Some(task.into());
        self
    }

    /// The agent's own words about why; recorded as untrusted text.
    pub fn rationale(mut self, rationale: impl Into<String>) -> Job {
        self.rationale = Some(rationale.into());
        self
    }

    /// How long the authority lasts, and through [`Life::revoker`] the way to end it at once.
    pub fn life(mut self, life: Life) -> Job {
        self.life = life;
        self
    }

    /// Gets output while the guest runs.
    pub fn listener(mut self, listener: Arc<dyn Listen>) -> Job {
        self.listener = Some(listener);
        self
    }

    /// Gets every call as it ends.
    pub fn observer(mut self, observer: Arc<dyn Observe>) -> Job {
        self.observer = Some(observer);
        self
    }

    /// Ends the run as `Cancelled` when `cancel` fires.
    pub fn cancelled_by(mut self, cancel: CancellationToken) -> Job {
        self.cancel = cancel;
        self
    }
}
