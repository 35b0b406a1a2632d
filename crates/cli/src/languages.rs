//! The interpreters of source languages, as commands use them: found, or installed while somebody watches.

mod progress;

use std::ffi::OsString;
use std::future::{Future, poll_fn};
use std::num::NonZeroU64;
use std::task::Poll;

use bailiwick::{ArtifactCache, Interpreter, Language};
use bailiwick_languages::{LanguageError, Languages, Packages};
use tokio::signal::unix::{SignalKind, signal};

pub(crate) use self::progress::Shown;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;

/// Compiled guests and interpreters that are kept, in bytes.
pub(crate) const CACHE_BYTES: NonZeroU64 = NonZeroU64::MIN.saturating_add((1 << 30) - 1);

/// This installation's interpreters, and the cache that holds them compiled.
pub(crate) struct Store {
    pub(crate) languages: Languages,
    pub(crate) cache: ArtifactCache,
}

/// What a command line says about interpreters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) language: Language,
    /// Requirements as they were typed; none means those of the configuration.
    pub(crate) with: &'a [String],
    /// Neither pip nor npm is started.
    pub(crate) offline: bool,
    /// Nothing is shown while it is installed.
    pub(crate) json: bool,
}

/// The interpreter that is wished for; installed now when it is not there yet.
///
/// # Errors
/// A wish that cannot be met, with what to do about it.
pub(crate) fn interpreter(host: &Configuration, wish: Wish<'_>) -> Result<Interpreter, Failure> {
    let packages = packages(host, wish)?;
    let store = Store::open(host)?;
    if let Ok(interpreter) = store.languages.interpreter(wish.language, &packages)
        && interpreter.is_precompiled(&store.cache).map_err(Failure::internal)?
    {
        return Ok(interpreter);
    }
    store.install(wish, &packages)
}

/// The packages that are wished for.
///
/// # Errors
/// What is typed is no package.
pub(crate) fn packages(host: &Configuration, wish: Wish<'_>) -> Result<Packages, Failure> {
    if !wish.with.is_empty() {
        return Packages::parse(wish.with).map_err(Failure::usage);
    }
    Ok(match wish.language {
        Language::Python => host.python_packages.clone(),
        Language::JavaScript => Packages::none(),
    })
}

impl Store {
    /// # Errors
    /// When the state folder cannot be used.
    pub(crate) fn open(host: &Configuration) -> Result<Store, Failure> {
        let folder = host.state.folder("languages")?;
        let (cached, key) = host.state.artifacts()?;
        let cache = ArtifactCache::new(cached, &key, CACHE_BYTES);
        Ok(Store { languages: Languages::new(folder, &key).environment(environment()), cache })
    }

    /// Installs what is missing, and compiles it.
    ///
    /// # Errors
    /// As [`interpreter`].
    pub(crate) fn install(self, wish: Wish<'_>, packages: &Packages) -> Result<Interpreter, Failure> {
        let languages = self.languages.offline(wish.offline);
        let shown = Shown::start(wish.language, packages, wish.json);
        let installed = wait(languages.install(wish.language, packages, &self.cache, &shown))?;
        shown.finish();
        installed.map_err(failed)
    }
}

/// Waits for work that signals interrupt.
///
/// # Errors
/// When it was interrupted.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    let done = runtime.block_on(async {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let mut signals = kinds.into_iter().map(signal).collect::<Result<Vec<_>, _>>().map_err(Failure::internal)?;
        let interrupted = poll_fn(|context| {
            let any = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if any { Poll::Ready(()) } else { Poll::Pending }
        });
        tokio::select! {
            done = work => Ok(done),
            () = interrupted => Err(Failure::new(Exit::Denied, "interrupted; nothing was left half done")),
        }
    });
    // Compiling cannot be interrupted, and nobody waits for it any more.
    runtime.shutdown_background();
    done
}

/// What went wrong with an interpreter, for a person.
pub(crate) fn failed(error: LanguageError) -> Failure {
    let (lines, exit) = match &error {
        LanguageError::Failed { lines, .. } | LanguageError::Late { lines, .. } => (lines.join("\n"), Exit::Internal),
        LanguageError::NotInstalled(..)
        | LanguageError::Package(_)
        | LanguageError::NoPackages(_)
        | LanguageError::Unusable { .. } => (String::new(), Exit::Usage),
        _ => (String::new(), Exit::Internal),
    };
    let help = match &error {
        LanguageError::NotInstalled(language, packages) | LanguageError::Damaged { language, packages, .. } => {
            Some(format!("with access to the package index, run `{}`", install_command(*language, packages)))
        }
        LanguageError::Tool { install, .. } => Some(format!("on Debian, run `{install}`")),
        LanguageError::Failed { .. } | LanguageError::Late { .. } => Some(
            "look at the lines above; pip and npm take proxies, certificates and indexes from their usual variables"
                .to_owned(),
        ),
        LanguageError::NoPackages(_) => Some("leave out --with".to_owned()),
        LanguageError::Unusable { .. } => Some("only packages of Python code work; leave this one out".to_owned()),
        _ => None,
    };
    let mut failure = Failure::new(exit, &error).details(terminal::untrusted_lines(&lines, "  | "));
    if let Some(help) = help {
        failure = failure.help(help);
    }
    failure
}

/// The command that installs it.
pub(crate) fn install_command(language: Language, packages: &Packages) -> String {
    if packages.is_empty() {
        return format!("bailiwick language install {language}");
    }
    format!("bailiwick language install {language} --with {packages}")
}

/// All of it: pip and npm are configured through it, and what they do not need is filtered out.
fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}
