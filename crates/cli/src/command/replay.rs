//! `bailiwick replay`

use std::collections::BTreeSet;
use std::path::Path;

use bailiwick::{GuestDigest, Interpreter, Language, Likeness, Recorded, ReplayError, Replayed};
use bailiwick_guard::journal::files::JournalError;
use bailiwick_guard::journal::{Decided, Difference, Header, Lane};
use bailiwick_policy::Grant;
use serde_json::Value;

use crate::arguments::ReplayArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::journals::{self, Standing};
use crate::terminal::{self, BAD, DIM, GOOD, NOTE, Untrusted, WARN};
use crate::{history, languages, launch, manifest};

/// Calls that would be decided differently and are shown to a person.
const SHOWN: usize = 50;

/// Runs a recorded run again, and says whether it did the same.
pub(crate) fn run(arguments: &ReplayArguments, host: &Configuration) -> Outcome {
    let folder = journals::folder(host);
    // Nobody else's files.
    host.state.open_existing()?;
    let recorded: BTreeSet<_> = folder.runs().map_err(Failure::internal)?.into_iter().collect();
    let run = journals::meant(&arguments.run, &recorded)?;
    let logged = history::run(host, &run)?;
    let (past, is_logged) = (logged.as_ref().map(|(past, _)| past.clone()).unwrap_or_default(), logged.is_some());
    // Before it is read: what was changed is not worth reading.
    let digest = folder.digest(&run).map_err(|error| unreadable(&run, &error))?;
    let standing = journals::standing(&digest, &past, is_logged);
    if standing == Standing::Changed {
        let message =
            format!("the journal of `{run}` was changed since the run ended: the audit log has another digest of it");
        return Err(Failure::new(Exit::Guest, message)
            .help("keep it for investigation; `bailiwick audit verify` says whether the log is as it was signed"));
    }
    let read = folder.read(&run).map_err(|error| unreadable(&run, &error))?;
    let interpreter = interpreter(host, &read.header)?;
    let calls = read.crossings.iter().filter(|crossing| crossing.lane == Lane::Call).count();
    let recorded = Recorded {
        header: read.header,
        contents: read.contents,
        interpreter,
        crossings: read.crossings,
        end: read.end,
    };
    let compare = arguments.policy.as_deref().map(|path| compare(path, &recorded)).transpose()?;
    let executor = launch::replayer(host)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::internal)?;
    let replayed = runtime.block_on(executor.replay(recorded, compare));
    runtime.shutdown_background();
    let replayed = replayed.map_err(|error| match error {
        ReplayError::Run(error) => launch::failed(error),
        ReplayError::Record(error) => Failure::new(Exit::Guest, format!("the run `{run}` cannot be replayed: {error}")),
    })?;
    let shown = Shown { run: &run, standing, replayed: &replayed, calls, policy: arguments.policy.as_deref() };
    if arguments.json {
        terminal::out_json(&shown.to_json()?)?;
    } else {
        terminal::out(&shown.draw())?;
        shown.notes();
    }
    let same = !matches!(replayed.likeness, Likeness::Diverged(_)) && replayed.differences.is_empty();
    Ok(if same { Exit::Success } else { Exit::Guest })
}

/// The grant that the run would have had under another manifest.
fn compare(path: &Path, recorded: &Recorded) -> Result<Grant, Failure> {
    let loaded = manifest::load(path)?;
    recorded.grant_under(loaded.manifest, loaded.ceiling).map_err(|error| {
        Failure::new(Exit::Guest, format!("the journal's grant cannot be compared with the manifest: {error}"))
    })
}

/// What ran the source text of a recorded guest; nothing is installed for it.
fn interpreter(host: &Configuration, header: &Header) -> Result<Option<Interpreter>, Failure> {
    let Some(script) = &header.script else { return Ok(None) };
    let missing = |language: &str| {
        let message = format!(
            "the run needs the {} interpreter {}, which is not installed",
            Untrusted(language),
            script.interpreter
        );
        Failure::usage(message)
            .help("`bailiwick language list` shows those that are; the one that is built now may be another")
    };
    let language = Language::named(&script.language).ok_or_else(|| missing(&script.language))?;
    let store = languages::Store::open(host)?;
    let digest = GuestDigest::from_bytes(*script.interpreter.as_bytes());
    let found = store.languages.with_digest(language, digest).map_err(languages::failed)?;
    found.map(Some).ok_or_else(|| missing(&script.language))
}

fn unreadable(run: &str, error: &JournalError) -> Failure {
    let message = format!("the journal of `{run}`: {error}");
    match error {
        JournalError::None(_) => Failure::usage(error),
        JournalError::Io(_) => Failure::internal(message),
        _ => Failure::new(Exit::Guest, message),
    }
}

struct Shown<'a> {
    run: &'a str,
    standing: Standing,
    replayed: &'a Replayed,
    /// In the record.
    calls: usize,
    policy: Option<&'a Path>,
}

impl Shown<'_> {
    fn to_json(&self) -> Result<Value, Failure> {
        let mut value = serde_json::to_value(self.replayed).map_err(Failure::internal)?;
        if let Some(members) = value.as_object_mut() {
            members.insert("run".to_owned(), self.run.into());
            members.insert("journal".to_owned(), self.standing.as_str().into());
            members.insert("calls_recorded".to_owned(), self.calls.into());
            if self.policy.is_none() {
                members.shift_remove("differences");
            }
        }
        Ok(value)
    }

    fn draw(&self) -> String {
        let likeness = &self.replayed.likeness;
        let mut text = match likeness {
            Likeness::Exact => {
                format!("{GOOD}exact{GOOD:#}: the same output, result, fuel, memory and calls\n")
            }
            Likeness::UpTo(_) => format!("{WARN}{}{WARN:#}\n", Untrusted(&likeness.to_string())),
            Likeness::Diverged(_) => format!("{BAD}{}{BAD:#}\n", Untrusted(&likeness.to_string())),
        };
        let Some(policy) = self.policy else { return text };
        let (found, policy) = (&self.replayed.differences, policy.display().to_string());
        let word = if self.calls == 1 { "call" } else { "calls" };
        text += &format!(
            "{} of {} {word} would be decided differently under {}\n",
            found.len(),
            self.calls,
            Untrusted(&policy)
        );
        for difference in found.iter().take(SHOWN) {
            let Difference { call, action, resource, was, would_be } = difference;
            let (was, would_be) = (decided(was), decided(would_be));
            text += &format!("  {call}  {action} {}   {was}  ->  {would_be}\n", Untrusted(resource));
        }
        if found.len() > SHOWN {
            text += &format!("  {DIM}… and {} more; --json lists them all{DIM:#}\n", found.len() - SHOWN);
        }
        text
    }

    /// What a person should know about it.
    fn notes(&self) {
        let note = |text: &str| terminal::err(&format!("{NOTE}note{NOTE:#}: {text}\n"));
        if self.standing != Standing::AsRecorded {
            note(self.standing.as_str());
        }
        if self.replayed.is_other_engine {
            note(
                "another version of Bailiwick, or of its engine, recorded the run; where the replay differs, that may be why",
            );
        }
    }
}

fn decided(decided: &Decided) -> String {
    let Decided { decision, code, rule } = decided;
    match rule {
        Some(rule) => format!("{} ({}, {})", decision.as_str(), Untrusted(&rule.id), Untrusted(&rule.location)),
        None => format!("{} [{code}]", decision.as_str()),
    }
}
