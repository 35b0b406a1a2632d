//! Where an issuer publishes its keys (OpenID Connect Discovery, RFC 8414): what to ask, and what to believe of the
//! answer. Who asks, over the network, is elsewhere; this decides.

use serde_json::Value;
use url::Url;

use crate::json;

/// A URL from which keys may be fetched: https, with a host, without user information and fragment. That its host leads
/// to a public address, whoever connects has to see to when the address is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUrl(Url);

/// An issuer whose keys cannot be found by discovery.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    #[error(
        "the issuer's name is not an https URL without query, fragment and user information; configure its key set"
    )]
    Issuer,
    #[error("the issuer's metadata is longer than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the issuer's metadata is {0}")]
    Json(String),
    #[error("the metadata's `issuer` is not the configured one, byte by byte")]
    OtherIssuer,
    #[error("the metadata's `jwks_uri` is missing, or not an https URL without fragment and user information")]
    KeyUrl,
}

impl KeyUrl {
    /// Bytes of metadata at most.
    pub const MAX_METADATA: usize = 128 * 1024;

    /// Where the metadata of an issuer is: its name with `/.well-known/openid-configuration` after it (OpenID Connect
    /// Discovery §4.1).
    ///
    /// # Errors
    /// When the issuer's name is no such URL.
    pub fn metadata(issuer: &str) -> Result<KeyUrl, DiscoveryError> {
        let name = https(issuer).filter(|url| url.query().is_none() && !issuer.contains(['?', '#']));
        name.ok_or(DiscoveryError::Issuer)?;
        let text = format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer));
        https(&text).map(KeyUrl).ok_or(DiscoveryError::Issuer)
    }

    /// Where the metadata is that an authorization server without OpenID has: between its host and its path (RFC 8414 §3.1).
    ///
    /// # Errors
    /// When the issuer's name is no such URL.
    pub fn oauth_metadata(issuer: &str) -> Result<KeyUrl, DiscoveryError> {
        let KeyUrl(mut url) = KeyUrl::metadata(issuer)?;
        let path = issuer.strip_prefix("https://").and_then(|rest| rest.split_once('/')).map_or("", |(_, path)| path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let slash = if path.is_empty() { "" } else { "/" };
        url.set_path(&format!("/.well-known/oauth-authorization-server{slash}{path}"));
        Ok(KeyUrl(url))
    }

    /// The `jwks_uri` of an issuer's metadata.
    ///
    /// # Errors
    /// When the metadata is another issuer's, or anything in it is not as the specification has it.
    pub fn from_metadata(issuer: &str, metadata: &[u8]) -> Result<KeyUrl, DiscoveryError> {
        if metadata.len() > Self::MAX_METADATA {
            return Err(DiscoveryError::TooLarge { limit: Self::MAX_METADATA });
        }
        let members = json::parse_object(metadata).map_err(|error| DiscoveryError::Json(error.to_string()))?;
        // Otherwise one issuer could speak with another's keys (RFC 8414 §3.3).
        if members.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(DiscoveryError::OtherIssuer);
        }
        let url = members.get("jwks_uri").and_then(Value::as_str).and_then(https);
        url.map(KeyUrl).ok_or(DiscoveryError::KeyUrl)
    }

    /// The URL, which is https.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

/// The `max-age` of a `Cache-Control` header in seconds, 0 for `no-store` and `no-cache`, and `None` when it says
/// neither. `s-maxage` is for shared caches, and this is none.
pub fn max_age(cache_control: &str) -> Option<u64> {
    let mut age = None;
    for directive in cache_control.split(',') {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return Some(0),
            "max-age" => {
                let seconds = value.trim().trim_matches('"').parse().ok()?;
                age = Some(age.map_or(seconds, |known: u64| known.min(seconds)));
            }
            _ => {}
        }
    }
    age
}

