//! Tokens for cases: from the local issuer through the CLI, or made here, as bad as a case wants them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::BASE64URL_NOPAD as B64;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::program;

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "https://bailiwick.example";

/// `[token]`. Without `header`, `claims`, `drop`, `spoil` and `raw` the local issuer issues it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenSpec {
    #[serde(default)]
    agent: String,
    #[serde(default)]
    scopes: String,
    #[serde(default = "ttl")]
    ttl: String,
    /// The agent's capabilities in the registry; without them it is not registered.
    capabilities: Option<String>,
    /// The agent's status there.
    status: Option<String>,
    /// Members that a test issuer's token gets in its header.
    #[serde(default)]
    header: BTreeMap<String, toml::Value>,
    /// Members that it gets among its claims; `"now+60"` and `"now-60"` are times.
    #[serde(default)]
    claims: BTreeMap<String, toml::Value>,
    /// Members of either that it does not have.
    #[serde(default)]
    drop: Vec<String>,
    /// What is done to it after it was signed.
    spoil: Option<Spoil>,
    /// This very text, with nothing good about it.
    raw: Option<String>,
    /// It is bound to a key, whose public half is `bound.json`, and comes with a proof.
    #[serde(default)]
    bound: bool,
    /// What is different about that proof.
    #[serde(default)]
    proof: ProofSpec,
}

/// `[token.proof]`, by what is different from a good one.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ProofSpec {
    header: BTreeMap<String, toml::Value>,
    claims: BTreeMap<String, toml::Value>,
    drop: Vec<String>,
    spoil: Option<Spoil>,
    raw: Option<String>,
    /// By another key than the one that the token is bound to.
    stolen: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Spoil {
    /// The claims are exchanged under the signature.
    Claims,
    Signature,
    /// The signature is left out.
    Unsigned,
    /// A member of the claims is there twice.
    Duplicate,
    /// Longer than any token may be.
    Huge,
    /// Signed with a key that nobody trusts.
    Forged,
}

fn ttl() -> String {
    "15m".to_owned()
}

impl TokenSpec {
    /// Registers the agent, makes the token, and writes it to `token` in the case's folder.
    ///
    /// # Errors
    /// When a step that prepares the case does not work.
    pub(crate) fn prepare(&self, folder: &Path, state: &Path) -> Result<(), String> {
        let local = self.is_local();
        if let Some(capabilities) = &self.capabilities {
            self.register(folder, state, capabilities, local)?;
        }
        if self.bound {
            fs::write(folder.join("bound.json"), jwk(&bound_key()?).to_string()).map_err(|error| error.to_string())?;
        }
        let token = if let Some(raw) = &self.raw {
            raw.clone()
        } else if local {
            let args = ["token", "issue", "--agent", &self.agent, "--scopes", &self.scopes, "--ttl", &self.ttl];
            let mut command = program::program(folder, args);
            command.args(self.bound.then_some(["--dpop-key", "bound.json"]).into_iter().flatten());
            let ended = program::run(command.arg("--state").arg(state))?;
            if ended.code != Some(0) {
                return Err(format!("`token issue` failed: {}", ended.stderr));
            }
            ended.stdout.trim_end().to_owned()
        } else {
            self.sign(folder)?
        };
        if self.bound {
            let target = if local { "https://bailiwick.invalid/" } else { "https://bailiwick.example/" };
            fs::write(folder.join("proof"), self.proof.sign(&token, target)?).map_err(|error| error.to_string())?;
        }
        fs::write(folder.join("token"), token).map_err(|error| error.to_string())
    }

    /// Whether a proof comes with it.
    pub(crate) fn is_bound(&self) -> bool {
        self.bound
    }

    fn is_local(&self) -> bool {
        self.header.is_empty() && self.claims.is_empty() && self.drop.is_empty() && self.spoil.is_none()
    }

    fn register(&self, folder: &Path, state: &Path, capabilities: &str, local: bool) -> Result<(), String> {
        let mut command = program::program(folder, ["agent", "register", &self.agent, "--owner", "tests"]);
        command.args(["--capabilities", capabilities]).arg("--state").arg(state);
        if !local {
            command.args(["--issuer", ISSUER]);
        }
        let ended = program::run(&mut command)?;
        if ended.code != Some(0) {
            return Err(format!("`agent register` failed: {}", ended.stderr));
        }
        if let Some(status) = &self.status {
            let verb = if status == "suspended" { "suspend" } else { "revoke" };
            let ended = program::run(program::program(folder, ["agent", verb, &self.agent]).arg("--state").arg(state))?;
            if ended.code != Some(0) {
                return Err(format!("`agent {verb}` failed: {}", ended.stderr));
            }
        }
        Ok(())
    }

