//! Another master key for what is sealed: whole, interrupted, and with the wrong one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use libtest_mimic::{Failed, Trial};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{self, Ended, Home};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("vault::another_master_key", whole),
        Trial::test("vault::changes_and_another_master_key_exclude_each_other", excluded),
        Trial::test("vault::value_typed_while_rekeying", typed),
        Trial::test("vault::killed_in_the_middle", killed),
        Trial::test("vault::wrong_master_key", wrong),
        Trial::test("vault::master_keys_of_the_environment", environment),
    ]
}

struct Scene {
    root: Home,
}

impl Scene {
    /// A state folder with two secrets and three keys, one of which has two versions.
    fn new() -> Result<Scene, Failed> {
        let scene = Scene { root: Home::new()? };
        scene.fill(&[])?;
        Ok(scene)
    }

    fn fill(&self, environment: &[(&str, &str)]) -> Result<(), Failed> {
        fs::write(self.root.join("value.txt"), "a value of a secret\n")?;
        for command in [
            "secret set first --from-file value.txt",
            "secret set second --from-file value.txt",
            "key create a/one",
            "key rotate a/one",
            "key create a/two --algorithm hmac-sha256",
            "key create z/last",
        ] {
            good(self.run(command, environment)?, command)?;
        }
        Ok(())
    }

    fn command(&self, line: &str, environment: &[(&str, &str)]) -> Command {
        let mut command = self.root.program(line.split(' '));
        command.envs(environment.iter().copied());
        command
    }

    fn run(&self, line: &str, environment: &[(&str, &str)]) -> Result<Ended, String> {
        program::run(&mut self.command(line, environment))
    }

    fn master(&self) -> PathBuf {
        self.root.join("state/master.key")
    }

    fn masters(&self) -> Result<Vec<String>, Failed> {
        Ok(fs::read_to_string(self.master())?.lines().map(str::to_owned).collect())
    }

    /// Sealed files, in order.
    fn sealed(&self) -> Result<Vec<Vec<u8>>, Failed> {
        let names = [
            "secrets/first",
            "secrets/second",
            "keys/a/one/1.key",
            "keys/a/one/2.key",
            "keys/a/two/1.key",
            "keys/z/last/1.key",
        ];
        Ok(names.iter().map(|name| fs::read(self.root.join("state").join(name))).collect::<Result<_, _>>()?)
    }

    /// What can be had of it: every key is opened, and a run opens each secret that its manifest names.
    fn opened(&self, environment: &[(&str, &str)]) -> Result<String, Failed> {
        let policy = "schema = 1\nid = \"v\"\nagents = [\"bot\"]\n[[allow]]\nid = \"a\"\nsecret = \"first\"\n[[allow]]\nid = \"b\"\nsecret = \"second\"\n";
        fs::write(self.root.join("policy.toml"), policy)?;
        fs::write(self.root.join("guest.wat"), "(module (memory (export \"memory\") 1) (func (export \"_start\")))")?;
        good(self.run("run guest.wat --policy policy.toml --as bot", environment)?, "run")?;
        Ok(["key list", "key public a/one", "key public z/last"]
            .map(|line| {
                let ended = self.run(line, environment);
                ended.map_or_else(|error| error, |ended| format!("{:?} {}{}", ended.code, ended.stdout, ended.stderr))
            })
            .concat())
    }
}

fn good(ended: Ended, what: &str) -> Result<Ended, Failed> {
    if ended.code == Some(0) { Ok(ended) } else { Err(format!("`{what}`: {ended:?}").into()) }
}

fn that(holds: bool, what: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.into()) }
}

