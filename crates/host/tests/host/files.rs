//! What files do when everything is in order, and which code each disorder gets.

use std::time::{Duration, SystemTime};

use bailiwick_host::files::*;
use bailiwick_policy::Code;
use bytes::Bytes;

use crate::support::{Folder, at, code, guard, recorded};

fn read(path: &str) -> ReadFile {
    ReadFile { path: at(path), offset: 0, max: MAX_FILE_READ }
}

fn write(path: &str, text: &'static str, mode: WriteMode) -> WriteFile {
    WriteFile { path: at(path), bytes: Bytes::from(text), mode }
}

#[tokio::test]
async fn whole_files_are_written_and_read() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    reach(&guard, &folder.files, write("/m/a.txt", "one", WriteMode::Replace)).await.unwrap();
    reach(&guard, &folder.files, write("/m/a.txt", " two", WriteMode::Append)).await.unwrap();
    assert_eq!(reach(&guard, &folder.files, read("/m/a.txt")).await.unwrap(), "one two");
    reach(&guard, &folder.files, write("/m/a.txt", "3", WriteMode::Replace)).await.unwrap();
    assert_eq!(folder.read("m/a.txt"), "3");
    assert_eq!(code(reach(&guard, &folder.files, write("/m/a.txt", "4", WriteMode::New)).await), Code::Exists);
    reach(&guard, &folder.files, write("/m/b.txt", "new", WriteMode::New)).await.unwrap();
    assert_eq!((folder.read("m/a.txt").as_str(), folder.read("m/b.txt").as_str()), ("3", "new"));
    assert_eq!(guard.meter().disk_used(), 3 + 4 + 1 + 3, "every byte that was written counts, and no other");
}

#[tokio::test]
async fn a_part_of_a_file_is_read() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    folder.write("m/a.txt", "0123456789");
    for (offset, max, expected) in
        [(0, 4, "0123"), (8, 4, "89"), (10, 4, ""), (u64::MAX, usize::MAX, ""), (3, 0, ""), (2, usize::MAX, "23456789")]
    {
        let part = ReadFile { path: at("/m/a.txt"), offset, max };
        assert_eq!(reach(&guard, &folder.files, part).await.unwrap(), expected, "{offset} {max}");
    }
}

#[tokio::test]
async fn directories_are_made_listed_and_removed() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    let files = &folder.files;
    reach(&guard, files, MakeDir { path: at("/m/d") }).await.unwrap();
    folder.write("m/d/b", "");
    folder.write("m/d/a/x", "");
    folder.link("m/d/c", "b");
    let entries = reach(&guard, files, ListDir { path: at("/m/d") }).await.unwrap();
    let entries: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.kind)).collect();
    assert_eq!(entries, [("a", FileKind::Directory), ("b", FileKind::File), ("c", FileKind::Link)]);
    let remove = |path, what| reach(&guard, files, Remove { path: at(path), what });
    assert_eq!(code(remove("/m/d", Removal::EmptyDirectory).await), Code::NotEmpty);
    assert_eq!(code(remove("/m/d/b", Removal::EmptyDirectory).await), Code::NotDirectory);
    assert_eq!(code(remove("/m/d/a", Removal::File).await), Code::IsDirectory);
    remove("/m/d/c", Removal::File).await.unwrap();
    assert_eq!(folder.read("m/d/b"), "", "the link is removed, not what it leads to");
    remove("/m/d/b", Removal::File).await.unwrap();
    remove("/m/d/a/x", Removal::File).await.unwrap();
    remove("/m/d/a", Removal::EmptyDirectory).await.unwrap();
    remove("/m/d", Removal::EmptyDirectory).await.unwrap();
    assert!(reach(&guard, files, ListDir { path: at("/m") }).await.unwrap().is_empty());
    assert_eq!(code(remove("/m", Removal::EmptyDirectory).await), Code::HostPermission);
    assert_eq!(code(reach(&guard, files, MakeDir { path: at("/m") }).await), Code::Exists);
}

