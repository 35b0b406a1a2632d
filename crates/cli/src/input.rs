//! Files and standard input that a command line names, each with a cap.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::terminal::Untrusted;

/// Reads a file, or standard input for `-`, of at most `limit` bytes. `what` names it in errors.
pub(crate) fn bytes(path: &Path, what: &str, limit: usize) -> Result<Vec<u8>, Failure> {
    read(path, what, limit, false)
}

/// The same, as UTF-8.
pub(crate) fn text(path: &Path, what: &str, limit: usize) -> Result<String, Failure> {
    utf8(bytes(path, what, limit)?, path, what)
}

/// The same, from a file that only its owner can read or write.
pub(crate) fn private_text(path: &Path, what: &str, limit: usize) -> Result<Zeroizing<String>, Failure> {
    utf8(read(path, what, limit, true)?, path, what).map(Zeroizing::new)
}

fn read(path: &Path, what: &str, limit: usize, private: bool) -> Result<Vec<u8>, Failure> {
    let name = path.display().to_string();
    let failed = |error: io::Error| {
        let help = match error.kind() {
            io::ErrorKind::NotFound => "check the path",
            io::ErrorKind::PermissionDenied => "the file's permissions do not let you read it",
            _ => "name a regular file, or `-` for standard input",
        };
        Failure::usage(format!("cannot read {what} `{}`: {error}", Untrusted(&name))).help(help)
    };
    let mut content = Vec::new();
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    if path == Path::new("-") {
        io::stdin().lock().take(bound).read_to_end(&mut content).map_err(failed)?;
    } else {
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
        if private && mode & 0o077 != 0 {
            let name = Untrusted(&name);
            return Err(Failure::usage(format!("others can read or write {what} `{name}` (mode {mode:o})"))
                .help(format!("take it as disclosed, or `chmod 600 {name}`")));
        }
        file.take(bound).read_to_end(&mut content).map_err(failed)?;
    }
    if content.len() > limit {
        return Err(Failure::usage(format!("{what} `{}` is longer than {limit} bytes", Untrusted(&name))));
    }
    Ok(content)
}

fn utf8(content: Vec<u8>, path: &Path, what: &str) -> Result<String, Failure> {
    String::from_utf8(content).map_err(|_| {
        let name = path.display().to_string();
        Failure::usage(format!("{what} `{}` is not UTF-8 text", Untrusted(&name)))
    })
}

/// Seconds since the Unix epoch. A clock set before 1970 reads as 1970, at which every token is not yet valid.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    #[test]
    fn a_private_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "x").unwrap();
        for (mode, is_private) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(private_text(&path, "the password", 10).is_ok(), is_private, "{mode:o}");
        }
    }
}