fn whole() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let (before, old, sealed) = (scene.opened(&[])?, scene.masters()?, scene.sealed()?);
    let ended = good(scene.run("vault rekey", &[])?, "vault rekey")?;
    that(ended.stderr.starts_with("sealed 2 secrets and 4 versions of keys with master key `"), &ended.stderr)?;
    let new = scene.masters()?;
    that(new.len() == 1 && new != old, "one master key, another one")?;
    that(scene.opened(&[])? == before, "everything is as it was")?;
    that(sealed.iter().zip(scene.sealed()?).all(|(old, new)| *old != new), "everything was sealed anew")?;
    let mode = fs::metadata(scene.master())?.permissions().mode() & 0o7777;
    that(mode == 0o600, "the file is the owner's alone")?;
    // Without the new one nothing is opened.
    fs::write(scene.master(), format!("{}\n", old[0]))?;
    let refused = scene.run("key list", &[])?;
    that(refused.code == Some(7) && refused.stderr.contains("another master key"), &format!("{refused:?}"))
}

/// Nothing is sealed with a master key that is being replaced.
fn excluded() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let (old, sealed) = (scene.masters()?, scene.sealed()?);
    fs::write(scene.root.join("last.pem"), good(scene.run("key public z/last --pem", &[])?, "key public")?.stdout)?;
    let changes = [
        "secret set first --from-file value.txt",
        "secret set third --from-file value.txt",
        "secret delete second",
        "key create b/new",
        "key import b/known last.pem",
        "key rotate a/one",
        "key delete a/one --only 1 --yes",
        "key delete a/two --yes",
    ];
    let lock = fs::File::open(scene.root.join("state"))?;
    lock.try_lock()?;
    for change in changes {
        let refused = scene.run(change, &[])?;
        let told = refused.stderr.contains("the vault is being rekeyed") && refused.stderr.contains("try again when");
        that(refused.code == Some(2) && told, &format!("`{change}`: {refused:?}"))?;
    }
    let refused = scene.run("vault rekey", &[])?;
    that(refused.code == Some(2) && refused.stderr.contains("is under way"), &format!("{refused:?}"))?;
    that(scene.sealed()? == sealed && scene.masters()? == old, "nothing was changed")?;
    let made = ["secrets/third", "keys/b", "keys/a/one/3.key"].map(|name| scene.root.join("state").join(name).exists());
    that(made == [false; 3], "nothing was made")?;
    // What changes nothing does not wait.
    for look in ["secret list", "key list", "key public a/one"] {
        good(scene.run(look, &[])?, look)?;
    }
    lock.unlock()?;
    // As the commands hold it, which do not exclude each other.
    lock.try_lock_shared()?;
    let refused = scene.run("vault rekey", &[])?;
    that(refused.code == Some(2) && refused.stderr.contains("is under way"), &format!("{refused:?}"))?;
    that(scene.sealed()? == sealed && scene.masters()? == old, "nothing was changed")?;
    for change in changes {
        good(scene.run(change, &[])?, change)?;
    }
    lock.unlock()?;
    good(scene.run("vault rekey", &[])?, "vault rekey")?;
    that(scene.masters()? != old, "another master key")
}

