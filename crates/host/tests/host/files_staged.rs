//! Staged writes: the run sees them at once, others when they are applied, all or none.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use bailiwick_guard::{Budget, CallError, Guard, Life, StopCause, Timestamp};
use bailiwick_host::files::*;
use bailiwick_policy::Code;
use bytes::Bytes;

use crate::support::{Folder, at, code, guard, guard_with, recorded};

struct Run<'f> {
    folder: &'f Folder,
    guard: Guard,
}

impl Run<'_> {
    fn of(folder: &Folder) -> Run<'_> {
        Run { folder, guard: guard(&Folder::everything("")) }
    }

    fn files(&self) -> &Files {
        &self.folder.files
    }

    async fn try_write(&self, path: &str, text: &str, mode: WriteMode) -> Result<(), CallError> {
        let bytes = Bytes::from(text.to_owned());
        reach(&self.guard, self.files(), WriteFile { path: at(path), bytes, mode }).await
    }

    async fn write(&self, path: &str, text: &str) {
        self.try_write(path, text, WriteMode::Replace).await.unwrap();
    }

    async fn read(&self, path: &str) -> Result<String, CallError> {
        let bytes = reach(&self.guard, self.files(), ReadFile { path: at(path), offset: 0, max: 1000 }).await?;
        Ok(String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn list(&self, path: &str) -> Vec<String> {
        let entries = reach(&self.guard, self.files(), ListDir { path: at(path) }).await.unwrap();
        let name =
            |entry: DirEntry| format!("{}{}", entry.name, if entry.kind == FileKind::Directory { "/" } else { "" });
        entries.into_iter().map(name).collect()
    }

    async fn make_dir(&self, path: &str) -> Result<(), CallError> {
        reach(&self.guard, self.files(), MakeDir { path: at(path) }).await
    }

    async fn remove(&self, path: &str, what: Removal) -> Result<(), CallError> {
        reach(&self.guard, self.files(), Remove { path: at(path), what }).await
    }

    async fn unlink(&self, path: &str) {
        self.remove(path, Removal::File).await.unwrap();
    }

    async fn stat(&self, path: &str) -> Result<FileStat, CallError> {
        reach(&self.guard, self.files(), Stat { path: at(path), links: Links::Follow }).await
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), CallError> {
        rename(&self.guard, self.files(), at(from), at(to)).await
    }

    async fn settle(&self, is_finished: bool) -> Settlement {
        let settled = settle(&self.guard, self.files(), is_finished).await;
        assert_eq!(settled.len(), 1);
        assert_eq!(settled[0].mount, "m");
        settled[0].outcome
    }
}

fn scene() -> Folder {
    let folder = Folder::staged();
    folder.write("m/a", "old a");
    folder.write("m/b", "old b");
    folder.write("m/d/c", "old c");
    folder.write("m/d/e", "old e");
    folder.write("m/empty/x", "");
    fs::remove_file(folder.path("m/empty/x")).unwrap();
    folder
}

/// All the sorts of changes, and what a guest sees of them before anybody else does.
async fn change_everything(run: &Run<'_>) {
    run.write("/m/a", "new a").await;
    run.write("/m/fresh", "fresh").await;
    run.try_write("/m/b", "+", WriteMode::Append).await.unwrap();
    run.unlink("/m/d/c").await;
    run.rename("/m/d/e", "/m/moved").await.unwrap();
    run.remove("/m/d", Removal::EmptyDirectory).await.unwrap();
    run.make_dir("/m/new").await.unwrap();
    run.make_dir("/m/new/deep").await.unwrap();
    run.write("/m/new/deep/x", "x").await;
    run.remove("/m/empty", Removal::EmptyDirectory).await.unwrap();
    run.write("/m/empty", "a file now").await;
    assert_eq!(run.read("/m/a").await.unwrap(), "new a");
    assert_eq!(run.read("/m/b").await.unwrap(), "old b+");
    assert_eq!(run.read("/m/moved").await.unwrap(), "old e");
    assert_eq!(run.list("/m").await, ["a", "b", "empty", "fresh", "moved", "new/"]);
    assert_eq!(run.list("/m/new/deep").await, ["x"]);
    for gone in ["/m/d", "/m/d/c", "/m/d/e"] {
        assert_eq!(code(run.stat(gone).await), Code::NotFound, "{gone}");
    }
    assert_eq!(run.stat("/m/b").await.unwrap().len, 6);
    assert_eq!(run.stat("/m/new").await.unwrap().kind, FileKind::Directory);
}

const BEFORE: [&str; 6] = ["a=old a", "b=old b", "d/", "d/c=old c", "d/e=old e", "empty/"];

#[tokio::test]
async fn the_world_sees_nothing_and_then_everything() {
    let folder = scene();
    let run = Run::of(&folder);
    change_everything(&run).await;
    assert_eq!(folder.tree("m"), BEFORE);
    assert_eq!(run.settle(true).await, Settlement::Applied);
    let after =
        ["a=new a", "b=old b+", "empty=a file now", "fresh=fresh", "moved=old e", "new/", "new/deep/", "new/deep/x=x"];
    assert_eq!(folder.tree("m"), after);
}

#[tokio::test]
async fn a_run_that_does_not_finish_changes_nothing() {
    let folder = scene();
    let run = Run::of(&folder);
    change_everything(&run).await;
    assert_eq!(run.settle(false).await, Settlement::Discarded);
    assert_eq!(folder.tree("m"), BEFORE);
}

#[tokio::test]
async fn a_run_that_nobody_settles_changes_nothing_and_leaves_nothing() {
    let mut folder = scene();
    change_everything(&Run::of(&folder)).await;
    let parts = |folder: &Folder| {
        fs::read_dir(folder.path("staging")).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir()).count()
    };
    assert_eq!(parts(&folder), 1);
    folder.open_staged();
    assert_eq!((folder.tree("m"), parts(&folder)), (BEFORE.map(str::to_owned).to_vec(), 0));
}

