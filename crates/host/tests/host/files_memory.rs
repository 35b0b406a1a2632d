//! Files in memory: they share the run's memory, and come back in the report or not at all.

use bailiwick_guard::{Budget, CallError, Guard, HostError, StopCause};
use bailiwick_host::files::*;
use bailiwick_policy::Code;
use bytes::Bytes;

use crate::support::{Folder, at, code, guard};

async fn write(
    guard: &Guard,
    folder: &Folder,
    path: &str,
    bytes: impl Into<Bytes>,
    mode: WriteMode,
) -> Result<(), CallError> {
    reach(guard, &folder.files, WriteFile { path: at(path), bytes: bytes.into(), mode }).await
}

async fn read(guard: &Guard, folder: &Folder, path: &str) -> Result<Bytes, CallError> {
    reach(guard, &folder.files, ReadFile { path: at(path), offset: 0, max: 1 << 20 }).await
}

#[tokio::test]
async fn it_is_a_file_system() {
    let (folder, guard) = (Folder::in_memory(), guard(&Folder::everything("")));
    let (files, replace) = (&folder.files, WriteMode::Replace);
    let make_dir = |path: &str| reach(&guard, files, MakeDir { path: at(path) });
    let remove = |path: &str, what| reach(&guard, files, Remove { path: at(path), what });
    let list = |path: &str| reach(&guard, files, ListDir { path: at(path) });
    let stat = |path: &str| reach(&guard, files, Stat { path: at(path), links: Links::Follow });
    write(&guard, &folder, "/m/a", "text", replace).await.unwrap();
    write(&guard, &folder, "/m/a", "+", WriteMode::Append).await.unwrap();
    assert_eq!(read(&guard, &folder, "/m/a").await.unwrap(), "text+");
    assert_eq!(code(write(&guard, &folder, "/m/a", "", WriteMode::New).await), Code::Exists);
    assert_eq!(code(write(&guard, &folder, "/m/d/x", "", replace).await), Code::NotFound);
    assert_eq!(code(write(&guard, &folder, "/m/a/x", "", replace).await), Code::NotDirectory);
    assert_eq!(code(write(&guard, &folder, "/m", "", replace).await), Code::IsDirectory);
    make_dir("/m/d").await.unwrap();
    assert_eq!(code(make_dir("/m/d").await), Code::Exists);
    assert_eq!(code(write(&guard, &folder, "/m/d", "", replace).await), Code::IsDirectory);
    write(&guard, &folder, "/m/d/x", "x", replace).await.unwrap();
    make_dir("/m/d/e").await.unwrap();
    write(&guard, &folder, "/m/d/e/deep", "x", replace).await.unwrap();
    let names: Vec<_> = list("/m").await.unwrap().into_iter().map(|entry| (entry.name, entry.kind)).collect();
    assert_eq!(names, [("a".to_owned(), FileKind::File), ("d".to_owned(), FileKind::Directory)]);
    assert_eq!(code(list("/m/a").await), Code::NotDirectory);
    assert_eq!(code(list("/m/none").await), Code::NotFound);
    assert_eq!(stat("/m/a").await.unwrap().len, 5);
    assert_eq!(stat("/m/d").await.unwrap().kind, FileKind::Directory);
    assert_eq!(stat("/m").await.unwrap().kind, FileKind::Directory);
    assert_ne!(stat("/m/a").await.unwrap().id, stat("/m/d/x").await.unwrap().id);
    assert_eq!(code(remove("/m/d", Removal::EmptyDirectory).await), Code::NotEmpty);
    assert_eq!(code(remove("/m/d", Removal::File).await), Code::IsDirectory);
    assert_eq!(code(remove("/m/a", Removal::EmptyDirectory).await), Code::NotDirectory);
    rename(&guard, files, at("/m/a"), at("/m/d/x")).await.unwrap();
    assert_eq!(read(&guard, &folder, "/m/d/x").await.unwrap(), "text+");
    assert_eq!(code(read(&guard, &folder, "/m/a").await), Code::NotFound);
    assert_eq!(code(rename(&guard, files, at("/m/d"), at("/m/z")).await), Code::IsDirectory);
    assert_eq!(code(rename(&guard, files, at("/m/d/x"), at("/n/x")).await), Code::OutsideMount);
    remove("/m/d/x", Removal::File).await.unwrap();
    remove("/m/d/e/deep", Removal::File).await.unwrap();
    remove("/m/d/e", Removal::EmptyDirectory).await.unwrap();
    remove("/m/d", Removal::EmptyDirectory).await.unwrap();
    assert!(list("/m").await.unwrap().is_empty());
    assert_eq!(guard.meter().memory().used(), 0, "all of it was given back");
    assert_eq!(guard.meter().disk_used(), 0);
    assert!(folder.tree("m").is_empty(), "nothing of it is on a disk");
}

