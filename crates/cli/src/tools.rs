//! Tools of upstream servers, as the commands about them need them.

mod drawing;

use bailiwick_host::tools::{
    Acceptance, Acceptances, Environment, Inspection, Launch, Offer, ServerError, Standing, digest_of, inspect,
};
use serde_json::{Value, json};

use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::manifest::Loaded;
use crate::terminal::Untrusted;

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
/// When there is no such server, or a record of what was accepted cannot be read. A server that is of no use is an answer.
pub(crate) fn ask(loaded: &Loaded, all: &Acceptances, only: Option<&str>) -> Result<Vec<Asked>, Failure> {
    let servers = loaded.manifest.tools().iter().filter(|server| only.is_none_or(|name| name == server.name()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    let mut asked = Vec::new();
    for server in servers {
        let name = server.name().to_owned();
        let acceptance = all.read(loaded.manifest.id(), &name).map_err(Failure::internal)?;
        let launch = Launch::new(server, &loaded.folder, &environment());
        let found = runtime.block_on(inspect(&launch, &acceptance));
        asked.push(Asked { name, launch, acceptance, found });
    }
    match only {
        Some(name) if asked.is_empty() => {
            let names: Vec<&str> = loaded.manifest.tools().iter().map(|server| server.name()).collect();
            Err(Failure::usage(format!("the manifest has no tool server `{}`", Untrusted(name)))
                .help(format!("it has {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") })))
        }
        _ => Ok(asked),
    }
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
        let launch = json!({
            "command": self.launch.command(),
            "folder": self.launch.folder().display().to_string(),
            "variables": self.launch.variables().collect::<Vec<_>>(),
        });
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
