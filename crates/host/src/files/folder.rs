//! A folder of the host: opened once, and nothing above it can be reached afterwards.

use std::io;

use bailiwick_guard::{HostError, Meter};
use bailiwick_policy::{Code, GuestPath};
use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{Dir, File, Metadata, OpenOptions};
use rustix::fs::AtFlags;

use super::link::{self, Reached};
use super::list::Listed;
use super::{Access, Create, DirEntry, FileKind, FileStat, Links, Removal, Renamed, Times};

/// A directory handle, and what is done below it.
#[derive(Debug)]
pub(super) struct Folder {
    dir: Dir,
}

/// How a file is opened, once that was decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    pub(super) access: Access,
    pub(super) create: Create,
    pub(super) truncate: bool,
    /// Bytes that are about to be written: taken from the disk budget before anything is truncated.
    pub(super) bytes: u64,
}

/// The last component of a path, in a directory that was reached without a link.
pub(super) struct Spot<'p> {
    pub(super) parent: Dir,
    pub(super) name: &'p str,
    path: &'p GuestPath,
}

impl Folder {
    pub(super) fn new(dir: Dir) -> Folder {
        Folder { dir }
    }

    pub(super) fn root(&self) -> &Dir {
        &self.dir
    }

    /// Opens the regular file at `path`, and truncates it once it is known what was opened.
    pub(super) fn open(&self, path: &GuestPath, how: How, meter: &Meter) -> Result<Reached<File>, HostError> {
        let How { access, create, truncate, bytes } = how;
        self.spot(path)?.and_then(|spot| {
            // Looking first keeps devices from being opened at all; looking again afterwards catches a swap in between.
            match spot.look()? {
                Some(_) if create == Create::New => return Err(HostError::Failed(Code::Exists)),
                Some(found) if found.is_symlink() => return through(&spot),
                Some(found) => only_regular(&found)?,
                None if create == Create::Never => return Err(HostError::Failed(Code::NotFound)),
                None => meter.take_file()?,
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
            // Taken once no link is left on the way, so that a path behind a link costs no more than a plain one.
            meter.take_disk(bytes)?;
            if truncate {
                file.set_len(0).map_err(|error| failure(&error))?;
            }
            Ok(Reached::Here(file))
        })
    }

    /// The names and kinds of what is in a directory, in no order.
    pub(super) fn list(&self, path: &GuestPath) -> Result<Reached<Vec<DirEntry>>, HostError> {
        self.enter(path, path.segments().len())?.then(|dir| {
            let mut listed = Listed::default();
            for entry in dir.entries().map_err(|error| failure(&error))? {
                let entry = entry.map_err(|error| failure(&error))?;
                let kind = FileKind::of(entry.file_type().map_err(|error| failure(&error))?);
                listed.add(entry.file_name(), kind)?;
            }
            Ok(listed.entries())
        })
    }

    pub(super) fn stat(&self, path: &GuestPath, links: Links) -> Result<Reached<FileStat>, HostError> {
        if path.segments().is_empty() {
            let about = self.dir.dir_metadata().map_err(|error| failure(&error))?;
            return Ok(Reached::Here(FileStat::of(&about)));
        }
        self.spot(path)?.and_then(|spot| {
            let found = spot.look()?.ok_or(HostError::Failed(Code::NotFound))?;
            if found.is_symlink() && links == Links::Follow {
                through(&spot)
            } else {
                Ok(Reached::Here(FileStat::of(&found)))
            }
        })
    }

    pub(super) fn make_dir(&self, path: &GuestPath, meter: &Meter) -> Result<Reached<()>, HostError> {
        self.spot(path)?.then(|spot| {
            if spot.look()?.is_some() {
                return Err(HostError::Failed(Code::Exists));
            }
            meter.take_file()?;
            spot.parent.create_dir(spot.name).map_err(|error| failure(&error))
        })
    }

    pub(super) fn remove(&self, path: &GuestPath, what: Removal) -> Result<Reached<()>, HostError> {
        self.spot(path)?.then(|spot| {
            let removed = match what {
                Removal::File => spot.parent.remove_file(spot.name),
                Removal::EmptyDirectory => spot.parent.remove_dir(spot.name),
            };
            removed.map_err(|error| failure(&error))
        })
    }

    pub(super) fn set_times(&self, path: &GuestPath, times: Times) -> Result<Reached<()>, HostError> {
        self.spot(path)?.and_then(|spot| {
            if let Some(to) = spot.link()? {
                return Ok(Reached::Link(to));
            }
            let found = spot.look()?.ok_or(HostError::Failed(Code::NotFound))?;
            if !found.is_dir() {
                only_regular(&found)?;
            }
            // One component below a handle, and no link: the call cannot leave the directory.
            rustix::fs::utimensat(&spot.parent, spot.name, &times.to_system(), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| failure(&error.into()))?;
            Ok(Reached::Here(()))
        })
    }

    pub(super) fn rename(&self, from: &GuestPath, to: &GuestPath) -> Result<Renamed, HostError> {
        let (source, target) = match (self.spot(from)?, self.spot(to)?) {
            (Reached::Here(source), Reached::Here(target)) => (source, target),
            (source, target) => return Ok(Renamed::Link { from: source.or(from), to: target.or(to) }),
        };
        only_regular(&source.look()?.ok_or(HostError::Failed(Code::NotFound))?)?;
        if let Some(replaced) = target.look()? {
            only_regular(&replaced)?;
        }
        let moved = source.parent.rename(source.name, &target.parent, target.name);
        moved.map(|()| Renamed::Done).map_err(|error| failure(&error))
    }

    /// The directory that holds `path`. The mount itself has none here.
    ///
    /// # Errors
    /// `failed.is_directory` for the mount.
    pub(super) fn spot<'p>(&self, path: &'p GuestPath) -> Result<Reached<Spot<'p>>, HostError> {
        let Some((name, parents)) = path.segments().split_last() else {
            return Err(HostError::Failed(Code::IsDirectory));
        };
        self.enter(path, parents.len())?.then(|parent| Ok(Spot { parent, name, path }))
    }

    /// Walks down the first `depth` segments, one at a time and never through a link.
    pub(super) fn enter(&self, path: &GuestPath, depth: usize) -> Result<Reached<Dir>, HostError> {
        let mut dir = self.dir.try_clone().map_err(|error| failure(&error))?;
        for (at, name) in path.segments().iter().take(depth).enumerate() {
            match dir.open_dir_nofollow(name) {
                // Something of the kernel's may be mounted below a mount, too.
                Ok(next) if is_kernel(&next).map_err(|error| failure(&error))? => {
                    return Err(HostError::Denied(Code::SpecialFile));
                }
                Ok(next) => dir = next,
                Err(error) => {
                    return match followed(&dir, path, at, name)? {
                        Some(to) => Ok(Reached::Link(to)),
                        None => Err(failure(&error)),
                    };
                }
            }
        }
        Ok(Reached::Here(dir))
    }
}

