//! What a log publishes about itself, beside it: its tree in tiles, and signed checkpoints.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::folder::{MAX_CHECKPOINT, folder_of, read_file, read_tile};
use crate::tlog::{Checkpoint, Hash, Signer, TILE_WIDTH, Tile, Tree, bundle, bundle_path};

/// A checkpoint is due after so many entries, or so long after the first entry that none covers.
const ENTRIES: u64 = 1000;
const AGE: Duration = Duration::from_secs(5);

/// The extension line that says where in the log's file the entries of the last, incomplete bundle begin.
const OFFSET: &str = "bundle-offset ";

/// The extension line of the checkpoint with which a log is closed: it has no more entries until it is opened again.
pub(super) const CLOSED: &str = "closed";

/// The folder with tiles and checkpoint, and the tree up to the log's last entry.
pub(super) struct Published {
    folder: PathBuf,
    /// The log's file, by its name and as it was opened: (device, inode).
    log: PathBuf,
    identity: (u64, u64),
    signer: Signer,
    /// Entries that no checkpoint covered when the log was opened.
    adopted: u64,
    tree: Tree,
    /// The entries of the last, incomplete bundle.
    bundle: Vec<Vec<u8>>,
    /// Where in the log's file they begin.
    offset: u64,
    /// The tree's size in the last checkpoint, and when the first entry came that it does not cover.
    covered: u64,
    uncovered_since: Option<Instant>,
}

/// Why a log is not gone on with.
#[derive(Debug)]
pub(super) enum Unfit {
    Io(io::Error),
    /// What is wrong, for people.
    Wrong(String),
}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Unfit {
        Unfit::Io(error)
    }
}

impl Published {
    /// Goes on where the last checkpoint ends, or begins when `log` is empty.
    ///
    /// Costs the same however long the log is: tiles tell what came before, unless they are damaged. `torn` bytes at the end
    /// of `log` are no entry.
    pub(super) fn open(path: &Path, mut log: &File, torn: u64, signer: Signer) -> Result<Published, Unfit> {
        let folder = folder_of(path);
        let mut published = Published {
            folder,
            log: path.to_owned(),
            identity: identity(&log.metadata()?),
            signer,
            adopted: 0,
            tree: Tree::default(),
            bundle: Vec::new(),
            offset: 0,
            covered: 0,
            uncovered_since: None,
        };
        let Some(checkpoint) = published.checkpoint()? else {
            if log.metadata()?.len() > 0 {
                let wrong = format!("it has entries and no checkpoint in `{}`", published.folder.display());
                return Err(Unfit::Wrong(wrong));
            }
            // INVARIANT: a signed checkpoint exists before the first entry does, so that none missing goes unnoticed.
            published.publish(false)?;
            let parent = published.folder.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
            return Ok(published);
        };
        published.resume(log, &checkpoint)?;
        log.seek(SeekFrom::Start(published.offset))?;
        let mut lines = BufReader::new(log);
        let known = checkpoint.size % TILE_WIDTH;
        let edge: Vec<Hash> = published
            .tree
            .partial_tiles()
            .find(|(tile, _)| tile.level() == 0)
            .map(|(_, row)| row.to_vec())
            .unwrap_or_default();
        for number in 0..known {
            let line = read_line(&mut lines)?;
            let expected = usize::try_from(number).ok().and_then(|number| edge.get(number));
            let Some(line) = line.filter(|line| Some(&Hash::leaf(line)) == expected) else {
                let entry = checkpoint.size.saturating_sub(known).saturating_add(number);
                return Err(Unfit::Wrong(format!("entry {entry} is not the one that its checkpoint covers")));
            };
            published.bundle.push(line);
        }
        let closed = checkpoint.extensions.iter().any(|line| line == CLOSED);
        let mut more = read_line(&mut lines)?;
        if closed && (more.is_some() || torn > 0) {
            let size = checkpoint.size;
            return Err(Unfit::Wrong(format!("it was closed after {size} entries, and somebody added to it since")));
        }
        // What came after the last checkpoint and before a crash.
        while let Some(line) = more {
            published.append(&line)?;
            more = read_line(&mut lines)?;
        }
        published.adopted = published.tree.size().saturating_sub(checkpoint.size);
        log.sync_data()?;
        published.publish(false)?;
        Ok(published)
    }

