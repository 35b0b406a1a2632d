//! `--out`: what the guest left in `report` mounts, as files of whoever ran it. Never through a link, and nothing is
//! replaced that they did not say may be. Nothing is lost either: what has no place goes into a folder of its own.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use bailiwick::LeftFile;
use bailiwick_policy::{Backing, Manifest};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use data_encoding::HEXLOWER;

use crate::arguments::LaunchArguments;
use crate::failure::Failure;
use crate::launch::kept::{Kept, Reserved};
use crate::terminal::Untrusted;

/// Where the files go.
pub(crate) struct Delivery {
    folder: PathBuf,
    dir: Dir,
    overwrite: bool,
    /// With one such mount its name is left out of the paths.
    many: bool,
    kept: Vec<Reserved>,
}

/// A file below the folder.
struct Place {
    parents: Vec<String>,
    name: String,
}

impl Place {
    /// Its path, relative to the folder.
    fn path(&self) -> PathBuf {
        self.parents.iter().chain([&self.name]).collect()
    }
}

impl Delivery {
    /// Opens the folder of `--out`, and makes it if it is missing. `kept` is what this run stands on.
    ///
    /// # Errors
    /// When the folder cannot be used, a file that comes back could replace one of those kept, or the manifest has no mount
    /// whose files come back.
    pub(crate) fn of(
        arguments: &LaunchArguments,
        manifest: &Manifest,
        kept: &Kept,
    ) -> Result<Option<Delivery>, Failure> {
        let Some(folder) = &arguments.out else { return Ok(None) };
        let mounts = manifest.mounts().iter().filter(|mount| *mount.backing() == Backing::Report).count();
        if mounts == 0 {
            return Err(Failure::usage("--out: the manifest has no mount whose files come back")
                .help("add `out = { report = true }` under [mounts], and a rule such as `file = \"out/**\"`"));
        }
        let failed = |error: io::Error| {
            let name = folder.display().to_string();
            Failure::usage(format!("--out: cannot use the folder `{}`: {error}", Untrusted(&name)))
        };
        let kept = kept.below(folder, arguments.overwrite)?;
        fs::create_dir_all(folder).map_err(failed)?;
        let dir = Dir::open_ambient_dir(folder, ambient_authority()).map_err(failed)?;
        Ok(Some(Delivery { folder: folder.clone(), dir, overwrite: arguments.overwrite, many: mounts > 1, kept }))
    }

    /// Writes all of them; when one has no place, all of them into a new folder below instead.
    ///
    /// # Errors
    /// Which file is in the way and where they are, or what the system said.
    pub(crate) fn write(&self, files: &[LeftFile]) -> Result<(), Failure> {
        let places: Vec<(Place, &LeftFile)> = files.iter().filter_map(|file| Some((self.place(file)?, file))).collect();
        let in_the_way = places.iter().find_map(|(place, _)| Some((place, self.check(place).err()?)));
        let Some((place, error)) = in_the_way else { return self.write_each(&places) };
        let failure = self.failed(place, &error);
        let aside = self.aside().map_err(|error| self.failed(place, &error))?;
        aside.write_each(&places)?;
        let name = aside.folder.display().to_string();
        Err(failure.help(format!("nothing is lost: what the run left is in `{}`", Untrusted(&name))))
    }

    /// Writes as many as can be written.
    fn write_each(&self, places: &[(Place, &LeftFile)]) -> Result<(), Failure> {
        let write = |(place, file): &(Place, &LeftFile)| {
            self.write_one(place, &file.content).map_err(|error| self.failed(place, &error))
        };
        let mut failures: Vec<Failure> = places.iter().filter_map(|place| write(place).err()).collect();
        let missing = failures.len();
        match failures.drain(..).next() {
            None => Ok(()),
            Some(first) if missing == 1 => Err(first.help("it is the only file that is missing there")),
            Some(first) => Err(first.help(format!("{missing} of {} files are missing there", places.len()))),
        }
    }

    /// A new folder below, whose name nobody can have chosen.
    fn aside(&self) -> io::Result<Delivery> {
        let name = format!("run-{}", unique()?);
        self.dir.create_dir(&name)?;
        let dir = self.dir.open_dir(&name)?;
        Ok(Delivery { folder: self.folder.join(name), dir, overwrite: false, many: self.many, kept: Vec::new() })
    }

    fn place(&self, file: &LeftFile) -> Option<Place> {
        let mut names = file.path.split('/').filter(|name| !name.is_empty()).map(str::to_owned);
        let mount = names.next()?;
        let mut parents: Vec<String> = self.many.then_some(mount).into_iter().chain(names).collect();
        let name = parents.pop()?;
        Some(Place { parents, name })
    }

