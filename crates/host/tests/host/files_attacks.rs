//! Ways out of a mount, and ways around a rule. What counts is what happened on the disk.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bailiwick_guard::{CallError, Guard};
use bailiwick_host::files::*;
use bailiwick_policy::Code;
use bytes::Bytes;
use rustix::fs::{CWD, RenameFlags};

use crate::support::{Folder, SECRET, at, code, guard, recorded};

/// Tries everything on a path; every try must fail with that code.
async fn all_refused(guard: &Guard, files: &Files, path: &str, expected: Code) {
    let path = at(path);
    let tries: Vec<(&str, Result<(), CallError>)> = vec![
        ("read", reach(guard, files, ReadFile { path: path.clone(), offset: 0, max: 100 }).await.map(drop)),
        ("list", reach(guard, files, ListDir { path: path.clone() }).await.map(drop)),
        ("open dir", reach(guard, files, OpenDir { path: path.clone() }).await.map(drop)),
        ("stat", reach(guard, files, Stat { path: path.clone(), links: Links::Follow }).await.map(drop)),
        ("times", reach(guard, files, SetTimes { path: path.clone(), times: Times::default() }).await),
        ("write", {
            let (bytes, mode) = (Bytes::from("changed"), WriteMode::Replace);
            reach(guard, files, WriteFile { path: path.clone(), bytes, mode }).await
        }),
        ("open", open(guard, files, path.clone(), Opening::Read).await.map(drop)),
        ("truncate", {
            let how = Opening::Write { create: Create::IfMissing, truncate: true };
            open(guard, files, path.clone(), how).await.map(drop)
        }),
    ];
    for (what, result) in tries {
        assert_eq!(result.map_err(|error| error.code()), Err(expected), "{what} {path}");
    }
}

/// As [`all_refused`], with what acts on the entry itself, for a path below a bad directory.
async fn all_refused_below(guard: &Guard, files: &Files, path: &str, expected: Code) {
    all_refused(guard, files, path, expected).await;
    let path = at(path);
    let remove = |what| Remove { path: path.clone(), what };
    assert_eq!(code(reach(guard, files, MakeDir { path: path.clone() }).await), expected);
    assert_eq!(code(reach(guard, files, remove(Removal::File)).await), expected);
    assert_eq!(code(reach(guard, files, remove(Removal::EmptyDirectory)).await), expected);
    assert_eq!(code(rename(guard, files, path.clone(), at("/m/stolen")).await), expected);
    assert_eq!(code(rename(guard, files, at("/m/mine"), path).await), expected);
}

#[tokio::test]
async fn links_out_of_the_mount_are_refused() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    folder.write("m/mine", "mine");
    folder.write("m/deep/x", "");
    folder.link("m/absolute", folder.path("outside/secret.txt"));
    folder.link("m/relative", "../outside/secret.txt");
    folder.link("m/deep/up", "../../outside/secret.txt");
    folder.link("m/chained", "relative");
    folder.link("m/chain2", "deep/../chained");
    folder.link("m/etc", "/etc/passwd");
    folder.link("m/self", "/proc/self/environ");
    for path in ["/m/absolute", "/m/relative", "/m/deep/up", "/m/chained", "/m/etc", "/m/self"] {
        all_refused(&guard, &folder.files, path, Code::OutsideMount).await;
    }
    all_refused(&guard, &folder.files, "/m/chain2", Code::Ambiguous).await;
    folder.link("m/dir", folder.path("outside"));
    folder.link("m/up", "..");
    folder.link("m/dirdir", "dir");
    for path in ["/m/dir/secret.txt", "/m/up/outside/secret.txt", "/m/dirdir/secret.txt", "/m/dir/new"] {
        all_refused_below(&guard, &folder.files, path, Code::OutsideMount).await;
    }
    folder.assert_outside_untouched();
    assert_eq!(folder.read("m/mine"), "mine");
}