#[tokio::test]
async fn each_disorder_has_its_code() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    let files = &folder.files;
    folder.write("m/file", "x");
    folder.write("m/dir/x", "x");
    assert_eq!(code(reach(&guard, files, read("/m/none")).await), Code::NotFound);
    assert_eq!(code(reach(&guard, files, read("/m/none/x")).await), Code::NotFound);
    assert_eq!(code(reach(&guard, files, read("/m/file/x")).await), Code::NotDirectory);
    assert_eq!(code(reach(&guard, files, read("/m/dir")).await), Code::IsDirectory);
    assert_eq!(code(reach(&guard, files, read("/m")).await), Code::IsDirectory);
    assert_eq!(code(reach(&guard, files, write("/m/dir", "x", WriteMode::Replace)).await), Code::IsDirectory);
    assert_eq!(code(reach(&guard, files, ListDir { path: at("/m/file") }).await), Code::NotDirectory);
    assert_eq!(code(reach(&guard, files, OpenDir { path: at("/m/file") }).await), Code::NotDirectory);
    assert_eq!(code(reach(&guard, files, MakeDir { path: at("/m/dir") }).await), Code::Exists);
    assert_eq!(code(reach(&guard, files, MakeDir { path: at("/m/no/dir") }).await), Code::NotFound);
    let never = Opening::Write { create: Create::Never, truncate: true };
    assert_eq!(code(open(&guard, files, at("/m/none"), never).await), Code::NotFound);
    let new = Opening::Write { create: Create::New, truncate: false };
    assert_eq!(code(open(&guard, files, at("/m/file"), new).await), Code::Exists);
    assert_eq!(code(reach(&guard, files, read("/q/x")).await), Code::ManifestNoRule);
}

#[tokio::test]
async fn a_path_is_described() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    folder.write("m/a", "12345");
    folder.link("m/l", "a");
    std::fs::hard_link(folder.path("m/a"), folder.path("m/h")).unwrap();
    let stat = |path: &str, links| reach(&guard, &folder.files, Stat { path: at(path), links });
    let file = stat("/m/a", Links::Follow).await.unwrap();
    assert_eq!((file.kind, file.len, file.links), (FileKind::File, 5, 2));
    assert!(file.modified.is_some() && file.changed.is_some());
    assert_eq!(stat("/m/l", Links::Follow).await.unwrap().id, file.id);
    assert_eq!(stat("/m/h", Links::Follow).await.unwrap().id, file.id);
    assert_eq!(stat("/m/l", Links::Show).await.unwrap().kind, FileKind::Link);
    let mount = stat("/m", Links::Follow).await.unwrap();
    assert_eq!(mount.kind, FileKind::Directory);
    assert_ne!(mount.id, file.id);
    assert_eq!(code(stat("/m/none", Links::Show).await), Code::NotFound);
}

#[tokio::test]
async fn times_are_set() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    folder.write("m/a", "");
    folder.link("m/l", "a");
    let then = Duration::new(1_000_000_000, 5);
    let times = Times { accessed: None, modified: Some(SetTime::At(then)) };
    reach(&guard, &folder.files, SetTimes { path: at("/m/l"), times }).await.unwrap();
    let modified = |relative: &str| std::fs::metadata(folder.path(relative)).unwrap().modified().unwrap();
    assert_eq!(modified("m/a"), SystemTime::UNIX_EPOCH + then);
    let opening = Opening::Write { create: Create::Never, truncate: false };
    let handle = open(&guard, &folder.files, at("/m/a"), opening).await.unwrap();
    handle.set_times(Times { accessed: None, modified: Some(SetTime::At(then * 2)) }).await.unwrap();
    assert_eq!(handle.stat().await.unwrap().modified, Some(SystemTime::UNIX_EPOCH + then * 2));
}