#[tokio::test]
async fn handles_read_write_grow_and_shrink() {
    let (folder, guard) = (Folder::in_memory(), guard(&Folder::everything("")));
    let how = Opening::ReadWrite { create: Create::New, truncate: false };
    let handle = open(&guard, &folder.files, at("/m/a"), how).await.unwrap();
    handle.write_at(3, "abc".into()).await.unwrap();
    assert_eq!(handle.read_at(0, 100).await.unwrap(), "\0\0\0abc");
    assert_eq!(handle.read_at(100, 100).await.unwrap(), "");
    handle.append("!".into()).await.unwrap();
    handle.set_len(5).await.unwrap();
    handle.set_len(6).await.unwrap();
    assert_eq!(handle.read_at(3, 100).await.unwrap(), "ab\0");
    let times = Times { accessed: None, modified: Some(SetTime::At(std::time::Duration::from_secs(7))) };
    handle.set_times(times).await.unwrap();
    let since = handle.stat().await.unwrap().modified.unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(since.as_secs(), 7);
    handle.sync(true).await.unwrap();
    assert!(handle.write_at(u64::MAX, "xx".into()).await.is_err());
    // A file that is gone lives for as long as somebody has it open.
    reach(&guard, &folder.files, Remove { path: at("/m/a"), what: Removal::File }).await.unwrap();
    assert_eq!(handle.read_at(0, 1).await.unwrap(), "\0");
    drop(handle);
    assert_eq!(guard.meter().memory().used(), 0);
}

#[tokio::test]
async fn bytes_and_entries_are_taken_from_the_runs_memory() {
    let (folder, guard) =
        (Folder::in_memory(), guard(&Folder::everything("memory = \"64KiB\"\nhost_calls = 10_000\nfiles = 10_000")));
    write(&guard, &folder, "/m/a", vec![b'x'; 40 << 10], WriteMode::New).await.unwrap();
    assert_eq!(code(write(&guard, &folder, "/m/b", vec![b'x'; 40 << 10], WriteMode::New).await), Code::MemoryBytes);
    assert_eq!(read(&guard, &folder, "/m/a").await.unwrap().len(), 40 << 10);
    assert!(!guard.meter().memory().exchange(0, 32 << 10), "the guest's own memory is the same");
    let how = Opening::Write { create: Create::Never, truncate: false };
    let handle = open(&guard, &folder.files, at("/m/a"), how).await.unwrap();
    let full = HostError::Limit(Code::MemoryBytes);
    assert_eq!(handle.write_at(1 << 40, "x".into()).await, Err(full));
    assert_eq!(handle.set_len(1 << 40).await, Err(full));
    assert_eq!(handle.append(vec![b'x'; 40 << 10].into()).await, Err(full));
    assert_eq!(handle.stat().await.unwrap().len, 40 << 10, "what does not fit changes nothing");
    handle.set_len(0).await.unwrap();
    let mut made = 0;
    while write(&guard, &folder, &format!("/m/e{made}"), "", WriteMode::New).await.is_ok() {
        made += 1;
    }
    assert!((50..128).contains(&made), "{made} empty files in 64 KiB");
    assert!(guard.meter().memory().peak() <= 64 << 10);
}

#[tokio::test]
async fn files_are_counted_in_memory_too() {
    let (folder, guard) = (Folder::in_memory(), guard(&Folder::everything("files = 2")));
    write(&guard, &folder, "/m/a", "", WriteMode::New).await.unwrap();
    reach(&guard, &folder.files, MakeDir { path: at("/m/d") }).await.unwrap();
    write(&guard, &folder, "/m/a", "again", WriteMode::Replace).await.unwrap();
    let stopped = write(&guard, &folder, "/m/b", "", WriteMode::New).await.unwrap_err();
    assert_eq!(stopped, CallError::Stopped(StopCause::Budget(Budget::Files)));
    assert_eq!(guard.meter().files_used(), 2);
}

#[tokio::test]
async fn files_are_counted_in_a_folder_too() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("files = 2")));
    write(&guard, &folder, "/m/a", "", WriteMode::New).await.unwrap();
    reach(&guard, &folder.files, MakeDir { path: at("/m/d") }).await.unwrap();
    write(&guard, &folder, "/m/a", "again", WriteMode::Append).await.unwrap();
    rename(&guard, &folder.files, at("/m/a"), at("/m/b")).await.unwrap();
    let how = Opening::Write { create: Create::IfMissing, truncate: false };
    let stopped = open(&guard, &folder.files, at("/m/c"), how).await.unwrap_err();
    assert_eq!(stopped, CallError::Stopped(StopCause::Budget(Budget::Files)));
    assert!(!folder.path("m/c").exists());
}

#[tokio::test]
async fn what_is_left_for_the_report_comes_back_and_nothing_else() {
    let (folder, guard) = (Folder::in_memory(), guard(&Folder::everything("")));
    write(&guard, &folder, "/m/a", "not this", WriteMode::New).await.unwrap();
    reach(&guard, &folder.files, MakeDir { path: at("/n/d") }).await.unwrap();
    write(&guard, &folder, "/n/d/b", "b", WriteMode::New).await.unwrap();
    write(&guard, &folder, "/n/a", "a", WriteMode::New).await.unwrap();
    let left = folder.files.take_left();
    let shown: Vec<_> = left.iter().map(|file| (file.path.as_str(), &file.content[..])).collect();
    assert_eq!(shown, [("/n/a", &b"a"[..]), ("/n/d/b", b"b")]);
    assert!(folder.files.take_left().is_empty());
}