#[tokio::test]
async fn a_link_inside_the_mount_is_a_new_decision() {
    let folder = Folder::new();
    folder.write("m/private/x", SECRET);
    folder.write("m/public/y", "fine");
    folder.link("m/public/bad", "../private/x");
    folder.link("m/public/dir", "../private");
    folder.link("m/public/good", "y");
    let guard = guard(&Folder::only("m/public/*", "read write"));
    let read = |path: &str| reach(&guard, &folder.files, ReadFile { path: at(path), offset: 0, max: 100 });
    assert_eq!(read("/m/public/good").await.unwrap(), "fine");
    assert_eq!(code(read("/m/public/bad").await), Code::ManifestNoRule);
    assert_eq!(
        recorded(&guard),
        [
            "file.read /m/public/good allow",
            "file.read /m/public/y allow",
            "file.read /m/public/bad allow",
            "file.read /m/private/x deny.manifest.no_rule",
        ]
    );
    let how = Opening::ReadWrite { create: Create::IfMissing, truncate: true };
    assert_eq!(code(open(&guard, &folder.files, at("/m/public/bad"), how).await), Code::ManifestNoRule);
    let (bytes, mode) = (Bytes::from("changed"), WriteMode::Replace);
    let write = WriteFile { path: at("/m/public/bad"), bytes, mode };
    assert_eq!(code(reach(&guard, &folder.files, write).await), Code::ManifestNoRule);
    assert_eq!(folder.read("m/private/x"), SECRET);
}

#[tokio::test]
async fn a_loop_of_links_ends() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    folder.link("m/a", "b");
    folder.link("m/b", "a");
    folder.link("m/self", "self/x");
    for path in ["/m/a", "/m/b/x", "/m/self/x"] {
        all_refused(&guard, &folder.files, path, Code::Io).await;
    }
    assert!(guard.records().len() < 500, "{}", guard.records().len());
}

/// The directory on the way is swapped for a link to the outside, back and forth, while a guest tries 105,000 times to
/// read, write, list, make, move and remove below it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_swapped_in_leads_nowhere() {
    race(&Folder::new(), 15_000).await;
}

/// The same with staged writes, which are then applied, or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_swapped_in_leads_nowhere_when_writes_are_staged() {
    let folder = Folder::staged();
    let guard = race(&folder, 1_000).await;
    settle(&guard, &folder.files, true).await;
    folder.assert_outside_untouched();
}

/// Seven tries a turn.
async fn race(folder: &Folder, turns: usize) -> Guard {
    let limits = "host_calls = 10_000_000\ndisk = \"1GiB\"\nfiles = 10_000_000";
    let guard = guard(&Folder::everything(limits));
    folder.write("m/real/secret.txt", "inside");
    folder.write("m/file.txt", "inside");
    folder.write("outside/outside-only", "");
    folder.link("m/real.link", folder.path("outside"));
    folder.link("m/file.link", folder.path("outside/secret.txt"));
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let (stop, base) = (Arc::clone(&stop), folder.path("m"));
        move || {
            let exchange = |a: &str, b: &str| {
                let (a, b) = (base.join(a), base.join(b));
                rustix::fs::renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE).unwrap();
            };
            let mut swaps = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                exchange("real", "real.link");
                exchange("file.txt", "file.link");
                swaps += 2;
                std::thread::yield_now();
            }
            swaps
        }
    });
    let (mut inside, mut refused) = (0, 0);
    for turn in 0..turns {
        let path = at(if turn % 2 == 0 { "/m/real/secret.txt" } else { "/m/file.txt" });
        match reach(&guard, &folder.files, ReadFile { path: path.clone(), offset: 0, max: 100 }).await {
            Ok(bytes) => {
                assert_ne!(bytes, SECRET, "turn {turn}");
                inside += 1;
            }
            Err(_) => refused += 1,
        }
        let write = WriteFile { path, bytes: Bytes::from("inside"), mode: WriteMode::Replace };
        let _ = reach(&guard, &folder.files, write).await;
        let _ = reach(&guard, &folder.files, MakeDir { path: at("/m/real/made") }).await;
        let what = Removal::EmptyDirectory;
        let _ = reach(&guard, &folder.files, Remove { path: at("/m/real/made"), what }).await;
        let what = Removal::File;
        let _ = reach(&guard, &folder.files, Remove { path: at("/m/real/none"), what }).await;
        // What was staged once is read from there ever after; folders are looked up on the disk each time.
        match reach(&guard, &folder.files, ListDir { path: at("/m/real") }).await {
            Ok(entries) => assert!(entries.iter().all(|entry| entry.name != "outside-only"), "turn {turn}"),
            Err(_) => refused += 1,
        }
        let _ = rename(&guard, &folder.files, at("/m/real/secret.txt"), at("/m/real/secret.txt")).await;
    }
    stop.store(true, Ordering::Relaxed);
    assert!(swapper.join().unwrap() > 100);
    assert!(inside > 0 && refused > 0, "the race never happened: {inside} inside, {refused} refused");
    assert!(guard.meter().stopped().is_none(), "no budget ended it early");
    std::fs::remove_file(folder.path("outside/outside-only")).unwrap();
    folder.assert_outside_untouched();
    guard
}