    /// Entries that were there when the log was opened, and that nobody had signed.
    pub(super) fn adopted(&self) -> u64 {
        self.adopted
    }

    /// Adds an entry that is in the log: its line, without the break.
    pub(super) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let mut full = Vec::new();
        if self.bundle.len() as u64 + 1 == TILE_WIDTH {
            self.in_place()?;
        }
        self.tree.push(Hash::leaf(line), |tile, row| full.push((tile, row)));
        self.bundle.push(line.to_vec());
        self.uncovered_since.get_or_insert_with(Instant::now);
        if self.bundle.len() as u64 == TILE_WIDTH {
            let index = (self.tree.size() / TILE_WIDTH).saturating_sub(1);
            self.write_bundle(index)?;
            let bytes = self.bundle.iter().map(|line| line.len() as u64 + 1).sum();
            self.offset = self.offset.saturating_add(bytes);
            self.bundle.clear();
        }
        for (tile, row) in full {
            self.write(&tile.path(), &Tile::encode(&row))?.sync_data()?;
            self.forget(&format!("{}.p", tile.path()));
        }
        Ok(())
    }

    /// Entries in the tree.
    pub(super) fn size(&self) -> u64 {
        self.tree.size()
    }

    /// How long the next checkpoint may wait; `None` when there is nothing new to cover.
    pub(super) fn due_in(&self) -> Option<Duration> {
        let since = self.uncovered_since?;
        let many = self.tree.size().saturating_sub(self.covered) >= ENTRIES;
        Some(if many { Duration::ZERO } else { AGE.saturating_sub(since.elapsed()) })
    }

    /// Signs a checkpoint over everything so far, the last one if the log is `closed`. The entries must be on stable storage.
    pub(super) fn publish(&mut self, closed: bool) -> io::Result<()> {
        self.in_place()?;
        let size = self.tree.size();
        let edge: Vec<_> = self.tree.partial_tiles().map(|(tile, row)| (tile, Tile::encode(row))).collect();
        for (tile, bytes) in &edge {
            self.write(&tile.path(), bytes)?;
        }
        if !self.bundle.is_empty() {
            self.write_bundle(size / TILE_WIDTH)?;
        }
        let checkpoint = Checkpoint {
            origin: self.signer.public().name().to_owned(),
            size,
            root: self.tree.root(),
            extensions: [format!("{OFFSET}{}", self.offset)].into_iter().chain(closed.then(|| CLOSED.into())).collect(),
        };
        let note = self.signer.sign(&checkpoint.to_string());
        self.write("checkpoint.new", note.as_bytes())?.sync_data()?;
        fs::rename(self.folder.join("checkpoint.new"), self.folder.join("checkpoint"))?;
        File::open(&self.folder)?.sync_all()?;
        // Readers may still follow the checkpoint before this one, and no older one.
        for (tile, _) in edge {
            let scale = TILE_WIDTH.saturating_pow(u32::from(tile.level()));
            self.keep(&tile.path(), tile.width(), self.covered.checked_div(scale).unwrap_or(0) % TILE_WIDTH);
        }
        self.keep(&bundle_path(size / TILE_WIDTH, size % TILE_WIDTH), size % TILE_WIDTH, self.covered % TILE_WIDTH);
        (self.covered, self.uncovered_since) = (size, None);
        Ok(())
    }

    /// The last checkpoint, whose signature is ours.
    fn checkpoint(&self) -> Result<Option<Checkpoint>, Unfit> {
        let path = self.folder.join("checkpoint");
        let note = match read_file(&path, MAX_CHECKPOINT) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let wrong = |problem: &dyn std::fmt::Display| Unfit::Wrong(format!("`{}`: {problem}", path.display()));
        let public = self.signer.public();
        let text = public.open(&note).map_err(|problem| wrong(&problem))?;
        let checkpoint: Checkpoint = text.parse().map_err(|problem| wrong(&problem))?;
        if checkpoint.origin != public.name() {
            return Err(wrong(&format!("it is of the log `{}`, not of `{}`", checkpoint.origin, public.name())));
        }
        Ok(Some(checkpoint))
    }

    /// The tree of the checkpoint, from tiles or, when those are not right, from the log itself.
    fn resume(&mut self, log: &File, checkpoint: &Checkpoint) -> Result<(), Unfit> {
        let read = |tile: Tile| read_tile(&self.folder, tile);
        let offset = checkpoint.extensions.iter().find_map(|line| line.strip_prefix(OFFSET)?.parse().ok());
        self.covered = checkpoint.size;
        match (Tree::resume(checkpoint.size, read), offset) {
            (Ok(tree), Some(offset)) if tree.root() == checkpoint.root => {
                (self.tree, self.offset) = (tree, offset);
                return Ok(());
            }
            // Partial tiles are written without waiting for the disk, so a power failure can damage them.
            _ => {}
        }
        // INVARIANT: nothing is written before the log is known to be the one that was signed: tiles are evidence.
        let mut tree = Tree::default();
        each_line(log, checkpoint.size, |line| {
            tree.push(Hash::leaf(line), |_, _| {});
            Ok(())
        })?;
        if tree.root() != checkpoint.root {
            return Err(Unfit::Wrong("its entries are not the ones that its checkpoint covers".to_owned()));
        }
        each_line(log, checkpoint.size, |line| self.append(line))?;
        self.bundle.clear();
        Ok(())
    }

    /// Whether the log is where it was opened. Somebody may have moved it away, and another process have begun a new one
    /// there, whose tree is not ours to write.
    fn in_place(&self) -> io::Result<()> {
        match fs::metadata(&self.log) {
            Ok(there) if identity(&there) == self.identity => Ok(()),
            Ok(_) | Err(_) => Err(io::Error::other("the log was moved away while it was in use")),
        }
    }

    fn write_bundle(&self, index: u64) -> io::Result<()> {
        let width = self.bundle.len() as u64;
        let bytes = bundle(self.bundle.iter().map(Vec::as_slice)).map_err(io::Error::other)?;
        let file = self.write(&bundle_path(index, width), &bytes)?;
        if width == TILE_WIDTH {
            file.sync_data()?;
            self.forget(&format!("{}.p", bundle_path(index, width)));
        }
        Ok(())
    }

    /// Writes a file of the folder, readable by its owner only.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<File> {
        let path = self.folder.join(name);
        let no_link = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let mut how = OpenOptions::new();
        how.write(true).create(true).truncate(true).mode(0o600).custom_flags(no_link);
        let open = || how.open(&path);
        let mut file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let parent = path.parent().unwrap_or(&self.folder);
                DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
                open()?
            }
            other => other?,
        };
        file.write_all(bytes)?;
        Ok(file)
    }

    /// Deletes the partial tiles that a full one stands for. They are of no use and do no harm.
    fn forget(&self, name: &str) {
        let _ = fs::remove_dir_all(self.folder.join(name));
    }

    /// Deletes the partial tiles beside this one, but for two widths. As above, nothing depends on it.
    fn keep(&self, name: &str, one: u64, other: u64) {
        let parent = self.folder.join(name).parent().map(Path::to_path_buf).unwrap_or_default();
        if parent.extension().is_none_or(|extension| extension != "p") {
            return;
        }
        let kept = [one.to_string(), other.to_string()];
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if !kept.iter().any(|kept| entry.file_name() == kept.as_str()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn identity(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// The first lines of a log, which has no fewer.
fn each_line(mut log: &File, count: u64, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> Result<(), Unfit> {
    log.seek(SeekFrom::Start(0))?;
    let mut lines = BufReader::new(log);
    for entry in 0..count {
        let line = read_line(&mut lines)?.ok_or_else(|| {
            Unfit::Wrong(format!(
                "it ends after {entry} of {count} entries that its checkpoint covers: the end was cut off"
            ))
        })?;
        each(&line)?;
    }
    Ok(())
}

/// The next whole line, without its break.
fn read_line(lines: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    lines.by_ref().take(super::verify::MAX_LINE).read_until(b'\n', &mut line)?;
    Ok(line.pop().filter(|last| *last == b'\n').map(|_| line))
}
