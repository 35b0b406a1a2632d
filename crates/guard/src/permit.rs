//! The right to perform one recorded action once.

use std::sync::{Arc, OnceLock};

use bailiwick_policy::{Decision, Principal, Terms, Verdict};

use crate::entry::OpenEntry;
use crate::journal::Place;
use crate::{Action, Meter, TraceContext};

/// The right to perform `A` once: minted only by [`Guard::call`](crate::Guard::call), after the decision and the record.
///
/// It contains the action, so what was decided is what runs; it is not `Clone` and borrows its audit entry, so it can
/// neither be used twice nor outlive the call.
///
/// ```compile_fail
/// fn twice<A: bailiwick_guard::Action>(permit: bailiwick_guard::Permit<'_, A>) {
///     let _second = permit.clone();
/// }
/// ```
pub struct Permit<'e, A: Action> {
    action: A,
    verdict: Verdict,
    place: Place<'e>,
    principal: &'e Principal,
    reason: &'e Reason,
    // INVARIANT: an entry is open (its intent is appended) for as long as a permit for it exists.
    entry: &'e OpenEntry<'e>,
}

/// Why an effect refused, in words for the operator.
#[derive(Default)]
pub(crate) struct Reason(OnceLock<String>);

impl Reason {
    pub(crate) fn take(self) -> Option<String> {
        self.0.into_inner()
    }
}

/// A verdict that was `Allow`. Private to the crate: only [`Guard::call`](crate::Guard::call) makes one.
pub(crate) struct Allowed(Verdict);

impl Allowed {
    /// `None` for every other verdict.
    pub(crate) fn of(verdict: &Verdict) -> Option<Allowed> {
        (verdict.decision() == Decision::Allow).then(|| Allowed(verdict.clone()))
    }
}

impl<'e, A: Action> Permit<'e, A> {
    /// The one place where permits are made.
    pub(crate) fn mint(
        allowed: Allowed,
        action: A,
        place: Place<'e>,
        principal: &'e Principal,
        reason: &'e Reason,
        entry: &'e OpenEntry<'e>,
    ) -> Permit<'e, A> {
        Permit { action, verdict: allowed.0, place, principal, reason, entry }
    }

    /// The action that was decided on and recorded.
    pub fn action(&self) -> &A {
        &self.action
    }

    /// What the deciding rule says about how the action may be done: header allowlist, caps, private addresses.
    pub fn terms(&self) -> &Terms {
        self.verdict.terms()
    }

    /// The run's budgets, for bytes that the effect moves now and, through a handle that shares it, later.
    pub fn meter(&self) -> &Arc<Meter> {
        self.place.meter
    }

    /// Where a handle that the effect opens has its place.
    pub fn place(&self) -> &Place<'e> {
        &self.place
    }

    /// Says why the effect is about to refuse or fail, for the operator's report and never for the guest; the first word counts.
    /// Names, never values: it may hold nothing that is secret.
    pub fn explain(&self, reason: impl Into<String>) {
        // A second word would be about the same refusal.
        let _ = self.reason.0.set(reason.into());
    }

    /// The call's span, for requests that tell it.
    pub fn trace(&self) -> TraceContext {
        self.entry.trace()
    }

    /// Whose action it is, for effects that keep what belongs to one agent from others.
    pub fn principal(&self) -> &Principal {
        self.principal
    }
}
