//! Opening files.

use bailiwick_guard::journal::{Crossed, Fingerprint, Handle, Place, Unwritable};
use bailiwick_guard::{Action, CallError, Effect, Guard, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, GuestPath, Resource};

use super::folder::How;
use super::link::{Follow, MAX_LINKS, Reached, read_path, write_path};
use super::{Access, FileHandle, Files};

/// Opens a regular file for reading. It can neither create nor truncate.
#[derive(Clone, Debug)]
pub struct OpenRead {
    pub path: GuestPath,
}

/// Opens a regular file for writing, or with [`OpenWrite::with_read`] for both.
#[derive(Debug)]
pub struct OpenWrite {
    path: GuestPath,
    access: Access,
    create: Create,
    truncate: bool,
}

/// Asks for the right to read a path as part of something that is decided in more than one step.
#[derive(Clone, Debug)]
pub struct ClaimRead {
    pub path: GuestPath,
}

/// A `read` of this path was decided and recorded. Spent by the action that it is handed to.
#[derive(Debug)]
pub struct ReadRight {
    path: GuestPath,
}

/// What an open for writing may create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// The file must exist.
    Never,
    /// It is made when it is missing.
    IfMissing,
    /// It must be missing.
    New,
}

/// How [`open`] opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    Read,
    Write { create: Create, truncate: bool },
    ReadWrite { create: Create, truncate: bool },
}

/// Opens a file through the guard: one decision, or two for reading and writing, and new ones behind each link.
///
/// # Errors
/// As [`Guard::call`]; `failed.io` when the path leads through more than [`MAX_LINKS`] links.
pub async fn open(guard: &Guard, files: &Files, path: GuestPath, how: Opening) -> Result<FileHandle, CallError> {
    let mut path = path;
    for _ in 0..=MAX_LINKS {
        let reached = match how {
            Opening::Read => guard.call(files, OpenRead { path }).await?,
            Opening::Write { create, truncate } => guard.call(files, OpenWrite::new(path, create, truncate)).await?,
            Opening::ReadWrite { create, truncate } => {
                let right = guard.call(files, ClaimRead { path }).await?;
                guard.call(files, OpenWrite::with_read(right, create, truncate)).await?
            }
        };
        match reached {
            Reached::Here(handle) => return Ok(handle),
            Reached::Link(to) => path = to,
        }
    }
    Err(CallError::Failed(Code::Io))
}

impl OpenWrite {
    pub fn new(path: GuestPath, create: Create, truncate: bool) -> OpenWrite {
        OpenWrite { path, access: Access::Write, create, truncate }
    }

    /// Opens the path whose reading was already decided.
    pub fn with_read(right: ReadRight, create: Create, truncate: bool) -> OpenWrite {
        OpenWrite { path: right.path, access: Access::ReadWrite, create, truncate }
    }
}

impl ReadRight {
    pub fn path(&self) -> &GuestPath {
        &self.path
    }
}

impl Crossed for ReadRight {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        write_path(&self.path)
    }

    fn read(bytes: &[u8], _: &Place<'_>) -> Option<ReadRight> {
        read_path(bytes).map(|path| ReadRight { path })
    }
}

impl Action for OpenRead {
    const NAME: ActionName = ActionName::Read;
    const EFFECT: Effect = Effect::Read;
    type Output = Reached<FileHandle>;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("open-read");
    }
}

impl Follow for OpenRead {
    type Found = FileHandle;

    fn at(self, path: GuestPath) -> OpenRead {
        OpenRead { path }
    }
}

impl Perform<OpenRead> for Files {
    async fn perform(&self, permit: Permit<'_, OpenRead>) -> Result<Reached<FileHandle>, HostError> {
        let handle = Handle::open(permit.place())?;
        let path = permit.action().path.clone();
        self.blocking(move |mounts| {
            let how = How { access: Access::Read, create: Create::Never, truncate: false, bytes: 0 };
            let file = mounts.at(&path)?.open(&path, how, handle.meter())?;
            file.then(|content| Ok(FileHandle::new(content, path, Access::Read, handle)))
        })
        .await
    }
}

impl Action for OpenWrite {
    const NAME: ActionName = ActionName::Write;
    const EFFECT: Effect = Effect::World;
    type Output = Reached<FileHandle>;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        let how = [self.access as u64, self.create as u64, u64::from(self.truncate)];
        how.into_iter().fold(print.text("open-write"), |print, how| print.number(how));
    }
}

impl Perform<OpenWrite> for Files {
    async fn perform(&self, permit: Permit<'_, OpenWrite>) -> Result<Reached<FileHandle>, HostError> {
        let handle = Handle::open(permit.place())?;
        let OpenWrite { path, access, create, truncate } = permit.action();
        let (path, access, create, truncate) = (path.clone(), *access, *create, *truncate);
        self.blocking(move |mounts| {
            let how = How { access, create, truncate, bytes: 0 };
            let file = mounts.at(&path)?.open(&path, how, handle.meter())?;
            file.then(|content| Ok(FileHandle::new(content, path, access, handle)))
        })
        .await
    }
}

impl Action for ClaimRead {
    const NAME: ActionName = ActionName::Read;
    const EFFECT: Effect = Effect::Read;
    type Output = ReadRight;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("claim-read");
    }
}

impl Perform<ClaimRead> for Files {
    async fn perform(&self, permit: Permit<'_, ClaimRead>) -> Result<ReadRight, HostError> {
        Ok(ReadRight { path: permit.action().path.clone() })
    }
}
