//! Files and standard input that a command line names, each with a cap.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Failure;
use crate::terminal::Untrusted;

/// Reads a file, or standard input for `-`, of at most `limit` bytes. `what` names it in errors.
pub(crate) fn bytes(path: &Path, what: &str, limit: usize) -> Result<Vec<u8>, Failure> {
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
        File::open(path).map_err(failed)?.take(bound).read_to_end(&mut content).map_err(failed)?;
    }
    if content.len() > limit {
        return Err(Failure::usage(format!("{what} `{}` is longer than {limit} bytes", Untrusted(&name))));
    }
    Ok(content)
}

/// The same, as UTF-8.
pub(crate) fn text(path: &Path, what: &str, limit: usize) -> Result<String, Failure> {
    String::from_utf8(bytes(path, what, limit)?).map_err(|_| {
        let name = path.display().to_string();
        Failure::usage(format!("{what} `{}` is not UTF-8 text", Untrusted(&name)))
    })
}

/// Seconds since the Unix epoch. A clock set before 1970 reads as 1970, at which every token is not yet valid.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
