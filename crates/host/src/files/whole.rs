//! Whole files in one call.

use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, GuestPath, Resource};
use bytes::Bytes;

use super::folder::How;
use super::link::{Follow, Reached};
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

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("read-file").number(self.offset).count(self.max);
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
        let meter = permit.meter().clone();
        self.blocking(move |mounts| {
            let how = How { access: Access::Read, create: Create::Never, truncate: false, bytes: 0 };
            let file = mounts.at(&path)?.open(&path, how, &meter)?;
            file.then(|content| content.read(offset, max.min(MAX_FILE_READ), meter.now()))
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

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("write-file").number(self.mode as u64).bytes(&self.bytes);
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
            let mount = mounts.at(&path)?;
            let spent = if mount.is_memory() { 0 } else { u64::try_from(bytes.len()).unwrap_or(u64::MAX) };
            let truncate = mode == WriteMode::Replace;
            let how = How { access: Access::Write, create, truncate, bytes: spent };
            mount.open(&path, how, &meter)?.then(|content| match mode {
                WriteMode::Replace | WriteMode::New => content.write(0, &bytes, meter.now()),
                WriteMode::Append => content.append(&bytes, meter.now()),
            })
        })
        .await
    }
}