#[tokio::test]
async fn what_a_crash_left_is_taken_out_and_what_is_used_is_not() {
    let mut folder = scene();
    folder.write("staging/0123/0", "of a process that is gone");
    folder.write("staging/0123/lock", "");
    folder.write("staging/4567/unlocked", "");
    folder.open_staged();
    let run = Run::of(&folder);
    run.write("/m/a", "new").await;
    let m = folder.path("n");
    Mounts::open_all([("x", MountSource::Staged(&m))], Some(&folder.path("staging"))).unwrap();
    let names: Vec<_> = fs::read_dir(folder.path("staging")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}: the lock, and the part that is used");
    assert_eq!(run.settle(true).await, Settlement::Applied);
    assert_eq!(folder.read("m/a"), "new");
}

/// Each of these happens outside while the run is under way; none of its changes may then be applied.
#[tokio::test]
async fn a_change_from_outside_refuses_all() {
    type Outside = fn(&Folder);
    let cases: [(&str, Outside); 9] = [
        ("overwritten", |f| f.write("m/a", "theirs")),
        ("same size", |f| f.write("m/a", "their")),
        ("replaced", |f| {
            f.write("m/t", "old a");
            fs::rename(f.path("m/t"), f.path("m/a")).unwrap()
        }),
        ("removed", |f| fs::remove_file(f.path("m/a")).unwrap()),
        ("a link now", |f| {
            fs::remove_file(f.path("m/a")).unwrap();
            f.link("m/a", f.path("outside/secret.txt"))
        }),
        ("made meanwhile", |f| f.write("m/fresh", "theirs")),
        ("directory is a link", |f| {
            fs::rename(f.path("m/d"), f.path("m/was-d")).unwrap();
            f.link("m/d", f.path("outside"));
        }),
        ("directory is gone", |f| fs::remove_dir_all(f.path("m/d")).unwrap()),
        ("deleted file was changed", |f| f.write("m/b", "theirs")),
    ];
    for (what, outside) in cases {
        let folder = scene();
        let run = Run::of(&folder);
        run.write("/m/a", "mine").await;
        run.write("/m/fresh", "mine").await;
        run.write("/m/d/new", "mine").await;
        run.unlink("/m/b").await;
        outside(&folder);
        let theirs = folder.tree_or_links("m");
        assert_eq!(run.settle(true).await, Settlement::Refused(Code::Conflict), "{what}");
        assert_eq!(folder.tree_or_links("m"), theirs, "{what}");
        folder.assert_outside_untouched();
    }
}

