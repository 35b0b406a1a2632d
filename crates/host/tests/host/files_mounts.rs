//! Which folders may be mounts: no two that overlap, nothing of the kernel, nothing that the host itself lives on.

use std::fs;
use std::path::{Path, PathBuf};

use bailiwick_host::files::*;
use bailiwick_host::{Services, ServicesBuilder};
use bailiwick_policy::{Code, Manifest};

use crate::support::{Folder, at, code, guard};

fn opened(mounts: &[(&str, PathBuf)]) -> Result<(), MountError> {
    Mounts::open(mounts.iter().map(|(name, path)| (*name, path.as_path()))).map(drop)
}

#[test]
fn sibling_mounts_are_fine() {
    let folder = Folder::new();
    folder.write("mm/x", "");
    folder.write("m/deep/a/x", "");
    folder.write("m/deep/ab/x", "");
    opened(&[("a", folder.path("m")), ("b", folder.path("mm")), ("c", folder.path("n"))]).unwrap();
    opened(&[("a", folder.path("m/deep/a")), ("b", folder.path("m/deep/ab"))]).unwrap();
}

#[test]
fn mounts_that_overlap_are_refused() {
    let folder = Folder::new();
    folder.write("m/deep/inner/x", "");
    folder.link("same", "m");
    folder.link("inner", folder.path("m/deep/inner"));
    folder.link("n/back", "../m/deep");
    for (one, other) in [
        ("m", "m"),
        ("m", "m/deep"),
        ("m", "m/deep/inner"),
        ("m", "n/../m/./deep"),
        ("m", "same"),
        ("m", "same/deep"),
        ("m", "inner"),
        ("m", "n/back"),
        ("same", "inner"),
        ("n/back", "inner"),
    ] {
        for (first, second) in [(one, other), (other, one)] {
            let error = opened(&[("a", folder.path(first)), ("b", folder.path(second))]).unwrap_err();
            assert!(
                matches!(&error, MountError::Overlap { name, other, .. } if name == "b" && other == "a"),
                "{error}"
            );
            assert!(error.to_string().contains("choose separate folders"), "{error}");
        }
    }
}

#[test]
fn the_whole_file_system_is_no_mount() {
    let folder = Folder::new();
    folder.link("root", "/");
    for path in [PathBuf::from("/"), PathBuf::from("/tmp/.."), folder.path("root"), PathBuf::from("/..")] {
        assert!(matches!(opened(&[("a", path.clone())]), Err(MountError::Root { .. })), "{path:?}");
    }
}

#[tokio::test]
async fn file_systems_of_the_kernel_are_no_mounts() {
    let folder = Folder::new();
    folder.link("processes", "/proc/self");
    let paths = ["/proc", "/proc/self", "/proc/self/task", "/sys", "/sys/kernel", "/dev/pts", "/dev/fd"];
    for path in paths.map(PathBuf::from).into_iter().chain([folder.path("processes")]) {
        assert!(matches!(opened(&[("a", path.clone())]), Err(MountError::Kernel { .. })), "{path:?}");
    }
    // Nor can they be entered where they are mounted below a mount.
    let files = Files::new(Mounts::open([("d", Path::new("/dev"))]).unwrap());
    let guard =
        guard("[mounts]\nd = \"/dev\"\n[[allow]]\nid = \"d\"\nfile = \"d/**\"\nactions = [\"read\", \"list\"]\n");
    assert_eq!(code(reach(&guard, &files, ListDir { path: at("/d/pts") }).await), Code::SpecialFile);
    let read = ReadFile { path: at("/d/pts/ptmx"), offset: 0, max: 1 };
    assert_eq!(code(reach(&guard, &files, read).await), Code::SpecialFile);
}

/// Opens mount `m` at the folder's `mount`, with the allowed actions on it, under these services.
fn open_mount(services: ServicesBuilder, folder: &Folder, mount: &str, actions: &str) -> Result<(), MountError> {
    let text = format!("schema = 1\nid = \"t\"\nagents = [\"bot\"]\n{}", Folder::only("m/**", actions));
    let text = text.replace("m = \"m\"", &format!("m = {mount:?}"));
    let manifest = Manifest::parse(&text, "t.toml").unwrap();
    services.build().open(&manifest, &folder.path("")).map(drop)
}

