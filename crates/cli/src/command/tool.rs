//! `bailiwick tool list` and `bailiwick tool accept`

use std::fmt::Write as _;

use bailiwick_host::tools::{
    Acceptance, Acceptances, Environment, Inspection, Launch, Offer, ServerError, Standing, inspect,
};

use crate::arguments::{ToolAcceptArguments, ToolListArguments};
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::manifest::{self, Loaded};
use crate::terminal::{self, Untrusted};

/// What the operator accepted, in the state folder.
pub(crate) fn acceptances(host: &Configuration) -> Result<Acceptances, Failure> {
    Acceptances::open(&host.state.folder("tools")?).map_err(Failure::internal)
}

/// The variables of this process; a server gets those that its manifest names.
#[expect(clippy::disallowed_methods, reason = "the manifest names the variables that its servers get")]
pub(crate) fn environment() -> Environment {
    Environment::new(|name| std::env::var_os(name))
}

/// Starts each server of a manifest, and shows its tools beside what was accepted.
pub(crate) fn list(arguments: &ToolListArguments, host: &Configuration) -> Outcome {
    let (loaded, all) = (manifest::load(&arguments.manifest)?, acceptances(host)?);
    let mut text = String::new();
    for server in loaded.manifest.tools() {
        let found = look(&loaded, server.name(), &all)?.1;
        for (offer, standing) in &found.offers {
            let word = match standing {
                Standing::New => "new",
                Standing::Changed => "CHANGED",
                Standing::Accepted => "accepted",
                Standing::Unusable(_) => "unusable",
            };
            let _ = writeln!(text, "{word:<9} {}/{}", server.name(), Untrusted(offer.name()));
            if let Standing::Unusable(why) = standing {
                let _ = writeln!(text, "          {}", Untrusted(why));
            }
            let _ = writeln!(text, "          {}", Untrusted(offer.description()));
            let _ = writeln!(text, "          {}", Untrusted(&offer.input_schema().to_string()));
        }
        for gone in &found.gone {
            let _ = writeln!(text, "gone      {}/{}", server.name(), Untrusted(gone));
        }
    }
    terminal::out(&text)?;
    Ok(Exit::Success)
}

/// Accepts tools as their server describes them now.
pub(crate) fn accept(arguments: &ToolAcceptArguments, host: &Configuration) -> Outcome {
    let (loaded, all) = (manifest::load(&arguments.manifest)?, acceptances(host)?);
    let (launch, found, mut acceptance) = look(&loaded, &arguments.server, &all)?;
    let wanted = |offer: &Offer| arguments.tool.as_deref().is_none_or(|name| name == offer.name());
    let usable = found.offers.iter().filter(|(_, standing)| !matches!(standing, Standing::Unusable(_)));
    let offers: Vec<&Offer> = usable.map(|(offer, _)| offer).filter(|offer| wanted(offer)).collect();
    if offers.is_empty() {
        return Err(
            Failure::usage("the server has no such tool that could be accepted").help("bailiwick tool list MANIFEST")
        );
    }
    acceptance.accept(&launch, offers.iter().copied());
    all.write(loaded.manifest.id(), &arguments.server, &acceptance).map_err(Failure::internal)?;
    let lines = offers.iter().map(|offer| format!("accepted {}/{}\n", arguments.server, Untrusted(offer.name())));
    terminal::out(&lines.collect::<String>())?;
    Ok(Exit::Success)
}

fn look(loaded: &Loaded, name: &str, all: &Acceptances) -> Result<(Launch, Inspection, Acceptance), Failure> {
    let server = loaded.manifest.tools().iter().find(|server| server.name() == name);
    let server =
        server.ok_or_else(|| Failure::usage(format!("the manifest has no tool server `{}`", Untrusted(name))))?;
    let acceptance = all.read(loaded.manifest.id(), name).map_err(Failure::internal)?;
    let launch = Launch::new(server, &loaded.folder, &environment());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    let found = runtime.block_on(inspect(&launch, &acceptance)).map_err(|error| {
        let said = match &error {
            ServerError::Closed { stderr } => format!("; it wrote: {}", Untrusted(stderr)),
            _ => String::new(),
        };
        Failure::usage(format!("tool server `{name}`: {error}{said}"))
    })?;
    Ok((launch, found, acceptance))
}
