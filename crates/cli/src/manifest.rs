//! Manifests from files: read, parsed, and complained about.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bailiwick_policy::{MAX_MANIFEST, Manifest};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Untrusted;
use crate::{diagnostics, input, terminal};

/// A manifest and the one that bounds it.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) ceiling: Option<Arc<Manifest>>,
    /// The manifest's folder: its mounts are relative to it.
    pub(crate) folder: PathBuf,
    /// The files that were read.
    pub(crate) files: Vec<PathBuf>,
}

/// Reads a manifest and the ceiling that it names.
///
/// # Errors
/// Exit code 3, with every finding drawn, when either is not valid.
pub(crate) fn load(path: &Path) -> Result<Loaded, Failure> {
    let manifest = parse(path)?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let mut files = vec![path.to_owned()];
    let ceiling = match manifest.ceiling() {
        None => None,
        Some(name) => {
            let path = folder.join(name);
            let ceiling = parse(&path)?;
            files.push(path);
            Some(Arc::new(ceiling))
        }
    };
    check_ceiling(&manifest, ceiling.as_deref())?;
    Ok(Loaded { manifest: Arc::new(manifest), ceiling, folder, files })
}

/// A ceiling is the last word: one that names another would leave it open which holds.
///
/// # Errors
/// Exit code 3 when `ceiling` names a ceiling itself.
pub(crate) fn check_ceiling(manifest: &Manifest, ceiling: Option<&Manifest>) -> Result<(), Failure> {
    let Some((ceiling, above)) = ceiling.and_then(|ceiling| Some((ceiling, ceiling.ceiling()?))) else { return Ok(()) };
    let message = format!(
        "the manifest `{}` names the ceiling `{}`, which names `{}` as its own",
        Untrusted(manifest.origin()),
        Untrusted(ceiling.origin()),
        Untrusted(above)
    );
    Err(Failure::new(Exit::Manifest, message).help("a ceiling cannot have a ceiling: merge the two, and name one"))
}

/// The text of a manifest, and how reports cite it.
pub(crate) fn read(path: &Path) -> Result<(String, String), Failure> {
    // One byte more than is accepted, so that the parser says that it is too much, as it says everything else.
    let text = input::text(path, "the manifest", MAX_MANIFEST + 1)?;
    Ok((text, path.display().to_string()))
}

fn parse(path: &Path) -> Result<Manifest, Failure> {
    let (text, origin) = read(path)?;
    Manifest::parse(&text, &origin).map_err(|findings| {
        let drawn = diagnostics::draw(&text, &origin, &findings, terminal::colours());
        let summary = diagnostics::summary(&findings);
        Failure::new(Exit::Manifest, format!("the manifest `{}` is not valid: {summary}", Untrusted(&origin)))
            .details(drawn)
            .data("diagnostics", diagnostics::to_json(&text, &findings))
    })
}
