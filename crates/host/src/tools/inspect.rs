//! What the operator looks at before accepting: a server's tools beside what was accepted of them. Not for guests.

use std::collections::BTreeSet;

use super::session::Session;
use super::{Acceptance, Launch, Offer, ServerError, schema};

/// A server's tools now, and how they stand to what was accepted.
#[derive(Debug)]
pub struct Inspection {
    /// By name.
    pub offers: Vec<(Offer, Standing)>,
    /// Accepted and not offered any more.
    pub gone: Vec<String>,
    /// The server is not started as it was when tools of it were accepted.
    pub relaunched: bool,
    /// The last that the server wrote to standard error. Untrusted text.
    pub stderr: String,
}

/// How an offer stands to what was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    New,
    /// Accepted, and different now.
    Changed,
    Accepted,
    /// It cannot be accepted; the text says why.
    Unusable(String),
}

/// Starts a server, asks for its tools, and ends it.
///
/// # Errors
/// [`ServerError`] when it is of no use.
pub async fn inspect(launch: &Launch, acceptance: &Acceptance) -> Result<Inspection, ServerError> {
    let session = Session::start(launch).await?;
    let offers: Vec<Offer> = session.offers().values().cloned().collect();
    let stderr = session.stderr();
    session.close().await;
    let names: BTreeSet<&str> = offers.iter().map(Offer::name).collect();
    let gone = acceptance.tools().map(|tool| tool.name().to_owned()).filter(|name| !names.contains(name.as_str()));
    let gone = gone.collect();
    let relaunched = acceptance.tools().next().is_some() && !acceptance.is_for(launch);
    let standing = |offer: &Offer| match acceptance.tool(offer.name()) {
        _ if !offer.is_nameable() => {
            Standing::Unusable("rules cannot name it: write names with letters, digits, `.`, `_` and `-`".to_owned())
        }
        accepted => {
            match [Some(offer.input_schema()), offer.output_schema()].into_iter().flatten().find_map(schema::problem) {
                Some(problem) => Standing::Unusable(problem),
                None if accepted.is_none() => Standing::New,
                None if relaunched || accepted.is_some_and(|tool| tool.digest() != offer.digest()) => Standing::Changed,
                None => Standing::Accepted,
            }
        }
    };
    let offers = offers.into_iter().map(|offer| (standing(&offer), offer)).map(|(standing, offer)| (offer, standing));
    Ok(Inspection { offers: offers.collect(), gone, relaunched, stderr })
}
