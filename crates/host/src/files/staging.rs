//! The folder of the host in which staged files wait. What a crash leaves there is taken out when the folder is next used.

use std::io;
use std::path::Path;

use cap_std::fs::{Dir, File, OpenOptions};
use data_encoding::HEXLOWER;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::ambient;

/// The folder, shared by all runs of all processes of an installation.
#[derive(Debug)]
pub(crate) struct Staging {
    dir: Dir,
}

/// The part of one run: files with numbers for names. It is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Shelf {
    root: Dir,
    name: String,
    dir: Dir,
    /// Held for as long as the part is in use: who gets this lock may take the part out.
    _lock: File,
    next: u64,
}

/// A turn of those who make parts, take them out, or apply them.
#[must_use]
pub(super) struct Turn {
    _lock: File,
}

const LOCK: &str = "lock";

impl Staging {
    /// Opens the folder, and makes it if it is missing; takes out what belongs to no process any more.
    pub(crate) fn open(path: &Path) -> io::Result<Staging> {
        let staging = Staging { dir: ambient::open_private_dir(path)? };
        // Somebody who applies may take long, and who comes later cleans as well.
        let Some(_turn) = staging.try_turn()? else { return Ok(staging) };
        for entry in staging.dir.entries()? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                continue;
            }
            let part = entry.open_dir()?;
            // A part that is used is locked; one without its lock was being made when its process died.
            let is_used = match part.open_with(LOCK, OpenOptions::new().read(true).write(true)) {
                Ok(lock) => flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(error),
            };
            if !is_used {
                staging.dir.remove_dir_all(entry.file_name())?;
            }
        }
        Ok(staging)
    }

    /// A part for a run.
    pub(super) fn shelf(&self) -> io::Result<Shelf> {
        let mut random = [0; 16];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| io::ErrorKind::Other)?;
        let name = HEXLOWER.encode(&random);
        let _turn = self.turn()?;
        ambient::make_private_dir(&self.dir, Path::new(&name))?;
        let dir = self.dir.open_dir(&name)?;
        let lock = dir.open_with(LOCK, OpenOptions::new().write(true).create_new(true))?;
        flock(&lock, FlockOperation::LockExclusive)?;
        Ok(Shelf { root: self.dir.try_clone()?, name, dir, _lock: lock, next: 0 })
    }

    /// Waits for the turn.
    fn turn(&self) -> io::Result<Turn> {
        let lock = self.lock()?;
        flock(&lock, FlockOperation::LockExclusive)?;
        Ok(Turn { _lock: lock })
    }

    /// The turn, if nobody has it.
    pub(super) fn try_turn(&self) -> io::Result<Option<Turn>> {
        let lock = self.lock()?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Turn { _lock: lock })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn lock(&self) -> io::Result<File> {
        self.dir.open_with(LOCK, OpenOptions::new().write(true).create(true).truncate(false))
    }
}

impl Shelf {
    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// What no two parts have in common.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A new, empty file, open for both.
    pub(super) fn make(&mut self) -> io::Result<(u64, File)> {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        let mut options = OpenOptions::new();
        let file = self.dir.open_with(number.to_string(), options.read(true).write(true).create_new(true))?;
        Ok((number, file))
    }

    pub(super) fn open(&self, number: u64) -> io::Result<File> {
        self.dir.open_with(number.to_string(), OpenOptions::new().read(true).write(true))
    }

    pub(super) fn remove(&self, number: u64) -> io::Result<()> {
        self.dir.remove_file(number.to_string())
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        // What cannot be taken out now is when the folder is next opened.
        let _ = self.root.remove_dir_all(&self.name);
    }
}
