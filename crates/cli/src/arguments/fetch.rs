//! What is typed about fetches.

use std::path::PathBuf;

use bailiwick_policy::{ActionName, Kind};
use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Subcommand)]
pub(crate) enum FetchVerb {
    /// Say how URLs are read, whether they would be fetched, and why not; nothing is connected to
    Check(FetchCheckArguments),
}

/// Say how URLs are read, whether they would be fetched, and why not; nothing is connected to.
///
/// Without --policy, what holds under every policy: how a URL is read, and to which addresses none leads without
/// `private = true`. Without --body the request has none, which conditions on a body refuse. Exits with 0 when all would be fetched and with 6 when one would not.
#[derive(Debug, Args)]
pub(crate) struct FetchCheckArguments {
    /// URLs; `-` reads them from standard input, one a line
    #[arg(value_name = "URL|-", required = true, value_hint = ValueHint::Url)]
    pub(crate) urls: Vec<String>,
    /// The manifest that decides
    #[arg(long, short, value_name = "MANIFEST", value_hint = ValueHint::FilePath)]
    pub(crate) policy: Option<PathBuf>,
    /// The agent that asks [default: the first that the manifest lists]
    #[arg(long = "as", value_name = "NAME", requires = "policy")]
    pub(crate) agent: Option<String>,
    /// The request's method
    #[arg(long, short = 'X', value_name = "METHOD", default_value = "GET", value_parser = method)]
    pub(crate) method: ActionName,
    /// A JSON body that the request has; `-` for standard input
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath, requires = "policy")]
    pub(crate) body: Option<PathBuf>,
    /// Ask the resolver for the addresses of host names, and check them; without it, only addresses in URLs are
    #[arg(long)]
    pub(crate) resolve: bool,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

fn method(text: &str) -> Result<ActionName, String> {
    let capital = !text.bytes().any(|byte| byte.is_ascii_lowercase());
    Kind::Fetch.action(&text.to_ascii_lowercase()).filter(|_| capital).ok_or_else(|| {
        let known: Vec<String> =
            Kind::Fetch.actions().iter().map(|action| action.as_str().to_ascii_uppercase()).collect();
        format!("there are {}", known.join(", "))
    })
}
