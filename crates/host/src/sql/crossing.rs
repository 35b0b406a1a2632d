//! Statements as they cross into a guest's world: what they need, and not how they are run.

use std::sync::Arc;

use bailiwick_guard::HostError;
use bailiwick_guard::journal::{Asked, Crossed, Fingerprint, Place, Unwritable, join, split};
use bailiwick_policy::{Columns, TableName};

use super::inspect::{Access, Inner, Need, Statement, Unfit};
use super::parameters::Parameters;

/// What is asked for with a statement.
pub(super) fn asked(database: &str, text: &str, parameters: &Parameters) -> Asked {
    let mut print = Fingerprint::new();
    print.text("sql").text(database).text(text);
    parameters.fingerprint(&mut print);
    print.asked()
}

/// A [`Need`] as it crosses: without names, all columns.
type Plain = (Access, String, Option<Vec<String>>);

/// Read again it has the same needs, and cannot be run.
impl Crossed for Statement {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        let plain = |need: &Need| {
            let columns = match &need.columns {
                Columns::All => None,
                Columns::These(names) => Some(names.iter().cloned().collect()),
            };
            (need.access, need.table.to_string(), columns)
        };
        let needs: Vec<Plain> = self.needs().iter().map(plain).collect();
        join(needs.write()?, &(*self.asked.as_bytes(), u64::try_from(self.claimed).map_err(|_| Unwritable)?))
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<Statement> {
        let (needs, (asked, claimed)): (_, ([u8; 32], u64)) = split(bytes)?;
        let need = |(access, table, columns): Plain| {
            let columns = columns.map_or(Columns::All, |names| names.into_iter().collect());
            Some(Need { access, table: TableName::parse(&table).ok()?, columns })
        };
        let needs = Vec::<Plain>::read(needs, place)?.into_iter().map(need).collect::<Option<Vec<_>>>()?;
        let (asked, claimed) = (Asked::from_bytes(asked), usize::try_from(claimed).ok()?);
        Some(Statement { inner: Inner::Recorded(Arc::new(needs)), claimed, asked })
    }
}

impl Crossed for Unfit {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        match self {
            Unfit::Unknown => join(Vec::new(), &0_u8),
            Unfit::Unsupported(why) => join(why.clone().into_bytes(), &1_u8),
            Unfit::NotUnderstood => join(Vec::new(), &2_u8),
            Unfit::Failed(error) => join(error.write()?, &3_u8),
        }
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<Unfit> {
        match split::<u8>(bytes)? {
            ([], 0) => Some(Unfit::Unknown),
            (why, 1) => Some(Unfit::Unsupported(std::str::from_utf8(why).ok()?.to_owned())),
            ([], 2) => Some(Unfit::NotUnderstood),
            (error, 3) => HostError::read(error, place).map(Unfit::Failed),
            _ => None,
        }
    }
}
