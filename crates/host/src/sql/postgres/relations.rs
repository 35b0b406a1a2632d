//! What stands in `FROM`: tables, functions, queries, and their joins.

use std::collections::BTreeSet;

use bailiwick_policy::TableName;
use sqlparser::ast::{
    Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, TableAlias, TableFactor, TableFunctionArgs,
    TableWithJoins,
};

use super::super::inspect::Access;
use super::functions::table_columns;
use super::names::{fold, renamed};
use super::visit::{Misfit, Relation, Seen, Visitor, unknown, unsupported};

impl Visitor<'_> {
    pub(super) fn from(&mut self, table: &TableWithJoins) -> Seen<()> {
        let TableWithJoins { relation, joins } = table;
        self.relation(relation)?;
        for join in joins {
            if join.global {
                return unsupported("has a join of another kind of database");
            }
            self.relation(&join.relation)?;
            match &join.join_operator {
                JoinOperator::Join(constraint)
                | JoinOperator::Inner(constraint)
                | JoinOperator::Left(constraint)
                | JoinOperator::LeftOuter(constraint)
                | JoinOperator::Right(constraint)
                | JoinOperator::RightOuter(constraint)
                | JoinOperator::FullOuter(constraint)
                | JoinOperator::CrossJoin(constraint) => match constraint {
                    JoinConstraint::On(condition) => self.expression(condition)?,
                    JoinConstraint::Using(columns) => {
                        for column in columns {
                            let column = self.one_part(column, "a column")?;
                            self.column(&column)?;
                        }
                    }
                    JoinConstraint::UsingAlias(..) => return unsupported("names the columns of a join"),
                    JoinConstraint::Natural => {
                        return unsupported("joins by whatever columns have one name (`NATURAL`)");
                    }
                    JoinConstraint::None => {}
                },
                _ => return unsupported("has a join of another kind of database"),
            }
        }
        Ok(())
    }

    pub(super) fn relation(&mut self, factor: &TableFactor) -> Seen<()> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version: None,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample: None,
                index_directives,
                inheritance: _,
            } if with_hints.is_empty() && partitions.is_empty() && index_directives.is_empty() => {
                self.named_table(name, alias.as_ref())
            }
            TableFactor::Table {
                name,
                alias,
                args: Some(TableFunctionArgs { args, settings: None }),
                with_hints,
                version: None,
                with_ordinality,
                partitions,
                json_path: None,
                sample: None,
                index_directives,
                inheritance: _,
            } if with_hints.is_empty() && partitions.is_empty() && index_directives.is_empty() => {
                self.arguments(args)?;
                self.function_table(name, alias.as_ref(), *with_ordinality)
            }
            TableFactor::Function { lateral: _, name, args, with_ordinality, alias } => {
                self.arguments(args)?;
                self.function_table(name, alias.as_ref(), *with_ordinality)
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_offset: false,
                with_offset_alias: None,
                with_ordinality,
            } => {
                self.expressions(array_exprs)?;
                let name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new("unnest"))]);
                self.function_table(&name, alias.as_ref(), *with_ordinality)
            }
            TableFactor::Derived { lateral: _, subquery, alias, sample: None } => {
                let outputs = self.query(subquery)?;
                let (name, outputs) = match alias {
                    Some(alias) => (fold(&alias.name), renamed(outputs, alias)?),
                    None => (String::new(), outputs),
                };
                self.push(Relation { alias: name, table: None, columns: outputs.into_iter().collect() })
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => self.from(table_with_joins),
            _ => unsupported("reads from something else than tables and queries"),
        }
    }

    pub(super) fn push(&mut self, relation: Relation) -> Seen<()> {
        self.spend(self.levels.last().map_or(0, |level| level.relations.len()))?;
        let Some(level) = self.levels.last_mut() else { return unsupported("has a table without a `FROM`") };
        if level.relations.iter().any(|other| other.alias == relation.alias && !other.alias.is_empty()) {
            return unknown(format!("`{}` is there twice; give one of them another name", relation.alias));
        }
        level.relations.push(relation);
        Ok(())
    }

    pub(super) fn function_table(&mut self, name: &ObjectName, alias: Option<&TableAlias>, numbered: bool) -> Seen<()> {
        let name = self.one_part(name, "a function")?;
        let Some(columns) = table_columns(&name) else {
            return unsupported(&format!("reads from the function `{name}`"));
        };
        let called = alias.map_or(name.clone(), |alias| fold(&alias.name));
        let mut outputs = match columns {
            Some(columns) => columns.iter().map(|column| (*column).to_owned()).collect(),
            None => vec![called.clone()],
        };
        if numbered {
            outputs.push("ordinality".to_owned());
        }
        if let Some(alias) = alias {
            outputs = renamed(outputs, alias)?;
        }
        self.push(Relation { alias: called, table: None, columns: outputs.into_iter().collect() })
    }

    /// A table of the database, or one of `WITH`.
    pub(super) fn named_table(&mut self, name: &ObjectName, alias: Option<&TableAlias>) -> Seen<()> {
        if let [ObjectNamePart::Identifier(only)] = name.0.as_slice() {
            let only = fold(only);
            if let Some((_, columns)) = self.ctes.iter().rev().find(|(cte, _)| *cte == only) {
                let columns = columns.clone();
                self.spend(columns.len())?;
                let (called, columns) = match alias {
                    Some(alias) => (fold(&alias.name), renamed(columns, alias)?),
                    None => (only, columns),
                };
                return self.push(Relation { alias: called, table: None, columns: columns.into_iter().collect() });
            }
        }
        let (name, table) = self.base(name)?;
        if alias.is_some_and(|alias| !alias.columns.is_empty()) {
            return unsupported("gives the columns of a table other names");
        }
        self.needs.add(Access::Select, table.clone(), None);
        let called = alias.map_or(name.clone(), |alias| fold(&alias.name));
        let columns = self.columns_of(&name)?;
        self.push(Relation { alias: called, table: Some(table), columns })
    }

    /// The name of a table in the one schema, and what rules call it.
    pub(super) fn base(&mut self, name: &ObjectName) -> Seen<(String, TableName)> {
        let parts: Option<Vec<String>> = name.0.iter().map(|part| part.as_ident().map(fold)).collect();
        let name = match parts.as_deref() {
            Some([table]) => table.clone(),
            Some([schema, table]) if schema == self.schema => table.clone(),
            _ => return unsupported("uses a schema or database other than the one that the host names"),
        };
        if name.starts_with("pg_") || name == "information_schema" {
            return unsupported(&format!("uses `{name}`, one of PostgreSQL's own tables"));
        }
        let table = TableName::parse(&format!("{}/{name}", self.database)).map_err(|_| {
            Misfit::Unsupported(
                "it uses a table whose name no rule can write: rules have them in lower case".to_owned(),
            )
        })?;
        self.tables.insert(name.clone());
        Ok((name, table))
    }

    pub(super) fn columns_of(&mut self, table: &str) -> Seen<BTreeSet<String>> {
        match self.catalog {
            None => Ok(BTreeSet::new()),
            Some(catalog) => match catalog.get(table) {
                Some(columns) => {
                    self.spend(columns.len())?;
                    Ok(columns.clone())
                }
                None => unknown(format!("there is no table `{table}`")),
            },
        }
    }
}
