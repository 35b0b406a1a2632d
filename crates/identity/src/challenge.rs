//! What a server answers to a token or a proof that it refuses: RFC 6750 §3, RFC 9449 §7.1 and §9.

use std::fmt;

use crate::dpop::ProofError;
use crate::error::TokenError;
use crate::jws::Algorithm;

/// The reason, in the words of the protocol. `Display` writes the value of `WWW-Authenticate`.
///
/// To [`UseNonce`](Challenge::UseNonce), the server adds `DPoP-Nonce` with [`Nonces::current`](crate::Nonces::current), and
/// it may do so in any answer, so that clients have a fresh one before the old one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// The token proves nothing here.
    InvalidToken,
    /// The token needs a proof of possession, or the one with it proves nothing.
    InvalidProof,
    /// The proof is to be made again, with a nonce of the server.
    UseNonce,
}

impl Challenge {
    /// The `error` of the answer.
    pub const fn error(self) -> &'static str {
        match self {
            Challenge::InvalidToken => "invalid_token",
            Challenge::InvalidProof => "invalid_dpop_proof",
            Challenge::UseNonce => "use_dpop_nonce",
        }
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DPoP error=\"{}\", algs=\"", self.error())?;
        for (index, algorithm) in Algorithm::ALL.into_iter().enumerate() {
            write!(f, "{}{algorithm}", if index == 0 { "" } else { " " })?;
        }
        f.write_str("\"")
    }
}

impl From<&ProofError> for Challenge {
    fn from(error: &ProofError) -> Challenge {
        match error {
            ProofError::Nonce => Challenge::UseNonce,
            _ => Challenge::InvalidProof,
        }
    }
}

impl From<&TokenError> for Challenge {
    fn from(error: &TokenError) -> Challenge {
        match error {
            TokenError::ProofRequired
            | TokenError::ProofBinding
            | TokenError::ProofToken
            | TokenError::ProofReplayed => Challenge::InvalidProof,
            _ => Challenge::InvalidToken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_the_words_of_the_protocol() {
        let header = Challenge::from(&ProofError::Nonce).to_string();
        assert_eq!(header, r#"DPoP error="use_dpop_nonce", algs="ES256 EdDSA PS256 RS256""#);
        assert_eq!(Challenge::from(&ProofError::Signature).error(), "invalid_dpop_proof");
        assert_eq!(Challenge::from(&ProofError::TooOld { ago: 61 }).error(), "invalid_dpop_proof");
        assert_eq!(Challenge::from(&TokenError::ProofReplayed).error(), "invalid_dpop_proof");
        assert_eq!(Challenge::from(&TokenError::ProofRequired).error(), "invalid_dpop_proof");
        assert_eq!(Challenge::from(&TokenError::Signature).error(), "invalid_token");
        assert_eq!(Challenge::from(&TokenError::Expired { ago: 1 }).error(), "invalid_token");
    }
}