#[tokio::test]
async fn what_was_read_before_it_changed_is_not_overwritten() {
    let folder = scene();
    let run = Run::of(&folder);
    assert_eq!(run.read("/m/a").await.unwrap(), "old a");
    folder.write("m/a", "theirs");
    run.write("/m/a", "from the old").await;
    assert_eq!(run.settle(true).await, Settlement::Refused(Code::Conflict));
    assert_eq!(folder.read("m/a"), "theirs");
    // What the run only read may change.
    let folder = scene();
    let run = Run::of(&folder);
    run.read("/m/a").await.unwrap();
    run.write("/m/b", "new").await;
    folder.write("m/a", "theirs");
    assert_eq!(run.settle(true).await, Settlement::Applied);
}

#[tokio::test]
async fn a_directory_that_others_filled_stays() {
    let folder = scene();
    let run = Run::of(&folder);
    run.write("/m/a", "mine").await;
    run.remove("/m/empty", Removal::EmptyDirectory).await.unwrap();
    folder.write("m/empty/theirs", "x");
    assert_eq!(run.settle(true).await, Settlement::Refused(Code::Conflict));
    assert_eq!((folder.read("m/a").as_str(), folder.read("m/empty/theirs").as_str()), ("old a", "x"));
}

#[tokio::test]
async fn every_change_is_decided_and_recorded_once_more() {
    let folder = scene();
    let run = Run { folder: &folder, guard: guard(&Folder::everything("host_calls = 3")) };
    run.write("/m/a", "new").await;
    run.unlink("/m/b").await;
    run.make_dir("/m/z").await.unwrap();
    assert_eq!(run.settle(true).await, Settlement::Applied);
    let told = recorded(&run.guard);
    assert_eq!(told[3..], ["file.write /m/a allow", "file.delete /m/b allow", "file.write /m/z allow"], "{told:?}");
    assert_eq!(run.guard.meter().calls_used(), 3, "they are no calls of the guest");
}

#[tokio::test]
async fn authority_that_ended_applies_nothing() {
    let folder = scene();
    let life = Life::until(Timestamp(u64::MAX));
    let run = Run { folder: &folder, guard: guard_with(&Folder::everything(""), life.clone()) };
    run.write("/m/a", "new").await;
    run.write("/m/fresh", "new").await;
    life.revoker().revoke();
    assert_eq!(run.settle(true).await, Settlement::Refused(Code::TokenRevoked));
    assert_eq!(folder.tree("m"), BEFORE);
}

#[tokio::test]
async fn budgets_count_when_it_is_staged() {
    let folder = scene();
    folder.write("m/large", &"x".repeat(1000));
    let disk = || guard(&Folder::everything("disk = 1000"));
    let run = Run { folder: &folder, guard: disk() };
    run.write("/m/large", "replaced: nothing is copied").await;
    assert_eq!(run.guard.meter().disk_used(), 27);
    drop(run);
    let folder = scene();
    folder.write("m/large", &"x".repeat(1000));
    let run = Run { folder: &folder, guard: disk() };
    let stopped = run.try_write("/m/large", "+", WriteMode::Append).await.unwrap_err();
    assert_eq!(stopped, CallError::Stopped(StopCause::Budget(Budget::Disk)), "the copy counts");
    let run = Run { folder: &folder, guard: guard(&Folder::everything("files = 2")) };
    run.write("/m/1", "").await;
    run.make_dir("/m/2").await.unwrap();
    run.write("/m/a", "not new").await;
    let stopped = run.try_write("/m/3", "", WriteMode::New).await.unwrap_err();
    assert_eq!(stopped, CallError::Stopped(StopCause::Budget(Budget::Files)));
}