impl Spot<'_> {
    /// What stands here, the link itself if it is one. `None` when nothing does.
    pub(super) fn look(&self) -> Result<Option<Metadata>, HostError> {
        match self.parent.symlink_metadata(self.name) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }

    /// Where the link that stands here leads; `None` when it is no link.
    pub(super) fn link(&self) -> Result<Option<GuestPath>, HostError> {
        followed(&self.parent, self.path, self.path.segments().len().saturating_sub(1), self.name)
    }
}

/// The link that stands at a spot.
pub(super) fn through<T>(spot: &Spot<'_>) -> Result<Reached<T>, HostError> {
    // A link that is gone by now was swapped: the caller may ask again.
    spot.link()?.map(Reached::Link).ok_or(HostError::Failed(Code::Io))
}

/// # Errors
/// `failed.is_directory` or `deny.file.special`.
pub(super) fn only_regular(found: &Metadata) -> Result<(), HostError> {
    match found {
        found if found.is_file() => Ok(()),
        found if found.is_dir() => Err(HostError::Failed(Code::IsDirectory)),
        _ => Err(HostError::Denied(Code::SpecialFile)),
    }
}

/// Whether a directory is on a file system whose files are controls of the kernel: writing to one is no writing of data,
/// and reading one tells about other processes, this one included.
pub(super) fn is_kernel(dir: &Dir) -> io::Result<bool> {
    // `statfs(2)`: procfs, sysfs, debugfs, tracefs, securityfs, configfs, cgroup, cgroup2, devpts. A device in an ordinary
    // file system, as in `/dev`, is refused by itself.
    Ok(matches!(
        rustix::fs::fstatfs(dir)?.f_type,
        0x9fa0
            | 0x6265_6572
            | 0x6462_6720
            | 0x7472_6163
            | 0x7363_6673
            | 0x6265_6570
            | 0x0027_e0eb
            | 0x6367_7270
            | 0x1cd1
    ))
}

fn followed(dir: &Dir, path: &GuestPath, depth: usize, name: &str) -> Result<Option<GuestPath>, HostError> {
    match dir.read_link_contents(name) {
        Ok(target) => link::resolve(path, depth, &target).map(Some),
        Err(_no_link) => Ok(None),
    }
}

/// The code of an error of the operating system. The guest gets no more than this.
pub(super) fn failure(error: &io::Error) -> HostError {
    use io::ErrorKind::*;
    let code = match error.kind() {
        NotFound => Code::NotFound,
        AlreadyExists => Code::Exists,
        NotADirectory => Code::NotDirectory,
        IsADirectory => Code::IsDirectory,
        DirectoryNotEmpty => Code::NotEmpty,
        // cap-std's own refusal carries no error number of the system.
        PermissionDenied if error.raw_os_error().is_none() => return HostError::Denied(Code::OutsideMount),
        CrossesDevices => return HostError::Denied(Code::OutsideMount),
        PermissionDenied | ReadOnlyFilesystem => Code::HostPermission,
        StorageFull | QuotaExceeded => Code::NoSpace,
        _ => Code::Io,
    };
    HostError::Failed(code)
}
