//! From what was typed about the agent to authority for a run.

use std::path::Path;

use bailiwick_guard::audit::Authentication;
use bailiwick_identity::{
    AgentId, AgentRegistry, Authorization, AuthorizeError, LocalIssuer, MAX_TOKEN_BYTES, RawToken, TokenError,
    as_local, authorize,
};
use bailiwick_policy::{Code, Manifest, ScopeSet};

use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::input;
use crate::terminal::Untrusted;

/// How the agent is named; clap has seen to it that it is exactly one.
pub(crate) enum Who<'a> {
    /// On the word of the person at the terminal.
    Agent(&'a str),
    Token(&'a str),
    TokenFile(&'a Path),
}

impl<'a> Who<'a> {
    pub(crate) fn of(
        agent: Option<&'a str>,
        token: Option<&'a str>,
        file: Option<&'a Path>,
    ) -> Result<Who<'a>, Failure> {
        match (agent, token, file) {
            (Some(agent), None, None) => Ok(Who::Agent(agent)),
            (None, Some(token), None) => Ok(Who::Token(token)),
            (None, None, Some(file)) => Ok(Who::TokenFile(file)),
            _ => Err(Failure::usage("name the agent once: --as NAME, --token TOKEN or --token-file FILE")),
        }
    }

    /// Verifies, looks up, and brings together. `about` gets what there is to record, whether or not it succeeds.
    ///
    /// # Errors
    /// Exit code 4 and a reason code for a refused identity.
    pub(crate) fn authorize(
        &self,
        host: &Configuration,
        manifest: &Manifest,
        task: Option<ScopeSet>,
        now: u64,
        about: &mut About,
    ) -> Result<Authorization, Failure> {
        let raw = match self {
            Who::Agent(name) => {
                if !host.local_issuer {
                    let message =
                        "this installation's configuration does not allow runs on the word of whoever starts them";
                    return Err(Failure::identity(Code::LocalIssuerForbidden, message)
                        .help("pass the agent's token with --token-file, or set `local = true` under [issuer] in bailiwick.toml"));
                }
                about.issuer = LocalIssuer::ISSUER.to_owned();
                about.agent = (*name).to_owned();
                return about.of(as_local(&agent_id(name)?, manifest, task, now));
            }
            Who::Token(text) => RawToken::new((*text).to_owned()),
            Who::TokenFile(path) => token_file(path)?,
        };
        let token = raw.verify(&host.trusted_issuers()?, now).map_err(unverified)?;
        about.issuer = token.issuer().to_owned();
        about.agent = token.subject().to_string();
        about.jti = token.jti().to_string();
        let registry = match host.state.open_existing()? {
            Some(state) => AgentRegistry::load(&state).map_err(Failure::internal)?,
            None => AgentRegistry::default(),
        };
        about.of(authorize(&token, &registry, manifest, task))
    }
}

/// Who asked, for the record. Empty where it is not known, because nothing unverified is recorded as somebody's name.
#[derive(Debug, Default)]
pub(crate) struct About {
    issuer: String,
    agent: String,
    jti: String,
}

impl About {
    /// The audit entry for an identity that was accepted (`allow`) or refused.
    pub(crate) fn entry(self, code: Code) -> Authentication {
        Authentication { issuer: self.issuer, agent: self.agent, jti: self.jti, code }
    }

    fn of(&mut self, authorized: Result<Authorization, AuthorizeError>) -> Result<Authorization, Failure> {
        let authorization = authorized.map_err(unauthorized)?;
        self.agent.clone_from(&authorization.authority().principal.agent);
        self.jti = authorization.jti().to_string();
        Ok(authorization)
    }
}

/// An agent id that was typed.
pub(crate) fn agent_id(name: &str) -> Result<AgentId, Failure> {
    AgentId::parse(name).map_err(|error| Failure::usage(format!("`{}`: {error}", Untrusted(name))))
}

/// Scopes that were typed, where unknown kinds are errors.
pub(crate) fn scopes(text: &str, flag: &str) -> Result<ScopeSet, Failure> {
    ScopeSet::parse_strict(text).map_err(|error| {
        Failure::usage(format!("{flag}: {error}"))
            .help("a scope is `kind:actions:resource`, such as `fetch:get,head:api.example.com/v1/**` or `file:read:invoices/**`")
    })
}

/// A file with a token and perhaps a line break after it.
pub(crate) fn token_file(path: &Path) -> Result<RawToken, Failure> {
    let text = input::text(path, "the token file", MAX_TOKEN_BYTES + 2)?;
    Ok(RawToken::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

pub(crate) fn unverified(error: TokenError) -> Failure {
    Failure::identity(error.code(), format!("the token is refused: {error}"))
}

fn unauthorized(error: AuthorizeError) -> Failure {
    Failure::identity(error.code(), error)
}
