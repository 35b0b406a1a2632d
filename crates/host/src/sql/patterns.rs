//! `LIKE` and `GLOB`, step by step as SQLite does them, so that they can be stopped.

use rusqlite::Result;

use super::bounded::Bounds;

/// Steps between two looks at the clock: well below a millisecond.
const STEPS: u32 = 1 << 16;

/// What the signs of a pattern are; 0 for none.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    all: u32,
    one: u32,
    /// What makes the next sign an ordinary character, or what begins a set.
    other: u32,
    has_sets: bool,
    ignores_case: bool,
}

pub(super) struct Pattern<'p> {
    pub(super) dialect: Dialect,
    pub(super) pattern: &'p [u8],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Match,
    /// It may match further on.
    Not,
    /// Nor does it anywhere further on.
    Never,
}

/// Reads characters; at the end, and beyond it, there are only zeros.
#[derive(Clone, Copy)]
pub(super) struct Reader<'t> {
    pub(super) text: &'t [u8],
    pub(super) at: usize,
}

impl Dialect {
    pub(super) const GLOB: Dialect =
        Dialect { all: '*' as u32, one: '?' as u32, other: '[' as u32, has_sets: true, ignores_case: false };
    pub(super) const LIKE: Dialect =
        Dialect { all: '%' as u32, one: '_' as u32, other: 0, has_sets: false, ignores_case: true };

    pub(super) fn escaped_by(self, escape: &[u8]) -> Dialect {
        let escape = Reader { text: escape, at: 0 }.read();
        let unless = |sign: u32| if sign == escape { 0 } else { sign };
        Dialect { all: unless(self.all), one: unless(self.one), other: escape, ..self }
    }
}

impl Pattern<'_> {
    /// Most bytes of a pattern.
    pub(super) const LONGEST: usize = 200;

    /// # Errors
    /// When nobody waits any more.
    pub(super) fn matches(&self, text: &[u8], bounds: &Bounds<'_>) -> Result<bool> {
        let mut steps = 0_u32;
        let mut step = || {
            steps = steps.wrapping_add(1);
            if steps.is_multiple_of(STEPS) { bounds.check() } else { Ok(()) }
        };
        let answer = self.compare(Reader { text: self.pattern, at: 0 }, Reader { text, at: 0 }, &mut step)?;
        Ok(answer == Answer::Match)
    }

    fn compare(
        &self,
        mut pattern: Reader<'_>,
        mut text: Reader<'_>,
        step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Answer> {
        let Dialect { all, one, other, has_sets, ignores_case } = self.dialect;
        let mut escaped = None;
        loop {
            step()?;
            let sign = pattern.read();
            if sign == 0 {
                return Ok(if text.peek() == 0 { Answer::Match } else { Answer::Not });
            }
            if sign == all {
                return self.search(pattern, text, step);
            }
            if sign == other && has_sets {
                if !set(&mut pattern, text.read(), step)? {
                    return Ok(Answer::Not);
                }
                continue;
            }
            let sign = if sign == other {
                let sign = pattern.read();
                if sign == 0 {
                    return Ok(Answer::Not);
                }
                escaped = Some(pattern.at);
                sign
            } else {
                sign
            };
            let found = text.read();
            let is_same = sign == found || (ignores_case && lower(sign) == lower(found) && sign < 0x80 && found < 0x80);
            let is_any = sign == one && escaped != Some(pattern.at) && found != 0;
            if !is_same && !is_any {
                return Ok(Answer::Not);
            }
        }
    }

    /// After a sign for any number of characters.
    fn search(
        &self,
        mut pattern: Reader<'_>,
        mut text: Reader<'_>,
        step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Answer> {
        let Dialect { all, one, other, has_sets, ignores_case } = self.dialect;
        let mut sign = pattern.read();
        while sign != 0 && (sign == all || sign == one) {
            if sign == one && text.read() == 0 {
                return Ok(Answer::Never);
            }
            sign = pattern.read();
        }
        if sign == 0 {
            return Ok(Answer::Match);
        }
        if sign == other && has_sets {
            pattern.at = pattern.at.saturating_sub(1);
            while text.peek() != 0 {
                match self.compare(pattern, text, step)? {
                    Answer::Not => text.skip(),
                    answer => return Ok(answer),
                }
            }
            return Ok(Answer::Never);
        }
        if sign == other {
            sign = pattern.read();
            if sign == 0 {
                return Ok(Answer::Never);
            }
        }
        loop {
            step()?;
            let found = text.read();
            if found == 0 {
                return Ok(Answer::Never);
            }
            if found == sign || (ignores_case && sign < 0x80 && found < 0x80 && lower(found) == lower(sign)) {
                match self.compare(pattern, text, step)? {
                    Answer::Not => {}
                    answer => return Ok(answer),
                }
            }
        }
    }
}

/// Whether a character is in the set that begins here.
fn set(pattern: &mut Reader<'_>, found: u32, step: &mut dyn FnMut() -> Result<()>) -> Result<bool> {
    if found == 0 {
        return Ok(false);
    }
    let (mut seen, mut before) = (false, 0);
    let mut sign = pattern.read();
    let inverted = sign == u32::from('^');
    if inverted {
        sign = pattern.read();
    }
    if sign == u32::from(']') {
        seen |= found == sign;
        sign = pattern.read();
    }
    while sign != 0 && sign != u32::from(']') {
        step()?;
        if sign == u32::from('-') && pattern.peek() != b']' && pattern.peek() != 0 && before > 0 {
            sign = pattern.read();
            seen |= (before..=sign).contains(&found);
            before = 0;
        } else {
            seen |= found == sign;
            before = sign;
        }
        sign = pattern.read();
    }
    Ok(sign != 0 && seen != inverted)
}

fn lower(character: u32) -> u32 {
    u8::try_from(character).map_or(character, |byte| byte.to_ascii_lowercase().into())
}

impl Reader<'_> {
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    /// The next character, as SQLite reads it where it is no UTF-8.
    pub(super) fn read(&mut self) -> u32 {
        let first = self.peek();
        self.at = self.at.saturating_add(1);
        let mut character = match first {
            0..=0xbf => return first.into(),
            0xc0..=0xdf => u32::from(first & 0x1f),
            0xe0..=0xef => u32::from(first & 0x0f),
            0xf0..=0xf7 => u32::from(first & 0x07),
            0xf8..=0xfb => u32::from(first & 0x03),
            0xfc..=0xfd => u32::from(first & 0x01),
            0xfe..=0xff => 0,
        };
        while self.peek() & 0xc0 == 0x80 {
            character = (character << 6).wrapping_add(u32::from(self.peek() & 0x3f));
            self.at = self.at.saturating_add(1);
        }
        let is_none = character < 0x80 || character & 0xffff_f800 == 0xd800 || character & 0xffff_fffe == 0xfffe;
        if is_none { 0xfffd } else { character }
    }

    fn skip(&mut self) {
        let first = self.peek();
        self.at = self.at.saturating_add(1);
        while first >= 0xc0 && self.peek() & 0xc0 == 0x80 {
            self.at = self.at.saturating_add(1);
        }
    }
}
