//! What an interpreter is made of, and the name that follows from it.

use bailiwick::Language;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::package::Packages;
use crate::runner::Sources;

/// Raise it when the way of building changes and the sources do not show it.
const VERSION: &str = "bailiwick interpreter recipe 1";

/// Everything that decides what an interpreter becomes: the runner's sources with the lock file of what builds it, the
/// interfaces, the packages.
///
/// Builders do not give the same bytes twice, so interpreters are known by what goes in.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) language: Language,
    pub(crate) packages: Packages,
    pub(crate) sources: Sources,
}

impl Recipe {
    pub(crate) fn new(language: Language, packages: Packages, sources: Sources) -> Recipe {
        Recipe { language, packages, sources }
    }

    /// SHA-256 over all of it, each part after its length, in lower-case hex.
    pub(crate) fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hasher.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(bytes);
        };
        part(VERSION.as_bytes());
        part(self.language.name().as_bytes());
        // INVARIANT: a count goes before each list but the last, so that no list can be taken for another.
        part(&self.sources.files.len().to_le_bytes());
        for file in self.sources.files {
            part(file.name.as_bytes());
            part(file.bytes);
        }
        part(&self.sources.wit.len().to_le_bytes());
        for (name, text) in self.sources.wit {
            part(name.as_bytes());
            part(text.as_bytes());
        }
        for package in self.packages.iter() {
            part(package.as_bytes());
        }
        HEXLOWER.encode(&hasher.finalize())
    }

    /// The name of its folder: the language and 12 characters of the digest.
    pub(crate) fn folder(&self) -> String {
        let digest = self.digest();
        format!("{}-{}", self.language, digest.get(..12).unwrap_or(&digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::File;

    const A: &[File] = &[File { name: "a", bytes: b"1" }, File { name: "b", bytes: b"2" }];
    const B: &[File] = &[File { name: "a", bytes: b"1" }, File { name: "b", bytes: b"3" }];
    const C: &[File] = &[File { name: "a", bytes: b"1b" }, File { name: "", bytes: b"2" }];
    const WIT: &[(&str, &str)] = &[("w", "package x:y;")];

    fn recipe(language: Language, packages: &str, files: &'static [File], wit: &'static [(&str, &str)]) -> String {
        let packages = Packages::parse(Some(packages).filter(|it| !it.is_empty())).unwrap();
        Recipe::new(language, packages, Sources { files, wit }).digest()
    }

    #[test]
    fn every_input_shapes_the_digest() {
        let python = Language::Python;
        let all = [
            recipe(python, "", A, WIT),
            recipe(Language::JavaScript, "", A, WIT),
            recipe(python, "markdown", A, WIT),
            recipe(python, "markdown==3.9", A, WIT),
            recipe(python, "markdown,six", A, WIT),
            recipe(python, "", B, WIT),
            recipe(python, "", C, WIT),
            recipe(python, "", A, &[("w", "package x:z;")]),
            recipe(python, "", A, &[("v", "package x:y;")]),
            recipe(python, "", A, &[]),
            recipe(python, "", &[], &[("a", "1"), ("b", "2")]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "recipe {at} has the digest of another");
        }
        assert_eq!(recipe(python, "six, Markdown", A, WIT), recipe(python, "markdown,six", A, WIT));
    }

    #[test]
    fn the_folder_is_named_after_both() {
        let recipe = Recipe::new(Language::Python, Packages::none(), Sources { files: A, wit: WIT });
        assert_eq!(recipe.folder(), format!("python-{}", &recipe.digest()[..12]));
    }

    #[test]
    fn this_version_has_its_runners() {
        for (language, lock, build) in [
            (Language::Python, "requirements.lock", "build.py"),
            (Language::JavaScript, "package-lock.json", "build.mjs"),
        ] {
            let sources = Sources::of(language);
            for name in [lock, build] {
                assert!(!sources.text(name).is_empty(), "the {language} runner has no {name}");
            }
            let strays = ["node_modules", "__pycache__", ".pyc"];
            assert!(sources.files.iter().all(|file| !strays.iter().any(|stray| file.name.contains(stray))));
        }
    }
}
