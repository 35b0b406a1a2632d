//! Tools of upstream servers that speak the Model Context Protocol (MCP) on their standard input and output.
//!
//! A server is a program that the manifest's author named; it runs with the rights of this process and is not confined. It
//! is started for one run, at the run's first call of one of its tools, and ends with the run. What it says is data:
//!
//! - A tool is called only if the operator **accepted** it as its server describes it now: name, title, description,
//!   schemas and annotations, and how the server is started. What was never accepted is refused with
//!   `deny.tool.unaccepted`, before a server is even started; what differs, with `deny.tool.changed`.
//! - Arguments must fit the tool's input schema, and a structured result its output schema.
//! - A server that asks for something (a model's answer, a person's input, the host's folders) is told that there is no such
//!   method. Links in results are not followed.
//!
//! | limit | |
//! |---|---|
//! | start of a server, with handshake and list of tools | 30 s |
//! | call | 30 s; `timeout` of the server, `limits.timeout` of the rule; at most 10 min |
//! | arguments | 1 MiB; `limits.request` |
//! | result | 1 MiB; `limits.response`, at most 4 MiB |
//! | nesting of a message | 127 |
//! | list of tools | 1,000 tools, 1 MiB, 100 pages |
//! | messages during one call that are not its answer | 10,000, of them 100 requests |
//! | starts of a server in one run | 4 |

mod acceptance;
mod call;
mod embedded;
mod http;
mod inspect;
mod intake;
mod launch;
mod offer;
mod pipes;
mod process;
mod schema;
mod server;
mod session;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_policy::{Manifest, ToolServer};

pub use acceptance::{Acceptance, AcceptanceError, Acceptances, AcceptedTool};
pub use call::{CallTool, MAX_ARGUMENTS, MAX_RESULT, ToolResult};
use embedded::Function;
pub(crate) use embedded::Functions;
pub use embedded::{RegisterError, ToolContext, ToolError};
pub use inspect::{Inspection, Standing, digest_of, inspect};
pub(crate) use launch::Means;
pub use launch::{Bearer, BearerError, Environment, Launch, Reached};
pub use offer::{Offer, OfferError};
use server::Server;
pub use session::ServerError;

/// The tool servers of one run. Dropping it kills those that run.
#[derive(Debug, Default)]
pub struct Tools {
    sources: BTreeMap<String, Source>,
}

/// What answers for the tools of one name.
#[derive(Debug)]
enum Source {
    Upstream(Box<Server>),
    Embedded { functions: BTreeMap<String, Function>, timeout: Option<Duration> },
}

impl Tools {
    /// The servers of `manifest`, none of them started. Relative paths are relative to the folder `base`.
    pub(crate) fn new(
        manifest: &Manifest,
        base: &Path,
        means: &Means,
        functions: &Functions,
        acceptances: Option<&Arc<Acceptances>>,
    ) -> Tools {
        let source = |server: &ToolServer| match Launch::new(server, base, means) {
            Some(launch) => {
                let acceptance = acceptances.map(|all| all.read(manifest.id(), server.name()));
                Source::Upstream(Box::new(Server::new(launch, acceptance)))
            }
            None => Source::Embedded { functions: functions.of(server.name()), timeout: server.timeout() },
        };
        Tools { sources: manifest.tools().iter().map(|server| (server.name().to_owned(), source(server))).collect() }
    }

    /// The tools that can be called, by server and name: those that the operator accepted for this manifest, and those of the
    /// embedding program. No server is started for it.
    pub fn accepted(&self) -> impl Iterator<Item = (&str, &AcceptedTool)> {
        self.sources.iter().flat_map(|(name, source)| {
            let (upstream, embedded) = match source {
                Source::Upstream(server) => (Some(server), None),
                Source::Embedded { functions, .. } => (None, Some(functions)),
            };
            let accepted = upstream.into_iter().flat_map(|server| server.accepted());
            let own = embedded.into_iter().flat_map(|functions| functions.values().map(Function::shown));
            accepted.chain(own).map(move |tool| (name.as_str(), tool))
        })
    }

    /// Ends every server: its standard input is closed, and what still runs a moment later is killed; a session over HTTP is
    /// ended.
    pub async fn close(&self) {
        for source in self.sources.values() {
            if let Source::Upstream(server) = source {
                server.close().await;
            }
        }
    }
}
