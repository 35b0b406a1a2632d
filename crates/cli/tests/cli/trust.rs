//! Who could decide whom to trust, and does not.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::place::Place;

/// Whoever can write to the folder that commands are run from could otherwise decide whom to trust.
#[test]
fn a_file_in_the_current_folder_decides_about_no_trust() {
    let place = Place::with_guests();
    for section in [
        "[issuer]\nlocal = true",
        "[issuer]\nlocal = false",
        "[[trusted]]\nissuer = 'a'\naudience = 'b'\njwks = 'c'\nalgorithms = ['ES256']",
        "[registry]\nrotate = '48h'",
        "[audit]\ndurability = 'buffered'",
        "[compile]\ntime = '1h'",
        "[fetch]\nca_file = 'ca.pem'",
        "[languages.python]\nwith = ['markdown']",
    ] {
        place.write("bailiwick.toml", &format!("[keys.notes]\ncreate = 'ed25519'\n{section}\n"));
        let refused = place.guest("quiet.wat", &[]).expect(2).err();
        assert!(refused.contains("whom to trust") && refused.contains("--config"), "{section}: {refused}");
    }
    place.guest("quiet.wat", &["--config", "/dev/null"]).expect(0);
    place.write("bailiwick.toml", "[keys.notes]\ncreate = 'ed25519'\n");
    place.guest("quiet.wat", &[]).expect(0);
    place.configure("[issuer]\nlocal = false\n");
    place.guest("quiet.wat", &[]).expect(4);
    place.guest("quiet.wat", &["--config", "bailiwick.toml"]).expect(0);
}

#[test]
fn a_configuration_that_cannot_be_read_is_not_taken_for_none() {
    let place = Place::with_guests();
    fs::create_dir_all(place.path(".config/bailiwick")).unwrap();
    std::os::unix::fs::symlink("nowhere", place.path(".config/bailiwick/bailiwick.toml")).unwrap();
    place.guest("quiet.wat", &[]).expect(2);
}

#[test]
fn a_token_for_tools_is_for_its_owner_alone() {
    let place = Place::with_guests();
    place.configure("[tools.'https://crm.example/mcp']\nbearer_file = 'crm.token'\n");
    place.write("policy.toml", "schema = 1\nid = 'm'\nagents = ['bot']\n[tools.own]\nembedded = true\n");
    let token = ".config/bailiwick/crm.token";
    place.write(token, "a-token\n");
    for mode in [0o640, 0o602] {
        place.chmod(token, mode);
        let refused = place.run(&["tool", "list", "policy.toml"]).expect(2).err();
        assert!(refused.contains("others can read or write") && refused.contains("chmod 600"), "{refused}");
    }
    place.chmod(token, 0o600);
    place.run(&["tool", "list", "policy.toml"]).expect(0);
    // No guest reads it either, also under a manifest that names no tools.
    let manifest = |mount: &str| {
        format!(
            "schema = 1\nid = 'w'\nagents = ['note-bot']\n[[allow]]\nid = 'w'\nfile = 'w/**'\nactions = ['read']\n\
             [mounts]\nw = '{mount}'\n"
        )
    };
    let run = || place.run(&["run", "quiet.wat", "--policy", "w.toml", "--as", "note-bot"]);
    place.write("w.toml", &manifest(".config"));
    let refused = run().expect(2).err();
    assert!(refused.contains("mount `w`") && refused.contains("secrets"), "{refused}");
    place.write("w.toml", &manifest("data"));
    run().expect(0);
}

/// `w` is the folder with the manifest and, perhaps, the configuration. The state is elsewhere.
#[test]
fn a_mount_cannot_take_over_the_trust_root() {
    let place = Place::with_guests();
    let elsewhere = tempfile::tempdir().unwrap();
    let manifest = |mount: &str, actions: &str| {
        format!(
            "schema = 1\nid = 'w'\nagents = ['note-bot']\n[[allow]]\nid = 'w'\nfile = 'w/**'\nactions = [{actions}]\n\
             [mounts]\nw = '{mount}'\n"
        )
    };
    let run = |state: &str, more: &[&str]| {
        let arguments = [&["run", "quiet.wat", "--policy", "w.toml", "--as", "note-bot", "--state", state], more];
        place.run(&arguments.concat())
    };
    let state = elsewhere.path().join("state");
    let state = state.to_str().unwrap();

    for actions in ["'write'", "'read', 'delete'"] {
        place.write("w.toml", &manifest(".", actions));
        let refused = run(state, &["--json"]).expect(2);
        let message = refused.json()["error"]["message"].to_string();
        assert!(message.contains("mount `w`") && message.contains("decides what guests may do"), "{message}");
    }
    place.write("w.toml", &manifest(".", "'read', 'list'"));
    run(state, &[]).expect(0);
    place.write("w.toml", &manifest("data", "'read', 'write'"));
    run(state, &[]).expect(0);

    // The state folder holds keys: not even reading.
    place.write("w.toml", &manifest(".", "'read'"));
    let refused = run("state", &[]).expect(2).err();
    assert!(refused.contains("mount `w`") && refused.contains("secrets"), "{refused}");
    place.write("w.toml", &manifest("state/audit", "'list'"));
    run("state", &[]).expect(2);

    // Each file that decides, alone in a folder that a guest may write to.
    fs::create_dir_all(place.path(".config/bailiwick")).unwrap();
    place.write("w.toml", &manifest(".config", "'write'"));
    assert!(run(state, &[]).expect(2).err().contains("bailiwick.toml"), "the place counts before the file is there");
    place.write("w.toml", &manifest("data", "'write'"));
    place.write("data/named.toml", "");
    run(state, &["--config", "data/named.toml"]).expect(2);
    place.write("named.toml", "[[trusted]]\nissuer = 'a'\naudience = 'b'\njwks = 'data/keys.json'\nalgorithms = ['ES256']\n[issuer]\nlocal = true\n");
    assert!(run(state, &["--config", "named.toml"]).expect(2).err().contains("keys.json"));
    place.write("named.toml", "");
    run(state, &["--config", "named.toml"]).expect(0);
    place.write("data/ceiling.toml", &manifest("data", "'write'"));
    place.write("w.toml", &manifest("data", "'write'").replacen("id =", "ceiling = 'data/ceiling.toml'\nid =", 1));
    assert!(run(state, &[]).expect(2).err().contains("ceiling.toml"));
}

#[test]
fn a_state_folder_that_others_could_have_written_is_refused() {
    let place = Place::with_guests();
    place.guest("quiet.wat", &[]).expect(0);
    for name in ["state", "state/audit", "state/cache"] {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(0o720)).unwrap();
        let refused = place.guest("quiet.wat", &[]).expect(7).err();
        assert!(refused.contains("run `chmod 700 ") && refused.contains(name), "{refused}");
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(0o700)).unwrap();
    }
    place.guest("quiet.wat", &[]).expect(0);
}
