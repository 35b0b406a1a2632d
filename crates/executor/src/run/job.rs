//! What an orchestrator hands over for one run.

use std::path::PathBuf;
use std::sync::Arc;

use bailiwick_guard::{Life, Observe, Timestamp, TraceContext};
use bailiwick_policy::{Grant, ScopeSet};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::output::Listen;
use crate::Guest;

/// One guest to run, and the authority to run it under.
///
/// Defaults:
/// - no restriction beyond the grant's own;
/// - no input, no arguments, no task, no rationale, no trace;
/// - nobody listens to output or calls;
/// - authority that does not expire before the run's own time limit;
/// - nobody who could cancel it.
pub struct Job {
    pub(crate) guest: Guest,
    pub(crate) grant: Grant,
    pub(crate) base: PathBuf,
    pub(crate) input: Value,
    pub(crate) args: Vec<String>,
    pub(crate) task: Option<String>,
    pub(crate) rationale: Option<String>,
    pub(crate) trace: Option<TraceContext>,
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
            trace: None,
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

    /// Narrows the run to these scopes, beyond whatever its grant was narrowed to before. Never widens.
    pub fn restrict(mut self, scopes: &ScopeSet) -> Job {
        self.grant = self.grant.restrict(scopes);
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

    /// The span that starts the run, so that what is exported of the run joins its trace; recorded.
    pub fn trace(mut self, trace: TraceContext) -> Job {
        self.trace = Some(trace);
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

#[cfg(test)]
mod tests {
    use bailiwick_policy::{Authority, Code, Manifest, Principal, Request};

    use super::*;

    #[test]
    fn each_restriction_narrows_the_one_before() {
        let text = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\n[[allow]]\nid = \"all\"\ncrypto = \"-\"\nactions = [\"hash\", \"random\"]\n";
        let manifest = Arc::new(Manifest::parse(text, "m.toml").unwrap());
        let principal = Principal { issuer: "i".into(), subject: "bot".into(), agent: "bot".into() };
        let scopes = |text: &str| ScopeSet::parse_strict(text).unwrap();
        let authority = Authority {
            principal,
            token: manifest.scopes(),
            details: Vec::new(),
            registry: manifest.scopes(),
            task: None,
        };
        let guest = Guest::from_bytes(b"(module)".to_vec()).unwrap();
        let job = Job::new(guest, Grant::new(manifest, None, authority), ".");
        let code = |job: &Job, call: &str| job.grant.decide(&Request::parse(call).unwrap()).code();
        let job = job.restrict(&scopes("crypto:hash,random:- file:read:m/**"));
        assert_eq!((code(&job, "crypto hash"), code(&job, "crypto random")), (Code::Allowed, Code::Allowed));
        let job = job.restrict(&scopes("crypto:random:- fetch:get:a.example/**"));
        assert_eq!((code(&job, "crypto hash"), code(&job, "crypto random")), (Code::TaskRestriction, Code::Allowed));
        let job = job.restrict(&scopes("crypto:hash,random:-"));
        assert_eq!((code(&job, "crypto hash"), code(&job, "crypto random")), (Code::TaskRestriction, Code::Allowed));
        let job = job.restrict(&ScopeSet::empty());
        assert_eq!(code(&job, "crypto random"), Code::TaskRestriction);
    }
}
