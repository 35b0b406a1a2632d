//! What an installation says about itself, and the seal that tells ours from anything else.

use aws_lc_rs::{constant_time, hmac};
use bailiwick::GuestDigest;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

/// Separates these seals from everything else that is sealed with the same key.
const LABEL: &[u8] = b"bailiwick language runtime v1\0";
/// Bytes of the file at most.
pub(crate) const MAX_BYTES: u64 = 1 << 20;

/// An installed interpreter: `runtime.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    pub language: String,
    /// What interprets it, and what built that.
    pub interpreter: String,
    /// SHA-256 over all that it was built from, in lower-case hex.
    pub recipe: String,
    /// The packages that were asked for.
    pub requested: Vec<String>,
    /// Those that it holds, the ones that they need included.
    pub packages: Vec<Package>,
    /// SHA-256 of the component, in lower-case hex.
    pub component: String,
    /// Size of the component, in bytes.
    pub bytes: u64,
}

impl Runtime {
    /// The digest of the component; `None` when it is none.
    pub(crate) fn digest(&self) -> Option<GuestDigest> {
        let bytes = HEXLOWER.decode(self.component.as_bytes()).ok()?;
        bytes.try_into().ok().map(GuestDigest::from_bytes)
    }
}

/// A package as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// SHA-256 of the file that the index gave, in lower-case hex.
    pub sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    runtime: Runtime,
    seal: String,
}

/// Seals and opens what installations say about themselves.
#[derive(Clone)]
pub(crate) struct Seal {
    key: hmac::Key,
}

impl Seal {
    pub(crate) fn new(key: &[u8; 32]) -> Seal {
        Seal { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// The text of `runtime.json`; `None` never happens.
    pub(crate) fn close(&self, runtime: Runtime) -> Option<Vec<u8>> {
        let seal = HEXLOWER.encode(self.tag(&runtime)?.as_ref());
        serde_json::to_vec_pretty(&Sealed { runtime, seal }).ok()
    }

    /// Reads `runtime.json`; `None` when it is not ours as it was written.
    pub(crate) fn open(&self, text: &[u8]) -> Option<Runtime> {
        let sealed: Sealed = serde_json::from_slice(text).ok()?;
        let seal = HEXLOWER.decode(sealed.seal.as_bytes()).ok()?;
        constant_time::verify_slices_are_equal(self.tag(&sealed.runtime)?.as_ref(), &seal).ok()?;
        Some(sealed.runtime)
    }

    /// INVARIANT: the sealed bytes follow from the value alone: members are written in the order of the fields.
    fn tag(&self, runtime: &Runtime) -> Option<hmac::Tag> {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(LABEL);
        context.update(&serde_json::to_vec(runtime).ok()?);
        Some(context.sign())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> Runtime {
        Runtime {
            language: "python".to_owned(),
            interpreter: "CPython 3.14".to_owned(),
            recipe: "ab".repeat(32),
            requested: vec!["markdown".to_owned()],
            packages: vec![Package { name: "markdown".to_owned(), version: "3.9".to_owned(), sha256: "cd".repeat(32) }],
            component: "ef".repeat(32),
            bytes: 7,
        }
    }

    #[test]
    fn opens_what_it_closed_and_nothing_else() {
        let seal = Seal::new(&[1; 32]);
        let text = String::from_utf8(seal.close(runtime()).unwrap()).unwrap();
        assert_eq!(seal.open(text.as_bytes()).unwrap(), runtime());
        assert!(Seal::new(&[2; 32]).open(text.as_bytes()).is_none());
        for (from, to) in [
            ("python\"", "javascript\""),
            ("CPython 3.14", "CPython 3.15"),
            ("abab", "abac"),
            ("\"markdown\"\n", "\"markdown\",\"six\"\n"),
            ("3.9", "3.8"),
            ("cdcd", "cdce"),
            ("efef", "efee"),
            ("\"bytes\": 7", "\"bytes\": 8"),
            ("{\n  \"runtime\"", "{\n  \"more\": 1,\n  \"runtime\""),
            ("\"seal\": \"", "\"seal\": \"00"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "`{from}` is not in it");
            assert!(seal.open(changed.as_bytes()).is_none(), "accepted with `{to}`");
        }
        for at in 0..text.len() - 1 {
            assert!(seal.open(&text.as_bytes()[..at]).is_none(), "accepted when cut at {at}");
        }
        assert!(seal.open(b"").is_none());
    }
}