    /// A token of the test issuer, whose keys the case's configuration trusts.
    fn sign(&self, folder: &Path) -> Result<String, String> {
        let pair = generate()?;
        let public = B64.encode(pair.public_key().as_ref());
        let jwks = json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "kid": "k1", "use": "sig", "alg": "EdDSA", "x": public},
            {"kty": "EC", "crv": "P-256", "kid": "ec", "use": "sig", "alg": "ES256",
             "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"},
        ]});
        fs::write(folder.join("jwks.json"), jwks.to_string()).map_err(|error| error.to_string())?;

        let header = members(json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "k1"}), &self.header, &self.drop)?;
        let now = now();
        let mut claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": self.agent, "client_id": self.agent, "jti": "01-case",
            "iat": now - 10, "exp": now + 600, "scope": self.scopes,
        });
        if self.bound {
            claims["cnf"] = json!({"jkt": thumbprint(&bound_key()?)});
        }
        let mut claims = members(claims, &self.claims, &self.drop)?.to_string();
        if matches!(self.spoil, Some(Spoil::Duplicate)) {
            claims = claims.replacen('{', "{\"sub\":\"somebody-else\",", 1);
        }
        let signed = format!("{}.{}", B64.encode(header.to_string().as_bytes()), B64.encode(claims.as_bytes()));
        let pair = if matches!(self.spoil, Some(Spoil::Forged)) { generate()? } else { pair };
        let mut signature = pair.sign(signed.as_bytes()).as_ref().to_vec();
        if matches!(self.spoil, Some(Spoil::Huge)) {
            return Ok("A".repeat(16 * 1024 + 1));
        }
        let signed = match self.spoil {
            Some(Spoil::Claims) => {
                let other = claims.replacen(&self.agent, "somebody-else", 2);
                format!("{}.{}", B64.encode(header.to_string().as_bytes()), B64.encode(other.as_bytes()))
            }
            Some(Spoil::Signature) => {
                signature[10] ^= 1;
                signed
            }
            Some(Spoil::Unsigned) => {
                signature.clear();
                signed
            }
            _ => signed,
        };
        Ok(format!("{signed}.{}", B64.encode(&signature)))
    }
}

impl ProofSpec {
    /// A proof that the token was posted there.
    fn sign(&self, token: &str, target: &str) -> Result<String, String> {
        if let Some(raw) = &self.raw {
            return Ok(raw.clone());
        }
        let pair = if self.stolen { generate()? } else { bound_key()? };
        let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk(&pair)});
        let claims = json!({
            "jti": "01-proof", "htm": "POST", "htu": target, "iat": now(),
            "ath": B64.encode(digest(&SHA256, token.as_bytes()).as_ref()),
        });
        let header = members(header, &self.header, &self.drop)?;
        let mut claims = members(claims, &self.claims, &self.drop)?.to_string();
        if matches!(self.spoil, Some(Spoil::Duplicate)) {
            claims = claims.replacen('{', "{\"jti\":\"02-proof\",", 1);
        }
        let signed = format!("{}.{}", B64.encode(header.to_string().as_bytes()), B64.encode(claims.as_bytes()));
        let mut signature = pair.sign(signed.as_bytes()).as_ref().to_vec();
        if matches!(self.spoil, Some(Spoil::Signature)) {
            signature[10] ^= 1;
        }
        Ok(format!("{signed}.{}", B64.encode(&signature)))
    }
}

fn members(mut base: Value, changes: &BTreeMap<String, toml::Value>, drop: &[String]) -> Result<Value, String> {
    let members: &mut Map<String, Value> = base.as_object_mut().ok_or("not an object")?;
    for (name, value) in changes {
        let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
        members.insert(name.clone(), value.as_str().and_then(time).map_or(value, Value::from));
    }
    members.retain(|name, _| !drop.contains(name));
    Ok(base)
}

/// The same in every run, so that cases can name it.
fn bound_key() -> Result<Ed25519KeyPair, String> {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).map_err(|error| error.to_string())
}

fn jwk(pair: &Ed25519KeyPair) -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": "bound", "x": B64.encode(pair.public_key().as_ref())})
}

/// RFC 7638, RFC 8037.
fn thumbprint(pair: &Ed25519KeyPair) -> String {
    let x = B64.encode(pair.public_key().as_ref());
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    B64.encode(digest(&SHA256, canonical.as_bytes()).as_ref())
}

/// `now+60` or `now-60`, in seconds since the Unix epoch.
fn time(text: &str) -> Option<u64> {
    let offset: i64 = text.strip_prefix("now")?.parse().ok()?;
    now().checked_add_signed(offset)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn generate() -> Result<Ed25519KeyPair, String> {
    Ed25519KeyPair::generate().map_err(|error| error.to_string())
}