#[tokio::test]
async fn special_files_are_refused_and_nobody_waits() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    let fifo = folder.path("m/fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let _socket = UnixListener::bind(folder.path("m/socket")).unwrap();
    for path in ["/m/fifo", "/m/socket"] {
        let read = reach(&guard, &folder.files, ReadFile { path: at(path), offset: 0, max: 1 });
        let refused = tokio::time::timeout(Duration::from_secs(20), read).await.expect("nobody waits");
        assert_eq!(code(refused), Code::SpecialFile);
        let how = Opening::ReadWrite { create: Create::IfMissing, truncate: true };
        let refused = tokio::time::timeout(Duration::from_secs(20), open(&guard, &folder.files, at(path), how)).await;
        assert_eq!(code(refused.expect("nobody waits")), Code::SpecialFile);
        assert_eq!(code(rename(&guard, &folder.files, at(path), at("/m/x")).await), Code::SpecialFile);
        let found = reach(&guard, &folder.files, Stat { path: at(path), links: Links::Follow }).await.unwrap();
        assert_eq!(found.kind, FileKind::Special);
    }
}

#[tokio::test]
async fn devices_are_refused() {
    let files = Files::new(Mounts::open([("d", Path::new("/dev"))]).unwrap());
    let guard =
        guard("[mounts]\nd = \"/dev\"\n[[allow]]\nid = \"d\"\nfile = \"d/**\"\nactions = [\"read\", \"write\"]\n");
    let read = |path: &str| reach(&guard, &files, ReadFile { path: at(path), offset: 0, max: 1 });
    assert_eq!(code(read("/d/null").await), Code::SpecialFile);
    assert_eq!(code(read("/d/zero").await), Code::SpecialFile);
    let write = WriteFile { path: at("/d/null"), bytes: Bytes::from("x"), mode: WriteMode::Replace };
    assert_eq!(code(reach(&guard, &files, write).await), Code::SpecialFile);
}