#[tokio::test]
async fn a_handle_reads_writes_and_appends_where_it_is_told() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    let both = Opening::ReadWrite { create: Create::IfMissing, truncate: false };
    let handle = open(&guard, &folder.files, at("/m/a"), both).await.unwrap();
    assert_eq!(recorded(&guard), ["file.read /m/a allow", "file.write /m/a allow"]);
    handle.write_at(0, Bytes::from("hello")).await.unwrap();
    handle.append(Bytes::from(" world")).await.unwrap();
    handle.write_at(0, Bytes::from("J")).await.unwrap();
    assert_eq!(handle.read_at(0, 100).await.unwrap(), "Jello world");
    assert_eq!(handle.read_at(6, 3).await.unwrap(), "wor");
    assert_eq!(handle.read_at(11, 3).await.unwrap(), "");
    handle.set_len(5).await.unwrap();
    handle.sync(true).await.unwrap();
    handle.sync(false).await.unwrap();
    assert_eq!((folder.read("m/a").as_str(), handle.stat().await.unwrap().len), ("Jello", 5));
    assert_eq!((handle.path(), handle.access()), (&at("/m/a"), Access::ReadWrite));
}

#[tokio::test]
async fn a_handle_does_only_what_it_was_opened_for() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    folder.write("m/a", "text");
    let reader = open(&guard, &folder.files, at("/m/a"), Opening::Read).await.unwrap();
    let refused = bailiwick_guard::HostError::Failed(Code::HostPermission);
    assert_eq!(reader.write_at(0, Bytes::from("x")).await, Err(refused));
    assert_eq!(reader.append(Bytes::from("x")).await, Err(refused));
    assert_eq!(reader.set_len(0).await, Err(refused));
    assert_eq!(reader.set_times(Times::default()).await, Err(refused));
    let opening = Opening::Write { create: Create::Never, truncate: true };
    let writer = open(&guard, &folder.files, at("/m/a"), opening).await.unwrap();
    assert_eq!(writer.read_at(0, 1).await, Err(refused));
    assert_eq!(folder.read("m/a"), "", "truncated by the open for writing, not by the one for reading");
}

#[tokio::test]
async fn a_file_is_moved_after_three_decisions() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    folder.write("m/a", "text");
    folder.write("m/d/b", "old");
    rename(&guard, &folder.files, at("/m/a"), at("/m/d/b")).await.unwrap();
    assert_eq!(folder.read("m/d/b"), "text");
    assert!(!folder.path("m/a").exists());
    assert_eq!(recorded(&guard), ["file.read /m/a allow", "file.delete /m/a allow", "file.write /m/d/b allow"]);
}

#[tokio::test]
async fn what_cannot_be_moved_stays() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    folder.write("m/a", "text");
    folder.write("m/d/b", "");
    let moved = |from: &str, to: &str| rename(&guard, &folder.files, at(from), at(to));
    assert_eq!(code(moved("/m/a", "/n/a").await), Code::OutsideMount);
    assert_eq!(code(moved("/m/d", "/m/e").await), Code::IsDirectory);
    assert_eq!(code(moved("/m/a", "/m/d").await), Code::IsDirectory);
    assert_eq!(code(moved("/m/none", "/m/x").await), Code::NotFound);
    assert_eq!(code(moved("/m/a", "/m").await), Code::IsDirectory);
    assert_eq!(folder.read("m/a"), "text");
}

#[test]
fn a_mount_that_cannot_be_opened_is_named() {
    let folder = Folder::new();
    let (missing, here) = (folder.path("missing"), folder.path("m"));
    let error = Mounts::open([("data", missing.as_path())]).unwrap_err();
    assert!(matches!(&error, MountError::Open { name, .. } if name == "data"));
    assert!(error.to_string().contains("missing"), "{error}");
    assert!(matches!(Mounts::open([("a/b", here.as_path())]), Err(MountError::Name { .. })));
    assert!(matches!(Mounts::open([("..", here.as_path())]), Err(MountError::Name { .. })));
    assert!(matches!(Mounts::open([("a", here.as_path()), ("a", here.as_path())]), Err(MountError::Twice { .. })));
    let file = folder.path("outside/secret.txt");
    assert!(matches!(Mounts::open([("a", file.as_path())]), Err(MountError::Open { .. })));
}
