//! Between the host's view of files and WASI's.

use std::time::{Duration, SystemTime};

use bailiwick_host::files::{DirEntry, FileKind, FileStat, SetTime, Times};
use sha2::{Digest as _, Sha256};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;

use super::types::{DescriptorStat, DescriptorType, DirectoryEntry, MetadataHashValue, NewTimestamp};
use super::{ErrorCode, FsError};

pub(super) fn kind(kind: FileKind) -> DescriptorType {
    match kind {
        FileKind::File => DescriptorType::RegularFile,
        FileKind::Directory => DescriptorType::Directory,
        FileKind::Link => DescriptorType::SymbolicLink,
        FileKind::Special => DescriptorType::Unknown,
    }
}

/// Kind, size and times; how many names a file has on the host is not the guest's business.
pub(super) fn stat(stat: &FileStat) -> DescriptorStat {
    DescriptorStat {
        type_: kind(stat.kind),
        link_count: 1,
        size: stat.len,
        data_access_timestamp: stat.accessed.and_then(datetime),
        data_modification_timestamp: stat.modified.and_then(datetime),
        status_change_timestamp: stat.changed.and_then(datetime),
    }
}

pub(super) fn entry(entry: DirEntry) -> DirectoryEntry {
    DirectoryEntry { type_: kind(entry.kind), name: entry.name }
}

/// # Errors
/// `invalid` for a second or more of nanoseconds.
pub(super) fn times(accessed: NewTimestamp, modified: NewTimestamp) -> Result<Times, FsError> {
    Ok(Times { accessed: set_time(accessed)?, modified: set_time(modified)? })
}

/// Identity is that of the path: the host's inode numbers are not shown. A hash of text that the guest knows says nothing
/// about the world, so asking for it is no call.
pub(super) fn identity(path: &str) -> MetadataHashValue {
    let digest: [u8; 32] = Sha256::digest(path.as_bytes()).into();
    let words = digest.as_chunks::<8>().0;
    let word = |at: usize| words.get(at).copied().map_or(0, u64::from_le_bytes);
    MetadataHashValue { lower: word(0), upper: word(1) }
}

fn set_time(time: NewTimestamp) -> Result<Option<SetTime>, FsError> {
    match time {
        NewTimestamp::NoChange => Ok(None),
        NewTimestamp::Now => Ok(Some(SetTime::Now)),
        NewTimestamp::Timestamp(Datetime { seconds, nanoseconds }) if nanoseconds < 1_000_000_000 => {
            Ok(Some(SetTime::At(Duration::new(seconds, nanoseconds))))
        }
        NewTimestamp::Timestamp(_) => Err(ErrorCode::Invalid.into()),
    }
}

/// `None` for times before 1970, which WASI cannot say.
fn datetime(time: SystemTime) -> Option<Datetime> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Datetime { seconds: since.as_secs(), nanoseconds: since.subsec_nanos() })
}

#[cfg(test)]
mod tests {
    use bailiwick_host::files::FileId;

    use super::*;

    #[test]
    fn a_stat_shows_no_more_than_it_must() {
        let early = SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(1)).unwrap();
        let shown = stat(&FileStat {
            kind: FileKind::File,
            len: 7,
            accessed: Some(early),
            modified: SystemTime::UNIX_EPOCH.checked_add(Duration::new(5, 6)),
            changed: None,
            links: 9,
            id: FileId(1, 2),
        });
        assert_eq!((shown.type_, shown.link_count, shown.size), (DescriptorType::RegularFile, 1, 7));
        assert!(shown.data_access_timestamp.is_none());
        let modified = shown.data_modification_timestamp.unwrap();
        assert_eq!((modified.seconds, modified.nanoseconds), (5, 6));
    }

    #[test]
    fn identity_is_of_the_path_alone() {
        let words = |path| {
            let MetadataHashValue { lower, upper } = identity(path);
            (lower, upper)
        };
        assert_eq!(words("/m/a"), words("/m/a"));
        assert_ne!(words("/m/a"), words("/m/b"));
        assert_ne!(words("/m/a").0, words("/m/a").1);
    }

    #[test]
    fn a_time_with_too_many_nanoseconds_is_invalid() {
        let at = |nanoseconds| NewTimestamp::Timestamp(Datetime { seconds: 1, nanoseconds });
        let set = times(at(999_999_999), NewTimestamp::NoChange).unwrap();
        assert_eq!(set, Times { accessed: Some(SetTime::At(Duration::new(1, 999_999_999))), modified: None });
        for nanoseconds in [1_000_000_000, u32::MAX] {
            let refused = times(NewTimestamp::Now, at(nanoseconds)).unwrap_err();
            assert_eq!(refused.into_code().unwrap(), ErrorCode::Invalid);
        }
    }
}
