//! From what was typed about the agent to authority for a run.

use std::borrow::Cow;
use std::path::Path;

use bailiwick_guard::audit::Authentication;
use bailiwick_guard::{Sensitive, Timestamp};
use bailiwick_identity::{
    AgentId, Asked, Authorization, AuthorizeError, IssuerDirectory, KeysError, LocalIssuer, MAX_TOKEN_BYTES, Proof,
    ProofError, ProofRequest, RawProof, RawToken, SignedFor, Status, Target, TaskId, Token, TokenError, UnspentToken,
    as_local, authorize,
};
use bailiwick_policy::{Code, ScopeSet};
use bailiwick_store::Store;

use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::terminal::Untrusted;
use crate::{environment, input};

/// The method that proofs of possession name (`htm`): a token for a run here is taken for one that was posted.
pub(crate) const PROOF_METHOD: &str = "POST";

/// How the agent is named, and what proves that a token is its own.
pub(crate) struct Who<'a> {
    claim: Claim<'a>,
    proof: Option<&'a Path>,
}

enum Claim<'a> {
    /// On the word of the person at the terminal.
    Agent(&'a str),
    Token(Cow<'a, str>),
    TokenFile(&'a Path),
}

impl<'a> Who<'a> {
    pub(crate) fn of(
        agent: Option<&'a str>,
        token: Option<&'a str>,
        file: Option<&'a Path>,
    ) -> Result<Who<'a>, Failure> {
        let claim = match (agent, token, file) {
            (Some(agent), None, None) => Claim::Agent(agent),
            (None, Some(token), None) => Claim::Token(token.into()),
            (None, None, Some(file)) => Claim::TokenFile(file),
            // What is typed wins over the environment, which holds for every run from one shell.
            (None, None, None) => match environment::text(environment::TOKEN)? {
                Some(token) => Claim::Token(token.into()),
                None => return Err(unnamed()),
            },
            _ => return Err(unnamed()),
        };
        Ok(Who { claim, proof: None })
    }

    /// With a proof of possession beside the token.
    pub(crate) fn proven_by(self, proof: Option<&'a Path>) -> Who<'a> {
        Who { proof, ..self }
    }

    /// Verifies, looks up, and brings together. `about` gets what there is to record, whether or not it succeeds.
    ///
    /// # Errors
    /// Exit code 4 and a reason code for a refused identity.
    pub(crate) fn authorize(
        &self,
        host: &Configuration,
        store: &Store,
        asked: &Asked<'_>,
        now: u64,
        about: &mut About,
    ) -> Result<Authorization, Failure> {
        let raw = match self.claim {
            Claim::Agent(name) => {
                if !host.local_issuer {
                    let message =
                        "this installation's configuration does not allow runs on the word of whoever starts them";
                    return Err(Failure::identity(Code::LocalIssuerForbidden, message)
                        .help("pass the agent's token with --token-file, or set `local = true` under [issuer] in bailiwick.toml"));
                }
                about.issuer = LocalIssuer::ISSUER.to_owned();
                about.agent = name.to_owned();
                return about.of(as_local(&agent_id(name)?, store, asked, now));
            }
            Claim::Token(ref text) => alone(text.clone().into_owned())?,
            Claim::TokenFile(path) => token_file(path)?,
        };
        let unspent = self.verify(&raw, &host.issuers()?, now, about)?;
        about.token(unspent.peek());
        let token = unspent.spend(store, now).map_err(unverified)?;
        about.of(authorize(&token, store, asked, now))
    }

    fn verify(
        &self,
        raw: &RawToken,
        directory: &IssuerDirectory,
        now: u64,
        about: &mut About,
    ) -> Result<UnspentToken, Failure> {
        let trusted = wait(directory.issuers_for(raw, now))?.map_err(without_keys)?;
        let proof = self.proof.map(|path| proof(path, raw, directory, now)).transpose();
        let verified = proof.and_then(|proof| raw.verify_presented(proof.as_ref(), &trusted, now).map_err(unverified));
        // A token that its issuer signed is refused on record under its own name.
        verified.inspect_err(|_| about.signed(raw.signed_for(&trusted)))
    }
}

/// Verifies a proof from a file: made for our own name at the token's issuer, as the URI that the token was posted to.
///
/// # Errors
/// A file that cannot be read, an issuer at which our name is no URI, and a proof that does not verify.
pub(crate) fn proof(path: &Path, token: &RawToken, directory: &IssuerDirectory, now: u64) -> Result<Proof, Failure> {
    let text = input::text(path, "the proof", RawProof::MAX_BYTES + 2)?;
    let raw = RawProof::new(text.trim_end_matches(['\r', '\n']).to_owned());
    // An issuer that is not known refuses the token, which says more than a refused proof.
    let target = match directory.target_for(token) {
        Some(_) => target(token, directory)?,
        None => Target::parse("https://unknown.invalid/").ok_or_else(|| Failure::internal("no target"))?,
    };
    raw.verify(&ProofRequest::new(PROOF_METHOD, &target), now).map_err(|error| unproven(&error, &target))
}

fn unproven(error: &ProofError, target: &Target) -> Failure {
    let failure = Failure::identity(error.code(), format!("the proof is refused: {error}"));
    match error {
        ProofError::Method | ProofError::Target => {
            failure.help(format!("make it with `htm` = `{PROOF_METHOD}` and `htu` = `{target}`"))
        }
        _ => failure,
    }
}

/// What a proof beside a token has to be made for here.
///
/// # Errors
/// An issuer that is not configured, or at which our name is no URI.
pub(crate) fn target(token: &RawToken, directory: &IssuerDirectory) -> Result<Target, Failure> {
    let Some(audience) = directory.target_for(token) else {
        return Err(Failure::usage(
            "the token names no configured issuer, so that nothing says what a proof is to be for",
        )
        .help("name it with --target URI, or check the token with `bailiwick token inspect`"));
    };
    Target::parse(audience).ok_or_else(|| {
        Failure::usage(format!("no proof can be made for the audience `{}`", Untrusted(audience)))
            .help("a proof names a URI: make the `audience` of the issuer in bailiwick.toml an https URL")
    })
}

/// For how long an authority covers sensitive calls.
pub(crate) fn sensitive(authorization: &Authorization) -> Sensitive {
    match authorization.sensitive_until() {
        None => Sensitive::Never,
        Some(second) => Sensitive::Until(Timestamp(second.saturating_mul(1000))),
    }
}

/// Runs what fetches keys, on this thread.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    let done = runtime.block_on(future);
    // A name that is being looked up cannot be interrupted, and nobody waits for it any more.
    runtime.shutdown_background();
    Ok(done)
}

/// Who asked, for the record. Empty where it is not known, because nothing unverified is recorded as somebody's name.
#[derive(Debug, Default)]
pub(crate) struct About {
    issuer: String,
    agent: String,
    jti: String,
    actors: Vec<String>,
}

impl About {
    /// The audit entry for an identity that was accepted (`allow`) or refused.
    pub(crate) fn entry(self, code: Code) -> Authentication {
        Authentication { issuer: self.issuer, agent: self.agent, jti: self.jti, actors: self.actors, code }
    }

    /// The same of a token that is refused for something else than its signature.
    fn signed(&mut self, signed: Option<SignedFor>) {
        let Some(SignedFor { issuer, subject, jti }) = signed else { return };
        self.issuer = issuer;
        self.agent = subject.map(|subject| subject.to_string()).unwrap_or_default();
        self.jti = jti.map(|jti| jti.to_string()).unwrap_or_default();
    }

    /// Whoever signed it said so.
    fn token(&mut self, token: &Token) {
        self.issuer = token.issuer().to_owned();
        self.agent = token.subject().to_string();
        self.jti = token.jti().to_string();
        self.actors = token.actors().iter().map(ToString::to_string).collect();
    }

    fn of(&mut self, authorized: Result<Authorization, AuthorizeError>) -> Result<Authorization, Failure> {
        let authorization = authorized.map_err(unauthorized)?;
        self.agent.clone_from(&authorization.authority().principal.agent);
        self.jti = authorization.jti().to_string();
        Ok(authorization)
    }
}

fn unnamed() -> Failure {
    Failure::usage("the command does not say which agent asks")
        .help("name the agent once: --token-file FILE, --token TOKEN, the variable BAILIWICK_TOKEN, or --as NAME on your own word")
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
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        let name = path.display().to_string();
        return Err(Failure::usage(format!("the token file `{}` is empty", Untrusted(&name))));
    }
    alone(text.to_owned())
}

