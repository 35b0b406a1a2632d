//! What no guest may see: planted around every case, and looked for in everything that came out of it.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Command;

/// In every canary, and nowhere else.
const MARK: &str = "c4nary-9b1e77";

/// The environment variable that holds one.
const VARIABLE: &str = "DEPLOY_TOKEN";

/// Texts of the host that are as telling, since everybody's `/etc/passwd` and kernel have them.
const HOST: [&str; 2] = ["root:x:0:0", "PRETTY_NAME="];

/// Puts a canary outside every mount, one beside the policy, and one into the state of the host.
pub(crate) fn plant(root: &Path, work: &Path, state: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(state)?;
    for (path, what) in [(root, "outside"), (work, "beside"), (state, "state")] {
        fs::write(path.join("canary.txt"), text(what))?;
    }
    Ok(())
}

/// Gives the program one in its environment.
pub(crate) fn environment(command: &mut Command) {
    command.env(VARIABLE, text("environment"));
}

/// Looks for canaries in texts that came out of a run, and in the files below `work`; those planted must be there still.
///
/// # Errors
/// With where one was found, or which one is gone.
pub(crate) fn search(texts: &[(&str, &str)], root: &Path, work: &Path, state: &Path) -> Result<(), String> {
    for (name, content) in texts {
        clean(name, content)?;
    }
    for (path, what) in [(root, "outside"), (work, "beside"), (state, "state")] {
        if fs::read_to_string(path.join("canary.txt")).ok() != Some(text(what)) {
            return Err(format!("the canary `{what}` was changed"));
        }
    }
    walk(work, &work.join("canary.txt"))?;
    // What cases keep as a secret is sealed there.
    walk(state, &state.join("canary.txt"))
}

/// The one outside every mount, as a secret is made of it: without its line break.
pub(crate) fn outside() -> String {
    text("outside").trim_end().to_owned()
}

fn walk(folder: &Path, planted: &Path) -> Result<(), String> {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            walk(&path, planted)?;
        } else if kind.is_file() && path != planted {
            let bytes = fs::read(&path).unwrap_or_default();
            // What is in a journal is compressed; of one that was cut off, all that there is.
            let mut plain = Vec::new();
            if path.components().any(|part| part.as_os_str() == "journals") {
                let _ = zstd::stream::copy_decode(bytes.as_slice(), &mut plain);
            }
            for content in [bytes, plain] {
                clean(&path.display().to_string(), &String::from_utf8_lossy(&content))?;
            }
        }
    }
    Ok(())
}

fn clean(name: &str, content: &str) -> Result<(), String> {
    match HOST.iter().chain([&MARK]).find(|mark| content.contains(**mark)) {
        Some(mark) => Err(format!("{name} has `{mark}` in it, which no guest may see:\n{content}")),
        None => Ok(()),
    }
}

fn text(what: &str) -> String {
    format!("{MARK} {what}\n")
}
