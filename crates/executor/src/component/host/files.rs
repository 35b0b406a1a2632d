//! `bailiwick:host/files`.

use std::time::{SystemTime, UNIX_EPOCH};

use bailiwick_guard::CallError;
use bailiwick_host::files::{FileKind, Removal};

use super::HostView;
use super::wit::files::{Entry, Host, Kind, Metadata, WriteMode};
use crate::ops;

impl Host for HostView<'_> {
    async fn read(&mut self, path: String, offset: u64, length: u64) -> Result<Vec<u8>, CallError> {
        Ok(ops::read_file(&self.door, &path, offset, length).await?.into())
    }

    async fn write(&mut self, path: String, data: Vec<u8>, mode: WriteMode) -> Result<(), CallError> {
        let mode = match mode {
            WriteMode::Replace => bailiwick_host::files::WriteMode::Replace,
            WriteMode::Create => bailiwick_host::files::WriteMode::New,
            WriteMode::Append => bailiwick_host::files::WriteMode::Append,
        };
        ops::write_file(&self.door, &path, data.into(), mode).await
    }

    async fn list(&mut self, path: String) -> Result<Vec<Entry>, CallError> {
        let entries = ops::list(&self.door, &path).await?;
        Ok(entries.into_iter().map(|entry| Entry { name: entry.name, kind: kind(entry.kind) }).collect())
    }

    async fn stat(&mut self, path: String) -> Result<Metadata, CallError> {
        let stat = ops::stat(&self.door, &path).await?;
        Ok(Metadata { kind: kind(stat.kind), size: stat.len, modified: stat.modified.and_then(millis) })
    }

    async fn delete(&mut self, path: String) -> Result<(), CallError> {
        ops::delete(&self.door, &path, Removal::File).await
    }

    async fn delete_directory(&mut self, path: String) -> Result<(), CallError> {
        ops::delete(&self.door, &path, Removal::EmptyDirectory).await
    }

    async fn make_directory(&mut self, path: String) -> Result<(), CallError> {
        ops::make_directory(&self.door, &path).await
    }

    async fn rename(&mut self, old: String, new: String) -> Result<(), CallError> {
        ops::rename(&self.door, &old, &new).await
    }
}

fn kind(kind: FileKind) -> Kind {
    match kind {
        FileKind::File => Kind::File,
        FileKind::Directory => Kind::Directory,
        FileKind::Link => Kind::Link,
        FileKind::Special => Kind::Other,
    }
}

fn millis(time: SystemTime) -> Option<u64> {
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}