#[tokio::test]
async fn a_grant_to_read_neither_truncates_nor_creates() {
    let (folder, guard) = (Folder::new(), guard(&Folder::only("m/**", "read list")));
    folder.write("m/a", "kept");
    for create in [Create::Never, Create::IfMissing, Create::New] {
        for path in ["/m/a", "/m/new"] {
            let write = Opening::Write { create, truncate: true };
            assert_eq!(code(open(&guard, &folder.files, at(path), write).await), Code::ManifestNoRule);
            let both = Opening::ReadWrite { create, truncate: true };
            assert_eq!(code(open(&guard, &folder.files, at(path), both).await), Code::ManifestNoRule);
        }
    }
    let handle = open(&guard, &folder.files, at("/m/a"), Opening::Read).await.unwrap();
    assert!(handle.set_len(0).await.is_err());
    for mode in [WriteMode::Replace, WriteMode::New, WriteMode::Append] {
        let write = WriteFile { path: at("/m/a"), bytes: Bytes::new(), mode };
        assert_eq!(code(reach(&guard, &folder.files, write).await), Code::ManifestNoRule);
    }
    let what = Removal::File;
    assert_eq!(code(reach(&guard, &folder.files, Remove { path: at("/m/a"), what }).await), Code::ManifestNoRule);
    assert_eq!(code(reach(&guard, &folder.files, MakeDir { path: at("/m/d") }).await), Code::ManifestNoRule);
    let set = SetTimes { path: at("/m/a"), times: Times::default() };
    assert_eq!(code(reach(&guard, &folder.files, set).await), Code::ManifestNoRule);
    assert_eq!(folder.read("m/a"), "kept");
    assert!(!folder.path("m/new").exists());
}

#[tokio::test]
async fn a_grant_to_write_does_not_read() {
    let (folder, guard) = (Folder::new(), guard(&Folder::only("m/**", "write")));
    folder.write("m/a", SECRET);
    let both = Opening::ReadWrite { create: Create::Never, truncate: false };
    assert_eq!(code(open(&guard, &folder.files, at("/m/a"), both).await), Code::ManifestNoRule);
    let read = ReadFile { path: at("/m/a"), offset: 0, max: 1 };
    assert_eq!(code(reach(&guard, &folder.files, read).await), Code::ManifestNoRule);
}

#[tokio::test]
async fn moving_needs_every_right() {
    let folder = Folder::new();
    folder.write("m/from/a", SECRET);
    folder.write("m/to/keep", "");
    let rule = |from: &str, to: &str| {
        let quote = |words: &str| words.split(' ').map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let (from, to) = (quote(from), quote(to));
        format!(
            "[mounts]\nm = \"m\"\n[[allow]]\nid = \"from\"\nfile = \"m/from/*\"\nactions = [{from}]\n\
             [[allow]]\nid = \"to\"\nfile = \"m/to/*\"\nactions = [{to}]\n"
        )
    };
    // Without `read` on the old path, moving would be a way to read what may not be read.
    for (from, to) in [("delete", "read write"), ("read", "read write"), ("read delete", "read delete")] {
        let guard = guard(&rule(from, to));
        let moved = rename(&guard, &folder.files, at("/m/from/a"), at("/m/to/a")).await;
        assert_eq!(code(moved), Code::ManifestNoRule, "{from} {to}");
        assert!(folder.path("m/from/a").exists() && !folder.path("m/to/a").exists());
    }
    let guard = guard(&rule("read delete", "write"));
    rename(&guard, &folder.files, at("/m/from/a"), at("/m/to/a")).await.unwrap();
    assert_eq!(folder.read("m/to/a"), SECRET);
}

/// Not an escape: whoever can link a file into a mount can copy it there as well. Guests cannot link.
#[tokio::test]
async fn a_hard_link_that_somebody_else_made_is_a_file_of_the_mount() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    std::fs::hard_link(folder.path("outside/secret.txt"), folder.path("m/hard")).unwrap();
    let read = ReadFile { path: at("/m/hard"), offset: 0, max: 100 };
    assert_eq!(reach(&guard, &folder.files, read).await.unwrap(), SECRET);
    let what = Removal::File;
    reach(&guard, &folder.files, Remove { path: at("/m/hard"), what }).await.unwrap();
    folder.assert_outside_untouched();
}

#[tokio::test]
async fn a_mount_stays_the_directory_that_was_opened() {
    let (folder, guard) = (Folder::new(), guard(&Folder::everything("")));
    folder.write("m/secret.txt", "inside");
    std::fs::rename(folder.path("m"), folder.path("moved")).unwrap();
    folder.link("m", "outside");
    let read = ReadFile { path: at("/m/secret.txt"), offset: 0, max: 100 };
    assert_eq!(reach(&guard, &folder.files, read).await.unwrap(), "inside");
}
