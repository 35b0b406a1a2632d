//! Packages that somebody wants in an interpreter: names, and versions if they like.

use std::fmt;

/// Packages at most.
const MAX_PACKAGES: usize = 64;
/// Bytes of one requirement at most.
const MAX_LENGTH: usize = 200;

/// A set of requirements, each like `markdown`, `requests==2.32.5` or `rich[jupyter]>=13,<14`. In order, without
/// duplicates, each written in one way, so that equal sets name equal interpreters.
///
/// Names and versions only: no addresses, no paths, no options of the package manager.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Packages {
    requirements: Vec<String>,
}

/// A requirement cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    #[error("`{0}` is not a package: write a name and perhaps versions, as in `markdown` or `markdown==3.9`")]
    Malformed(String),
    #[error("package `{0}` is asked for twice, in different versions")]
    Twice(String),
    #[error("{0} packages are asked for, and {MAX_PACKAGES} is the most")]
    TooMany(usize),
}

impl Packages {
    /// None: the interpreter with its standard library.
    pub const fn none() -> Packages {
        Packages { requirements: Vec::new() }
    }

    /// Reads lists of requirements, separated by commas within a text.
    ///
    /// # Errors
    /// [`PackageError`] when one of them is not a name with versions.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Packages, PackageError> {
        let mut requirements: Vec<Requirement> = Vec::new();
        for text in texts {
            for text in split(text.as_ref()) {
                let requirement = Requirement::parse(&text).ok_or_else(|| PackageError::Malformed(shown(&text)))?;
                match requirements.iter().find(|known| known.name == requirement.name) {
                    Some(known) if *known == requirement => {}
                    Some(_) => return Err(PackageError::Twice(requirement.name)),
                    None => requirements.push(requirement),
                }
            }
        }
        if requirements.len() > MAX_PACKAGES {
            return Err(PackageError::TooMany(requirements.len()));
        }
        let mut requirements: Vec<String> = requirements.iter().map(Requirement::to_string).collect();
        requirements.sort();
        Ok(Packages { requirements })
    }

    /// Whether nothing is added to the standard library.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Each requirement.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.requirements.iter().map(String::as_str)
    }
}

/// The form that [`Packages::parse`] reads.
impl fmt::Display for Packages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.requirements.join(","))
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Requirement {
    name: String,
    extras: Vec<String>,
    /// Operator and version, such as `>=13`.
    versions: Vec<String>,
}

impl Requirement {
    fn parse(text: &str) -> Option<Requirement> {
        let compact: String = text.chars().filter(|c| *c != ' ').collect();
        if compact.len() > MAX_LENGTH {
            return None;
        }
        let end = compact.find(['[', '=', '<', '>', '!', '~']).unwrap_or(compact.len());
        let (name, mut rest) = compact.split_at(end);
        let mut extras = Vec::new();
        if let Some(inner) = rest.strip_prefix('[') {
            let (list, after) = inner.split_once(']')?;
            extras = list.split(',').map(normal_name).collect::<Option<Vec<_>>>()?;
            extras.sort();
            extras.dedup();
            rest = after;
        }
        let mut versions = Vec::new();
        if !rest.is_empty() {
            versions = rest.split(',').map(version).collect::<Option<Vec<_>>>()?;
            versions.sort();
            versions.dedup();
        }
        Some(Requirement { name: normal_name(name)?, extras, versions })
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.extras.is_empty() {
            write!(f, "[{}]", self.extras.join(","))?;
        }
        f.write_str(&self.versions.join(","))
    }
}

/// Requirements at their commas; `>=1,<2` and `[a,b]` stay whole.
fn split(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in text.split(',') {
        let continues = part.trim_start().starts_with(['=', '<', '>', '!', '~']);
        match parts.last_mut() {
            Some(last) if continues || (last.contains('[') && !last.contains(']')) => {
                last.push(',');
                last.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
    }
    parts
}

/// A name as package indexes compare it: lower case, every run of `-`, `_` and `.` one `-`.
pub(crate) fn normal_name(name: &str) -> Option<String> {
    let ends_well = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if !ends_well(name.chars().next()) || !ends_well(name.chars().last()) {
        return None;
    }
    let mut normal = String::new();
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            c if c.is_ascii_alphanumeric() => normal.push(c.to_ascii_lowercase()),
            _ => return None,
        }
    }
    Some(normal)
}

fn version(text: &str) -> Option<String> {
    let version = ["===", "==", "!=", "<=", ">=", "~=", "<", ">"].iter().find_map(|sign| text.strip_prefix(sign))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '*' | '+' | '!' | '-' | '_');
    (!version.is_empty() && version.chars().all(plain)).then(|| text.to_owned())
}

fn shown(text: &str) -> String {
    text.chars().take(MAX_LENGTH).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(texts: &[&str]) -> Result<String, PackageError> {
        Packages::parse(texts).map(|packages| packages.to_string())
    }

    #[test]
    fn equal_sets_are_written_in_one_way() {
        assert_eq!(parsed(&["Markdown"]).unwrap(), "markdown");
        assert_eq!(parsed(&["b, A_a.b", "a-a-B"]).unwrap(), "a-a-b,b");
        assert_eq!(parsed(&["rich [Jupyter,a] < 14, >=13", "x"]).unwrap(), "rich[a,jupyter]<14,>=13,x");
        assert_eq!(parsed(&["rich>=13,<14,[x]"]), Err(PackageError::Malformed("[x]".to_owned())));
        assert_eq!(parsed(&[]).unwrap(), "");
        for text in ["rich[a,jupyter]<14,>=13,x", "a==1.*", "a===2!1.0+local"] {
            assert_eq!(parsed(&[text]).unwrap(), text);
        }
    }

    #[test]
    fn anything_but_names_and_versions_is_refused() {
        for bad in [
            "",
            ",",
            "a,,b",
            "-r",
            "--index-url=x",
            "-",
            "a-",
            "./a",
            "a/b",
            "a.whl/",
            "git+https://x",
            "a@https://x",
            "a @ file:///x",
            "a;python_version<'3'",
            "a==",
            "a=1",
            "a>",
            "a==1 0;x",
            "a[",
            "a[]",
            "a[b",
            "ä",
            "a\n",
            "a==1\n--x",
            "a==$(x)",
            "a\u{202e}",
            "@scope/name",
            "==1",
        ] {
            assert!(matches!(parsed(&[bad]), Err(PackageError::Malformed(_))), "accepted `{bad}`");
        }
        assert_eq!(parsed(&["a", "A==1"]), Err(PackageError::Twice("a".to_owned())));
        let many: Vec<String> = (0..65).map(|n| format!("p{n}")).collect();
        assert_eq!(Packages::parse(many), Err(PackageError::TooMany(65)));
        assert!(parsed(&[&"a".repeat(201)]).is_err());
    }
}
