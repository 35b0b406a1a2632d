//! Files, through `wasi:filesystem`.

use std::fs;

use bailiwick_guard::{Budget, StopCause};
use serde_json::Value;

use super::program::*;
use super::*;

fn world() -> World {
    World::new(Value::Null, &[])
}

#[tokio::test]
async fn what_no_rule_names_is_refused_and_recorded_as_asked() {
    let world = world();
    let mut program = Program::default();
    program.open(ROOT, "etc/passwd", 0, READ).open(ROOT, "m/no/x", CREATE, WRITE).stat(ROOT, "m/no/x");
    program.open(ROOT, "m/../m/a", 0, READ).open(ROOT, "/etc/passwd", 0, READ);
    program.path("path_unlink_file", ROOT, "m/a\0b").path("path_create_directory", ROOT, "").stat(ROOT, "m");
    assert_eq!(world.errnos(&program).await, [PERM, PERM, PERM, PERM, PERM, PERM, INVAL, PERM]);
    assert_eq!(
        world.calls(),
        [
            "file.read /etc/passwd deny.manifest.no_rule",
            "file.write /m/no/x deny.manifest.rule",
            "file.read /m/no/x deny.manifest.rule",
            "file.read /m/../m/a deny.request.ambiguous",
            "file.read /etc/passwd deny.request.ambiguous",
            "file.delete /m/a\\u{0}b deny.request.ambiguous",
            "file.write / deny.request.malformed",
            "file.read /m deny.manifest.no_rule",
        ]
    );
    assert!(!world.mount().join("no/x").exists());
}

#[tokio::test]
async fn a_file_is_written_and_read_back() {
    let world = world();
    let mut program = Program::default();
    let hello = program.text("hello");
    let buffer = format!("(i32.const {BUFFER}) (i32.const 100)");
    program.open(ROOT, "m/a", CREATE, WRITE).transfer("fd_write", LAST, &hello);
    program.call("fd_filestat_set_size", &format!("{LAST} (i64.const 4)"));
    program.transfer("fd_read", LAST, &buffer); // not open for reading
    program.open(ROOT, "m/a", 0, READ).transfer("fd_read", LAST, &buffer).print_buffer("(i32.const 4)");
    program.transfer("fd_write", LAST, &hello); // not open for writing
    program.stat(ROOT, "m/a/");
    let output = world.errnos(&program).await;
    assert_eq!(output, [&[OK, OK, OK, BADF, OK, OK][..], b"hell", &[BADF, NOTDIR]].concat());
    assert_eq!(fs::read(world.mount().join("a")).unwrap(), b"hell");
    let calls = ["file.write /m/a allow", "file.read /m/a allow", "file.read /m/a allow"];
    assert_eq!(world.calls(), calls, "work on an open file is no further call");
}

#[tokio::test]
async fn creating_and_truncating_are_writing() {
    let world = world();
    fs::write(world.mount().join("a"), "kept").unwrap();
    let mut program = Program::default();
    program
        .open(ROOT, "m/a", TRUNCATE, READ)
        .open(ROOT, "m/a", CREATE | EXCLUSIVE, WRITE)
        .open(ROOT, "m/b", CREATE, READ);
    assert_eq!(world.errnos(&program).await, [OK, EXIST, OK]);
    assert_eq!(fs::read(world.mount().join("a")).unwrap(), b"");
    let of_a = ["file.read /m/a allow", "file.write /m/a allow", "file.write /m/a failed.exists"];
    assert_eq!(world.calls(), [&of_a[..], &["file.read /m/b allow", "file.write /m/b allow"]].concat());
}

#[tokio::test]
async fn directories() {
    let world = world();
    let mut program = Program::default();
    program.path("path_create_directory", ROOT, "m/d/").path("path_create_directory", ROOT, "m/d");
    program.open(ROOT, "m/d", DIRECTORY, READ).open(LAST, "f", CREATE, WRITE).open(ROOT, "m/d/f", DIRECTORY, READ);
    program.path("path_remove_directory", ROOT, "m/d").path("path_unlink_file", ROOT, "m/d");
    program.call("fd_filestat_get", &format!("{ROOT} (i32.const {BUFFER})"));
    let (from, to) = (program.text("m/d/f"), program.text("m/g"));
    program.call("path_rename", &format!("{ROOT} {from} {ROOT} {to}"));
    program.path("path_unlink_file", ROOT, "m/g").path("path_remove_directory", ROOT, "m/d");
    let errnos = world.errnos(&program).await;
    assert_eq!(errnos, [OK, EXIST, OK, OK, NOTDIR, NOTEMPTY, ISDIR, OK, OK, OK, OK]);
    assert_eq!(
        world.calls(),
        [
            "file.write /m/d allow",
            "file.write /m/d failed.exists",
            "file.list /m/d allow",
            "file.write /m/d/f allow",
            "file.list /m/d/f failed.not_directory",
            "file.delete /m/d failed.not_empty",
            "file.delete /m/d failed.is_directory",
            "file.read /m/d/f allow",
            "file.delete /m/d/f allow",
            "file.write /m/g allow",
            "file.delete /m/g allow",
            "file.delete /m/d allow",
        ]
    );
    assert_eq!(fs::read_dir(world.mount()).unwrap().count(), 1, "nothing but `no` is left");
}

