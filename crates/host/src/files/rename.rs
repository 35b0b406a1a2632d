//! Moving a file: three decisions, then one effect.
//!
//! A move takes the content away from one path (`delete`) and puts it at another (`write`). Whoever could move what they
//! may not read to where they may read it would have read it, so moving also needs `read` on the old path. The rights are
//! tokens: [`ClaimRead`] gives a [`ReadRight`], [`ClaimSource`] spends it for a [`RenameRight`], and [`Rename`] spends
//! that. Only regular files are moved, since a directory would take paths along that nobody decided about.

use std::sync::Arc;

use bailiwick_guard::journal::{Crossed, Fingerprint, Place, Unwritable};
use bailiwick_guard::{Action, CallError, Effect, Guard, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, GuestPath, Resource};

use super::Files;
use super::link::{MAX_LINKS, Reached, read_path, write_path};
use super::open::{ClaimRead, ReadRight};

/// Asks for the right to take a file away from its path.
#[derive(Debug)]
pub struct ClaimSource {
    pub right: ReadRight,
}

/// `read` and `delete` of this path were decided and recorded. Spent by [`Rename`].
#[derive(Debug)]
pub struct RenameRight {
    from: GuestPath,
}

/// Moves the file to `to`, in the same mount. A file that is there is replaced.
#[derive(Debug)]
pub struct Rename {
    pub right: RenameRight,
    pub to: GuestPath,
}

/// What came of a [`Rename`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renamed {
    Done,
    /// A directory on the way to one of the paths is a link. Nothing was done; these are the paths behind it.
    Link {
        from: GuestPath,
        to: GuestPath,
    },
}

/// Moves a file through the guard, with new decisions behind each link.
///
/// # Errors
/// As [`Guard::call`]; `deny.file.outside_mount` across mounts, `failed.is_directory` when either path is a directory,
/// `deny.file.special` for what is no regular file.
pub async fn rename(guard: &Guard, files: &Files, from: GuestPath, to: GuestPath) -> Result<(), CallError> {
    let (mut from, mut to) = (from, to);
    for _ in 0..=MAX_LINKS {
        let right = guard.call(files, ClaimRead { path: from }).await?;
        let right = guard.call(files, ClaimSource { right }).await?;
        match guard.call(files, Rename { right, to }).await? {
            Renamed::Done => return Ok(()),
            Renamed::Link { from: next_from, to: next_to } => (from, to) = (next_from, next_to),
        }
    }
    Err(CallError::Failed(Code::Io))
}

impl RenameRight {
    pub fn from(&self) -> &GuestPath {
        &self.from
    }
}

impl Crossed for RenameRight {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        write_path(&self.from)
    }

    fn read(bytes: &[u8], _: &Place<'_>) -> Option<RenameRight> {
        read_path(bytes).map(|from| RenameRight { from })
    }
}

impl Crossed for Renamed {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        match self {
            Renamed::Done => Vec::<String>::new().write(),
            Renamed::Link { from, to } => vec![from.to_string(), to.to_string()].write(),
        }
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<Renamed> {
        let paths = Vec::<String>::read(bytes, place)?;
        let mut paths = paths.iter().map(|path| GuestPath::parse(path).ok());
        match (paths.next(), paths.next(), paths.next()) {
            (None, None, None) => Some(Renamed::Done),
            (Some(from), Some(to), None) => Some(Renamed::Link { from: from?, to: to? }),
            _ => None,
        }
    }
}

impl Action for ClaimSource {
    const NAME: ActionName = ActionName::Delete;
    const EFFECT: Effect = Effect::World;
    type Output = RenameRight;

    fn resource(&self) -> Resource {
        Resource::File(self.right.path().clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("claim-source");
    }
}

impl Perform<ClaimSource> for Files {
    async fn perform(&self, permit: Permit<'_, ClaimSource>) -> Result<RenameRight, HostError> {
        Ok(RenameRight { from: permit.action().right.path().clone() })
    }
}

impl Action for Rename {
    const NAME: ActionName = ActionName::Write;
    const EFFECT: Effect = Effect::World;
    type Output = Renamed;

    /// The new path; the old one was decided about when the right was claimed.
    fn resource(&self) -> Resource {
        Resource::File(self.to.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("rename").text(&self.right.from.to_string());
    }
}

impl Perform<Rename> for Files {
    async fn perform(&self, permit: Permit<'_, Rename>) -> Result<Renamed, HostError> {
        let (from, to) = (permit.action().right.from.clone(), permit.action().to.clone());
        if from.mount() != to.mount() {
            return Err(HostError::Denied(Code::OutsideMount));
        }
        let meter = Arc::clone(permit.meter());
        self.blocking(move |mounts| mounts.at(&from)?.rename(&from, &to, &meter)).await
    }
}

impl<T> Reached<T> {
    pub(super) fn or(self, path: &GuestPath) -> GuestPath {
        match self {
            Reached::Here(_) => path.clone(),
            Reached::Link(to) => to,
        }
    }
}
