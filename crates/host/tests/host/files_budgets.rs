//! Budgets and limits of files: what does not fit is not done.

use bailiwick_guard::{Budget, CallError, HostError, Life, StopCause, Timestamp};
use bailiwick_host::files::*;
use bailiwick_policy::Code;
use bytes::Bytes;

use crate::support::{Folder, at, code, guard, guard_with};

const DISK: StopCause = StopCause::Budget(Budget::Disk);

#[tokio::test]
async fn what_exceeds_the_disk_budget_is_not_written() {
    let folder = Folder::new();
    folder.write("m/a", "kept");
    for mode in [WriteMode::Replace, WriteMode::Append] {
        let guard = guard(&Folder::everything("disk = \"1KiB\""));
        let write = WriteFile { path: at("/m/a"), bytes: Bytes::from(vec![b'x'; 1025]), mode };
        assert_eq!(reach(&guard, &folder.files, write).await, Err(CallError::Stopped(DISK)));
        assert_eq!((folder.read("m/a").as_str(), guard.meter().disk_used()), ("kept", 0));
    }
    let guard = guard(&Folder::everything("disk = \"1KiB\""));
    let write = WriteFile { path: at("/m/a"), bytes: Bytes::from(vec![b'x'; 1024]), mode: WriteMode::Replace };
    reach(&guard, &folder.files, write).await.unwrap();
    assert_eq!(folder.read("m/a").len(), 1024, "the budget can be used to the last byte");
}

#[tokio::test]
async fn growing_a_file_counts_as_writing() {
    let folder = Folder::new();
    folder.write("m/a", "kept");
    for how in ["write", "append", "length"] {
        let guard = guard(&Folder::everything("disk = \"1KiB\""));
        let opening = Opening::Write { create: Create::Never, truncate: false };
        let handle = open(&guard, &folder.files, at("/m/a"), opening).await.unwrap();
        let result = match how {
            "write" => handle.write_at(1 << 30, Bytes::from("x")).await,
            "append" => handle.append(Bytes::from(vec![b'x'; 1025])).await,
            _ => handle.set_len(1029).await,
        };
        assert_eq!(result, Err(HostError::Stopped(DISK)), "{how}");
        assert_eq!(handle.stat().await, Err(HostError::Stopped(DISK)), "the run is over");
        assert_eq!(folder.read("m/a"), "kept", "{how}");
    }
    let guard = guard(&Folder::everything("disk = \"1KiB\""));
    let opening = Opening::Write { create: Create::Never, truncate: false };
    let handle = open(&guard, &folder.files, at("/m/a"), opening).await.unwrap();
    handle.set_len(1028).await.unwrap();
    assert_eq!(guard.meter().disk_used(), 1024);
    handle.set_len(0).await.unwrap();
    assert_eq!(guard.meter().disk_used(), 1024, "what was written is not given back");
}

#[tokio::test]
async fn an_offset_that_overflows_is_refused() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    let opening = Opening::Write { create: Create::New, truncate: false };
    let handle = open(&guard, &folder.files, at("/m/a"), opening).await.unwrap();
    let refused = handle.write_at(u64::MAX, Bytes::from("xx")).await;
    assert_eq!(refused, Err(HostError::Limit(Code::ArgumentBytes)));
    assert!(handle.write_at(u64::MAX - 1, Bytes::from("x")).await.is_err());
    assert_eq!(folder.read("m/a"), "");
}

