//! Puts the sources of the runners into the program: each file of `runners/<language>` becomes an entry of a table.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What building and testing leave behind is no source.
const LEFT_OUT: [&str; 8] = ["node_modules", "__pycache__", "tests", "test", "venv", "wit", "build", "target"];

fn main() -> std::io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "cargo tells build scripts where things are through the environment")]
    let folder_of = |name: &str| std::env::var_os(name).map(PathBuf::from).ok_or(std::io::ErrorKind::NotFound);
    let (source, out) = (folder_of("CARGO_MANIFEST_DIR")?.join("runners"), folder_of("OUT_DIR")?);
    let mut text = String::new();
    for (language, table) in [("python", "PYTHON"), ("javascript", "JAVASCRIPT")] {
        let folder = source.join(language);
        let mut files = Vec::new();
        collect(&folder, &mut files)?;
        files.sort();
        let _ = writeln!(text, "pub(super) static {table}: &[File] = &[");
        for file in files {
            let name = file.strip_prefix(&folder).unwrap_or(&file);
            let _ = writeln!(text, "    File {{ name: {name:?}, bytes: include_bytes!({file:?}) }},");
        }
        let _ = writeln!(text, "];");
    }
    fs::write(out.join("runners.rs"), text)
}

/// Every file below, and every folder for cargo to watch.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with(".pyc") || LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
