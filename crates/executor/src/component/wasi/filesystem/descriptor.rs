//! What a guest's file handles stand for.

use std::sync::Arc;

use bailiwick_guard::HandleSlot;
use bailiwick_host::files::{DirHandle, FileHandle};
use bailiwick_policy::GuestPath;

use super::types::{DescriptorFlags, DirectoryEntry};
use super::{ErrorCode, FsError};

/// An open file or directory of the guest.
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub enum Descriptor {
    /// The virtual directory that holds the mounts.
    Root(GuestPath),
    /// A directory: a path, and no power over anything below it.
    Directory(DirHandle),
    /// A regular file. Its streams share it.
    File(Arc<FileHandle>),
}

/// The entries of a directory that the guest has not read yet.
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct Listing {
    pub(super) entries: std::vec::IntoIter<DirectoryEntry>,
    // Bounds what a guest can make the host keep.
    pub(super) _slot: HandleSlot,
}

impl Descriptor {
    pub(super) fn root() -> Descriptor {
        Descriptor::Root(GuestPath::root())
    }

    pub(super) fn path(&self) -> &GuestPath {
        match self {
            Descriptor::Root(path) => path,
            Descriptor::Directory(handle) => handle.path(),
            Descriptor::File(handle) => handle.path(),
        }
    }

    /// The path against which others are resolved.
    ///
    /// # Errors
    /// `not-directory`.
    pub(super) fn directory(&self) -> Result<&GuestPath, FsError> {
        match self {
            Descriptor::Root(_) | Descriptor::Directory(_) => Ok(self.path()),
            Descriptor::File(_) => Err(ErrorCode::NotDirectory.into()),
        }
    }

    /// # Errors
    /// `is-directory`.
    pub(super) fn file(&self) -> Result<&Arc<FileHandle>, FsError> {
        match self {
            Descriptor::Root(_) | Descriptor::Directory(_) => Err(ErrorCode::IsDirectory.into()),
            Descriptor::File(handle) => Ok(handle),
        }
    }

    /// # Errors
    /// `is-directory`; `bad-descriptor` when it is not open for reading.
    pub(super) fn readable(&self) -> Result<&Arc<FileHandle>, FsError> {
        let handle = self.file()?;
        if handle.access().reads() { Ok(handle) } else { Err(ErrorCode::BadDescriptor.into()) }
    }

    /// # Errors
    /// `is-directory`; `bad-descriptor` when it is not open for writing.
    pub(super) fn writable(&self) -> Result<&Arc<FileHandle>, FsError> {
        let handle = self.file()?;
        if handle.access().writes() { Ok(handle) } else { Err(ErrorCode::BadDescriptor.into()) }
    }

    pub(super) fn flags(&self) -> DescriptorFlags {
        match self {
            Descriptor::Root(_) => DescriptorFlags::READ,
            Descriptor::Directory(_) => DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY,
            Descriptor::File(handle) => {
                let readable = if handle.access().reads() { DescriptorFlags::READ } else { DescriptorFlags::empty() };
                let writable = if handle.access().writes() { DescriptorFlags::WRITE } else { DescriptorFlags::empty() };
                readable | writable
            }
        }
    }
}
