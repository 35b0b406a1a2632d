//! The embedded issuer: an Ed25519 key in the state folder, for one machine and its operator.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use bailiwick_policy::ScopeSet;
use cap_std::fs::Dir;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::{NoContext, Timestamp, Uuid};
use zeroize::{Zeroize, Zeroizing};

use crate::agent::AgentId;
use crate::issuer::TrustedIssuer;
use crate::json;
use crate::jwks::Jwks;
use crate::jws::Algorithm;
use crate::profile::Profile;
use crate::state::{self, Existing, StateError};
use crate::thumbprint::Thumbprint;

/// Issues access tokens for agents of this installation. Trusted only where the host's configuration allows it.
pub struct LocalIssuer {
    pair: Ed25519KeyPair,
    key_id: String,
}

/// The local issuer cannot work, or will not issue.
#[derive(Debug, thiserror::Error)]
pub enum LocalIssuerError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(
        "`issuer/{KEY_FILE}` in the state folder does not hold a key of this version; move it away to make a new one"
    )]
    Key,
    #[error("the system gave no randomness for a new key")]
    Randomness,
    #[error("a token lives for 1 to {} s; {asked} s were asked for", TrustedIssuer::MAX_LIFETIME)]
    Lifetime { asked: u64 },
}

const KEY_FILE: &str = "ed25519.json";
const MAX_KEY_BYTES: u64 = 4096;

impl LocalIssuer {
    /// Its `iss`.
    pub const ISSUER: &str = "urn:bailiwick:local";
    /// Our own name in its tokens.
    pub const AUDIENCE: &str = "urn:bailiwick";
    /// What proofs of possession for its tokens are made for, since its audience is no URI of a server. Nobody serves it
    /// (RFC 2606).
    pub const TARGET: &str = "https://bailiwick.invalid/";

    /// Opens the issuer of a state folder and makes its key (`issuer/ed25519.json`, mode 0600) at first use.
    ///
    /// # Errors
    /// When the file cannot be read or made, can be read by others, or holds something else.
    pub fn open(state: &Dir) -> Result<LocalIssuer, LocalIssuerError> {
        let folder = state::subfolder(state, "issuer")?;
        if let Some(issuer) = Self::load(&folder)? {
            return Ok(issuer);
        }
        let document = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new())
            .map_err(|_| LocalIssuerError::Randomness)?;
        let pkcs8 = BASE64.encode(document.as_ref());
        let file = KeyFile { schema: 1, algorithm: "ed25519".to_owned(), pkcs8 };
        let text = Zeroizing::new(serde_json::to_vec_pretty(&file).map_err(|_| LocalIssuerError::Key)?);
        // Two first uses at once: the first file stays, and both read it.
        state::write(&folder, KEY_FILE, &text, Existing::Keep)?;
        Self::load(&folder)?.ok_or(LocalIssuerError::Key)
    }

    /// The issuer of a state folder, when its key exists.
    pub fn open_existing(state: &Dir) -> Result<Option<LocalIssuer>, LocalIssuerError> {
        if !state.is_dir("issuer") {
            return Ok(None);
        }
        Self::load(&state::subfolder(state, "issuer")?)
    }

    /// Signs an access token for `agent` (RFC 9068: `at+jwt`) with a fresh `jti`, bound to the key with that thumbprint if
    /// there is one (RFC 9449 §6): it then serves only with a proof by that key.
    ///
    /// `lifetime` and `now` are in seconds; whole, and `now` since the Unix epoch.
    ///
    /// # Errors
    /// When the lifetime is zero or above one hour.
    pub fn issue(
        &self,
        agent: &AgentId,
        scopes: &ScopeSet,
        bound_to: Option<Thumbprint>,
        lifetime: u64,
        now: u64,
    ) -> Result<Zeroizing<String>, LocalIssuerError> {
        if lifetime == 0 || lifetime > TrustedIssuer::MAX_LIFETIME {
            return Err(LocalIssuerError::Lifetime { asked: lifetime });
        }
        let header = json!({ "typ": "at+jwt", "alg": Algorithm::EdDsa.as_str(), "kid": self.key_id });
        let mut claims = json!({
            "iss": Self::ISSUER,
            "aud": Self::AUDIENCE,
            "sub": agent.as_str(),
            "client_id": agent.as_str(),
            "iat": now,
            "exp": now.saturating_add(lifetime),
            "jti": Uuid::new_v7(Timestamp::from_unix(NoContext, now, 0)).to_string(),
            "scope": scopes.to_string(),
        });
        if let (Some(key), Some(members)) = (bound_to, claims.as_object_mut()) {
            members.insert("cnf".to_owned(), json!({ "jkt": key.to_string() }));
        }
        let mut token = Zeroizing::new(BASE64URL_NOPAD.encode(header.to_string().as_bytes()));
        token.push('.');
        token.push_str(&BASE64URL_NOPAD.encode(claims.to_string().as_bytes()));
        let signature = self.pair.sign(token.as_bytes());
        token.push('.');
        token.push_str(&BASE64URL_NOPAD.encode(signature.as_ref()));
        Ok(token)
    }

    /// The public half.
    pub fn jwks(&self) -> Jwks {
        Jwks::ed25519(&self.key_id, self.pair.public_key().as_ref())
    }

    /// The `kid`: the key's thumbprint (RFC 7638).
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// This issuer as one to trust. Call it only where the host's configuration allows the local issuer.
    pub fn trusted(&self) -> TrustedIssuer {
        TrustedIssuer {
            issuer: Self::ISSUER.to_owned(),
            audience: Self::AUDIENCE.to_owned(),
            algorithms: vec![Algorithm::EdDsa],
            keys: self.jwks(),
            max_lifetime: TrustedIssuer::MAX_LIFETIME,
            skew: TrustedIssuer::DEFAULT_SKEW,
            profile: Profile::AccessToken,
            bound: false,
            single_use: false,
            scopes_from_registry: false,
            local: true,
        }
    }

    fn load(folder: &Dir) -> Result<Option<LocalIssuer>, LocalIssuerError> {
        let Some(content) = state::read(folder, KEY_FILE, MAX_KEY_BYTES)? else { return Ok(None) };
        let content = Zeroizing::new(content);
        json::parse_object(&content).map_err(|_| LocalIssuerError::Key)?;
        let file: KeyFile = serde_json::from_slice(&content).map_err(|_| LocalIssuerError::Key)?;
        if file.schema != 1 || file.algorithm != "ed25519" {
            return Err(LocalIssuerError::Key);
        }
        let document = Zeroizing::new(BASE64.decode(file.pkcs8.as_bytes()).map_err(|_| LocalIssuerError::Key)?);
        let pair = Ed25519KeyPair::from_pkcs8(&document).map_err(|_| LocalIssuerError::Key)?;
        let key_id = Thumbprint::of_ed25519(pair.public_key().as_ref()).to_string();
        Ok(Some(LocalIssuer { pair, key_id }))
    }
}

impl std::fmt::Debug for LocalIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalIssuer").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    schema: u32,
    algorithm: String,
    /// PKCS #8 (RFC 5958), base64.
    pkcs8: String,
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        self.pkcs8.zeroize();
    }
}