#[tokio::test]
async fn one_call_moves_no_more_than_its_limit() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("disk = \"1GiB\"")));
    let bytes = Bytes::from(vec![0; MAX_FILE_WRITE + 1]);
    let write = WriteFile { path: at("/m/a"), bytes: bytes.clone(), mode: WriteMode::New };
    assert_eq!(code(reach(&guard, &folder.files, write).await), Code::ArgumentBytes);
    assert!(!folder.path("m/a").exists());
    let opening = Opening::ReadWrite { create: Create::New, truncate: false };
    let handle = open(&guard, &folder.files, at("/m/a"), opening).await.unwrap();
    assert_eq!(handle.write_at(0, bytes.clone()).await, Err(HostError::Limit(Code::ArgumentBytes)));
    handle.write_at(0, bytes.slice(..MAX_HANDLE_WRITE)).await.unwrap();
    assert_eq!(handle.read_at(0, usize::MAX).await.unwrap().len(), MAX_HANDLE_READ);
    handle.append(Bytes::from("x")).await.unwrap();
    let read = ReadFile { path: at("/m/a"), offset: 0, max: usize::MAX };
    assert_eq!(reach(&guard, &folder.files, read).await.unwrap().len(), MAX_FILE_READ);
}

#[tokio::test]
async fn open_handles_are_limited_and_given_back() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    folder.write("m/a", "");
    let mut handles = Vec::new();
    for _ in 0..64 {
        handles.push(open(&guard, &folder.files, at("/m/a"), Opening::Read).await.unwrap());
    }
    let mut directories = Vec::new();
    for _ in 0..64 {
        directories.push(reach(&guard, &folder.files, OpenDir { path: at("/m") }).await.unwrap());
    }
    assert_eq!(code(open(&guard, &folder.files, at("/m/a"), Opening::Read).await), Code::OpenHandles);
    assert_eq!(code(reach(&guard, &folder.files, OpenDir { path: at("/m") }).await), Code::OpenHandles);
    handles.pop();
    open(&guard, &folder.files, at("/m/a"), Opening::Read).await.unwrap();
    directories.clear();
    assert_eq!(code(open(&guard, &folder.files, at("/m/none"), Opening::Read).await), Code::NotFound);
    for _ in 0..64 {
        handles.push(open(&guard, &folder.files, at("/m/a"), Opening::Read).await.unwrap());
    }
}

#[tokio::test]
async fn a_directory_with_too_many_entries_is_not_listed() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    for number in 0..MAX_ENTRIES {
        std::fs::File::create(folder.path(&format!("m/{number}"))).unwrap();
    }
    let list = || reach(&guard, &folder.files, ListDir { path: at("/m") });
    assert_eq!(list().await.unwrap().len(), MAX_ENTRIES);
    std::fs::File::create(folder.path("m/one-more")).unwrap();
    assert_eq!(code(list().await), Code::ResponseBytes);
}

#[tokio::test]
async fn a_directory_with_too_long_names_is_not_listed() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    let list = || reach(&guard, &folder.files, ListDir { path: at("/m") });
    let full = MAX_NAME_BYTES / 255;
    for number in 0..full {
        std::fs::File::create(folder.path(&format!("m/{number:0255}"))).unwrap();
    }
    std::fs::File::create(folder.path(&format!("m/{}", "x".repeat(MAX_NAME_BYTES % 255)))).unwrap();
    assert_eq!(list().await.unwrap().len(), full + 1);
    std::fs::File::create(folder.path("m/y")).unwrap();
    assert_eq!(code(list().await), Code::ResponseBytes);
}

#[tokio::test]
async fn a_handle_ends_with_its_authority() {
    let folder = Folder::new();
    folder.write("m/a", "text");
    let life = Life::until(Timestamp(u64::MAX));
    let guard = guard_with(&Folder::everything(""), life.clone());
    let both = Opening::ReadWrite { create: Create::Never, truncate: false };
    let handle = open(&guard, &folder.files, at("/m/a"), both).await.unwrap();
    assert_eq!(handle.read_at(0, 4).await.unwrap(), "text");
    life.revoker().revoke();
    let revoked = HostError::Stopped(StopCause::Revoked);
    assert_eq!(handle.read_at(0, 4).await, Err(revoked));
    assert_eq!(handle.write_at(0, Bytes::from("x")).await, Err(revoked));
    assert_eq!(handle.append(Bytes::from("x")).await, Err(revoked));
    assert_eq!(handle.set_len(0).await, Err(revoked));
    assert_eq!(folder.read("m/a"), "text");
}
