//! `bailiwick run`

use std::path::Path;

use bailiwick::{Guest, MAX_GUEST_BYTES, Refusal, Report, RunError};
use tokio_util::sync::CancellationToken;

use crate::arguments::RunArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::launch::delivery::{Delivery, deliver};
use crate::launch::live::{Live, Show};
use crate::launch::report::Described;
use crate::launch::{Launch, Watch, exit_after, failed, signals, source};
use crate::terminal::Untrusted;
use crate::{input, journals, terminal};

/// Runs a guest under a manifest, streams its output, and reports what it did.
pub(crate) fn run(arguments: &RunArguments, host: &Configuration) -> Outcome {
    if arguments.guest == Path::new("-") && arguments.launch.token_file.as_deref() == Some(Path::new("-")) {
        return Err(Failure::usage("the guest and the token cannot both come from standard input"));
    }
    let launch = Launch::prepare(&arguments.launch, host)?;
    let guest = read_guest(arguments, host)?;
    let delivery = launch.delivery(&arguments.launch, host, Some(&arguments.guest))?;
    let live = Live::start(Show { output: !arguments.json, trace: arguments.trace, progress: !arguments.json });
    let cancel = CancellationToken::new();
    let described = Described::of(&arguments.guest, launch.manifest(), &launch.authorization);
    let (executor, job, watch) = launch.job(&arguments.launch, guest)?;
    let job = job
        .args(arguments.args.clone())
        .listener(live.listener())
        .observer(live.observer())
        .cancelled_by(cancel.clone());
    let json = arguments.json;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::internal)?;
    let outcome = runtime.block_on(async {
        signals::listen(cancel.clone()).map_err(Failure::internal)?;
        let result = executor.run(job).await;
        let exit = result.as_ref().map_or(Exit::Internal, exit);
        let shown =
            tokio::task::spawn_blocking(move || show(live, &described, result, &watch, delivery.as_ref(), json));
        // Whoever reads our output may have stopped without closing it.
        tokio::select! {
            shown = shown => shown.map_err(Failure::internal)?,
            () = signals::patience(&cancel) => Ok(exit),
        }
    });
    // A name that is being looked up cannot be interrupted, and nobody waits for it any more.
    runtime.shutdown_background();
    journals::tidy(host);
    outcome
}

/// Shows the rest of the output, and the report.
fn show(
    live: Live,
    described: &Described,
    result: Result<Report, RunError>,
    watch: &Watch,
    delivery: Option<&Delivery>,
    json: bool,
) -> Outcome {
    let ended = live.finish();
    let report = result.map_err(failed)?;
    let delivered = deliver(delivery, &report.files);
    if json {
        terminal::out_json(&described.to_json(&report, watch.withdrawal())?)?;
    } else {
        let fresh = if ended.mid_line { "\n" } else { "" };
        terminal::err(&format!("{fresh}{}", described.draw(&report, watch.withdrawal())));
    }
    delivered.map(|()| exit(&report))
}

fn read_guest(arguments: &RunArguments, host: &Configuration) -> Result<Guest, Failure> {
    let path = &arguments.guest;
    // One byte more than is accepted, so that too much is refused as everything else that is wrong with a guest.
    let bytes = input::bytes(path, "the guest", MAX_GUEST_BYTES + 1)?;
    let said = arguments.language.language;
    let language = source::language_of(path, &bytes, said.map(|said| said.language));
    let guest = match language {
        None => Guest::from_bytes(bytes),
        Some(language) => {
            let interpreter = source::interpreter(language, &arguments.language, host, arguments.json)?;
            Guest::from_source(interpreter, bytes, source::shown(path, said.is_some_and(|said| said.typed)))
        }
    };
    guest.map_err(|refusal| {
        let name = path.display().to_string();
        let failure = Failure::new(Exit::Guest, format!("the guest `{}` is refused: {refusal}", Untrusted(&name)));
        match refusal {
            Refusal::Unrecognised { .. } if language.is_none() => {
                failure.help("if it is source text, name its language: --lang python, javascript or typescript")
            }
            _ => failure,
        }
    })
}

fn exit(report: &Report) -> Exit {
    exit_after(&report.stop, &report.anomalies)
}
