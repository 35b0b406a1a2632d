//! What a file or directory is.

use std::time::{Duration, SystemTime};

use bailiwick_guard::journal::{Crossed, Fingerprint, Place, Unwritable};
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, GuestPath, Resource};
use cap_std::fs::{FileType, Metadata, MetadataExt};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use serde::{Deserialize, Serialize};

use super::Files;
use super::link::{Follow, Reached};

/// Asks what stands at a path.
#[derive(Clone, Debug)]
pub struct Stat {
    pub path: GuestPath,
    pub links: Links,
}

/// What [`Stat`] does about a link at the end of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Answers [`Reached::Link`], so that its target is asked about.
    Follow,
    /// Describes the link itself.
    Show,
}

/// Size, times and identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStat {
    pub kind: FileKind,
    /// Bytes; 0 for what is no file.
    pub len: u64,
    pub accessed: Option<SystemTime>,
    pub modified: Option<SystemTime>,
    /// When the metadata last changed.
    pub changed: Option<SystemTime>,
    /// Number of hard links.
    pub links: u64,
    pub id: FileId,
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FileKind {
    File,
    Directory,
    Link,
    /// A device, a FIFO or a socket.
    Special,
}

/// Equal for two paths that name the same file. A hash: the host's device and inode numbers are not the guest's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId(pub u64, pub u64);

/// Times to set; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub accessed: Option<SetTime>,
    pub modified: Option<SetTime>,
}

/// A time to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetTime {
    Now,
    /// Since the Unix epoch.
    At(Duration),
}

impl Action for Stat {
    const NAME: ActionName = ActionName::Read;
    const EFFECT: Effect = Effect::Read;
    type Output = Reached<FileStat>;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("stat").number(self.links as u64);
    }
}

impl Follow for Stat {
    type Found = FileStat;

    fn at(self, path: GuestPath) -> Stat {
        Stat { path, ..self }
    }
}

impl Perform<Stat> for Files {
    async fn perform(&self, permit: Permit<'_, Stat>) -> Result<Reached<FileStat>, HostError> {
        let Stat { path, links } = permit.action().clone();
        if path.is_root() {
            return Ok(Reached::Here(FileStat::directory()));
        }
        self.blocking(move |mounts| mounts.at(&path)?.stat(&path, links)).await
    }
}

/// A [`FileStat`] as it crosses.
type Plain = (FileKind, u64, [Option<Moment>; 3], u64, [u64; 2]);

/// Before the epoch or after it, and how far.
type Moment = (bool, Duration);

impl Crossed for FileStat {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        let FileStat { kind, len, accessed, modified, changed, links, id } = self;
        let moment = |time: &SystemTime| match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => (true, after),
            Err(before) => (false, before.duration()),
        };
        let times = [accessed, modified, changed].map(|time| time.as_ref().map(moment));
        let plain: Plain = (*kind, *len, times, *links, [id.0, id.1]);
        vec![plain].write()
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<FileStat> {
        let [(kind, len, times, links, [first, second])] = Vec::<Plain>::read(bytes, place)?.try_into().ok()?;
        let time = |(is_after, distance): Moment| match is_after {
            true => SystemTime::UNIX_EPOCH.checked_add(distance),
            false => SystemTime::UNIX_EPOCH.checked_sub(distance),
        };
        let [accessed, modified, changed] = times.map(|moment| moment.map(time));
        let (accessed, modified, changed) = (flat(accessed)?, flat(modified)?, flat(changed)?);
        Some(FileStat { kind, len, accessed, modified, changed, links, id: FileId(first, second) })
    }
}

/// No time is fine, and one that there cannot be is not.
fn flat(time: Option<Option<SystemTime>>) -> Option<Option<SystemTime>> {
    time.map_or(Some(None), |time| time.map(Some))
}

impl FileStat {
    pub(super) fn of(found: &Metadata) -> FileStat {
        let kind = FileKind::of(found.file_type());
        FileStat {
            kind,
            len: if kind == FileKind::File { found.len() } else { 0 },
            accessed: found.accessed().ok().map(|time| time.into_std()),
            modified: found.modified().ok().map(|time| time.into_std()),
            changed: since_epoch(found.ctime(), found.ctime_nsec()),
            links: found.nlink(),
            id: FileId::of(found.dev(), found.ino()),
        }
    }

    /// What can be said of a directory without looking at it: that it is one.
    pub fn directory() -> FileStat {
        FileStat {
            kind: FileKind::Directory,
            len: 0,
            accessed: None,
            modified: None,
            changed: None,
            links: 1,
            id: FileId(0, 0),
        }
    }
}

impl FileKind {
    pub(super) fn of(kind: FileType) -> FileKind {
        if kind.is_file() {
            FileKind::File
        } else if kind.is_dir() {
            FileKind::Directory
        } else if kind.is_symlink() {
            FileKind::Link
        } else {
            FileKind::Special
        }
    }
}

impl FileId {
    pub(super) fn of(device: u64, inode: u64) -> FileId {
        let mut hasher = blake3::Hasher::new_derive_key("bailiwick 2026 file identity");
        hasher.update(&device.to_le_bytes()).update(&inode.to_le_bytes());
        let mut reader = hasher.finalize_xof();
        let mut next = || {
            let mut bytes = [0; 8];
            reader.fill(&mut bytes);
            u64::from_le_bytes(bytes)
        };
        FileId(next(), next())
    }
}

impl Times {
    pub(super) fn fingerprint(self, print: &mut Fingerprint) {
        for time in [self.accessed, self.modified] {
            match time {
                None => print.number(0),
                Some(SetTime::Now) => print.number(1),
                Some(SetTime::At(since)) => print.number(2).bytes(&since.as_nanos().to_le_bytes()),
            };
        }
    }

    pub(super) fn to_system(self) -> Timestamps {
        Timestamps {
            last_access: SetTime::to_system(self.accessed),
            last_modification: SetTime::to_system(self.modified),
        }
    }
}

impl SetTime {
    fn to_system(time: Option<SetTime>) -> Timespec {
        match time {
            None => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            Some(SetTime::Now) => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
            Some(SetTime::At(since)) => Timespec {
                tv_sec: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: since.subsec_nanos().into(),
            },
        }
    }
}

fn since_epoch(seconds: i64, nanoseconds: i64) -> Option<SystemTime> {
    let since = Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanoseconds).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}