fn https(text: &str) -> Option<Url> {
    let plain = text.len() <= 2048 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let url = Url::parse(text).ok().filter(|_| plain && text.starts_with("https://"))?;
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (bare && url.host_str().is_some_and(|host| !host.is_empty())).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_below_the_issuers_name() {
        let metadata = |issuer: &str| KeyUrl::metadata(issuer).map(|url| url.url().to_string());
        let below = |base: &str| Ok(format!("{base}/.well-known/openid-configuration"));
        assert_eq!(metadata("https://id.example"), below("https://id.example"));
        assert_eq!(metadata("https://id.example/"), below("https://id.example"));
        assert_eq!(metadata("https://id.example:8443/realms/a"), below("https://id.example:8443/realms/a"));
        for bad in [
            "http://id.example",
            "HTTPS://id.example",
            "https://",
            "https://u@id.example",
            "https://u:p@id.example",
            "https://id.example?x",
            "https://id.example#x",
            "https://id.example#",
            "https://id.example\\evil",
            "https://id.example/ä",
            "https://id.example/a b",
            "file:///etc/passwd",
            "urn:bailiwick:local",
            "spiffe://acme.example",
            "",
        ] {
            assert_eq!(metadata(bad), Err(DiscoveryError::Issuer), "{bad}");
        }
    }

    #[test]
    fn oauth_metadata_is_between_host_and_path() {
        for (issuer, url) in [
            ("https://id.example", "https://id.example/.well-known/oauth-authorization-server"),
            ("https://id.example/", "https://id.example/.well-known/oauth-authorization-server"),
            (
                "https://id.example:8443/realms/a/",
                "https://id.example:8443/.well-known/oauth-authorization-server/realms/a",
            ),
        ] {
            assert_eq!(KeyUrl::oauth_metadata(issuer).unwrap().url().as_str(), url);
        }
        assert_eq!(KeyUrl::oauth_metadata("http://id.example"), Err(DiscoveryError::Issuer));
    }

    #[test]
    fn metadata_is_believed_only_about_its_own_issuer() {
        let keys =
            |text: &str| KeyUrl::from_metadata("https://id.example", text.as_bytes()).map(|url| url.url().to_string());
        let good = r#"{"issuer":"https://id.example","jwks_uri":"https://keys.example/jwks?tenant=1"}"#;
        assert_eq!(keys(good).as_deref(), Ok("https://keys.example/jwks?tenant=1"));
        for other in ["https://id.example/", "https://ID.example", "https://evil.example"] {
            let text = good.replace("\"https://id.example\"", &format!("\"{other}\""));
            assert_eq!(keys(&text), Err(DiscoveryError::OtherIssuer), "{other}");
        }
        assert_eq!(keys(r#"{"issuer":["https://id.example"]}"#), Err(DiscoveryError::OtherIssuer));
        assert!(matches!(
            keys(&good.replacen('{', r#"{"issuer":"https://evil.example","#, 1)),
            Err(DiscoveryError::Json(_))
        ));
        assert!(matches!(keys("[]"), Err(DiscoveryError::Json(_))));
        assert!(matches!(keys(&" ".repeat(KeyUrl::MAX_METADATA + 1)), Err(DiscoveryError::TooLarge { .. })));
        for bad in [
            "http://keys.example/",
            "file:///etc/passwd",
            "/jwks",
            "https://u:p@keys.example/",
            "https://keys.example/#x",
            "data:,x",
        ] {
            let text = good.replace("https://keys.example/jwks?tenant=1", bad);
            assert_eq!(keys(&text), Err(DiscoveryError::KeyUrl), "{bad}");
        }
    }

    #[test]
    fn cache_control() {
        for (header, age) in [
            ("max-age=600", Some(600)),
            ("public, Max-Age=\"600\", must-revalidate", Some(600)),
            ("max-age=600, max-age=60", Some(60)),
            ("max-age=600, no-store", Some(0)),
            ("no-cache", Some(0)),
            ("public", None),
            ("", None),
            ("max-age", None),
            ("max-age=-1", None),
            ("max-age=99999999999999999999999", None),
            ("s-maxage=600", None),
        ] {
            assert_eq!(max_age(header), age, "{header}");
        }
    }
}
