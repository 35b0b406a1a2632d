//! What a journal says of how a run began: written from its job, and read back.

use std::sync::Arc;

use bailiwick_guard::Timestamp;
use bailiwick_guard::journal::{ContentDigest, Contents, Header, RecordedScript};
use bailiwick_policy::{Grant, GrantSources, Manifest, ManifestSource};

use crate::engine::Fingerprint;
use crate::{Guest, Interpreter, Job};

/// Whether a guest runs once or takes its source text in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunKind {
    Once,
    Session,
}

/// Why a recorded run cannot be run again at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("the journal lacks {0}")]
    Missing(&'static str),
    #[error("the journal's guest is none: {0}")]
    Guest(#[from] crate::Refusal),
    #[error("it ran on the {language} interpreter {interpreter}, which is not the one that is given")]
    Interpreter { language: String, interpreter: ContentDigest },
    #[error("the grant in the journal cannot be made again: {0}")]
    Grant(String),
}

/// What ran it: this version, and what its machine code depends on. Another one may use other fuel.
pub(crate) fn engine(fingerprint: Fingerprint) -> String {
    let fingerprint = data_encoding::HEXLOWER.encode(fingerprint.as_bytes());
    format!("bailiwick {} {fingerprint}", env!("CARGO_PKG_VERSION"))
}

/// The header of a run, and what it refers to.
pub(crate) fn write(run: &str, now: Timestamp, engine: String, kind: RunKind, job: &Job) -> (Header, Contents) {
    let mut contents = Contents::default();
    let mut sources = job.grant.sources();
    each_manifest(&mut sources, &mut |manifest| {
        manifest.text = contents.add(manifest.text.as_bytes()).to_string();
        Some(())
    });
    let script = job.guest.script().map(|script| RecordedScript {
        language: script.interpreter.language().name().to_owned(),
        interpreter: ContentDigest::from_bytes(*script.interpreter.digest().as_bytes()),
        name: script.name.to_string(),
    });
    let header = Header {
        run: run.to_owned(),
        began: now.0,
        engine,
        task: job.task.clone(),
        rationale: job.rationale.clone(),
        guest: contents.add(job.guest.bytes()),
        script,
        is_session: kind == RunKind::Session,
        grant: serde_json::to_value(sources).unwrap_or_default(),
        input: contents.add(job.input.to_string().into_bytes()),
        args: job.args.clone(),
    };
    (header, contents)
}

/// The grant that a header tells of.
///
/// # Errors
/// When it would not be the same.
pub(crate) fn grant(header: &Header, contents: &Contents) -> Result<Grant, HeaderError> {
    sources(header, contents)?.grant().map_err(|error| HeaderError::Grant(error.to_string()))
}

/// What it would be with another manifest.
///
/// # Errors
/// As [`grant`].
pub(crate) fn grant_under(
    header: &Header,
    contents: &Contents,
    manifest: Arc<Manifest>,
    ceiling: Option<Arc<Manifest>>,
) -> Result<Grant, HeaderError> {
    let under = sources(header, contents)?.under(manifest, ceiling);
    under.map_err(|error| HeaderError::Grant(error.to_string()))
}

fn sources(header: &Header, contents: &Contents) -> Result<GrantSources, HeaderError> {
    let wrong = |error: &dyn std::fmt::Display| HeaderError::Grant(error.to_string());
    let mut sources: GrantSources = serde_json::from_value(header.grant.clone()).map_err(|error| wrong(&error))?;
    let read = each_manifest(&mut sources, &mut |manifest| {
        manifest.text = contents.text(&manifest.text.parse().ok()?)?.to_owned();
        Some(())
    });
    read.ok_or(HeaderError::Missing("a manifest"))?;
    Ok(sources)
}

/// The guest that a header tells of. `interpreter` is for source text.
///
/// # Errors
/// When it is not in the contents, or another interpreter ran it.
pub(crate) fn guest(
    header: &Header,
    contents: &Contents,
    interpreter: Option<&Interpreter>,
) -> Result<Guest, HeaderError> {
    let bytes = contents.get(&header.guest).ok_or(HeaderError::Missing("its guest"))?;
    let Some(script) = &header.script else { return Ok(Guest::from_bytes(bytes.clone())?) };
    let is_same = |interpreter: &&Interpreter| {
        interpreter.language().name() == script.language
            && interpreter.digest().as_bytes() == script.interpreter.as_bytes()
    };
    let interpreter = interpreter.filter(is_same).ok_or_else(|| HeaderError::Interpreter {
        language: script.language.clone(),
        interpreter: script.interpreter,
    })?;
    Ok(Guest::from_source(interpreter.clone(), bytes.clone(), script.name.as_str())?)
}

fn each_manifest(sources: &mut GrantSources, change: &mut impl FnMut(&mut ManifestSource) -> Option<()>) -> Option<()> {
    change(&mut sources.manifest)?;
    if let Some(ceiling) = &mut sources.ceiling {
        change(ceiling)?;
    }
    for parent in &mut sources.parents {
        each_manifest(parent, change)?;
    }
    Some(())
}
