//! The checks that a token passes, by name and in order.

use crate::error::TokenError;

/// One check. The order is the order in which they are made; a check after a failed one is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    Form,
    Header,
    Claims,
    Issuer,
    Type,
    Algorithm,
    KeyId,
    Key,
    Signature,
    Audience,
    IssuedAt,
    NotBefore,
    Expiry,
    Lifetime,
    Id,
    Subject,
    Scope,
    Details,
    Actor,
    Possession,
}

impl Check {
    /// Every check, in the order in which they are made.
    pub const ALL: [Check; 20] = [
        Check::Form,
        Check::Header,
        Check::Claims,
        Check::Issuer,
        Check::Type,
        Check::Algorithm,
        Check::KeyId,
        Check::Key,
        Check::Signature,
        Check::Audience,
        Check::IssuedAt,
        Check::NotBefore,
        Check::Expiry,
        Check::Lifetime,
        Check::Id,
        Check::Subject,
        Check::Scope,
        Check::Details,
        Check::Actor,
        Check::Possession,
    ];

    /// The word for it in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Check::Form => "form",
            Check::Header => "header",
            Check::Claims => "claims",
            Check::Issuer => "issuer",
            Check::Type => "type",
            Check::Algorithm => "algorithm",
            Check::KeyId => "key-id",
            Check::Key => "key",
            Check::Signature => "signature",
            Check::Audience => "audience",
            Check::IssuedAt => "issued-at",
            Check::NotBefore => "not-before",
            Check::Expiry => "expiry",
            Check::Lifetime => "lifetime",
            Check::Id => "id",
            Check::Subject => "subject",
            Check::Scope => "scope",
            Check::Details => "authorization-details",
            Check::Actor => "actor",
            Check::Possession => "possession",
        }
    }

    /// What the check is about, in a few words.
    pub const fn about(self) -> &'static str {
        match self {
            Check::Form => "three segments of canonical base64url within the size limits, the header one JSON object",
            Check::Header => "no header member that would bring a key or another meaning with it",
            Check::Claims => "one JSON object without duplicate members",
            Check::Issuer => "`iss` is exactly one configured issuer",
            Check::Type => "`typ` and the claims are those of the issuer's profile",
            Check::Algorithm => "`alg` is one that the issuer is configured for",
            Check::KeyId => "`kid` names a key",
            Check::Key => "the issuer has that key, and its type, use, algorithm and size fit",
            Check::Signature => "the signature verifies with that key",
            Check::Audience => "`aud` is exactly our name",
            Check::IssuedAt => "`iat` is not in the future",
            Check::NotBefore => "`nbf`, where there is one, has come",
            Check::Expiry => "`exp` has not come",
            Check::Lifetime => "the token does not live longer than its issuer's may",
            Check::Id => "`jti` names the token",
            Check::Subject => "`sub` names an agent as the issuer's profile has it",
            Check::Scope => "every scope of a known kind is well-formed",
            Check::Details => "`authorization_details` of type `bailiwick` are well-formed",
            Check::Actor => "`act` is a well-formed chain",
            Check::Possession => "a bound token comes with a proof by its key, and an unbound one may do without",
        }
    }
}

/// Is told how each check ended.
pub(crate) trait Trail {
    fn note<T>(&mut self, check: Check, result: Result<T, TokenError>) -> Result<T, TokenError>;
}

/// Nobody is told.
pub(crate) struct NoTrail;

impl Trail for NoTrail {
    #[inline]
    fn note<T>(&mut self, _: Check, result: Result<T, TokenError>) -> Result<T, TokenError> {
        result
    }
}
