//! Two actions and a host, for tests of the guard itself.

use std::time::Duration;

use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, GuestPath, Resource};

/// Returns its number.
pub struct Hash(pub u8);

/// An action of another type.
pub struct Random;

/// Reads this path.
pub struct Read(pub String);

/// An action that must be quick.
pub struct Brief;

pub struct Host;

impl Action for Hash {
    const NAME: ActionName = ActionName::Hash;
    const EFFECT: Effect = Effect::Pure;
    type Output = u8;

    fn resource(&self) -> Resource {
        Resource::Keyless
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("hash").number(self.0.into());
    }
}

impl Action for Random {
    const NAME: ActionName = ActionName::Random;
    const EFFECT: Effect = Effect::World;
    type Output = u8;

    fn resource(&self) -> Resource {
        Resource::Keyless
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("random");
    }
}

impl Action for Read {
    const NAME: ActionName = ActionName::Read;
    const EFFECT: Effect = Effect::Read;
    type Output = u8;

    fn resource(&self) -> Resource {
        Resource::File(GuestPath::parse(&self.0).unwrap())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("read");
    }
}

impl Action for Brief {
    const NAME: ActionName = ActionName::Hash;
    const EFFECT: Effect = Effect::Pure;
    type Output = u8;

    fn resource(&self) -> Resource {
        Resource::Keyless
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("brief");
    }

    fn deadline(&self) -> Duration {
        Duration::from_millis(1)
    }
}

impl Perform<Hash> for Host {
    async fn perform(&self, permit: Permit<'_, Hash>) -> Result<u8, HostError> {
        Ok(permit.action().0)
    }
}

impl Perform<Random> for Host {
    async fn perform(&self, _permit: Permit<'_, Random>) -> Result<u8, HostError> {
        Ok(4)
    }
}