#[tokio::test]
async fn the_root_shows_the_mounts_that_a_rule_names_and_nothing_can_be_made_in_it() {
    let world = world();
    fs::write(world.mount().join("found"), "").unwrap();
    let mut program = Program::default();
    program.list(ROOT).open(ROOT, ".", DIRECTORY, READ).list(LAST).stat(ROOT, ".").open(ROOT, "m", 0, READ);
    let before = world.errnos(&program).await;
    let listed = String::from_utf8_lossy(&before).into_owned();
    assert!(!listed.contains("unnamed"), "{listed:?}");
    assert_eq!(listed.matches('m').count(), 2, "{listed:?}");
    // Opened like a file, which `read` would be needed for.
    assert_eq!(world.calls(), ["file.read /m deny.manifest.no_rule"], "looking at the root is no call");

    let mut program = Program::default();
    program.path("path_create_directory", ROOT, "x").open(ROOT, "m", DIRECTORY, READ).list(LAST);
    program.path("path_remove_directory", ROOT, ".").open(ROOT, ".", TRUNCATE, WRITE);
    let output = world.errnos(&program).await;
    assert!(String::from_utf8_lossy(&output).contains("found"), "{output:?}");
    assert_eq!(
        world.calls()[1..],
        [
            "file.write /x deny.manifest.no_rule",
            "file.list /m allow",
            "file.list /m allow",
            "file.delete / deny.manifest.no_rule",
            "file.write / deny.manifest.no_rule",
        ]
    );
}

#[tokio::test]
async fn guests_make_no_links_and_follow_them_only_by_new_decisions() {
    let world = world();
    fs::write(world.mount().join("no/secret"), "secret").unwrap();
    std::os::unix::fs::symlink("no/secret", world.mount().join("link")).unwrap();
    std::os::unix::fs::symlink("../../outside", world.mount().join("out")).unwrap();
    let mut program = Program::default();
    program.open(ROOT, "m/link", 0, READ).open(ROOT, "m/out", 0, READ);
    let (old, new) = (program.text("m/link"), program.text("m/new"));
    program.call("path_link", &format!("{ROOT} (i32.const 0) {old} {ROOT} {new}"));
    program.call("path_symlink", &format!("{old} {ROOT} {new}"));
    program.call("path_readlink", &format!("{ROOT} {old} (i32.const {BUFFER}) (i32.const 100) (i32.const 48)"));
    assert_eq!(world.errnos(&program).await, [PERM; 5]);
    assert_eq!(
        world.calls(),
        [
            "file.read /m/link allow",
            "file.read /m/no/secret deny.manifest.rule",
            "file.read /m/out deny.file.outside_mount",
            "file.write /m/new deny.request.unsupported",
            "file.write /m/new deny.request.unsupported",
            "file.read /m/link deny.request.unsupported",
        ]
    );
}

#[tokio::test]
async fn the_disk_budget_ends_the_run() {
    for way in ["fd_write", "fd_pwrite", "fd_filestat_set_size"] {
        let world = world();
        let mut program = Program::default();
        program.open(ROOT, "m/a", CREATE, WRITE);
        let buffer = format!("(i32.const {BUFFER}) (i32.const 4097)");
        match way {
            "fd_write" => program.transfer(way, LAST, &buffer).transfer(way, LAST, &buffer),
            "fd_pwrite" => program.transfer_at(way, LAST, &buffer),
            _ => program.call(way, &format!("{LAST} (i64.const 4097)")),
        };
        let trap = world.run(&program.component()).await.unwrap_err();
        assert_eq!(trap.downcast_ref(), Some(&StopCause::Budget(Budget::Disk)), "{way}: {trap:?}");
    }
}
