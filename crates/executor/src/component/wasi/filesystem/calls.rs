//! The functions of `wasi:filesystem/types`, in the order of the WIT.

use bailiwick_guard::HostError;
use bailiwick_host::files::{FileKind, FileStat, SetTimes};
use bailiwick_policy::ActionName;
use bytes::Bytes;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

use super::paths::ask;
use super::streams::{Reader, Writer};
use super::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, Filesize, HostDescriptor,
    HostDirectoryEntryStream, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use super::{CHUNK, Descriptor, ErrorCode, Filesystem, FsError, Listing, convert};

type Fd = Resource<Descriptor>;

impl HostDescriptor for Filesystem<'_> {
    fn read_via_stream(&mut self, fd: Fd, offset: Filesize) -> Result<Resource<DynInputStream>, FsError> {
        let file = self.table.get(&fd)?.readable()?;
        let stream: DynInputStream = Box::new(Reader::new(file, self.slot()?, self.door.told(), offset));
        Ok(self.table.push(stream)?)
    }

    fn write_via_stream(&mut self, fd: Fd, offset: Filesize) -> Result<Resource<DynOutputStream>, FsError> {
        self.write_stream(&fd, Some(offset))
    }

    fn append_via_stream(&mut self, fd: Fd) -> Result<Resource<DynOutputStream>, FsError> {
        self.write_stream(&fd, None)
    }

    /// Advice is not taken.
    fn advise(&mut self, fd: Fd, _: Filesize, _: Filesize, _: Advice) -> Result<(), FsError> {
        self.table.get(&fd)?.file().map(drop)
    }

    async fn sync_data(&mut self, fd: Fd) -> Result<(), FsError> {
        self.sync_file(&fd, false).await
    }

    fn get_flags(&mut self, fd: Fd) -> Result<DescriptorFlags, FsError> {
        Ok(self.table.get(&fd)?.flags())
    }

    fn get_type(&mut self, fd: Fd) -> Result<DescriptorType, FsError> {
        Ok(match self.table.get(&fd)? {
            Descriptor::Root(_) | Descriptor::Directory(_) => convert::kind(FileKind::Directory),
            Descriptor::File(_) => convert::kind(FileKind::File),
        })
    }

    async fn set_size(&mut self, fd: Fd, size: Filesize) -> Result<(), FsError> {
        let changed = self.table.get(&fd)?.writable()?.set_len(size).await;
        self.noted(changed)
    }

    async fn set_times(&mut self, fd: Fd, accessed: NewTimestamp, modified: NewTimestamp) -> Result<(), FsError> {
        let times = convert::times(accessed, modified)?;
        match self.table.get(&fd)? {
            Descriptor::File(handle) => Ok(handle.set_times(times).await?),
            directory => ask(&self.door, SetTimes { path: directory.path().clone(), times }).await,
        }
    }

    async fn read(&mut self, fd: Fd, length: Filesize, offset: Filesize) -> Result<(Vec<u8>, bool), FsError> {
        let max = usize::try_from(length).unwrap_or(usize::MAX).min(CHUNK);
        let bytes = self.table.get(&fd)?.readable()?.read_at(offset, max).await?;
        let is_end = bytes.len() < max;
        Ok((bytes.into(), is_end))
    }

    async fn write(&mut self, fd: Fd, buffer: Vec<u8>, offset: Filesize) -> Result<Filesize, FsError> {
        let written = Filesize::try_from(buffer.len()).map_err(|_| ErrorCode::FileTooLarge)?;
        let done = self.table.get(&fd)?.writable()?.write_at(offset, Bytes::from(buffer)).await;
        self.noted(done)?;
        Ok(written)
    }

    async fn read_directory(&mut self, fd: Fd) -> Result<Resource<Listing>, FsError> {
        let listing = self.list_directory(&fd).await?;
        Ok(self.table.push(listing)?)
    }

    async fn sync(&mut self, fd: Fd) -> Result<(), FsError> {
        self.sync_file(&fd, true).await
    }

    async fn create_directory_at(&mut self, fd: Fd, path: String) -> Result<(), FsError> {
        self.make_directory(&fd, &path).await
    }

    async fn stat(&mut self, fd: Fd) -> Result<DescriptorStat, FsError> {
        let stat = match self.table.get(&fd)? {
            Descriptor::File(handle) => handle.stat().await?,
            Descriptor::Root(_) | Descriptor::Directory(_) => FileStat::directory(),
        };
        Ok(convert::stat(&stat))
    }

    async fn stat_at(&mut self, fd: Fd, follow: PathFlags, path: String) -> Result<DescriptorStat, FsError> {
        Ok(convert::stat(&self.stat_path(&fd, follow, &path).await?))
    }

    async fn set_times_at(
        &mut self,
        fd: Fd,
        _: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> Result<(), FsError> {
        self.set_path_times(&fd, &path, convert::times(accessed, modified)?).await
    }

    fn link_at(&mut self, _: Fd, _: PathFlags, _: String, new_fd: Fd, new_path: String) -> Result<(), FsError> {
        Err(self.unsupported(&new_fd, ActionName::Write, &new_path))
    }

    async fn open_at(
        &mut self,
        fd: Fd,
        _: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Fd, FsError> {
        let descriptor = self.open_path(&fd, &path, open, flags).await?;
        Ok(self.table.push(descriptor)?)
    }

    fn readlink_at(&mut self, fd: Fd, path: String) -> Result<String, FsError> {
        Err(self.unsupported(&fd, ActionName::Read, &path))
    }

    async fn remove_directory_at(&mut self, fd: Fd, path: String) -> Result<(), FsError> {
        self.remove_directory(&fd, &path).await
    }

    async fn rename_at(&mut self, fd: Fd, old_path: String, new_fd: Fd, new_path: String) -> Result<(), FsError> {
        self.rename(&fd, &old_path, &new_fd, &new_path).await
    }

    fn symlink_at(&mut self, fd: Fd, _: String, new_path: String) -> Result<(), FsError> {
        Err(self.unsupported(&fd, ActionName::Write, &new_path))
    }

    async fn unlink_file_at(&mut self, fd: Fd, path: String) -> Result<(), FsError> {
        self.remove_file(&fd, &path).await
    }

    fn is_same_object(&mut self, fd: Fd, other: Fd) -> wasmtime::Result<bool> {
        Ok(self.table.get(&fd)?.path() == self.table.get(&other)?.path())
    }

    fn metadata_hash(&mut self, fd: Fd) -> Result<MetadataHashValue, FsError> {
        Ok(convert::identity(&self.table.get(&fd)?.path().to_string()))
    }

    fn metadata_hash_at(&mut self, fd: Fd, _: PathFlags, path: String) -> Result<MetadataHashValue, FsError> {
        self.identity_at(&fd, &path)
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        self.table.delete(fd)?;
        Ok(())
    }
}

impl HostDirectoryEntryStream for Filesystem<'_> {
    fn read_directory_entry(&mut self, listing: Resource<Listing>) -> Result<Option<DirectoryEntry>, FsError> {
        Ok(self.table.get_mut(&listing)?.entries.next())
    }

    fn drop(&mut self, listing: Resource<Listing>) -> wasmtime::Result<()> {
        self.table.delete(listing)?;
        Ok(())
    }
}

impl Filesystem<'_> {
    fn write_stream(&mut self, fd: &Fd, position: Option<u64>) -> Result<Resource<DynOutputStream>, FsError> {
        let file = self.table.get(fd)?.writable()?;
        let stream: DynOutputStream = Box::new(Writer::new(file, self.slot()?, self.door.told(), position));
        Ok(self.table.push(stream)?)
    }

    /// Remembers the code of what failed, for whoever asks after the error that WASI has for it.
    fn noted(&self, done: Result<(), HostError>) -> Result<(), FsError> {
        Ok(done.inspect_err(|error| self.door.guard().note(*error))?)
    }

    /// As WASI says, nothing happens for what is not open for writing.
    async fn sync_file(&mut self, fd: &Fd, everything: bool) -> Result<(), FsError> {
        match self.table.get(fd)? {
            Descriptor::File(handle) if handle.access().writes() => Ok(handle.sync(everything).await?),
            _ => Ok(()),
        }
    }
}
