//! The open audit entry of one call: it owes an outcome and always pays.

use std::sync::Arc;

use crate::audit::{Body, RunLog};
use crate::{AuditError, Outcome, TraceContext};

/// An intent that is on record and whose outcome is not yet.
pub(crate) struct OpenEntry<'g> {
    run: &'g RunLog,
    call: u64,
    intent: u64,
    settled: bool,
}

impl<'g> OpenEntry<'g> {
    /// Appends the intent of call number `call`.
    ///
    /// # Errors
    /// When the log cannot take it. There is no entry then, and so there can be no permit.
    pub(crate) fn open(run: &'g RunLog, call: u64, intent: Body) -> Result<OpenEntry<'g>, AuditError> {
        let intent = run.append(intent)?;
        Ok(OpenEntry { run, call, intent, settled: false })
    }

    /// Waits until the intent is on stable storage.
    pub(crate) async fn durable(&self) -> Result<(), AuditError> {
        self.run.durable(self.intent).await
    }

    pub(crate) fn trace(&self) -> TraceContext {
        self.run.trace(self.call)
    }

    /// An intent that was refused needs no outcome: the decision is the outcome.
    pub(crate) fn refused(mut self) {
        self.settled = true;
    }

    pub(crate) fn close(mut self, outcome: Outcome) -> Result<(), AuditError> {
        self.settled = true;
        self.append(outcome)
    }

    fn append(&self, outcome: Outcome) -> Result<(), AuditError> {
        self.run.append(Body::Outcome { call: self.call, outcome }).map(drop)
    }
}

impl Drop for OpenEntry<'_> {
    /// The call's future was dropped, by a deadline or because the run ended.
    fn drop(&mut self) {
        if !self.settled {
            // INVARIANT: a failure to record leaves the intent dangling, which verification shows.
            let _ = self.append(Outcome::Abandoned);
        }
    }
}

/// The text of a resource as records carry it: shared between the log's event and the report's record.
pub(crate) type ResourceText = Arc<str>;
