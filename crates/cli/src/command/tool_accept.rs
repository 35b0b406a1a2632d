//! `bailiwick tool accept`

use std::io::{self, BufRead, IsTerminal, Read};

use bailiwick_host::tools::{Offer, Standing};

use crate::arguments::ToolAcceptArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::manifest;
use crate::terminal::{self, Untrusted};
use crate::tools::{self, Asked};

/// Most bytes of an answer that are read.
const MAX_ANSWER: u64 = 1024;

/// Accepts tools as their server describes them now, when somebody says so who has seen that.
pub(crate) fn run(arguments: &ToolAcceptArguments, host: &Configuration) -> Outcome {
    let (loaded, all) = (manifest::load(&arguments.manifest)?, tools::acceptances(host)?);
    let asked = tools::ask(&loaded, host, &all, Some(&arguments.server))?;
    let asked = asked.first().ok_or_else(|| Failure::internal("no server was asked"))?;
    let found = asked.inspection()?;
    let chosen: Vec<&Offer> = found.acceptable(arguments.tool.as_deref()).collect();
    if chosen.is_empty() {
        let help = format!("bailiwick tool list {}", arguments.manifest.display());
        return Err(Failure::usage("the server has no such tool that could be accepted").help(help));
    }
    let is_chosen = |offer: &Offer| chosen.iter().any(|one| one.name() == offer.name());
    let offers: Vec<(&Offer, &Standing)> =
        found.offers.iter().filter(|(offer, _)| is_chosen(offer)).map(|(offer, standing)| (offer, standing)).collect();
    let digest = asked.digest(chosen.iter().copied());
    match &arguments.digest {
        Some(seen) if *seen == digest => {}
        Some(_) => {
            terminal::out(&asked.draw_news(&offers))?;
            return Err(Failure::usage("the tools are not those that were shown with this digest")
                .help(again(arguments, &digest)));
        }
        None => {
            terminal::out(&asked.draw_news(&offers))?;
            if offers.iter().all(|(_, standing)| **standing == Standing::Accepted) {
                return Ok(Exit::Success);
            }
            agree(asked, arguments, &digest)?;
        }
    }
    let mut acceptance = asked.acceptance.clone();
    acceptance.accept(&asked.launch, chosen.iter().copied());
    all.write(loaded.manifest.id(), &asked.name, &acceptance).map_err(Failure::internal)?;
    let lines = chosen.iter().map(|offer| format!("accepted {}/{}\n", asked.name, Untrusted(offer.name())));
    terminal::out(&lines.collect::<String>())?;
    Ok(Exit::Success)
}

/// Asks the person at the terminal.
fn agree(asked: &Asked, arguments: &ToolAcceptArguments, digest: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() || !io::stdout().is_terminal() {
        return Err(Failure::usage("nobody is there to ask; nothing was accepted").help(again(arguments, digest)));
    }
    terminal::err(&format!("Accept these tools of `{}` as shown? Write yes: ", asked.name));
    // Reading cannot be interrupted, so that it is left behind when the program is asked to end.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    let reading = runtime.spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().lock().take(MAX_ANSWER).read_line(&mut answer).map(|_| answer)
    });
    let answer = runtime.block_on(tools::until_asked_to_end(reading));
    runtime.shutdown_background();
    match answer? {
        Ok(Ok(answer)) if answer.trim() == "yes" => Ok(()),
        _ => Err(Failure::usage("nothing was accepted")),
    }
}

/// The command that accepts what was shown, and that only.
fn again(arguments: &ToolAcceptArguments, digest: &str) -> String {
    let tool = arguments.tool.as_ref().map(|tool| format!(" {tool}")).unwrap_or_default();
    let manifest = arguments.manifest.display();
    format!("if it is as it should be: bailiwick tool accept {manifest} {}{tool} --digest {digest}", arguments.server)
}
