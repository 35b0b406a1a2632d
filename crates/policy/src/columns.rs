//! Columns of a table: which ones a call touches, and which ones a rule leaves to it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::text::{Printable, is_hidden};

/// Longest name of a column, in bytes.
const MAX_NAME: usize = 128;

/// The columns that a call touches, named as the database names them. Cheap to clone.
///
/// A scope says nothing of columns; a rule of a manifest may ([`Request::with_columns`](crate::Request::with_columns)).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Columns {
    /// These; none at all for counting rows.
    These(Arc<BTreeSet<String>>),
    /// It cannot be said which, so all that there are or will be.
    All,
}

/// The columns that a rule is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Within {
    #[default]
    All,
    /// Sorted, and at least one.
    These(Vec<String>),
}

/// The first column that a rule does not have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Beyond<'a> {
    column: Option<&'a str>,
    known: &'a [String],
}

impl Columns {
    /// No column is touched.
    pub fn none() -> Columns {
        Columns::These(Arc::default())
    }

    /// Reads `*`, or names with commas between them.
    pub(crate) fn parse(text: &str) -> Option<Columns> {
        if text == "*" {
            return Some(Columns::All);
        }
        let names = text.split(',').map(|name| name.trim_matches(' ').to_owned());
        let names: BTreeSet<String> = names.collect();
        names.iter().all(|name| is_column(name)).then(|| Columns::These(Arc::new(names)))
    }

    /// Whether all of `others` are among these.
    pub fn has(&self, others: &Columns) -> bool {
        match (self, others) {
            (Columns::All, _) => true,
            (Columns::These(_), Columns::All) => false,
            (Columns::These(these), Columns::These(others)) => others.is_subset(these),
        }
    }
}

impl FromIterator<String> for Columns {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Columns {
        Columns::These(Arc::new(names.into_iter().collect()))
    }
}

impl Within {
    /// # Errors
    /// The first column that is not among these.
    pub(crate) fn check<'a>(&'a self, touched: &'a Columns) -> Result<(), Beyond<'a>> {
        let known = match self {
            Within::All => return Ok(()),
            Within::These(known) => known,
        };
        let column = match touched {
            Columns::All => None,
            Columns::These(touched) => match touched.iter().find(|name| known.binary_search(name).is_err()) {
                None => return Ok(()),
                Some(column) => Some(column.as_str()),
            },
        };
        Err(Beyond { column, known })
    }

    /// Whether whatever `other` accepts is accepted by this, too.
    pub(crate) fn contains(&self, other: &Within) -> bool {
        match (self, other) {
            (Within::All, _) => true,
            (Within::These(_), Within::All) => false,
            (Within::These(known), Within::These(others)) => {
                others.iter().all(|name| known.binary_search(name).is_ok())
            }
        }
    }

    /// What both accept; `None` if that is no column, where each of them has some.
    pub(crate) fn intersect(&self, other: &Within) -> Option<Within> {
        match (self, other) {
            (Within::All, one) | (one, Within::All) => Some(one.clone()),
            (Within::These(known), Within::These(others)) => {
                let both: Vec<String> = known.iter().filter(|name| others.contains(name)).cloned().collect();
                (!both.is_empty()).then_some(Within::These(both))
            }
        }
    }
}

/// Whether that can be a column's name: what a database could take for another is none.
pub(crate) fn is_column(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name != "*" && !name.contains(',') && !name.chars().any(is_hidden)
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Columns::All => f.write_str("*"),
            Columns::These(names) => f.write_str(&names.iter().map(String::as_str).collect::<Vec<_>>().join(",")),
        }
    }
}

impl fmt::Display for Beyond<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            Some(column) => write!(f, "column `{}` is not among its columns ", Printable(column))?,
            None => f.write_str("it takes all columns, and the rule has only ")?,
        }
        let shown: Vec<String> = self.known.iter().take(10).map(|name| format!("`{}`", Printable(name))).collect();
        f.write_str(&shown.join(", "))?;
        if self.known.len() > 10 { f.write_str(", …") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(names: &[&str]) -> Within {
        Within::These(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn columns(text: &str) -> Columns {
        Columns::parse(text).unwrap()
    }

    #[test]
    fn a_rule_accepts_its_columns_and_no_others() {
        let two = within(&["id", "name"]);
        for (touched, fits) in [("id", true), ("id,name", true), ("id, email", false), ("ID", false), ("*", false)] {
            assert_eq!(two.check(&columns(touched)).is_ok(), fits, "{touched}");
            assert_eq!(Within::All.check(&columns(touched)), Ok(()));
        }
        assert_eq!(two.check(&Columns::none()), Ok(()));
        let told = two.check(&columns("email")).unwrap_err().to_string();
        assert_eq!(told, "column `email` is not among its columns `id`, `name`");
        assert_eq!(
            two.check(&Columns::All).unwrap_err().to_string(),
            "it takes all columns, and the rule has only `id`, `name`"
        );
    }

    #[test]
    fn what_two_rules_accept_is_what_both_do() {
        let (a, b) = (within(&["id", "name"]), within(&["email", "name"]));
        assert_eq!(a.intersect(&b), Some(within(&["name"])));
        assert_eq!(a.intersect(&within(&["email"])), None);
        assert_eq!((a.intersect(&Within::All), Within::All.intersect(&b)), (Some(a.clone()), Some(b.clone())));
        assert!(
            a.contains(&within(&["id"])) && !a.contains(&b) && !a.contains(&Within::All) && Within::All.contains(&a)
        );
    }

    #[test]
    fn columns_are_named_plainly() {
        for text in ["", "a,", "a\u{200b}", "a\n", "*,a", &"a".repeat(129)] {
            assert_eq!(Columns::parse(text), None, "{text:?}");
        }
        assert_eq!(columns("b,a").to_string(), "a,b");
        assert!(columns("a,b").has(&columns("b")) && !columns("b").has(&columns("a")));
        assert!(Columns::All.has(&Columns::All) && !columns("a").has(&Columns::All));
    }
}
