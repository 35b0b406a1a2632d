//! Changes to directories and metadata.

use std::sync::Arc;

use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, GuestPath, Resource};

use super::link::{Follow, Reached};
use super::{Files, Times};

/// Makes a directory.
#[derive(Clone, Debug)]
pub struct MakeDir {
    pub path: GuestPath,
}

/// Removes a file or an empty directory. A link at the end of the path is itself removed, not what it leads to.
#[derive(Clone, Debug)]
pub struct Remove {
    pub path: GuestPath,
    pub what: Removal,
}

/// What [`Remove`] expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    File,
    EmptyDirectory,
}

/// Sets the times of a file or directory. A link at the end of the path leads on.
#[derive(Clone, Debug)]
pub struct SetTimes {
    pub path: GuestPath,
    pub times: Times,
}

impl Action for MakeDir {
    const NAME: ActionName = ActionName::Write;
    const EFFECT: Effect = Effect::World;
    type Output = Reached<()>;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("make-dir");
    }
}

impl Follow for MakeDir {
    type Found = ();

    fn at(self, path: GuestPath) -> MakeDir {
        MakeDir { path }
    }
}

impl Perform<MakeDir> for Files {
    async fn perform(&self, permit: Permit<'_, MakeDir>) -> Result<Reached<()>, HostError> {
        let path = permit.action().path.clone();
        if path.segments().is_empty() {
            return Err(HostError::Failed(Code::Exists));
        }
        let meter = Arc::clone(permit.meter());
        self.blocking(move |mounts| mounts.at(&path)?.make_dir(&path, &meter)).await
    }
}

impl Action for Remove {
    const NAME: ActionName = ActionName::Delete;
    const EFFECT: Effect = Effect::World;
    type Output = Reached<()>;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("remove").number(self.what as u64);
    }
}

impl Follow for Remove {
    type Found = ();

    fn at(self, path: GuestPath) -> Remove {
        Remove { path, ..self }
    }
}

impl Perform<Remove> for Files {
    async fn perform(&self, permit: Permit<'_, Remove>) -> Result<Reached<()>, HostError> {
        let Remove { path, what } = permit.action().clone();
        if path.segments().is_empty() {
            // A mount belongs to the host.
            return Err(HostError::Failed(Code::HostPermission));
        }
        self.blocking(move |mounts| mounts.at(&path)?.remove(&path, what)).await
    }
}

impl Action for SetTimes {
    const NAME: ActionName = ActionName::Write;
    const EFFECT: Effect = Effect::World;
    type Output = Reached<()>;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        self.times.fingerprint(print.text("set-times"));
    }
}

impl Follow for SetTimes {
    type Found = ();

    fn at(self, path: GuestPath) -> SetTimes {
        SetTimes { path, ..self }
    }
}

impl Perform<SetTimes> for Files {
    async fn perform(&self, permit: Permit<'_, SetTimes>) -> Result<Reached<()>, HostError> {
        let SetTimes { path, times } = permit.action().clone();
        if path.segments().is_empty() {
            return Err(HostError::Failed(Code::HostPermission));
        }
        let meter = Arc::clone(permit.meter());
        self.blocking(move |mounts| mounts.at(&path)?.set_times(&path, times, &meter)).await
    }
}
