//! Source text: which language it is in, and what runs it.

use std::path::Path;

use bailiwick::{Interpreter, Language};

use crate::arguments::LanguageArguments;
use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::languages::{self, Wish};

/// The language of a guest that is source text.
///
/// What was said comes first. Without it the content decides before the name: WebAssembly is never source text, whatever
/// its file is called.
pub(crate) fn language_of(path: &Path, bytes: &[u8], said: Option<Language>) -> Option<Language> {
    if bytes.starts_with(b"\0asm") {
        return None;
    }
    let by_name = || path.extension().and_then(|extension| Language::of_extension(extension.to_str()?));
    said.or_else(by_name).or_else(|| of_first_line(bytes))
}

/// The interpreter that a first line with `#!` names.
fn of_first_line(bytes: &[u8]) -> Option<Language> {
    let line = bytes.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let program = line.split(['/', ' ']).rev().find(|part| !part.is_empty() && !part.starts_with('-'))?;
    match program.trim_end().trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
        "python" => Some(Language::Python),
        "node" | "qjs" => Some(Language::JavaScript),
        _ => None,
    }
}

/// The interpreter, installed now when it has to be.
///
/// # Errors
/// When it cannot be had, with what to do about it.
pub(crate) fn interpreter(
    language: Language,
    arguments: &LanguageArguments,
    host: &Configuration,
    json: bool,
) -> Result<Interpreter, Failure> {
    let wish = Wish { language, with: &arguments.packages, offline: arguments.offline, json };
    languages::interpreter(host, wish)
}

/// What tracebacks call the file: its name, without its folder. `typed`: it was said to have types, which its name tells the
/// interpreter.
pub(crate) fn shown(path: &Path, typed: bool) -> String {
    let name = match path.file_name() {
        Some(_) if path == Path::new("-") => "<stdin>".into(),
        name => name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    let tells = path.extension().is_some_and(|extension| ["ts", "mts", "cts"].iter().any(|known| extension == *known));
    if typed && !tells { format!("{name}.ts") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_then_content_then_name_then_first_line() {
        let (python, javascript) = (Some(Language::Python), Some(Language::JavaScript));
        for (path, bytes, said, expected) in [
            ("a.py", &b"print(1)"[..], None, python),
            ("a.py", b"(module)", None, python),
            ("a.py", b"\0asm\x01\0\0\0", None, None),
            ("a.py", b"\0asm\x01\0\0\0", python, None),
            ("a.ts", b"", None, javascript),
            ("a.mjs", b"", python, python),
            ("-", b"print(1)", None, None),
            ("-", b"print(1)", python, python),
            ("a", b"#!/usr/bin/env python3\n", None, python),
            ("a", b"#!/usr/bin/python3.14 -I\n", None, python),
            ("a", b"#! /usr/bin/env -S node\n", None, javascript),
            ("a", b"#!/bin/sh\n", None, None),
            ("a", b"#!\n", None, None),
            ("a.wat", b"(module)", None, None),
        ] {
            assert_eq!(language_of(Path::new(path), bytes, said), expected, "{path}");
        }
    }

    #[test]
    fn tracebacks_name_no_folder() {
        assert_eq!(shown(Path::new("/home/someone/x.py"), false), "x.py");
        assert_eq!(shown(Path::new("-"), false), "<stdin>");
        assert_eq!(shown(Path::new("-"), true), "<stdin>.ts");
        assert_eq!(shown(Path::new("a/x.mts"), true), "x.mts");
        assert_eq!(shown(Path::new("x.txt"), true), "x.txt.ts");
    }
}