    fn check(&self, place: &Place) -> io::Result<()> {
        let path = place.path();
        if let Some(reserved) = self.kept.iter().find(|reserved| reserved.takes(&path)) {
            let what = reserved.what;
            let why =
                format!("that is the place of {what}, where no guest may write; put the file there if you trust it");
            return Err(io::Error::other(why));
        }
        let mut dir = self.dir.try_clone()?;
        for name in &place.parents {
            match dir.symlink_metadata(name) {
                Ok(found) if found.is_dir() => dir = dir.open_dir(name)?,
                Ok(_) => return Err(io::Error::other(format!("`{}` is in the way, and no folder", Untrusted(name)))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        match dir.symlink_metadata(&place.name) {
            Ok(found) if found.is_file() && self.overwrite => Ok(()),
            Ok(found) if found.is_file() => {
                Err(io::Error::other("it is there already; allow replacing with --overwrite"))
            }
            Ok(_) => Err(io::Error::other("what is there is no file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn write_one(&self, place: &Place, content: &[u8]) -> io::Result<()> {
        let mut dir = self.dir.try_clone()?;
        for name in &place.parents {
            match dir.create_dir(name) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            if !dir.symlink_metadata(name)?.is_dir() {
                return Err(io::Error::other(format!("`{}` is in the way, and no folder", Untrusted(name))));
            }
            dir = dir.open_dir(name)?;
        }
        if !self.overwrite {
            // Fails for whatever is there by now, a link too.
            let mut file = dir.open_with(&place.name, OpenOptions::new().write(true).create_new(true))?;
            // Half a file would look like all of it.
            return file.write_all(content).inspect_err(|_| drop(dir.remove_file(&place.name)));
        }
        let temporary = format!(".bailiwick-{}", unique()?);
        let mut file = dir.open_with(&temporary, OpenOptions::new().write(true).create_new(true))?;
        let written = file.write_all(content).and_then(|()| dir.rename(&temporary, &dir, &place.name));
        written.inspect_err(|_| drop(dir.remove_file(&temporary)))
    }

    fn failed(&self, place: &Place, error: &io::Error) -> Failure {
        let path = self.folder.join(place.path()).display().to_string();
        Failure::internal(format!("--out: cannot write `{}`: {error}", Untrusted(&path)))
    }
}

fn unique() -> io::Result<String> {
    let mut unique = [0; 8];
    rustix::rand::getrandom(&mut unique, rustix::rand::GetRandomFlags::empty())?;
    Ok(HEXLOWER.encode(&unique))
}

/// Writes what a run left, if it was asked for.
///
/// # Errors
/// As [`Delivery::write`].
pub(crate) fn deliver(delivery: Option<&Delivery>, files: &[LeftFile]) -> Result<(), Failure> {
    delivery.map_or(Ok(()), |delivery| delivery.write(files))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    fn delivery(folder: &Path, overwrite: bool) -> Delivery {
        let dir = Dir::open_ambient_dir(folder, ambient_authority()).unwrap();
        Delivery { folder: folder.to_owned(), dir, overwrite, many: false, kept: Vec::new() }
    }

    fn files(paths: &[&str]) -> Vec<LeftFile> {
        paths.iter().map(|path| LeftFile { path: format!("/out/{path}"), content: "new".into() }).collect()
    }

    #[test]
    fn files_are_written_and_nothing_is_replaced_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let (at, outside) = (folder.path().join("o"), folder.path().join("outside"));
        fs::create_dir(&at).unwrap();
        fs::write(&outside, "kept").unwrap();
        delivery(&at, false).write(&files(&["a", "d/e/b"])).unwrap();
        assert_eq!(fs::read_to_string(at.join("d/e/b")).unwrap(), "new");
        fs::write(at.join("a"), "old").unwrap();
        let refused = delivery(&at, false).write(&files(&["0", "a"])).unwrap_err();
        assert!(refused.message().contains("--overwrite"), "{}", refused.message());
        assert!(!at.join("0").exists(), "all together");
        let aside: Vec<_> = fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().path()).collect();
        let aside = aside.iter().find(|path| path.join("0").exists()).expect("what has no place is not lost");
        assert_eq!(fs::read_to_string(aside.join("a")).unwrap(), "new");
        assert_eq!(fs::read_to_string(at.join("a")).unwrap(), "old");
        assert!(refused.to_json().to_string().contains(&aside.display().to_string()), "and one is told where it is");
        fs::remove_dir_all(aside).unwrap();
        delivery(&at, true).write(&files(&["a"])).unwrap();
        assert_eq!(fs::read_to_string(at.join("a")).unwrap(), "new");
        symlink(&outside, at.join("link")).unwrap();
        symlink(folder.path(), at.join("dirlink")).unwrap();
        for overwrite in [false, true] {
            for path in ["link", "dirlink/outside", "dirlink/fresh", "a/below", "d"] {
                assert!(delivery(&at, overwrite).write(&files(&[path])).is_err(), "{path} {overwrite}");
            }
        }
        assert_eq!(fs::read_to_string(&outside).unwrap(), "kept");
        assert!(!folder.path().join("fresh").exists());
        let hidden = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with('.');
        assert!(!fs::read_dir(&at).unwrap().any(|entry| hidden(&entry.unwrap())), "no temporary file is left");
    }

    #[test]
    fn the_place_of_what_runs_stand_on_is_left_empty() {
        let folder = tempfile::tempdir().unwrap();
        let (at, state) = (folder.path().join("o"), folder.path().join("state"));
        let kept = Kept::new(&state).and("the configuration", &at.join("etc/own.toml")).below(&at, false).unwrap();
        for (path, writes) in
            [("etc/own.toml", false), ("etc", false), ("etc/own.toml/a", false), ("etc/other.toml", true)]
        {
            fs::create_dir_all(&at).unwrap();
            let delivery = Delivery { kept: kept.clone(), ..delivery(&at, false) };
            match delivery.write(&files(&["a", path])) {
                Ok(()) => assert!(writes && at.join(path).is_file(), "{path}"),
                Err(refused) => {
                    assert!(!writes && refused.message().contains("the configuration"), "{}", refused.message());
                    assert!(refused.message().contains(path) && !at.join("etc").exists(), "{path}");
                    let aside = fs::read_dir(&at).unwrap().next().unwrap().unwrap().path();
                    assert_eq!(fs::read_to_string(aside.join(path)).unwrap(), "new");
                }
            }
            fs::remove_dir_all(&at).unwrap();
        }
    }

    #[test]
    fn several_mounts_keep_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let two = Delivery { many: true, ..delivery(folder.path(), false) };
        two.write(&files(&["a"])).unwrap();
        assert!(folder.path().join("out/a").is_file());
    }
}
