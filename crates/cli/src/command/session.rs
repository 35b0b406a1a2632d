//! `bailiwick session`

mod piece;
mod talk;

use std::path::Path;

use bailiwick::{Guest, Language, Report, Session, Stop};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::talk::Said;
use crate::arguments::{SessionArguments, SourceLanguage};
use crate::configuration::Configuration;
use crate::failure::{Failure, Outcome};
use crate::journals;
use crate::launch::delivery::deliver;
use crate::launch::live::{Live, Show};
use crate::launch::report::Described;
use crate::launch::{Launch, Watch, exit_after, failed, signals, source};
use crate::terminal::{self, Untrusted};

/// Executes pieces of source text in one interpreter, until there are no more or a limit is reached.
pub(crate) fn run(arguments: &SessionArguments, host: &Configuration) -> Outcome {
    if arguments.launch.token_file.as_deref() == Some(Path::new("-")) {
        return Err(Failure::usage("the token cannot come from standard input: the session does"));
    }
    let language = match arguments.language.language {
        Some(SourceLanguage { typed: true, .. }) => {
            return Err(Failure::usage("the pieces of a session are JavaScript, without types")
                .help("say --lang javascript; programs in TypeScript are for `bailiwick run`"));
        }
        said => said.map_or(Language::Python, |said| said.language),
    };
    let launch = Launch::prepare(&arguments.launch, host)?;
    let interpreter = source::interpreter(language, &arguments.language, host, arguments.json)?;
    let guest = Guest::from_source(interpreter, Vec::new(), "<session>").map_err(Failure::internal)?;
    let delivery = launch.delivery(&arguments.launch, host, None)?;
    let live = Live::start(Show { output: !arguments.json, trace: arguments.trace, progress: false });
    let cancel = CancellationToken::new();
    let described = Described::of(Path::new("session"), launch.manifest(), &launch.authorization);
    let (executor, job, watch) = launch.job(&arguments.launch, guest)?;
    let job = job
        .args(arguments.args.clone())
        .listener(live.listener())
        .observer(live.observer())
        .cancelled_by(cancel.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::internal)?;
    let outcome = runtime.block_on(async {
        signals::listen(cancel.clone()).map_err(Failure::internal)?;
        let mut session = executor.session(job).await.map_err(failed)?;
        if !arguments.json && talk::is_with_a_person() {
            terminal::err(&greeting(language, &described));
        }
        let talked = match talk::listen(language, arguments.json) {
            Ok(said) => converse(&mut session, &live, said, &cancel, arguments.json).await,
            Err(error) => Err(Failure::internal(format!("standard input has no thread: {error}"))),
        };
        let report = session.end().await.map_err(failed)?;
        talked?;
        live.finish();
        show_end(&described, &report, &watch, arguments.json)?;
        deliver(delivery.as_ref(), &report.files)?;
        Ok(exit_after(&report.stop, &report.anomalies))
    });
    // The thread that reads standard input cannot be interrupted, and nobody waits for it any more.
    runtime.shutdown_background();
    journals::tidy(host);
    outcome
}

async fn converse(
    session: &mut Session,
    live: &Live,
    mut said: mpsc::Receiver<Said>,
    cancel: &CancellationToken,
    json: bool,
) -> Result<(), Failure> {
    loop {
        let next = tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(()),
            next = said.recv() => next,
        };
        let (source, done) = match next {
            None => return Ok(()),
            Some(Said::Nonsense(message)) => {
                show_error(&message, json)?;
                continue;
            }
            Some(Said::Broken(message)) => return Err(Failure::internal(message)),
            Some(Said::Piece { source, done }) => (source, done),
        };
        let report = session.execute(&source).await.map_err(failed)?;
        live.catch_up();
        show_piece(&report, json)?;
        if session.over().is_some() {
            return Ok(());
        }
        // Whoever waits for it to show a prompt may be gone.
        let _ = done.send(());
    }
}

/// What a person is told first.
fn greeting(language: Language, described: &Described) -> String {
    format!(
        "{language} {}\n\
         Lines that are not whole yet go on in the next one; an empty line ends them.\n\
         Ctrl-C drops what was typed, or stops what runs and the session with it; Ctrl-D ends the session.\n",
        described.line()
    )
}

fn show_piece(report: &Report, json: bool) -> Result<(), Failure> {
    if json {
        let mut line = serde_json::to_value(report).map_err(Failure::internal)?;
        if let Some(members) = line.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        return terminal::out(&format!("{}\n", terminal::visible_json(&line.to_string())));
    }
    // Nothing else would say so: the session goes on.
    if let Stop::Refused(refusal) = &report.stop {
        terminal::err(&format!("refused: {}\n", Untrusted(&refusal.to_string())));
    }
    if let Some(result) = &report.result {
        terminal::out(&format!("{}\n", Untrusted(&result.to_string())))?;
    }
    Ok(())
}

fn show_error(message: &str, json: bool) -> Result<(), Failure> {
    if json {
        return terminal::out(&format!("{}\n", json!({ "error": { "message": message } })));
    }
    terminal::err(&format!("{}\n", Untrusted(message)));
    Ok(())
}

fn show_end(described: &Described, report: &Report, watch: &Watch, json: bool) -> Result<(), Failure> {
    if json {
        let line = described.to_json(report, watch.withdrawal())?;
        return terminal::out(&format!("{}\n", terminal::visible_json(&line.to_string())));
    }
    terminal::err(&described.draw(report, watch.withdrawal()));
    Ok(())
}
