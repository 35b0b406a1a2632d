//! Random programs in Python and JavaScript that look at everything that differs from run to run: time, randomness, the
//! order of sets, addresses, files, stores; with floats, exceptions, recursion and large objects.

use std::fs;
use std::path::Path;

use bailiwick::Language;

/// A sequence of numbers from a seed, so that a program that fails can be made again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides.max(1)
    }
}

/// What programs of a language are made of.
pub(crate) struct Programs {
    language: Language,
    /// At the beginning of every program.
    before: String,
    statements: Vec<String>,
    /// At the end of a program.
    last: Vec<String>,
}

impl Programs {
    pub(crate) fn load(language: Language) -> Result<Programs, String> {
        let (file, rule) = match language {
            Language::Python => ("python.py.txt", "# ----"),
            Language::JavaScript => ("javascript.js.txt", "// ----"),
        };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs").join(file);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut statements = text.split("\n\n").map(|statement| statement.trim_end().to_owned());
        let before = statements.next().unwrap_or_default();
        let list: Vec<String> = statements.by_ref().take_while(|statement| statement != rule).collect();
        let last: Vec<String> = statements.collect();
        if list.is_empty() || last.is_empty() {
            return Err(format!("{}: no statements, or none for the end", path.display()));
        }
        Ok(Programs { language, before, statements: list, last })
    }

    /// The program of that number.
    pub(crate) fn program(&self, number: u64) -> String {
        let is_python = u64::from(self.language == Language::Python);
        let mut dice = Dice(number.wrapping_mul(2).wrapping_add(is_python));
        let mut text = format!("{}\n", self.before);
        for _ in 0..3 + dice.roll(8) {
            let statement = pick(&mut dice, &self.statements);
            text += &filled(&mut dice, statement);
        }
        let last = pick(&mut dice, &self.last);
        text + &filled(&mut dice, last)
    }
}

fn pick<'a>(dice: &mut Dice, list: &'a [String]) -> &'a str {
    let at = dice.roll(u64::try_from(list.len()).unwrap_or(1));
    usize::try_from(at).ok().and_then(|at| list.get(at)).map_or("", String::as_str)
}

/// Each `N` and `F` that stands alone, or after a name of a file or key, becomes one number: the same in all of a statement.
fn filled(dice: &mut Dice, statement: &str) -> String {
    let number = dice.roll(1000).to_string();
    let float = format!("{}.{}", dice.roll(1000), dice.roll(100_000));
    let mut text = String::new();
    let mut before = ' ';
    let mut letters = statement.chars().peekable();
    while let Some(letter) = letters.next() {
        let after = letters.peek().copied().unwrap_or(' ');
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let in_name = is_name(after) || (is_name(before) && !matches!(before, 'f' | 'w' | 'j'));
        match letter {
            'N' if !in_name => text += &number,
            'F' if !in_name && !is_name(before) => text += &float,
            _ => text.push(letter),
        }
        before = letter;
    }
    text + "\n"
}