/// A token without what stands before it in a request.
fn alone(text: String) -> Result<RawToken, Failure> {
    let scheme = text.split_once(' ').map(|(scheme, _)| scheme);
    if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("Bearer") || scheme.eq_ignore_ascii_case("DPoP")) {
        return Err(Failure::identity(
            Code::TokenMalformed,
            "the token is refused: it begins with the word that stands before it in a request",
        )
        .help("leave `Bearer` or `DPoP` out, and the space after it: pass the token alone"));
    }
    Ok(RawToken::new(text))
}

fn unverified(error: TokenError) -> Failure {
    let failure = Failure::identity(error.code(), format!("the token is refused: {error}"));
    match error {
        TokenError::ProofRequired | TokenError::ProofReplayed | TokenError::ProofBinding | TokenError::ProofToken => {
            failure.help(
                "make one with the key that the token is bound to, `bailiwick token prove --token-file TOKEN --key PRIVATE > proof`, and pass it with --dpop-proof proof",
            )
        }
        TokenError::NotBound => failure.help(
            "ask the issuer for a token that is bound to the agent's key; of the local issuer: `bailiwick token issue --dpop-key FILE`",
        ),
        _ => failure,
    }
}

pub(crate) fn without_keys(error: KeysError) -> Failure {
    Failure::identity(error.code(), error).help("`bailiwick doctor` asks every configured issuer")
}

pub(crate) fn unauthorized(error: AuthorizeError) -> Failure {
    let Some(code) = error.code() else { return Failure::internal(error) };
    let failure = Failure::identity(code, &error);
    match error {
        AuthorizeError::KeyUnbound { .. } => {
            failure.help("pass a token that is bound to one of them (`cnf.jkt`; of the local issuer: `bailiwick token issue --dpop-key FILE`), and a proof with --dpop-proof FILE")
        }
        AuthorizeError::KeyUnknown { agent, .. } => failure.help(format!(
            "`bailiwick agent show {agent}` lists its keys, `bailiwick agent rotate-key {agent} --key FILE` adds one"
        )),
        AuthorizeError::Inactive { agent, status: Status::Suspended, .. } => {
            failure.help(format!("once its owner has looked: `bailiwick agent resume {agent}`"))
        }
        _ => failure,
    }
}

/// Whether somebody pasted a token where its name belongs. What stands there is recorded.
pub(crate) fn is_token(text: &str) -> bool {
    text.split('.').count() >= 3 && text.starts_with("eyJ")
}

/// A task's id as it was typed.
pub(crate) fn task_id(text: &str) -> Result<TaskId, Failure> {
    if is_token(text) {
        return Err(Failure::usage("this is a token, and not the id of a task"));
    }
    TaskId::parse(text).map_err(|error| Failure::usage(format!("`{}`: {error}", Untrusted(text))))
}