#[tokio::test]
async fn what_is_replaced_keeps_its_mode_and_other_names_keep_their_content() {
    let folder = scene();
    fs::set_permissions(folder.path("m/a"), fs::Permissions::from_mode(0o4751)).unwrap();
    fs::hard_link(folder.path("m/a"), folder.path("outside/hard")).unwrap();
    let run = Run::of(&folder);
    run.write("/m/a", "new").await;
    assert_eq!(run.settle(true).await, Settlement::Applied);
    assert_eq!(fs::metadata(folder.path("m/a")).unwrap().mode() & 0o7777, 0o751, "and no setuid");
    assert_eq!((folder.read("m/a").as_str(), folder.read("outside/hard").as_str()), ("new", "old a"));
}

#[tokio::test]
async fn open_files_are_staged_and_shut_at_the_end() {
    let folder = scene();
    let run = Run::of(&folder);
    let how = Opening::ReadWrite { create: Create::Never, truncate: false };
    let handle = open(&run.guard, run.files(), at("/m/a"), how).await.unwrap();
    handle.write_at(0, "OLD".into()).await.unwrap();
    handle.append("!".into()).await.unwrap();
    handle.sync(true).await.unwrap();
    assert_eq!(run.read("/m/a").await.unwrap(), "OLD a!");
    assert_eq!(folder.read("m/a"), "old a");
    handle.set_len(3).await.unwrap();
    assert_eq!(run.settle(true).await, Settlement::Applied);
    assert_eq!(folder.read("m/a"), "OLD");
    assert!(handle.write_at(0, "after".into()).await.is_err());
    assert!(handle.set_len(0).await.is_err() && handle.append("x".into()).await.is_err());
    assert_eq!(code(run.try_write("/m/late", "x", WriteMode::New).await), Code::Io);
    assert_eq!(folder.read("m/a"), "OLD");
}

#[tokio::test]
async fn kinds_are_told_apart() {
    let folder = scene();
    let run = Run::of(&folder);
    run.make_dir("/m/dir").await.unwrap();
    run.write("/m/file", "").await;
    assert_eq!(code(run.make_dir("/m/dir").await), Code::Exists);
    assert_eq!(code(run.make_dir("/m/a").await), Code::Exists);
    assert_eq!(code(run.make_dir("/m/none/x").await), Code::NotFound);
    assert_eq!(code(run.try_write("/m/dir", "", WriteMode::Replace).await), Code::IsDirectory);
    assert_eq!(code(run.try_write("/m/d", "", WriteMode::Replace).await), Code::IsDirectory);
    assert_eq!(code(run.try_write("/m/file", "", WriteMode::New).await), Code::Exists);
    assert_eq!(code(run.try_write("/m/a", "", WriteMode::New).await), Code::Exists);
    assert_eq!(code(run.try_write("/m/file/x", "", WriteMode::New).await), Code::NotDirectory);
    assert_eq!(code(run.read("/m/dir/none").await), Code::NotFound);
    assert_eq!(code(run.remove("/m/d", Removal::EmptyDirectory).await), Code::NotEmpty);
    assert_eq!(code(run.remove("/m/d", Removal::File).await), Code::IsDirectory);
    assert_eq!(code(run.remove("/m/file", Removal::EmptyDirectory).await), Code::NotDirectory);
    assert_eq!(code(run.remove("/m/none", Removal::File).await), Code::NotFound);
    assert_eq!(code(run.rename("/m/d", "/m/x").await), Code::IsDirectory);
    assert_eq!(code(run.rename("/m/a", "/m/dir").await), Code::IsDirectory);
    assert_eq!(code(run.rename("/m/none", "/m/x").await), Code::NotFound);
    run.rename("/m/a", "/m/a").await.unwrap();
    run.unlink("/m/file").await;
    run.remove("/m/dir", Removal::EmptyDirectory).await.unwrap();
    assert_eq!(run.settle(true).await, Settlement::Applied);
    assert_eq!(folder.tree("m"), BEFORE, "nothing was left of it");
}

