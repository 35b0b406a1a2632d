//! What a run stands on, and what it leaves must therefore never replace: the names of the files are the guest's choice.

use std::io;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::terminal::Untrusted;

/// Files and folders of this run and of the installation, each with what it is.
#[derive(Debug)]
pub(crate) struct Kept {
    state: PathBuf,
    others: Vec<(&'static str, PathBuf)>,
}

impl Kept {
    pub(crate) fn new(state: &Path) -> Kept {
        Kept { state: state.to_owned(), others: Vec::new() }
    }

    /// One more; standard input is nothing that could be replaced.
    pub(crate) fn and(mut self, what: &'static str, path: &Path) -> Kept {
        if path != Path::new("-") {
            self.others.push((what, path.to_owned()));
        }
        self
    }

    /// Whether a guest that chooses names below `folder`, and with `overwrite` those that are taken, leaves all of it alone.
    ///
    /// # Errors
    /// What it could replace, and what to do.
    pub(crate) fn check(&self, folder: &Path, overwrite: bool) -> Result<(), Failure> {
        let cannot =
            |error: io::Error| Failure::usage(format!("--out: cannot tell where `{}` is: {error}", shown(folder)));
        let folder_at = resolved(folder).map_err(cannot)?;
        let state = resolved(&self.state).map_err(cannot)?;
        let help = "name a folder with nothing else in it";
        if state.starts_with(&folder_at) || folder_at.starts_with(&state) {
            let (folder, state) = (shown(folder), shown(&self.state));
            return Err(Failure::usage(format!(
                "--out: the guest could change the state folder `{state}` through `{folder}`"
            ))
            .help(help));
        }
        for (what, path) in self.others.iter().filter(|_| overwrite) {
            if resolved(path).map_err(cannot)?.starts_with(&folder_at) {
                let (folder, path) = (shown(folder), shown(path));
                let message =
                    format!("--out with --overwrite: the guest could replace {what}, `{path}`, in `{folder}`");
                return Err(Failure::usage(message).help(help));
            }
        }
        Ok(())
    }
}

fn shown(path: &Path) -> String {
    Untrusted(&path.display().to_string()).to_string()
}

/// Where a path leads, also one that does not exist yet.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) if parent.as_os_str().is_empty() => {
                Ok(Path::new(".").canonicalize()?.join(name))
            }
            (Some(parent), Some(name)) => Ok(resolved(parent)?.join(name)),
            _ => Err(error),
        },
        found => found,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_a_run_stands_on_is_not_below_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["state/deep", "work/in", "elsewhere"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("work/in/policy.toml"), "").unwrap();
        symlink(at("work"), at("link")).unwrap();
        let kept =
            Kept::new(&at("state")).and("the manifest", &at("work/in/policy.toml")).and("the guest", Path::new("-"));
        for (folder, overwrite, fits) in [
            ("out", true, true),
            ("work/in/out", true, true),
            ("work/out", true, true),
            ("work", false, true),
            ("work", true, false),
            ("work/in", true, false),
            ("link/in", true, false),
            ("link/new", true, true),
            ("elsewhere/../work", true, false),
            ("state", false, false),
            ("state/deep/new", false, false),
            ("", false, false),
        ] {
            assert_eq!(kept.check(&at(folder), overwrite).is_ok(), fits, "{folder} {overwrite}");
        }
    }
}