#[test]
fn no_mount_exposes_a_secret_whatever_the_rules() {
    let folder = Folder::new();
    folder.write("m/state/keys/k", "");
    folder.link("to-state", "m/state");
    folder.link("to-m", "m");
    let through_a_link = || Services::builder().protect_secret(folder.path("to-state"));
    let secret = || Services::builder().protect_secret(folder.path("m/state"));
    for actions in ["read", "list", "write", "read write list delete"] {
        for mount in ["m", "m/state", "m/state/keys", "to-m", "to-state", "to-state/keys", "to-m/state/../state", "."] {
            for services in [secret(), through_a_link()] {
                let error = open_mount(services, &folder, mount, actions).unwrap_err();
                assert!(matches!(&error, MountError::Secret { name, .. } if name == "m"), "{mount}: {error}");
                assert!(error.to_string().contains("state`, which holds the host's own secrets"), "{error}");
            }
        }
        for mount in ["n", "outside"] {
            open_mount(secret(), &folder, mount, actions).unwrap();
            open_mount(through_a_link(), &folder, mount, actions).unwrap();
        }
    }
}

#[test]
fn a_secret_that_does_not_exist_yet_is_protected() {
    let folder = Folder::new();
    folder.link("dangling", "m/later");
    folder.link("to-m", "m");
    for path in ["m/state", "m/a/b/state", "to-m/state", "dangling", "dangling/state", "n/../m/x/../state"] {
        let services = || Services::builder().protect_secret(folder.path(path));
        assert!(matches!(open_mount(services(), &folder, "m", "read"), Err(MountError::Secret { .. })), "{path}");
        open_mount(services(), &folder, "n", "read").unwrap();
    }
}

#[test]
fn no_guest_may_write_where_a_decisive_file_is() {
    let folder = Folder::new();
    folder.write("m/conf/bailiwick.toml", "");
    folder.write("n/elsewhere.toml", "");
    folder.link("m/linked.toml", "../n/elsewhere.toml");
    folder.link("m/folder", "../n");
    for path in
        ["m/conf/bailiwick.toml", "m/conf/later.toml", "m/a/b/later.toml", "m/linked.toml", "m/folder/elsewhere.toml"]
    {
        let services = || Services::builder().protect_integrity(folder.path(path));
        for actions in ["write", "delete", "read write"] {
            let error = open_mount(services(), &folder, "m", actions).unwrap_err();
            assert!(matches!(&error, MountError::Integrity { name, .. } if name == "m"), "{path}: {error}");
            assert!(error.to_string().contains("or allow only `read` and `list`"), "{error}");
        }
        for actions in ["read", "list", "read list"] {
            open_mount(services(), &folder, "m", actions).unwrap();
        }
        open_mount(services(), &folder, "outside", "write").unwrap();
    }
    // What a link leads to is as decisive as the link.
    let services = Services::builder().protect_integrity(folder.path("m/linked.toml"));
    assert!(matches!(open_mount(services, &folder, "n", "write"), Err(MountError::Integrity { .. })));
}

#[test]
fn what_cannot_be_told_is_refused() {
    let folder = Folder::new();
    folder.link("loop", "loop");
    let services = || Services::builder().protect_secret(folder.path("loop/state"));
    assert!(matches!(open_mount(services(), &folder, "m", "read"), Err(MountError::Unknown { .. })));
    let none = Manifest::parse("schema = 1\nid = \"t\"\nagents = [\"bot\"]\n", "t.toml").unwrap();
    assert!(services().build().open(&none, Path::new("/")).is_ok(), "without mounts there is nothing to expose");
    fs::remove_file(folder.path("loop")).unwrap();
    assert!(open_mount(services(), &folder, "m", "read").is_ok(), "it is looked at for each run");
}
