//! Transcripts: commands and what they print. One file is one test.
//!
//! A line that begins with `$ ` is a command of `bailiwick`; below it stand its standard output, its standard error with
//! `! ` before each line, and its exit code. Words are separated by blanks, and `'…'` keeps them together. The commands
//! of a file share a folder with a copy of `policies/`, `guest-examples/`, `tests/manifests/` and `tests/tokens/`. Everything but the
//! commands and lines that begin with `#` is rewritten when blessed.

use std::fs;
use std::path::Path;

use libtest_mimic::Failed;

use crate::golden;
use crate::program;
use crate::stage::{copy, repository};

/// Runs the commands of a transcript.
///
/// # Errors
/// When one of them prints something else.
pub(crate) fn check(file: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(file)?;
    let temporary = tempfile::tempdir()?;
    let root = temporary.path().canonicalize()?;
    for (from, to) in [
        ("policies", "policies"),
        ("guest-examples", "guest-examples"),
        ("tests/manifests", "manifests"),
        ("tests/tokens", "tokens"),
    ] {
        copy(&repository().join(from), &root.join(to))?;
    }
    fs::write(root.join("bailiwick.toml"), "[compile]\ntime = \"60s\"\n")?;
    let mut actual = String::new();
    // What a command printed may look like a comment.
    let mut printed = false;
    for line in text.lines() {
        printed = (printed || line.starts_with("$ ")) && !line.starts_with("[exit ");
        if line.starts_with('#') && !printed {
            actual += &format!("{line}\n");
        }
        let Some(command) = line.strip_prefix("$ ") else { continue };
        let words = words(command);
        let arguments = words.iter().skip(1);
        let ended = program::run(program::program(&root, arguments).env("BAILIWICK_STATE", root.join("state")))?;
        if ended.stderr.contains("panicked at") {
            return Err(format!("`{command}` panicked: {}", ended.stderr).into());
        }
        // Usage lines begin with the name of the file that was started.
        let plain = |text: &str| {
            text.replace(&root.display().to_string(), "{{root}}").replace("bailiwick-under-test", "bailiwick")
        };
        actual += &format!("$ {command}\n");
        for line in plain(&ended.stdout).lines() {
            actual += &format!("{}\n", line.trim_end());
        }
        for line in plain(&ended.stderr).lines() {
            actual += format!("! {line}").trim_end();
            actual.push('\n');
        }
        actual += &format!("[exit {}]\n\n", ended.code.map_or("by a signal".to_owned(), |code| code.to_string()));
    }
    golden::compare(file, &actual)
}

/// The words of a command line.
pub(crate) fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in command.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().into_iter().for_each(|word| word.push(c)),
        }
    }
    words
}
