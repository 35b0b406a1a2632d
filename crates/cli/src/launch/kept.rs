//! What a run stands on, and what it leaves must therefore never replace: the names of the files are the guest's choice.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::terminal::Untrusted;

/// Files and folders of this run and of the installation, each with what it is.
#[derive(Debug)]
pub(crate) struct Kept {
    state: PathBuf,
    others: Vec<Other>,
}

#[derive(Debug)]
struct Other {
    what: &'static str,
    path: PathBuf,
    /// What is added to the name of the file to which `path` leads.
    suffix: &'static str,
}

/// A path below the folder of `--out` that is for something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reserved {
    pub(crate) what: &'static str,
    path: PathBuf,
}

impl Reserved {
    /// Whether a file at `path`, which is relative to the same folder, would be there, in it, or in its way.
    pub(crate) fn takes(&self, path: &Path) -> bool {
        path.starts_with(&self.path) || self.path.starts_with(path)
    }
}

impl Kept {
    pub(crate) fn new(state: &Path) -> Kept {
        Kept { state: state.to_owned(), others: Vec::new() }
    }

    /// One more; standard input is nothing that could be replaced.
    pub(crate) fn and(mut self, what: &'static str, path: &Path) -> Kept {
        if path != Path::new("-") {
            self.others.push(Other { what, path: path.to_owned(), suffix: "" });
        }
        self
    }

    /// A file of SQLite, which believes what lies beside it: a journal is played back into the database.
    pub(crate) fn and_database(mut self, path: &Path) -> Kept {
        let files = ["", "-journal", "-wal", "-shm"];
        self.others.extend(files.map(|suffix| Other { what: "a database", path: path.to_owned(), suffix }));
        self
    }

    /// What of it is below `folder`, where a guest chooses names. Also where nothing is yet: what it left there, the next run
    /// would trust.
    ///
    /// # Errors
    /// What it could replace, with `overwrite`, and what to do.
    pub(crate) fn below(&self, folder: &Path, overwrite: bool) -> Result<Vec<Reserved>, Failure> {
        let folder_at = located(folder)?;
        let state = located(&self.state)?;
        let help = "name a folder with nothing else in it";
        if state.starts_with(&folder_at) || folder_at.starts_with(&state) {
            let (folder, state) = (shown(folder), shown(&self.state));
            return Err(Failure::usage(format!(
                "--out: the guest could change the state folder `{state}` through `{folder}`"
            ))
            .help(help));
        }
        let mut below = Vec::new();
        for Other { what, path, suffix } in &self.others {
            let mut at = located(path)?.into_os_string();
            at.push(suffix);
            let at = PathBuf::from(at);
            let Ok(inside) = at.strip_prefix(&folder_at) else { continue };
            if overwrite {
                let (folder, path) = (shown(folder), shown(path));
                let message =
                    format!("--out with --overwrite: the guest could replace {what}, `{path}`, in `{folder}`");
                return Err(Failure::usage(message).help(help));
            }
            // Whoever names a mount's own folder means that files are added there.
            if inside != Path::new("") {
                below.push(Reserved { what, path: inside.to_owned() });
            }
        }
        Ok(below)
    }
}

fn located(path: &Path) -> Result<PathBuf, Failure> {
    resolved(path).map_err(|error| {
        Failure::usage(format!("--out: cannot tell where `{}` is: {error}", shown(path)))
            .help("name it without `..` and without links")
    })
}

fn shown(path: &Path) -> String {
    Untrusted(&path.display().to_string()).to_string()
}

/// Where a path leads, also one that does not exist yet, or is out of our reach and so of what we write.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let error = match path.canonicalize() {
        Err(error) => error,
        found => return found,
    };
    if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied) {
        return Err(error);
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err(error) };
    // A link to where nothing is: what is made there is found through it. Loops are another error.
    if let Ok(target) = path.read_link() {
        return resolved(&parent.join(target));
    }
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    Ok(resolved(parent)?.join(name))
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
        for folder in ["state/deep", "work/in", "elsewhere", "links"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("work/in/policy.toml"), "").unwrap();
        symlink(at("work"), at("link")).unwrap();
        symlink("../fresh/own.toml", at("links/own.toml")).unwrap();
        let kept = Kept::new(&at("state"))
            .and("the manifest", &at("work/in/policy.toml"))
            .and("the guest", Path::new("-"))
            .and("the configuration", &at("absent/deep/own.toml"))
            .and("the configuration", &at("links/own.toml"));
        for (folder, overwrite, fits) in [
            ("out", true, true),
            ("work/in/out", true, true),
            ("work/out", true, true),
            ("work", false, true),
            ("work", true, false),
            ("absent", false, true),
            ("absent", true, false),
            ("fresh", true, false),
            ("links", true, true),
            ("work/in", true, false),
            ("link/in", true, false),
            ("link/new", true, true),
            ("elsewhere/../work", true, false),
            ("state", false, false),
            ("state/deep/new", false, false),
            ("", false, false),
        ] {
            assert_eq!(kept.below(&at(folder), overwrite).is_ok(), fits, "{folder} {overwrite}");
        }
        let below = |folder: &str| -> Vec<String> {
            let reserved = kept.below(&at(folder), false).unwrap().into_iter();
            reserved.map(|Reserved { what, path }| format!("{what} {}", path.display())).collect()
        };
        assert_eq!(below("work"), ["the manifest in/policy.toml"]);
        assert_eq!(below("link/in"), ["the manifest policy.toml"]);
        assert_eq!(below("absent"), ["the configuration deep/own.toml"], "also where nothing is yet");
        assert_eq!(below("fresh"), ["the configuration own.toml"], "nor behind a link");
        assert_eq!(below("elsewhere"), [""; 0]);
    }

    #[test]
    fn a_database_has_files_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir(at("data")).unwrap();
        fs::write(at("data/real.db"), "").unwrap();
        symlink(at("data/real.db"), at("crm.db")).unwrap();
        let below = Kept::new(&at("state")).and_database(&at("crm.db")).below(&at("data"), false).unwrap();
        for (path, taken) in
            [("real.db", true), ("real.db-journal", true), ("real.db-wal", true), ("real.db-shm", true), ("a", false)]
        {
            assert_eq!(below.iter().any(|reserved| reserved.takes(Path::new(path))), taken, "{path}");
        }
    }
}
