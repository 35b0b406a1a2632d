//! Opening files.

use std::sync::Arc;

use bailiwick_guard::{Action, CallError, Effect, Guard, HandleSlot, HostError, Meter, Perform, Permit};
use bailiwick_policy::{ActionName, Code, GuestPath, Resource};
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{File, OpenOptions};

use super::link::{Follow, MAX_LINKS, Reached};
use super::mount::{Mounts, Spot, failure};
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

impl Action for OpenRead {
    const NAME: ActionName = ActionName::Read;
    const EFFECT: Effect = Effect::Read;
    type Output = Reached<FileHandle>;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
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
        let (slot, meter) = reserve(permit.meter())?;
        let path = permit.action().path.clone();
        self.blocking(move |mounts| {
            let file = open_at(mounts, &path, Access::Read, Create::Never)?;
            file.then(|file| Ok(FileHandle::new(file, path, Access::Read, meter, slot)))
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
}

impl Perform<OpenWrite> for Files {
    async fn perform(&self, permit: Permit<'_, OpenWrite>) -> Result<Reached<FileHandle>, HostError> {
        let (slot, meter) = reserve(permit.meter())?;
        let OpenWrite { path, access, create, truncate } = permit.action();
        let (path, access, create, truncate) = (path.clone(), *access, *create, *truncate);
        self.blocking(move |mounts| {
            open_at(mounts, &path, access, create)?.then(|file| {
                if truncate {
                    file.set_len(0).map_err(|error| failure(&error))?;
                }
                Ok(FileHandle::new(file, path, access, meter, slot))
            })
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
}

impl Perform<ClaimRead> for Files {
    async fn perform(&self, permit: Permit<'_, ClaimRead>) -> Result<ReadRight, HostError> {
        Ok(ReadRight { path: permit.action().path.clone() })
    }
}

fn reserve(meter: &Arc<Meter>) -> Result<(HandleSlot, Arc<Meter>), HostError> {
    Ok((meter.open_handle()?, Arc::clone(meter)))
}

/// Opens the regular file at `path`. Never truncates: that happens once it is known what was opened.
pub(super) fn open_at(
    mounts: &Mounts,
    path: &GuestPath,
    access: Access,
    create: Create,
) -> Result<Reached<File>, HostError> {
    mounts.spot(path)?.and_then(|spot| {
        // Looking first keeps devices from being opened at all; looking again afterwards catches a swap in between.
        match spot.look()? {
            Some(_) if create == Create::New => return Err(HostError::Failed(Code::Exists)),
            Some(found) if found.is_symlink() => return through(&spot),
            Some(found) => only_regular(&found)?,
            None if create == Create::Never => return Err(HostError::Failed(Code::NotFound)),
            None => {}
        }
        let mut options = OpenOptions::new();
        options.read(access.reads()).write(access.writes());
        match create {
            Create::Never => {}
            Create::IfMissing => drop(options.create(true)),
            Create::New => drop(options.create_new(true)),
        }
        // Opening a FIFO without `nonblock` would wait for its other end.
        options.follow(FollowSymlinks::No).nonblock(true);
        let file = match spot.parent.open_with(spot.name, &options) {
            Ok(file) => file,
            Err(_) if create != Create::New && spot.look()?.is_some_and(|found| found.is_symlink()) => {
                return through(&spot);
            }
            Err(error) => return Err(failure(&error)),
        };
        only_regular(&file.metadata().map_err(|error| failure(&error))?)?;
        Ok(Reached::Here(file))
    })
}

fn through<T>(spot: &Spot<'_>) -> Result<Reached<T>, HostError> {
    // A link that is gone by now was swapped: the caller may ask again.
    spot.link()?.map(Reached::Link).ok_or(HostError::Failed(Code::Io))
}

/// # Errors
/// `failed.is_directory` or `deny.file.special`.
pub(super) fn only_regular(found: &cap_std::fs::Metadata) -> Result<(), HostError> {
    match found {
        found if found.is_file() => Ok(()),
        found if found.is_dir() => Err(HostError::Failed(Code::IsDirectory)),
        _ => Err(HostError::Denied(Code::SpecialFile)),
    }
}
