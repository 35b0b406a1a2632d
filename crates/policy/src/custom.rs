//! Kinds that an embedder adds: `x-mail`, with resources of its own.

use std::fmt;

use crate::kind::Kind;
use crate::resource::ResourceError;
use crate::segment::{MAX_SEGMENTS, check_guest, check_name};

/// The longest name of a custom kind, in bytes.
const MAX_NAME: usize = 24;

/// A kind of scope that is not ours: `x-` and 1 to 22 of `a` to `z`, `0` to `9` and `-`, the first of them a letter.
///
/// It has the action names of [`CustomKind::ACTIONS`], so that scopes stay a closed set of words. The name alone grants
/// nothing: the host performs only what it has an effect for.
///
/// ```
/// use bailiwick_policy::CustomKind;
/// const MAIL: CustomKind = CustomKind::new("x-mail");
/// assert_eq!(MAIL.as_str(), "x-mail");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomKind {
    // INVARIANT: a valid name, then zeros. So that a kind is `Copy` and two are equal exactly if their names are.
    bytes: [u8; MAX_NAME],
}

/// A resource of a custom kind: a name, then segments as in a guest path. `team/alice`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomResource {
    kind: CustomKind,
    name: String,
    segments: Vec<String>,
}

impl CustomKind {
    /// A kind that the program itself names. Meant for constants, where a bad name does not compile.
    ///
    /// # Panics
    /// When `name` is not as the type says. For names from elsewhere there is [`CustomKind::parse`].
    #[expect(clippy::panic, reason = "in a constant it is an error of the compiler, which is what this is for")]
    pub const fn new(name: &str) -> CustomKind {
        match CustomKind::read(name) {
            Some(kind) => kind,
            None => {
                panic!("the name of a custom kind is `x-`, a letter, and at most 21 more of `a`-`z`, `0`-`9` and `-`")
            }
        }
    }

    /// The kind of that name; `None` if it is not one of a custom kind.
    pub fn parse(name: &str) -> Option<CustomKind> {
        CustomKind::read(name)
    }

    pub fn as_str(&self) -> &str {
        let length = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(MAX_NAME);
        self.bytes.get(..length).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }

    // INVARIANT: `name` has 3 to MAX_NAME bytes wherever it is indexed.
    #[expect(clippy::indexing_slicing, reason = "`get` cannot be called in constants")]
    const fn read(name: &str) -> Option<CustomKind> {
        let name = name.as_bytes();
        if name.len() < 3 || name.len() > MAX_NAME || name[0] != b'x' || name[1] != b'-' {
            return None;
        }
        let mut bytes = [0; MAX_NAME];
        let mut at = 0;
        while at < name.len() {
            let fits = match name[at] {
                b'a'..=b'z' => true,
                b'0'..=b'9' | b'-' => at != 2,
                _ => false,
            };
            if !fits {
                return None;
            }
            bytes[at] = name[at];
            at += 1;
        }
        Some(CustomKind { bytes })
    }
}

impl CustomResource {
    /// Reads `name/segments`; the segments may be left out.
    ///
    /// # Errors
    /// [`Code::Ambiguous`](crate::Code::Ambiguous) or [`Code::Malformed`](crate::Code::Malformed), by the rules for
    /// names and for guest paths.
    pub fn parse(kind: CustomKind, text: &str) -> Result<CustomResource, ResourceError> {
        let mut parts = text.split('/');
        let name = parts.next().unwrap_or_default();
        check_name(name)?;
        let segments: Vec<String> =
            parts.map(|part| check_guest(part).map(|()| part.to_owned())).collect::<Result<_, _>>()?;
        if segments.len() >= MAX_SEGMENTS {
            return Err(ResourceError::malformed("the resource has more than 64 segments"));
        }
        Ok(CustomResource { kind, name: name.to_owned(), segments })
    }

    pub fn kind(&self) -> Kind {
        Kind::Custom(self.kind)
    }

    /// The part before the first slash.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The parts after the name.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }
}

impl fmt::Debug for CustomKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for CustomResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.segments.iter().try_for_each(|segment| write!(f, "/{segment}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Manifest, Request, Scope, ScopeSet};

    #[test]
    fn a_name_is_read_or_refused_and_shown_as_it_is() {
        for name in ["x-mail", "x-a", "x-robot-arm-2", "x-abcdefghijklmnopqrstuv"] {
            assert_eq!(CustomKind::parse(name).expect(name).as_str(), name);
        }
        for name in [
            "",
            "x",
            "x-",
            "mail",
            "X-mail",
            "x-Mail",
            "x-2",
            "x--",
            "x_mail",
            "x-é",
            "x-a\0",
            "x-abcdefghijklmnopqrstuvw",
        ] {
            assert_eq!(CustomKind::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn its_scopes_have_the_same_algebra() {
        let scope = |text| Scope::parse(text).expect("a scope");
        let request = |text| Request::parse(text).expect("a call");
        let team = scope("x-mail:send,read:team/**");
        assert_eq!(team.to_string(), "x-mail:read,send:team/**");
        assert!(team.covers(&request("x-mail send team/alice")));
        assert!(!team.covers(&request("x-mail send team")) && !team.covers(&request("x-mail delete team/alice")));
        assert!(!team.covers(&request("x-post send team/alice")), "a kind is the whole name");
        assert!(team.contains(&scope("x-mail:send:team/*")) && !team.contains(&scope("x-mails:send:team/*")));
        assert_eq!(
            scope("x-mail:send:*/a".replace('*', "team").as_str()).intersect(&team),
            Some(scope("x-mail:send:team/a"))
        );
    }

    #[test]
    fn a_token_may_have_scopes_of_others_that_look_alike() {
        let scopes =
            ScopeSet::parse_token("x-mail:send:team/a x-mail x-mail:shout:a x-9:send:a").expect("a token's scopes");
        assert_eq!(scopes.to_string(), "x-mail:send:team/a");
        assert!(ScopeSet::parse_strict("x-mail:shout:a").is_err() && ScopeSet::parse_strict("x-9:send:a").is_err());
    }

    #[test]
    fn a_manifest_has_rules_for_it() {
        let rule = |rule: &str| {
            let text = format!("schema = 1\nid = \"m\"\nagents = [\"a\"]\n[[allow]]\nid = \"r\"\n{rule}");
            Manifest::parse(&text, "m.toml")
                .map(|manifest| manifest.scopes().to_string())
                .map_err(|mut found| found.remove(0).message)
        };
        assert_eq!(
            rule("x-mail = \"team/**\"\nactions = [\"send\"]\nargs = { subject = { max_length = 9 } }"),
            Ok("x-mail:send:team/**".to_owned())
        );
        for (text, expected) in [
            ("x-Mail = \"team\"\nactions = [\"send\"]", "`x-Mail` is no kind"),
            ("x-mail = \"team\"", "names its `actions`"),
            ("x-mail = \"team\"\nx-fax = \"team\"\nactions = [\"send\"]", "about one thing"),
            ("x-mail = \"team\"\nactions = [\"shout\"]", "`shout` is not an action of `x-mail`"),
            ("x-mail = \"team\"\nactions = [\"send\"]\nheaders = []", "belong to rules for `fetch`"),
        ] {
            let message = rule(text).expect_err(text);
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn its_resources_are_as_strict_as_paths() {
        for text in
            ["x-mail send team/../root", "x-mail send team//a", "x-mail send /a", "x-mail post team/a", "x-2 send a"]
        {
            let code = Request::parse(text).expect_err(text).code();
            assert!(matches!(code, Code::Ambiguous | Code::Malformed), "{text}");
        }
    }
}
