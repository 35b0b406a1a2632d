//! Why a token is refused.

use bailiwick_policy::{Code, ScopeError};

use crate::details::DetailsError;
use crate::jwks::Unfit;
use crate::replay::ReplayError;

/// A compact token that does not prove what it claims. Each variant is one rule.
///
/// The messages carry nothing from the token but the names of its claims and, escaped and cut short, its issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    #[error("the token is longer than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the token is not three segments separated by dots; pass the access token itself, without `Bearer`")]
    Segments,
    #[error("the token's {part} is not canonical base64url without padding")]
    Encoding { part: Part },
    #[error("the token's {part} is not a JSON object")]
    Json { part: Part },
    #[error("the token's {part} has a member twice")]
    DuplicateMember { part: Part },

    #[error("the token's header has `{name}`, which is never accepted: keys and meaning come from the configuration")]
    HeaderMember { name: &'static str },
    #[error("the token's header has a member that JWT-SVIDs must not have")]
    HeaderUnknown,
    #[error(
        "the token's `typ` is not one of its issuer's profile (`at+jwt` unless configured); an ID token or a proof is not an access token"
    )]
    Type,
    #[error("the claim `{name}` shows that the token is not an access token")]
    NotAnAccessToken { name: &'static str },
    #[error("the token's `alg` is not one of ES256, EdDSA, PS256, RS256")]
    Algorithm,
    #[error("the issuer's configuration does not list the token's `alg` {algorithm}")]
    AlgorithmNotAllowed { algorithm: &'static str },
    #[error("the token's header needs `kid`, a string of 1 to 256 bytes")]
    KeyId,

    #[error("the issuer `{issuer}` is not configured; add a `[[trusted]]` entry for it to bailiwick.toml")]
    UnknownIssuer { issuer: String },
    #[error(
        "the issuer has no key with the token's `kid`; if it rotated its keys, a JWKS file is to be replaced, and published keys are fetched again within 30 s"
    )]
    UnknownKey,
    #[error("the key that the token names does not fit: {0}")]
    UnfitKey(Unfit),
    #[error("the signature does not verify")]
    Signature,

    #[error("the token is for another audience; it must name exactly the configured one")]
    Audience,
    #[error("the claim `{name}` is missing")]
    ClaimMissing { name: &'static str },
    #[error("the claim `{name}` is not {expected}")]
    ClaimType { name: &'static str, expected: &'static str },
    #[error("the token expired {ago} s ago; ask the issuer for a new one")]
    Expired { ago: u64 },
    #[error("the token was issued {ahead} s in the future; check this machine's clock")]
    IssuedInFuture { ahead: u64 },
    #[error("the token is not valid for another {ahead} s")]
    NotYetValid { ahead: u64 },
    #[error("the token lives longer than {limit} s, or ends before it begins; issue a shorter one")]
    Lifetime { limit: u64 },
    #[error("the token's `sub` is not 1 to 255 visible ASCII characters")]
    Subject,
    #[error("the token's `sub` is not {expected}")]
    WorkloadSubject { expected: &'static str },
    #[error("the token's `scope` is not valid: {0}")]
    Scope(ScopeError),
    #[error("the token's `authorization_details` are not valid: {0}")]
    Details(DetailsError),
    #[error("the token's `act` is not a chain of at most {} objects with a `sub` each", crate::ActorChain::MAX)]
    Actor,

    #[error("the token is bound to a key (`cnf`), and no proof of possession came with it")]
    ProofRequired,
    #[error(
        "the token is not bound to a key (`cnf.jkt`), which its issuer's configuration or the proof with it demands"
    )]
    NotBound,
    #[error("the token is bound to another key than the one that made the proof")]
    ProofBinding,
    #[error("the proof is not for this token; its `ath` must be the token's hash")]
    ProofToken,
    #[error("the token may be used once, and was used before")]
    Replayed,
    #[error("the proof was used before; each call needs a new one")]
    ProofReplayed,
    #[error("the use of the token cannot be recorded: {0}")]
    ReplayStore(ReplayError),
    #[error(
        "the claim `{name}` is not supported yet by this version, and ignoring it would change what the token means"
    )]
    Unsupported { name: &'static str },
}

/// A part of a compact token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Header,
    Claims,
    Signature,
}

impl TokenError {
    /// The stable reason code.
    pub fn code(&self) -> Code {
        match self {
            TokenError::TooLarge { .. } => Code::TokenTooLarge,
            TokenError::Segments | TokenError::Encoding { .. } | TokenError::Json { .. } => Code::TokenMalformed,
            TokenError::DuplicateMember { .. } => Code::TokenDuplicateMember,
            TokenError::HeaderMember { .. } | TokenError::HeaderUnknown => Code::TokenHeader,
            TokenError::Type | TokenError::NotAnAccessToken { .. } => Code::TokenType,
            TokenError::Algorithm | TokenError::AlgorithmNotAllowed { .. } => Code::TokenAlgorithm,
            TokenError::KeyId => Code::TokenKeyId,
            TokenError::UnknownIssuer { .. } => Code::TokenIssuer,
            TokenError::UnknownKey => Code::TokenUnknownKey,
            TokenError::UnfitKey(_) => Code::TokenUnfitKey,
            TokenError::Signature => Code::TokenSignature,
            TokenError::Audience => Code::TokenAudience,
            TokenError::ClaimMissing { .. } | TokenError::ClaimType { .. } => Code::TokenClaim,
            TokenError::Expired { .. } => Code::TokenExpired,
            TokenError::IssuedInFuture { .. } => Code::TokenIssuedInFuture,
            TokenError::NotYetValid { .. } => Code::TokenNotYetValid,
            TokenError::Lifetime { .. } => Code::TokenLifetime,
            TokenError::Subject | TokenError::WorkloadSubject { .. } => Code::TokenSubject,
            TokenError::Scope(_) => Code::TokenScopeClaim,
            TokenError::Details(_) => Code::TokenDetails,
            TokenError::Actor => Code::TokenActor,
            TokenError::ProofRequired => Code::TokenProofRequired,
            TokenError::NotBound => Code::TokenNotBound,
            TokenError::ProofBinding => Code::ProofBinding,
            TokenError::ProofToken => Code::ProofToken,
            TokenError::Replayed => Code::TokenReplayed,
            TokenError::ProofReplayed => Code::ProofReplayed,
            TokenError::ReplayStore(_) => Code::ReplayStore,
            TokenError::Unsupported { .. } => Code::TokenUnsupported,
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Part::Header => "header",
            Part::Claims => "claims",
            Part::Signature => "signature",
        })
    }
}
