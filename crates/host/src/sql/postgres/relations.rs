//! What stands in `FROM`: tables, functions, queries, and their joins.

use bailiwick_policy::TableName;
use sqlparser::ast::{
    FunctionArg, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, TableAlias, TableFactor, TableFunctionArgs,
    TableWithJoins,
};

use super::super::inspect::Access;
use super::functions::table_columns;
use super::names::{fold, renamed};
use super::visit::{Misfit, Outputs, Relation, Seen, Visitor, unknown, unsupported};

/// A table by its name, or a function that is called as one, with nothing that only other databases have.
pub(super) struct Named<'a> {
    pub(super) name: &'a ObjectName,
    pub(super) alias: Option<&'a TableAlias>,
    /// Of a function.
    pub(super) arguments: Option<&'a [FunctionArg]>,
    /// `WITH ORDINALITY`.
    pub(super) numbered: bool,
}

impl Named<'_> {
    pub(super) fn of(factor: &TableFactor) -> Option<Named<'_>> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version: None,
                with_ordinality,
                partitions,
                json_path: None,
                sample: None,
                index_directives,
                inheritance: _,
            } if with_hints.is_empty() && partitions.is_empty() && index_directives.is_empty() => {
                let arguments = match args {
                    None => None,
                    Some(TableFunctionArgs { args, settings: None }) => Some(args.as_slice()),
                    Some(_) => return None,
                };
                Some(Named { name, alias: alias.as_ref(), arguments, numbered: *with_ordinality })
            }
            TableFactor::Function { lateral: _, name, args, with_ordinality, alias } => {
                Some(Named { name, alias: alias.as_ref(), arguments: Some(args), numbered: *with_ordinality })
            }
            _ => None,
        }
    }
}

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
                        self.uses(&["="])?;
                        if let Some(level) = self.levels.last_mut() {
                            level.merged = true;
                        }
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
            TableFactor::Derived { lateral: _, subquery, alias, sample: None } => {
                let outputs = self.query(subquery)?;
                let (name, outputs) = match alias {
                    Some(alias) => (fold(&alias.name), renamed(outputs, alias)?),
                    None => (String::new(), outputs),
                };
                self.push(Relation::new(name, None, outputs))
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => self.from(table_with_joins),
            other => match Named::of(other) {
                Some(Named { name, alias, arguments: None, numbered: false }) => self.named_table(name, alias),
                Some(Named { name, alias, arguments: Some(arguments), numbered }) => {
                    self.arguments(arguments)?;
                    self.function_table(name, arguments.len(), alias, numbered)
                }
                _ => unsupported("reads from something else than tables and queries"),
            },
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

    fn function_table(
        &mut self,
        name: &ObjectName,
        arguments: usize,
        alias: Option<&TableAlias>,
        numbered: bool,
    ) -> Seen<()> {
        let [ObjectNamePart::Identifier(word)] = name.0.as_slice() else {
            return unsupported("names a function by more than its name");
        };
        let name = fold(word);
        let Some(columns) = table_columns(&name) else {
            return unsupported(&format!("reads from the function `{name}`"));
        };
        // `unnest` of several arrays is part of the language.
        if name != "unnest" || arguments == 1 {
            self.call(word)?;
        }
        let called = alias.map_or(name.clone(), |alias| fold(&alias.name));
        let mut outputs = match columns {
            // Rows that it takes out of an array have columns of their own.
            _ if name == "unnest" => Outputs::default(),
            Some(columns) => {
                Outputs { names: columns.iter().map(|column| (*column).to_owned()).collect(), certain: true }
            }
            None => Outputs { names: vec![called.clone()], certain: true },
        };
        if numbered {
            outputs.names.push("ordinality".to_owned());
        }
        if let Some(alias) = alias {
            outputs = renamed(outputs, alias)?;
        }
        self.push(Relation::new(called, None, outputs))
    }

    /// A table of the database, or one of `WITH`.
    pub(super) fn named_table(&mut self, name: &ObjectName, alias: Option<&TableAlias>) -> Seen<()> {
        if let [ObjectNamePart::Identifier(only)] = name.0.as_slice() {
            let only = fold(only);
            if let Some((_, columns)) = self.ctes.iter().rev().find(|(cte, _)| *cte == only) {
                let Some(columns) = columns.clone() else {
                    return unsupported(&format!(
                        "uses `{only}` of `WITH RECURSIVE` before that is defined; change their order"
                    ));
                };
                self.spend(columns.names.len())?;
                let (called, columns) = match alias {
                    Some(alias) => (fold(&alias.name), renamed(columns, alias)?),
                    None => (only, columns),
                };
                return self.push(Relation::new(called, None, columns));
            }
        }
        let (name, table) = self.base(name)?;
        if alias.is_some_and(|alias| !alias.columns.is_empty()) {
            return unsupported("gives the columns of a table other names");
        }
        self.needs.add(Access::Select, table.clone(), None);
        let called = alias.map_or(name.clone(), |alias| fold(&alias.name));
        let columns = self.columns_of(&name)?;
        self.push(Relation::new(called, Some(table), columns))
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

    pub(super) fn columns_of(&mut self, table: &str) -> Seen<Outputs> {
        match self.catalog {
            None => Ok(Outputs::default()),
            Some(catalog) => match catalog.tables.get(table) {
                Some(columns) => {
                    self.spend(columns.len())?;
                    Ok(Outputs { names: columns.clone(), certain: true })
                }
                None => unknown(format!("there is no table `{table}`")),
            },
        }
    }
}
