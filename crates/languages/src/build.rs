//! From a recipe to an installation: the sources are laid out, the language's own tools make a component of them, and what
//! came of it is described and sealed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bailiwick::{GuestDigest, Language};

use crate::error::LanguageError;
use crate::installation::{self, COMPONENT, RUNTIME, Workshop};
use crate::progress::{Progress, Step};
use crate::recipe::Recipe;
use crate::runtime::{Package, Runtime, Seal};
use crate::tool::Tool;
use crate::{javascript, python};

/// The largest component, in bytes.
pub(crate) const MAX_COMPONENT: u64 = 256 << 20;

/// Longest time for fetching, and for building.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) fetch: Duration,
    pub(crate) build: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times { fetch: Duration::from_secs(900), build: Duration::from_secs(600) }
    }
}

/// Where and with what an interpreter is built.
pub(crate) struct Site<'a> {
    pub(crate) recipe: &'a Recipe,
    pub(crate) workshop: &'a Workshop,
    /// The runner's sources.
    pub(crate) runner: PathBuf,
    pub(crate) wit: PathBuf,
    /// Where the component is to be written.
    pub(crate) component: PathBuf,
    environment: &'a [(OsString, OsString)],
    times: Times,
    pub(crate) progress: &'a dyn Progress,
}

/// What a language's tools say about what they made.
pub(crate) struct Made {
    pub(crate) interpreter: String,
    pub(crate) packages: Vec<Package>,
}

/// Builds in the workshop. Returns the folder that is the installation, once it has its place.
pub(crate) async fn build(
    recipe: &Recipe,
    workshop: &Workshop,
    environment: &[(OsString, OsString)],
    times: Times,
    seal: &Seal,
    progress: &dyn Progress,
) -> Result<PathBuf, LanguageError> {
    let finished = workshop.folder("finished")?;
    let site = Site {
        recipe,
        workshop,
        runner: workshop.folder("runner")?,
        wit: workshop.folder("wit")?,
        component: workshop.path().join(COMPONENT),
        environment,
        times,
        progress,
    };
    for file in recipe.sources.files {
        installation::write(&site.runner.join(file.name), file.bytes)?;
    }
    for (name, text) in recipe.sources.wit {
        installation::write(&site.wit.join(name), text.as_bytes())?;
    }
    let made = match recipe.language {
        Language::Python => python::make(&site).await?,
        Language::JavaScript => javascript::make(&site).await?,
    };
    finish(&site, made, &finished, seal)?;
    Ok(finished)
}

impl Site<'_> {
    /// Runs a program in the runner's folder.
    pub(crate) fn tool(&self, step: Step) -> Tool<'_> {
        let time = if step == Step::Build { self.times.build } else { self.times.fetch };
        Tool { step, environment: self.environment, folder: &self.runner, time }
    }
}

fn finish(site: &Site<'_>, made: Made, finished: &Path, seal: &Seal) -> Result<(), LanguageError> {
    let read = installation::read(&site.component, MAX_COMPONENT);
    let component = read.map_err(|error| installation::failed("read", &site.component, error))?;
    if !component.starts_with(b"\0asm\x0d\0\x01\0") {
        let message = format!("the {} builder did not write a component", site.recipe.language);
        return Err(LanguageError::Internal(message));
    }
    installation::write(&finished.join(COMPONENT), &component)?;
    let runtime = Runtime {
        language: site.recipe.language.name().to_owned(),
        interpreter: made.interpreter,
        recipe: site.recipe.digest(),
        requested: site.recipe.packages.iter().map(str::to_owned).collect(),
        packages: made.packages,
        component: GuestDigest::of(&component).to_string(),
        bytes: u64::try_from(component.len()).unwrap_or(u64::MAX),
    };
    let text = seal.close(runtime).ok_or_else(|| LanguageError::Internal("no runtime.json".to_owned()))?;
    // Neither file is synced: torn ones do not carry their seal.
    installation::write(&finished.join(RUNTIME), &text)
}
