//! Whole files in one call.

use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, GuestPath, Resource};
use bytes::Bytes;
use cap_std::fs::FileExt;

use super::handle::{append_fully, read_fully};
use super::link::{Follow, Reached};
use super::mount::failure;
use super::open::open_at;
use super::{Access, Create, Files};

/// Most bytes that one [`ReadFile`] returns.
pub const MAX_FILE_READ: usize = 16 << 20;
/// Most bytes that one [`WriteFile`] takes.
pub const MAX_FILE_WRITE: usize = 16 << 20;

/// Reads up to `max` bytes at `offset`, at most [`MAX_FILE_READ`]; fewer near the end of the file, none behind it.
#[derive(Clone, Debug)]
pub struct ReadFile {
    pub path: GuestPath,
    pub offset: u64,
    pub max: usize,
}

/// Writes a file. No `Debug`: its content belongs in no log.
#[derive(Clone)]
pub struct WriteFile {
    pub path: GuestPath,
    pub bytes: Bytes,
    pub mode: WriteMode,
}

/// What [`WriteFile`] does with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// Replaces the content, or makes the file. Not atomic: another process can see it half written.
    Replace,
    /// Makes the file; fails when it exists.
    New,
    /// Adds to the end, or makes the file.
    Append,
}

impl Action for ReadFile {
    const NAME: ActionName = ActionName::Read;
    const EFFECT: Effect = Effect::Read;
    type Output = Reached<Bytes>;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }
}

impl Follow for ReadFile {
    type Found = Bytes;

    fn at(self, path: GuestPath) -> ReadFile {
        ReadFile { path, ..self }
    }
}

impl Perform<ReadFile> for Files {
    async fn perform(&self, permit: Permit<'_, ReadFile>) -> Result<Reached<Bytes>, HostError> {
        let ReadFile { path, offset, max } = permit.action().clone();
        self.blocking(move |mounts| {
            let file = open_at(mounts, &path, Access::Read, Create::Never)?;
            file.then(|file| read_fully(&file, offset, max.min(MAX_FILE_READ)))
        })
        .await
    }
}

impl Action for WriteFile {
    const NAME: ActionName = ActionName::Write;
    const EFFECT: Effect = Effect::World;
    type Output = Reached<()>;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }
}

impl Follow for WriteFile {
    type Found = ();

    fn at(self, path: GuestPath) -> WriteFile {
        WriteFile { path, ..self }
    }
}

impl Perform<WriteFile> for Files {
    async fn perform(&self, permit: Permit<'_, WriteFile>) -> Result<Reached<()>, HostError> {
        let WriteFile { path, bytes, mode } = permit.action().clone();
        if bytes.len() > MAX_FILE_WRITE {
            return Err(HostError::Limit(Code::ArgumentBytes));
        }
        let meter = permit.meter().clone();
        let create = match mode {
            WriteMode::Replace | WriteMode::Append => Create::IfMissing,
            WriteMode::New => Create::New,
        };
        self.blocking(move |mounts| {
            open_at(mounts, &path, Access::Write, create)?.then(|file| {
                // Taken once no link is left on the way, so that a path behind a link costs no more than a plain one.
                meter.take_disk(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
                let written = match mode {
                    WriteMode::Replace => file.set_len(0).and_then(|()| file.write_all_at(&bytes, 0)),
                    WriteMode::New => file.write_all_at(&bytes, 0),
                    WriteMode::Append => append_fully(&file, &bytes),
                };
                written.map_err(|error| failure(&error))
            })
        })
        .await
    }
}