/// `secret set` waits for the value, here from a FIFO, while the master key is replaced: it is sealed with the new one.
fn typed() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let old = scene.masters()?;
    let value = scene.root.join("value.fifo");
    mknodat(CWD, &value, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
    let mut command = scene.command("secret set first --from-file value.fifo", &[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut writer = open_when_read(&mut child, &value)?;
    good(scene.run("vault rekey", &[])?, "vault rekey")?;
    that(scene.masters()? != old, "another master key")?;
    writer.write_all(b"another value of a secret\n")?;
    drop(writer);
    good(program::finish(child)?, "secret set")?;
    // Each secret is opened.
    scene.opened(&[])?;
    let ended = good(scene.run("vault rekey", &[])?, "vault rekey")?;
    that(ended.stderr.starts_with("sealed 2 secrets and 4 versions of keys with master key `"), &ended.stderr)
}

/// The last key's file is a FIFO, so that the test knows where the program is: it reads each file once to look, then to seal anew.
fn killed() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let (before, old) = (scene.opened(&[])?, scene.masters()?);
    let last = scene.root.join("state/keys/z/last/1.key");
    let content = fs::read(&last)?;
    fs::remove_file(&last)?;
    mknodat(CWD, &last, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
    let mut command = scene.command("vault rekey", &[]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // To the first reader it is what it was.
    write_when_read(&mut child, &last, Some(&content))?;
    // From here on nobody reads it but to seal it anew.
    while scene.masters()?.len() == 1 {
        that(child.try_wait()?.is_none(), "it ended before it wrote the new master key")?;
        thread::yield_now();
    }
    write_when_read(&mut child, &last, None)?;
    kill_process(Pid::from_child(&child), Signal::KILL)?;
    child.wait()?;
    fs::remove_file(&last)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&last)?.write_all(&content)?;

    let between = scene.masters()?;
    that(between.len() == 2 && between[1] == old[0], "both master keys are there")?;
    that(scene.opened(&[])? == before, "everything can be opened in between")?;
    let ended = good(scene.run("vault rekey", &[])?, "vault rekey")?;
    that(ended.stderr.starts_with("sealed 0 secrets and 1 version of keys"), &ended.stderr)?;
    that(scene.masters()? == [between[0].clone()], "the new one alone is left")?;
    that(scene.opened(&[])? == before, "everything is as it was")
}

/// Waits until the program opens the FIFO, and gives it that, or leaves it waiting.
fn write_when_read(child: &mut Child, fifo: &std::path::Path, content: Option<&[u8]>) -> Result<(), Failed> {
    let mut file = open_when_read(child, fifo)?;
    match content {
        Some(content) => file.write_all(content)?,
        // Kept open: the reader waits for what is never written.
        None => std::mem::forget(file),
    }
    Ok(())
}

/// Waits until the program opens the FIFO, and opens it for writing.
fn open_when_read(child: &mut Child, fifo: &std::path::Path) -> Result<fs::File, Failed> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits())?;
    loop {
        match OpenOptions::new().write(true).custom_flags(flags).open(fifo) {
            Ok(file) => return Ok(file),
            // Nobody reads yet.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(status) = child.try_wait()? {
            return Err(format!("it ended before it read `{}`: {status}", fifo.display()).into());
        }
        thread::yield_now();
    }
}

fn wrong() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let (sealed, good_key) = (scene.sealed()?, fs::read(scene.master())?);
    fs::write(scene.master(), format!("{}\n", "ab".repeat(32)))?;
    let refused = scene.run("vault rekey", &[])?;
    that(refused.code == Some(7) && refused.stderr.contains("another master key"), &format!("{refused:?}"))?;
    that(scene.masters()? == ["ab".repeat(32)] && scene.sealed()? == sealed, "nothing was changed")?;
    // One record that cannot be opened, and nothing is changed either.
    fs::write(scene.master(), &good_key)?;
    let file = scene.root.join("state/keys/z/last/1.key");
    let mut damaged = fs::read(&file)?;
    if let Some(byte) = damaged.last_mut() {
        *byte ^= 1;
    }
    fs::write(&file, &damaged)?;
    let refused = scene.run("vault rekey", &[])?;
    that(refused.code == Some(7) && refused.stderr.contains("damaged"), &format!("{refused:?}"))?;
    that(fs::read(scene.master())? == good_key, "the master key is as it was")
}

fn environment() -> Result<(), Failed> {
    let scene = Scene { root: Home::new()? };
    fs::write(scene.root.join("vault.toml"), "[vault]\nmaster_key = \"environment\"\n")?;
    let (old, new) = ("ab".repeat(32), "cd".repeat(32));
    let both = format!("{new} {old}");
    fn with(keys: &str) -> [(&str, &str); 2] {
        [("BAILIWICK_CONFIG", "vault.toml"), ("BAILIWICK_MASTER_KEY", keys)]
    }
    scene.fill(&with(&old))?;
    let refused = scene.run("vault rekey", &with(&old))?;
    that(refused.code == Some(2) && refused.stderr.contains("put the new one before it"), &format!("{refused:?}"))?;
    let ended = good(scene.run("vault rekey", &with(&both))?, "vault rekey")?;
    that(ended.stderr.contains("take them out"), &ended.stderr)?;
    good(scene.run("key list", &with(&new))?, "key list with the new one")?;
    that(scene.run("key list", &with(&old))?.code == Some(7), "the old one opens nothing")?;
    that(!scene.master().exists(), "no master key in the state folder")
}
