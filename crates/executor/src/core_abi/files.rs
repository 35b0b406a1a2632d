//! Files.

use std::time::UNIX_EPOCH;

use bailiwick_guard::{CallError, Timestamp};
use bailiwick_host::files::{FileKind, Removal, WriteMode};
use bailiwick_policy::Code;

use super::arguments as a;
use super::operation::Files;
use super::operations::{Answer, Asked, MAX_READ, encode, serialise};
use crate::ops;

impl Asked<'_> {
    pub(super) async fn files(self, operation: Files) -> Answer {
        match operation {
            Files::Read => {
                let a::Read { path, encoding, offset, length } = self.parse()?;
                let length = length.unwrap_or(MAX_READ).min(MAX_READ);
                // One byte more tells whether this was the end.
                let bytes = ops::read_file(self.door, &path, offset, length.saturating_add(1)).await?;
                let kept = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
                let (eof, bytes) = (kept == bytes.len(), bytes.slice(..kept));
                serialise(&a::Content { content: encode(bytes, encoding)?, eof })
            }
            Files::Write => {
                let a::Write { path, content, encoding, mode } = self.parse()?;
                let bytes = self.decode(content, encoding)?;
                let written = bytes.len();
                let mode = match mode {
                    a::Mode::Create => WriteMode::New,
                    a::Mode::Truncate => WriteMode::Replace,
                    a::Mode::Append => WriteMode::Append,
                };
                ops::write_file(self.door, &path, bytes, mode).await?;
                serialise(&a::Written { written })
            }
            Files::List => {
                let a::Path { path } = self.parse()?;
                let entries = ops::list(self.door, &path).await?.into_iter();
                let entries = entries.map(|entry| a::Entry { name: entry.name, kind: kind_word(entry.kind) });
                serialise(&a::Entries { entries: entries.collect() })
            }
            Files::Stat => {
                let a::Path { path } = self.parse()?;
                let stat = ops::stat(self.door, &path).await?;
                let modified = stat.modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                let modified = modified.and_then(|since| u64::try_from(since.as_millis()).ok());
                let modified = modified.map(|ms| Timestamp(ms).to_string());
                serialise(&a::Stat { kind: kind_word(stat.kind), size: stat.len, modified })
            }
            Files::Delete => {
                let a::Path { path } = self.parse()?;
                match ops::delete(self.door, &path, Removal::File).await {
                    Err(CallError::Failed(Code::IsDirectory)) => {
                        ops::delete(self.door, &path, Removal::EmptyDirectory).await?;
                    }
                    other => other?,
                }
                serialise(&a::Done {})
            }
            Files::MakeDirectory => {
                let a::Path { path } = self.parse()?;
                ops::make_directory(self.door, &path).await?;
                serialise(&a::Done {})
            }
            Files::Rename => {
                let a::Rename { from, to } = self.parse()?;
                ops::rename(self.door, &from, &to).await?;
                serialise(&a::Done {})
            }
        }
    }
}

fn kind_word(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "file",
        FileKind::Directory => "directory",
        FileKind::Link | FileKind::Special => "other",
    }
}
