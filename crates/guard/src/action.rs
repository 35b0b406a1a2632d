//! What a guest can ask for, and who can do it.

use std::future::Future;
use std::time::Duration;

use bailiwick_policy::{ActionName, Arguments, Columns, Resource};

use crate::journal::{Crossed, Fingerprint};
use crate::{HostError, Permit};

/// What an action does to the world, which decides how durable its intent must be before it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Computes; nothing outside the process is read or changed.
    Pure,
    /// Reads the world.
    Read,
    /// Changes the world: writes, deletes, sends, signs.
    World,
}

/// One typed thing that a guest asks for. Its arguments are parsed already: an action that exists is well-formed.
///
/// [`resource`](Action::resource) must name everything that [`Perform`] will touch, which is why both stand in one file.
pub trait Action: Send + Sync + 'static {
    /// The action's name in scopes and manifests.
    const NAME: ActionName;
    /// What it does to the world. An action whose effect depends on its arguments overrides [`effect`](Action::effect).
    const EFFECT: Effect;
    /// Whether it is one of the run's host calls. What the host itself does at the end of a run, with what the guest left,
    /// is none; it is decided and recorded all the same.
    const COUNTED: bool = true;
    /// What the guest gets back.
    type Output: Crossed + Send;

    fn resource(&self) -> Resource;

    /// Adds to `print` what else makes this very action different from others: first the name of its type, then every byte
    /// of it that changes what is done or given. Two actions with the same print are the same to a journal, which gives
    /// back for one what was recorded for the other. Its word, resource, columns, and the members of its
    /// [`arguments`](Action::arguments) are in the print already.
    fn fingerprint(&self, print: &mut Fingerprint);

    /// What the call passes along and rules may have conditions on; without an override, nothing.
    fn arguments(&self) -> Arguments {
        Arguments::default()
    }

    /// The columns of its resource, a table, that the call touches; without an override, none.
    fn columns(&self) -> Option<Columns> {
        None
    }

    /// How this very action affects the world; at least as strong as it is, never weaker.
    fn effect(&self) -> Effect {
        Self::EFFECT
    }

    /// How long the effect may take before it is dropped and the call fails with `limit.deadline`.
    fn deadline(&self) -> Duration {
        Duration::from_secs(30)
    }
}

/// The effect of an action. It consumes the permit, and with it the right to happen.
pub trait Perform<A: Action> {
    /// # Errors
    /// [`HostError`] when the world does not cooperate, or when a check that only the effect can make (the address
    /// behind a name, the file behind a link) refuses.
    fn perform(&self, permit: Permit<'_, A>) -> impl Future<Output = Result<A::Output, HostError>> + Send;
}
