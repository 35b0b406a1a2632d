//! Tokens for cases: from the local issuer through the CLI, or made here, as bad as a case wants them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

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
        let token = if let Some(raw) = &self.raw {
            raw.clone()
        } else if local {
            let args = ["token", "issue", "--agent", &self.agent, "--scopes", &self.scopes, "--ttl", &self.ttl];
            let ended = program::run(program::program(folder, args).arg("--state").arg(state))?;
            if ended.code != Some(0) {
                return Err(format!("`token issue` failed: {}", ended.stderr));
            }
            ended.stdout.trim_end().to_owned()
        } else {
            self.sign(folder)?
        };
        fs::write(folder.join("token"), token).map_err(|error| error.to_string())
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

        let header = self.members(json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "k1"}), &self.header)?;
        let now = now();
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": self.agent, "client_id": self.agent, "jti": "01-case",
            "iat": now - 10, "exp": now + 600, "scope": self.scopes,
        });
        let mut claims = self.members(claims, &self.claims)?.to_string();
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

    fn members(&self, mut base: Value, changes: &BTreeMap<String, toml::Value>) -> Result<Value, String> {
        let members: &mut Map<String, Value> = base.as_object_mut().ok_or("not an object")?;
        for (name, value) in changes {
            let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
            members.insert(name.clone(), value.as_str().and_then(time).map_or(value, Value::from));
        }
        members.retain(|name, _| !self.drop.contains(name));
        Ok(base)
    }
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
