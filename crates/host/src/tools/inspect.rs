//! What the operator looks at before accepting: a server's tools beside what was accepted of them. Not for guests.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;

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

impl Inspection {
    /// The offers that can be accepted: one of them, or all.
    pub fn acceptable<'i>(&'i self, name: Option<&'i str>) -> impl Iterator<Item = &'i Offer> {
        let usable = self.offers.iter().filter(|(_, standing)| !matches!(standing, Standing::Unusable(_)));
        usable.map(|(offer, _)| offer).filter(move |offer| name.is_none_or(|name| name == offer.name()))
    }
}

/// SHA-256, in hex, of how a server is started and what it offers. Whoever saw the offers says by it which ones were seen.
pub fn digest_of<'o>(launch: &Launch, offers: impl IntoIterator<Item = &'o Offer>) -> String {
    let mut text = format!("bailiwick tools 1\n{}\n", launch.digest());
    let digests: BTreeSet<&str> = offers.into_iter().map(Offer::digest).collect();
    digests.iter().for_each(|digest| text.extend([digest, "\n"]));
    HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref())
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
