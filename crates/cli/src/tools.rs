//! Tools of upstream servers, as the commands about them need them.

mod drawing;

use bailiwick_host::tools::{
    Acceptance, Acceptances, Bearer, Environment, Inspection, Launch, Offer, Reached, ServerError, Standing, digest_of,
    inspect,
};
use bailiwick_host::{Services, ServicesBuilder};
use serde_json::{Value, json};

use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::launch::{self, signals};
use crate::manifest::Loaded;
use crate::terminal::Untrusted;

/// Most bytes of a file with a token.
const MAX_TOKEN: usize = 64 << 10;

/// A server of a manifest, and what it says that it offers.
pub(crate) struct Asked {
    /// Its name in the manifest.
    pub(crate) name: String,
    pub(crate) launch: Launch,
    pub(crate) acceptance: Acceptance,
    pub(crate) found: Result<Inspection, ServerError>,
}

/// What the operator accepted, in the state folder.
pub(crate) fn acceptances(host: &Configuration) -> Result<Acceptances, Failure> {
    Acceptances::open(&host.state.folder("tools")?).map_err(Failure::internal)
}

/// The variables of this process; a server gets those that its manifest names.
#[expect(clippy::disallowed_methods, reason = "the manifest names the variables that its servers get")]
pub(crate) fn environment() -> Environment {
    Environment::new(|name| std::env::var_os(name))
}

/// Starts the servers of a manifest, or the one of that name, one after the other, and asks each for its tools.
///
/// # Errors
/// When there is no such server, or a record of what was accepted cannot be read; when a signal came meanwhile. A server that
/// is of no use is an answer, and one that is part of an embedding program is passed over.
pub(crate) fn ask(
    loaded: &Loaded,
    host: &Configuration,
    all: &Acceptances,
    only: Option<&str>,
) -> Result<Vec<Asked>, Failure> {
    let servers = loaded.manifest.tools().iter().filter(|server| only.is_none_or(|name| name == server.name()));
    let services = services(host)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    let mut asked = Vec::new();
    let mut found = false;
    for server in servers {
        found = true;
        let name = server.name().to_owned();
        let Some(launch) = services.launch(server, &loaded.folder) else { continue };
        let acceptance = all.read(loaded.manifest.id(), &name).map_err(Failure::internal)?;
        // A server that was started is ended: one that is dropped is killed.
        let inspected = runtime.block_on(until_asked_to_end(inspect(&launch, &acceptance)))?;
        asked.push(Asked { name, launch, acceptance, found: inspected });
    }
    match only {
        Some(name) if !found => {
            let names: Vec<&str> = loaded.manifest.tools().iter().map(|server| server.name()).collect();
            Err(Failure::usage(format!("the manifest has no tool server `{}`", Untrusted(name)))
                .help(format!("it has {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") })))
        }
        Some(name) if asked.is_empty() => Err(Failure::usage(format!(
            "the tools of `{}` are functions of the program that embeds Bailiwick; there is nothing to accept",
            Untrusted(name)
        ))),
        _ => Ok(asked),
    }
}

/// Waits for something that has to be put an end to when the program is.
///
/// # Errors
/// When the program is asked to end meanwhile.
pub(crate) async fn until_asked_to_end<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::select! {
        done = work => Ok(done),
        asked = signals::first() => {
            asked.map_err(Failure::internal)?;
            Err(Failure::new(Exit::Denied, "the program was asked to end; nothing was changed"))
        }
    }
}

/// What it takes to reach servers, as a run has it.
///
/// # Errors
/// A file of the configuration that cannot be used.
fn services(host: &Configuration) -> Result<Services, Failure> {
    Ok(connected(launch::network(Services::builder(), host)?, host)?.build())
}

/// Lets servers have what the configuration and the environment have for them.
///
/// # Errors
/// A file with a token that cannot be read, that others can read, or that holds none.
pub(crate) fn connected(mut services: ServicesBuilder, host: &Configuration) -> Result<ServicesBuilder, Failure> {
    for (url, file) in &host.bearers {
        let text = input::private_text(file, "the file with a bearer token", MAX_TOKEN)?;
        let name = file.display().to_string();
        let bearer = Bearer::new(&text).map_err(|error| Failure::usage(format!("`{}`: {error}", Untrusted(&name))))?;
        services = services.tool_bearer(url, bearer);
    }
    Ok(services.environment(environment()))
}

impl Asked {
    /// The offers of a server that answered.
    ///
    /// # Errors
    /// Why it did not.
    pub(crate) fn inspection(&self) -> Result<&Inspection, Failure> {
        self.found.as_ref().map_err(|error| {
            let failure = Failure::usage(format!("tool server `{}`: {error}", self.name));
            match error {
                ServerError::Closed { stderr } if !stderr.is_empty() => {
                    failure.details(crate::terminal::untrusted_lines(stderr, "  | "))
                }
                _ => failure,
            }
        })
    }

    /// What stands for these offers of this server, started like this.
    pub(crate) fn digest<'o>(&self, offers: impl IntoIterator<Item = &'o Offer>) -> String {
        digest_of(&self.launch, offers)
    }

    /// As `--json` has it.
    pub(crate) fn to_json(&self) -> Value {
        let launch = match self.launch.reached() {
            Reached::Program { command, folder } => json!({
                "command": command,
                "folder": folder.display().to_string(),
                "variables": self.launch.variables().collect::<Vec<_>>(),
            }),
            Reached::Http { url, private, authorized } => {
                json!({ "url": url, "private": private, "authorized": authorized })
            }
        };
        match &self.found {
            Err(error) => json!({ "server": self.name, "launch": launch, "error": error.to_string() }),
            Ok(found) => json!({
                "server": self.name,
                "launch": launch,
                "digest": self.digest(found.acceptable(None)),
                "relaunched": found.relaunched,
                "tools": found.offers.iter().map(|(offer, standing)| self.tool_json(offer, standing)).collect::<Vec<_>>(),
                "gone": found.gone,
            }),
        }
    }

    fn tool_json(&self, offer: &Offer, standing: &Standing) -> Value {
        json!({
            "tool": offer.name(),
            "standing": word(standing),
            "problem": match standing {
                Standing::Unusable(problem) => Some(problem),
                _ => None,
            },
            "digest": match standing {
                Standing::Unusable(_) => None,
                _ => Some(self.digest([offer])),
            },
            "definition": offer.definition(),
        })
    }
}

fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::New => "new",
        Standing::Changed => "changed",
        Standing::Accepted => "accepted",
        Standing::Unusable(_) => "unusable",
    }
}
