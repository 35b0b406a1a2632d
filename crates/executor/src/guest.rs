//! What the orchestrator hands over: bytes, and what they look like before anybody has parsed them.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::interpreter::{Interpreter, Language};
use crate::load::Refusal;

/// The largest guest, in bytes; checked before anything looks at them.
pub const MAX_GUEST_BYTES: usize = 64 << 20;

/// The largest source text, in bytes.
pub const MAX_SOURCE_BYTES: usize = 4 << 20;

/// Untrusted code, as it came. Cheap to clone.
///
/// Only the first bytes have been looked at, to tell the forms apart. Everything else of WebAssembly is parsed in the
/// compile child, and source text by its interpreter, in the sandbox.
#[derive(Clone)]
pub struct Guest {
    bytes: Arc<[u8]>,
    form: Form,
    digest: GuestDigest,
    script: Option<Script>,
}

/// What runs source text, and what tracebacks call it.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) interpreter: Interpreter,
    pub(crate) name: Arc<str>,
}

impl Guest {
    /// Takes a guest in any accepted form: a component, a core module, or WAT text. The form is read off the content,
    /// never off a name.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] over [`MAX_GUEST_BYTES`]; [`Refusal::Unrecognised`] when the bytes have none of the forms.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Result<Guest, Refusal> {
        let bytes = bytes.into();
        if bytes.len() > MAX_GUEST_BYTES {
            return Err(Refusal::TooLarge { found: bytes.len(), limit: MAX_GUEST_BYTES });
        }
        let form = Form::detect(&bytes)?;
        let digest = GuestDigest::of(&bytes);
        Ok(Guest { bytes, form, digest, script: None })
    }

    /// Takes source text for `interpreter`. `name` is for tracebacks: the file's name, without its folder.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] over [`MAX_SOURCE_BYTES`]; [`Refusal::Unrecognised`] when it is not UTF-8 or holds a NUL.
    pub fn from_source(
        interpreter: Interpreter,
        source: impl Into<Arc<[u8]>>,
        name: impl Into<Arc<str>>,
    ) -> Result<Guest, Refusal> {
        let bytes = source.into();
        check_source(&bytes)?;
        let digest = GuestDigest::of(&bytes);
        let script = Script { interpreter, name: name.into() };
        Ok(Guest { bytes, form: Form::Source, digest, script: Some(script) })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn form(&self) -> Form {
        self.form
    }

    /// What runs it, when it is source text.
    pub fn interpreter(&self) -> Option<&Interpreter> {
        self.script.as_ref().map(|script| &script.interpreter)
    }

    /// The language of source text.
    pub(crate) fn language(&self) -> Option<Language> {
        self.interpreter().map(Interpreter::language)
    }

    pub(crate) fn script(&self) -> Option<&Script> {
        self.script.as_ref()
    }

    /// Source text as such; empty when the bytes are no text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }

    /// SHA-256 of the bytes as they came: the guest's name in reports, approvals and the audit log.
    pub fn digest(&self) -> GuestDigest {
        self.digest
    }
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guest").field("form", &self.form).field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// What holds for every source text, whole scripts and pieces of sessions.
pub(crate) fn check_source(bytes: &[u8]) -> Result<(), Refusal> {
    if bytes.len() > MAX_SOURCE_BYTES {
        return Err(Refusal::TooLarge { found: bytes.len(), limit: MAX_SOURCE_BYTES });
    }
    if std::str::from_utf8(bytes).is_err() || bytes.contains(&0) {
        return Err(Refusal::unrecognised("source text must be UTF-8, without NUL"));
    }
    Ok(())
}

/// The outer form of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A component, in the binary format.
    Component,
    /// A core module, in the binary format: WASI preview 1, a module that carries its world, or one with the core ABI.
    CoreModule,
    /// The text format of either.
    Text,
    /// Source text of a language that has an interpreter.
    Source,
}