#[tokio::test]
async fn a_directory_removed_and_made_again_is_empty() {
    let folder = scene();
    let run = Run::of(&folder);
    run.unlink("/m/d/c").await;
    run.unlink("/m/d/e").await;
    run.remove("/m/d", Removal::EmptyDirectory).await.unwrap();
    run.make_dir("/m/d").await.unwrap();
    assert!(run.list("/m/d").await.is_empty());
    run.write("/m/d/c", "again").await;
    assert_eq!(run.settle(true).await, Settlement::Applied);
    assert_eq!(folder.tree("m"), ["a=old a", "b=old b", "d/", "d/c=again", "empty/"]);
}

#[tokio::test]
async fn a_file_becomes_a_directory() {
    let folder = scene();
    let run = Run::of(&folder);
    run.unlink("/m/a").await;
    run.make_dir("/m/a").await.unwrap();
    run.write("/m/a/x", "x").await;
    assert_eq!(run.settle(true).await, Settlement::Applied);
    assert_eq!(folder.tree("m")[..2], ["a/", "a/x=x"]);
}

#[tokio::test]
async fn links_are_followed_by_decisions_and_never_out() {
    let folder = scene();
    folder.link("m/in", "d/c");
    folder.link("m/out", folder.path("outside/secret.txt"));
    folder.link("m/dirout", folder.path("outside"));
    let run = Run::of(&folder);
    run.write("/m/in", "through").await;
    for path in ["/m/out", "/m/dirout/secret.txt", "/m/dirout/new"] {
        assert_eq!(code(run.try_write(path, "x", WriteMode::Replace).await), Code::OutsideMount, "{path}");
        assert_eq!(code(run.read(path).await), Code::OutsideMount, "{path}");
    }
    run.unlink("/m/out").await;
    assert_eq!(run.settle(true).await, Settlement::Applied);
    assert_eq!(folder.read("m/d/c"), "through");
    assert!(folder.path("m/in").is_symlink() && !folder.path("m/out").is_symlink());
    folder.assert_outside_untouched();
}

#[tokio::test]
async fn staging_on_another_file_system_is_copied() {
    let shm = std::path::Path::new("/dev/shm");
    let elsewhere = tempfile::tempdir_in(shm).expect("this test needs a second file system at /dev/shm");
    let mut folder = scene();
    assert_ne!(fs::metadata(shm).unwrap().dev(), fs::metadata(folder.path("m")).unwrap().dev());
    let m = folder.path("m");
    let staging = elsewhere.path().join("staging");
    folder.files = Files::new(Mounts::open_all([("m", MountSource::Staged(&m))], Some(&staging)).unwrap());
    let run = Run::of(&folder);
    change_everything(&run).await;
    assert_eq!(run.settle(true).await, Settlement::Applied);
    let after =
        ["a=new a", "b=old b+", "empty=a file now", "fresh=fresh", "moved=old e", "new/", "new/deep/", "new/deep/x=x"];
    assert_eq!(folder.tree("m"), after, "and no temporary file");
}

#[tokio::test]
async fn without_a_folder_for_it_nothing_is_staged() {
    let folder = Folder::new();
    let m = folder.path("m");
    let refused = Mounts::open_all([("m", MountSource::Staged(&m))], None).unwrap_err();
    assert!(matches!(refused, MountError::NoStaging { .. }), "{refused}");
    folder.write("file", "");
    let refused = Mounts::open_all([("m", MountSource::Staged(&m))], Some(&folder.path("file"))).unwrap_err();
    assert!(matches!(refused, MountError::Staging { .. }), "{refused}");
}

#[tokio::test]
async fn times_of_directories_are_refused_where_they_are_not_kept() {
    for folder in [Folder::staged(), Folder::in_memory()] {
        let run = Run::of(&folder);
        run.make_dir("/m/dir").await.unwrap();
        let set = SetTimes { path: at("/m/dir"), times: Times::default() };
        assert_eq!(code(reach(&run.guard, run.files(), set).await), Code::HostPermission);
    }
}
