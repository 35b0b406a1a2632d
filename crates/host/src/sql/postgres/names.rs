//! What a name means: every column that it could be is needed.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart, TableAlias};

use super::super::inspect::Access;
use super::visit::{SESSION, SYSTEM, Seen, Visitor, unknown, unsupported};

impl Visitor<'_> {
    /// Every column of a relation is read, one by one where they are to be listed. Gives their names.
    pub(super) fn whole(&mut self, alias: &str, listed: bool) -> Seen<Vec<String>> {
        let relations = self.levels.iter().flat_map(|level| &level.relations);
        let cost = relations.map(|one| if one.alias == alias { one.columns.len().saturating_add(1) } else { 1 }).sum();
        self.spend(cost)?;
        let mut found = None;
        for level in self.levels.iter().rev() {
            for relation in level.relations.iter().filter(|relation| relation.alias == alias) {
                match &relation.table {
                    Some(table) if listed => relation.columns.iter().for_each(|column| {
                        self.needs.add(Access::Select, table.clone(), Some(column.clone()));
                    }),
                    Some(table) => self.needs.add_all(Access::Select, table.clone()),
                    None => {}
                }
                found.get_or_insert_with(|| relation.columns.iter().cloned().collect());
            }
        }
        match found {
            Some(columns) => Ok(columns),
            None => unknown(format!("there is no table `{alias}` in the statement")),
        }
    }

    /// A name without a table. It may mean an output as well; what else it may mean is needed all the same.
    pub(super) fn column(&mut self, name: &str) -> Seen<()> {
        self.spend_on_name()?;
        if SESSION.contains(&name) {
            return unsupported("names a value of the session");
        }
        let is_output = self.levels.last().is_some_and(|level| level.outputs.iter().any(|output| output == name));
        let mut found = self.catalog.is_none() || is_output;
        let mut rows = false;
        for relation in self.levels.iter().flat_map(|level| &level.relations) {
            if relation.columns.contains(name) || (relation.table.is_some() && SYSTEM.contains(&name)) {
                found = true;
                if let Some(table) = &relation.table {
                    self.needs.add(Access::Select, table.clone(), Some(name.to_owned()));
                }
            }
            rows |= relation.alias == name;
        }
        if rows {
            found = true;
            // The name of a table stands for its whole row, where no column has it.
            self.whole(name, false)?;
        }
        if found { Ok(()) } else { unknown(format!("there is no column `{name}`")) }
    }

    /// `table.column`.
    pub(super) fn column_of(&mut self, alias: &str, name: &str) -> Seen<()> {
        self.spend_on_name()?;
        let (mut known, mut call) = (self.catalog.is_none(), false);
        for relation in self.levels.iter().flat_map(|level| &level.relations).filter(|one| one.alias == alias) {
            let own = relation.columns.contains(name) || (relation.table.is_some() && SYSTEM.contains(&name));
            // What is no column would be a function of the row, and which relation of that name is meant is the server's to say.
            known |= own;
            call |= !own;
            if let Some(table) = relation.table.as_ref().filter(|_| own) {
                self.needs.add(Access::Select, table.clone(), Some(name.to_owned()));
            }
        }
        let known = known && (!call || self.catalog.is_none());
        if known { Ok(()) } else { unknown(format!("there is no column `{alias}.{name}`")) }
    }

    /// A name that has no parts.
    pub(super) fn one_part(&self, name: &ObjectName, what: &str) -> Seen<String> {
        match name.0.as_slice() {
            [ObjectNamePart::Identifier(name)] => Ok(fold(name)),
            _ => unsupported(&format!("names {what} by more than its name")),
        }
    }
}

/// A name as PostgreSQL takes it. Only ASCII is there without quotes.
pub(super) fn fold(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_ascii_lowercase() }
}

pub(super) fn names(alias: &TableAlias) -> Seen<Vec<String>> {
    if alias.at.is_some() || alias.columns.iter().any(|column| column.data_type.is_some()) {
        return unsupported("defines the columns of a table");
    }
    Ok(alias.columns.iter().map(|column| fold(&column.name)).collect())
}

/// The columns of a query under an alias, which may name the first of them.
pub(super) fn renamed(mut outputs: Vec<String>, alias: &TableAlias) -> Seen<Vec<String>> {
    let names = names(alias)?;
    let kept = outputs.split_off(names.len().min(outputs.len()));
    Ok(names.into_iter().chain(kept).collect())
}
