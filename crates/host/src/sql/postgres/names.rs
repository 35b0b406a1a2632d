//! What a name means: every column that it could be is needed.

use bailiwick_policy::TableName;
use sqlparser::ast::{Ident, ObjectName, ObjectNamePart, TableAlias};

use super::super::inspect::Access;
use super::visit::{Outputs, SESSION, SYSTEM, Seen, Visitor, unknown, unsupported};

impl Visitor<'_> {
    /// A whole row: every column is read, of each relation that the name could mean.
    pub(super) fn row(&mut self, alias: &str) -> Seen<()> {
        self.spend(self.levels.iter().map(|level| level.relations.len()).sum())?;
        let named = self.levels.iter().flat_map(|level| &level.relations).filter(|relation| relation.alias == alias);
        let tables: Vec<Option<TableName>> = named.map(|relation| relation.table.clone()).collect();
        if tables.is_empty() {
            return unknown(format!("there is no table `{alias}` in the statement"));
        }
        tables.into_iter().flatten().for_each(|table| self.needs.add_all(Access::Select, table));
        Ok(())
    }

    /// `*`: the columns of the `FROM` that it belongs to.
    pub(super) fn all(&mut self) -> Seen<Outputs> {
        let Some(level) = self.levels.last() else { return Ok(Outputs::default()) };
        let merged = level.merged;
        let relations = level.relations.iter().map(|one| (one.table.clone(), one.outputs.clone())).collect();
        let mut outputs = self.listed(relations)?;
        outputs.certain &= !merged;
        Ok(outputs)
    }

    /// `table.*`. Where several are called so, which of them is meant is the server's to say.
    pub(super) fn star(&mut self, alias: &str) -> Seen<Outputs> {
        let named = self.levels.iter().flat_map(|level| &level.relations).filter(|relation| relation.alias == alias);
        let relations: Vec<_> = named.map(|one| (one.table.clone(), one.outputs.clone())).collect();
        let several = relations.len() > 1;
        if relations.is_empty() {
            return unknown(format!("there is no table `{alias}` in the statement"));
        }
        let outputs = self.listed(relations)?;
        Ok(if several { Outputs::default() } else { outputs })
    }

    /// Every column of some relations is read, one by one. Gives their names.
    fn listed(&mut self, relations: Vec<(Option<TableName>, Outputs)>) -> Seen<Outputs> {
        self.spend(relations.iter().map(|(_, outputs)| outputs.names.len().saturating_add(1)).sum())?;
        let mut all = Outputs { names: Vec::new(), certain: true };
        for (table, outputs) in relations {
            if let Some(table) = table {
                outputs.names.iter().for_each(|column| {
                    self.needs.add(Access::Select, table.clone(), Some(column.clone()));
                });
            }
            all.extend(outputs);
        }
        Ok(all)
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
            self.row(name)?;
        }
        if found { Ok(()) } else { unknown(format!("there is no column `{name}`")) }
    }

    /// `table.column`.
    pub(super) fn column_of(&mut self, alias: &str, name: &str) -> Seen<()> {
        self.spend_on_name()?;
        let function = match self.catalog {
            Some(catalog) => catalog.functions.contains(name),
            None => {
                self.members.insert(name.to_owned());
                false
            }
        };
        let (mut known, mut call) = (self.catalog.is_none(), false);
        for relation in self.levels.iter().flat_map(|level| &level.relations).filter(|one| one.alias == alias) {
            let own = relation.columns.contains(name) || (relation.table.is_some() && SYSTEM.contains(&name));
            // What is no column would be a function of the row, and which relation of that name is meant is the server's to say.
            known |= own;
            call |= !own;
            if function && relation.table.is_none() {
                return unsupported(&format!(
                    "names `{alias}.{name}`, and the schema has a function `{name}`; give the column another name"
                ));
            }
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
pub(super) fn renamed(outputs: Outputs, alias: &TableAlias) -> Seen<Outputs> {
    let names = names(alias)?;
    if names.is_empty() {
        return Ok(outputs);
    }
    if !outputs.certain {
        return Ok(Outputs { names, certain: false });
    }
    let Outputs { names: mut old, certain } = outputs;
    let kept = old.split_off(names.len().min(old.len()));
    Ok(Outputs { names: names.into_iter().chain(kept).collect(), certain })
}

impl Outputs {
    /// More columns behind these.
    pub(super) fn extend(&mut self, more: Outputs) {
        self.names.extend(more.names);
        self.certain &= more.certain;
    }
}
