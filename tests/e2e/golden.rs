//! Expected files: compared, or with `BAILIWICK_BLESS=1` rewritten. What is blessed must be looked at.

use std::fs;
use std::path::Path;

use libtest_mimic::Failed;

/// Compares `actual` with the file at `path`.
///
/// # Errors
/// When they differ; with the first line that does.
pub(crate) fn compare(path: &Path, actual: &str) -> Result<(), Failed> {
    let expected = fs::read_to_string(path).ok();
    if expected.as_deref() == Some(actual) {
        return Ok(());
    }
    if blessing() {
        return fs::write(path, actual).map_err(|error| format!("{}: {error}", path.display()).into());
    }
    let Some(expected) = expected else {
        return Err(format!("{} does not exist; BAILIWICK_BLESS=1 writes it:\n{actual}", path.display()).into());
    };
    Err(format!("{} differs:\n{}", path.display(), difference(&expected, actual)).into())
}

/// Deletes an expected file that is not wanted any more, or says that it is not.
pub(crate) fn absent(path: &Path) -> Result<(), Failed> {
    match (path.exists(), blessing()) {
        (false, _) => Ok(()),
        (true, true) => fs::remove_file(path).map_err(|error| error.to_string().into()),
        (true, false) => Err(format!("{} is expected, and there is nothing to compare it with", path.display()).into()),
    }
}

#[expect(clippy::disallowed_methods, reason = "a test switch, as in every golden test")]
pub(crate) fn blessing() -> bool {
    std::env::var_os("BAILIWICK_BLESS").is_some_and(|value| value == "1")
}

/// The lines around the first difference, then both to their ends if they are short.
fn difference(expected: &str, actual: &str) -> String {
    const SHOWN: usize = 60;
    let (expected, actual): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let same = expected.iter().zip(&actual).take_while(|(a, b)| a == b).count();
    let tail = expected[same..].iter().rev().zip(actual[same..].iter().rev()).take_while(|(a, b)| a == b).count();
    let mut text = format!("line {}\n", same + 1);
    for line in expected[..same].iter().skip(same.saturating_sub(3)) {
        text += &format!("    {line}\n");
    }
    for (sign, lines) in [('-', &expected), ('+', &actual)] {
        for line in lines[same..lines.len() - tail].iter().take(SHOWN) {
            text += &format!("  {sign} {line}\n");
        }
    }
    text
}
