//! The names that workload platforms give: SPIFFE IDs and Kubernetes service accounts.

use std::fmt;

use serde_json::{Map, Value};

use crate::error::TokenError;

/// A SPIFFE trust domain: 1 to 255 of `a-z`, `0-9`, `.`, `-` and `_` (SPIFFE-ID §2.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrustDomain(String);

/// A workload's SPIFFE ID: a trust domain and a path that is not empty (SPIFFE-ID §2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpiffeId {
    domain: TrustDomain,
    path: String,
}

/// A Kubernetes service account, and the pod that its token is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServiceAccount {
    namespace: String,
    name: String,
    pod: Option<String>,
}

impl TrustDomain {
    /// Takes the name as it is, without `spiffe://`; nothing is trimmed or folded.
    pub fn parse(name: &str) -> Option<TrustDomain> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        ((1..=255).contains(&name.len()) && name.bytes().all(allowed)).then(|| TrustDomain(name.to_owned()))
    }

    /// The text as it was read.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SpiffeId {
    /// Parses `spiffe://TRUST-DOMAIN/PATH`. The scheme is lower case, no segment is empty, `.` or `..`.
    pub fn parse(text: &str) -> Option<SpiffeId> {
        let (domain, path) = text.strip_prefix("spiffe://")?.split_once('/')?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(allowed);
        // SPIFFE-ID §2.3: at most 2048 bytes.
        let is_path = text.len() <= 2048 && path.split('/').all(is_segment);
        let domain = TrustDomain::parse(domain)?;
        is_path.then(|| SpiffeId { domain, path: path.to_owned() })
    }

    /// The trust domain that it belongs to.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.domain
    }

    /// Without the leading `/`.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl ServiceAccount {
    /// Its namespace in the cluster.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its name in the namespace.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the pod that the token is bound to.
    pub fn pod(&self) -> Option<&str> {
        self.pod.as_deref()
    }

    /// The account that `sub` names, when the private claims of a bound token agree.
    pub(crate) fn of(sub: &str, claims: &Map<String, Value>) -> Result<ServiceAccount, TokenError> {
        let expected = "`system:serviceaccount:NAMESPACE:NAME`, as the claim `kubernetes.io` has it";
        let wrong = || TokenError::WorkloadSubject { expected };
        let (namespace, name) =
            sub.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':')).ok_or_else(wrong)?;
        if !is_dns_name(namespace, 63) || namespace.contains('.') || !is_dns_name(name, 253) {
            return Err(wrong());
        }
        let private = match claims.get("kubernetes.io") {
            // Without it the token is one of the old kind, which lives in a Secret and for ever.
            None => return Err(TokenError::ClaimMissing { name: "kubernetes.io" }),
            Some(Value::Object(private)) => private,
            Some(_) => return Err(not_an_object()),
        };
        let account = member(private, "serviceaccount")?.ok_or_else(not_an_object)?;
        let agrees = private.get("namespace").and_then(Value::as_str) == Some(namespace)
            && account.get("name").and_then(Value::as_str) == Some(name);
        if !agrees {
            return Err(wrong());
        }
        let pod = match member(private, "pod")? {
            None => None,
            Some(pod) => match pod.get("name").and_then(Value::as_str) {
                Some(pod) if is_dns_name(pod, 253) => Some(pod.to_owned()),
                _ => return Err(not_an_object()),
            },
        };
        Ok(ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned(), pod })
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spiffe://{}/{}", self.domain, self.path)
    }
}

impl fmt::Display for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service account `{}` in namespace `{}`", self.name, self.namespace)?;
        match &self.pod {
            Some(pod) => write!(f, ", pod `{pod}`"),
            None => Ok(()),
        }
    }
}

fn member<'v>(object: &'v Map<String, Value>, name: &str) -> Result<Option<&'v Map<String, Value>>, TokenError> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::Object(member)) => Ok(Some(member)),
        Some(_) => Err(not_an_object()),
    }
}

fn not_an_object() -> TokenError {
    TokenError::ClaimType { name: "kubernetes.io", expected: "an object with `namespace` and `serviceaccount`" }
}

/// RFC 1123 names as Kubernetes has them: lower case, digits, `-` and `.`, beginning and ending with neither.
fn is_dns_name(name: &str, limit: usize) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    name.len() <= limit
        && bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
        && bytes.iter().all(|byte| alphanumeric(byte) || b"-.".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spiffe_ids() {
        let id = SpiffeId::parse("spiffe://acme.example/ns/bots/sa/Expense_1").unwrap();
        assert_eq!((id.trust_domain().as_str(), id.path()), ("acme.example", "ns/bots/sa/Expense_1"));
        assert_eq!(id.to_string(), "spiffe://acme.example/ns/bots/sa/Expense_1");
        for bad in [
            "spiffe://acme",
            "spiffe://acme/",
            "spiffe:///a",
            "SPIFFE://acme/a",
            "spiffe://Acme/a",
            "spiffe://acme:8080/a",
            "spiffe://u@acme/a",
            "spiffe://acme/a/",
            "spiffe://acme//a",
            "spiffe://acme/../a",
            "spiffe://acme/./a",
            "spiffe://acme/%61",
            "spiffe://acme/a?b",
            "spiffe://acme/a#b",
            "spiffe://аcme/a",
            "https://acme/a",
            " spiffe://acme/a",
        ] {
            assert_eq!(SpiffeId::parse(bad), None, "{bad}");
        }
        assert_eq!(SpiffeId::parse(&format!("spiffe://acme/{}", "a".repeat(2048))), None);
        for bad in ["", "Acme", "a/b", "a b", "a:1", &"a".repeat(256)] {
            assert_eq!(TrustDomain::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn service_accounts() {
        let claims = |text: &str| match serde_json::from_str(text).unwrap() {
            Value::Object(claims) => claims,
            other => panic!("{other}"),
        };
        let good = claims(
            r#"{"kubernetes.io":{"namespace":"bots","serviceaccount":{"name":"exp.bot","uid":"1"},"pod":{"name":"exp-0"}}}"#,
        );
        let account = ServiceAccount::of("system:serviceaccount:bots:exp.bot", &good).unwrap();
        assert_eq!(account.to_string(), "service account `exp.bot` in namespace `bots`, pod `exp-0`");
        for bad in [
            "system:serviceaccount:bots",
            "system:serviceaccount::exp.bot",
            "system:serviceaccount:bots:",
            "system:serviceaccount:bots:exp.bot:x",
            "system:serviceaccount:Bots:exp.bot",
            "system:serviceaccount:other:exp.bot",
            "system:serviceaccount:bots:other",
            "system:node:bots:exp.bot",
        ] {
            assert!(ServiceAccount::of(bad, &good).is_err(), "{bad}");
        }
        for bad in [
            "{}",
            r#"{"kubernetes.io":[]}"#,
            r#"{"kubernetes.io":{"namespace":"bots"}}"#,
            r#"{"kubernetes.io":{"namespace":"bots","serviceaccount":"exp.bot"}}"#,
            r#"{"kubernetes.io":{"namespace":["bots"],"serviceaccount":{"name":"exp.bot"}}}"#,
            r#"{"kubernetes.io":{"namespace":"bots","serviceaccount":{"name":"exp.bot"},"pod":"x"}}"#,
            r#"{"kubernetes.io":{"namespace":"bots","serviceaccount":{"name":"exp.bot"},"pod":{"name":"a\u001bb"}}}"#,
        ] {
            assert!(ServiceAccount::of("system:serviceaccount:bots:exp.bot", &claims(bad)).is_err(), "{bad}");
        }
    }
}