impl Form {
    fn detect(bytes: &[u8]) -> Result<Form, Refusal> {
        const MAGIC: &[u8; 4] = b"\0asm";
        if bytes.is_empty() {
            return Err(Refusal::unrecognised("it is empty"));
        }
        if let Some(rest) = bytes.strip_prefix(MAGIC) {
            return match rest.first_chunk() {
                Some([1, 0, 0, 0]) => Ok(Form::CoreModule),
                Some([13, 0, 1, 0]) => Ok(Form::Component),
                Some(_) => Err(Refusal::unrecognised("it is WebAssembly of an unknown version")),
                None => Err(Refusal::unrecognised("it ends within the WebAssembly header")),
            };
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(Refusal::unrecognised("it is neither WebAssembly nor text"));
        };
        if text.contains('\0') {
            return Err(Refusal::unrecognised("it is neither WebAssembly nor text"));
        }
        match first_token(text) {
            Some(rest) if is_wat(rest) => Ok(Form::Text),
            _ => Err(Refusal::unrecognised("it is text, but not WAT; source text needs its language's interpreter")),
        }
    }
}

/// The text after leading white space and WAT comments; `None` when a comment does not end.
fn first_token(mut text: &str) -> Option<&str> {
    loop {
        text = text.trim_start();
        if let Some(comment) = text.strip_prefix(";;") {
            text = comment.split_once('\n').map_or("", |(_, rest)| rest);
        } else if text.starts_with("(;") {
            text = after_block_comment(text)?;
        } else {
            return Some(text);
        }
    }
}

/// Block comments nest.
fn after_block_comment(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let mut bytes = text.bytes().zip(text.bytes().skip(1)).enumerate();
    while let Some((at, pair)) = bytes.next() {
        match pair {
            (b'(', b';') => depth += 1,
            (b';', b')') => depth = depth.saturating_sub(1),
            _ => continue,
        }
        bytes.next(); // the second byte of the pair belongs to no other
        if depth == 0 {
            return text.get(at + 2..);
        }
    }
    None
}

fn is_wat(text: &str) -> bool {
    let Some(list) = text.strip_prefix('(') else { return false };
    let word = list.trim_start();
    ["module", "component"].iter().any(|keyword| {
        word.strip_prefix(keyword)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_whitespace() || "();\"$".contains(c)))
    })
}

/// SHA-256 of a guest's bytes. Displays as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GuestDigest([u8; 32]);

impl GuestDigest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> GuestDigest {
        GuestDigest(Sha256::digest(bytes).into())
    }

    /// A digest that is known already.
    pub const fn from_bytes(digest: [u8; 32]) -> GuestDigest {
        GuestDigest(digest)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Display for GuestDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl std::fmt::Debug for GuestDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(bytes: &[u8]) -> Result<Form, Refusal> {
        Guest::from_bytes(bytes).map(|guest| guest.form())
    }

    #[test]
    fn binaries_are_told_apart_by_their_header() {
        assert_eq!(form(b"\0asm\x01\0\0\0"), Ok(Form::CoreModule));
        assert_eq!(form(b"\0asm\x0d\0\x01\0"), Ok(Form::Component));
        for bad in [&b"\0asm"[..], b"\0asm\x02\0\0\0", b"\0asm\x0d\0\x01", b"\x7fELF\x02\x01\x01\0", b"\xff\xfe", b""] {
            assert!(matches!(form(bad), Err(Refusal::Unrecognised { .. })), "accepted {bad:?}");
        }
    }

    #[test]
    fn text_is_wat_only_when_it_begins_like_wat() {
        for good in ["(module)", " ;; hi\n(module $x)", "(; a (; b ;) c ;)\n( component )", "(module(func))"] {
            assert_eq!(form(good.as_bytes()), Ok(Form::Text), "{good}");
        }
        for bad in
            ["print('hi')", "(modulex)", "(; never ends", ";; only a comment", "", "(", "const x = (module) => 1"]
        {
            assert!(matches!(form(bad.as_bytes()), Err(Refusal::Unrecognised { .. })), "accepted {bad}");
        }
    }

    #[test]
    fn size_comes_first() {
        let refusal = Guest::from_bytes(vec![b'x'; MAX_GUEST_BYTES + 1]).unwrap_err();
        assert_eq!(refusal, Refusal::TooLarge { found: MAX_GUEST_BYTES + 1, limit: MAX_GUEST_BYTES });
    }

    #[test]
    fn debug_shows_no_content() {
        let guest = Guest::from_bytes(&b"(module (; a secret ;))"[..]).unwrap();
        assert!(!format!("{guest:?}").contains("secret"));
    }
}
