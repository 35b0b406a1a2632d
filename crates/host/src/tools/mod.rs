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
mod inspect;
mod launch;
mod offer;
mod process;
mod schema;
mod server;
mod session;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bailiwick_policy::Manifest;

pub use acceptance::{Acceptance, AcceptanceError, Acceptances, AcceptedTool};
pub use call::{CallTool, MAX_ARGUMENTS, MAX_RESULT, ToolResult};
pub use inspect::{Inspection, Standing, digest_of, inspect};
pub use launch::{Environment, Launch};
pub use offer::{Offer, OfferError};
use server::Server;
pub use session::ServerError;

/// The tool servers of one run. Dropping it kills those that run.
#[derive(Debug, Default)]
pub struct Tools {
    servers: BTreeMap<String, Server>,
}

impl Tools {
    /// The servers of `manifest`, none of them started. Relative paths are relative to the folder `base`.
    pub(crate) fn new(
        manifest: &Manifest,
        base: &Path,
        environment: &Environment,
        acceptances: Option<&Arc<Acceptances>>,
    ) -> Tools {
        let servers = manifest.tools().iter().map(|server| {
            let launch = Launch::new(server, base, environment);
            let acceptance = acceptances.map(|all| all.read(manifest.id(), server.name()));
            (server.name().to_owned(), Server::new(launch, acceptance))
        });
        Tools { servers: servers.collect() }
    }

    /// The tools that the operator accepted for this manifest, by server and name. No server is started for it.
    pub fn accepted(&self) -> impl Iterator<Item = (&str, &AcceptedTool)> {
        self.servers.iter().flat_map(|(name, server)| server.accepted().map(move |tool| (name.as_str(), tool)))
    }

    /// Ends every server: its standard input is closed, and what still runs a moment later is killed.
    pub async fn close(&self) {
        for server in self.servers.values() {
            server.close().await;
        }
    }
}
