//! What is typed about tokens.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use crate::quantity::Seconds;
use crate::trusted::ProfileName;

#[derive(Debug, Subcommand)]
pub(crate) enum TokenVerb {
    /// Issue an access token with the local issuer
    Issue(TokenIssueArguments),
    /// Show what a token says, and every check of it
    Inspect(TokenInspectArguments),
    /// Make a proof of possession for a token that is bound to a key
    Prove(TokenProveArguments),
}

#[derive(Debug, Args)]
pub(crate) struct TokenIssueArguments {
    /// The agent's id in the registry
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: String,
    /// What the token grants, scopes separated by spaces
    #[arg(long, value_name = "SCOPES")]
    pub(crate) scopes: String,
    /// How long it is valid, at most `1h`
    #[arg(long, value_name = "DURATION", default_value = "15m")]
    pub(crate) ttl: Seconds,
    /// Bind it to this public key, a JWK or PEM: it then serves only with a proof by that key
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) dpop_key: Option<PathBuf>,
}

/// Make a proof of possession (DPoP) for a token that is bound to a key.
///
/// The proof is alone on standard output. It serves once, for a minute, with `--dpop-proof`. What has the private key is the
/// agent's side; this is for trying it by hand.
#[derive(Debug, Args)]
pub(crate) struct TokenProveArguments {
    /// A file with the token; `-` reads standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) token_file: PathBuf,
    /// The private key that the token is bound to: PEM, Ed25519 or P-256
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key: PathBuf,
    /// The URI that it is for, `htu` [default: what runs here demand for tokens of that issuer]
    #[arg(long, value_name = "URI")]
    pub(crate) target: Option<String>,
    /// The method that it is for, `htm`
    #[arg(long, value_name = "METHOD", default_value = "POST")]
    pub(crate) method: String,
    /// A nonce that the server gave out
    #[arg(long, value_name = "NONCE")]
    pub(crate) nonce: Option<String>,
}

/// Show what a token says, and every check of it.
///
/// Exits with 0 when a run under a manifest for its agent would accept it, and with 4 when not, be it that the registry refuses
/// it. Nothing is spent, remembered or counted: what may be used once can still be.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["token", "token_file"]))]
pub(crate) struct TokenInspectArguments {
    /// The token
    #[arg(value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// A file with the token; `-` reads standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,
    /// A file with a proof of possession (DPoP) that goes with it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) dpop_proof: Option<PathBuf>,
    /// Judge it by this key set, and not by what is configured
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        requires_all = ["issuer", "audience"],
        help_heading = "An issuer that is not configured"
    )]
    pub(crate) jwks: Option<PathBuf>,
    /// Its name, as in the token's `iss`
    #[arg(long, value_name = "ISSUER", requires = "jwks", help_heading = "An issuer that is not configured")]
    pub(crate) issuer: Option<String>,
    /// Our own name at it, as in the token's `aud`
    #[arg(long, value_name = "AUDIENCE", requires = "jwks", help_heading = "An issuer that is not configured")]
    pub(crate) audience: Option<String>,
    /// What its tokens look like
    #[arg(
        long,
        value_enum,
        value_name = "PROFILE",
        default_value = "access-token",
        help_heading = "An issuer that is not configured"
    )]
    pub(crate) profile: ProfileName,
    /// Its trust domain, for the profile `jwt-svid`
    #[arg(long, value_name = "DOMAIN", requires = "jwks", help_heading = "An issuer that is not configured")]
    pub(crate) trust_domain: Option<String>,
    /// Judge it at this time, in seconds since 1970
    #[arg(long, value_name = "SECONDS")]
    pub(crate) now: Option<u64>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}
