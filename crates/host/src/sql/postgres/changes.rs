//! Statements that change rows.

use bailiwick_policy::TableName;
use sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, Delete, DoUpdate, Expr, FromTable, Insert, OnConflict,
    OnConflictAction, OnInsert, SelectItem, TableObject, TableWithJoins, Update, UpdateTableFromKind,
};

use super::super::inspect::Access;
use super::names::fold;
use super::relations::Named;
use super::visit::{Level, Outputs, Relation, Seen, Visitor, unknown, unsupported};

impl Visitor<'_> {
    pub(super) fn insert(&mut self, insert: &Insert) -> Seen<Outputs> {
        let Insert {
            insert_token: _,
            optimizer_hints,
            or,
            ignore,
            into: _,
            table,
            table_alias,
            columns,
            by_name,
            overwrite,
            source,
            assignments,
            partitioned,
            after_columns,
            overriding,
            has_table_keyword,
            on,
            returning,
            output,
            replace_into,
            priority,
            insert_alias,
            settings,
            format_clause,
            multi_table_insert_type,
            multi_table_into_clauses,
            multi_table_when_clauses,
            multi_table_else_clause,
        } = insert;
        let foreign = !optimizer_hints.is_empty()
            || or.is_some()
            || *ignore
            || *by_name
            || *overwrite
            || !assignments.is_empty()
            || partitioned.is_some()
            || !after_columns.is_empty()
            || overriding.is_some()
            || *has_table_keyword
            || output.is_some()
            || *replace_into
            || priority.is_some()
            || insert_alias.is_some()
            || settings.is_some()
            || format_clause.is_some()
            || multi_table_insert_type.is_some()
            || !multi_table_into_clauses.is_empty()
            || !multi_table_when_clauses.is_empty()
            || multi_table_else_clause.is_some();
        if foreign {
            return unsupported("has a clause that no insert here has");
        }
        let TableObject::TableName(name) = table else {
            return unsupported("inserts into something else than a table");
        };
        self.writes = true;
        let (name, table) = self.base(name)?;
        self.needs.add(Access::Insert, table.clone(), None);
        let all = self.columns_of(&name)?;
        for column in columns {
            let column = self.one_part(column, "a column")?;
            self.own_column(&all, &column)?;
        }
        if let Some(source) = source {
            let around = std::mem::take(&mut self.levels);
            let seen = self.query(source);
            self.levels = around;
            seen?;
        }
        let called = table_alias.as_ref().map_or(name, |alias| fold(&alias.alias));
        let target = Relation::new(called, Some(table.clone()), all.clone());
        let depth = self.levels.len();
        self.levels.push(Level { relations: vec![target], ..Level::default() });
        match on {
            None => {}
            Some(OnInsert::OnConflict(conflict)) => self.conflict(&table, &all, conflict)?,
            Some(_) => return unsupported("has a clause of another kind of database"),
        }
        let outputs = returning.as_ref().map(|items| self.items(items)).transpose()?.unwrap_or_default();
        self.levels.truncate(depth);
        Ok(outputs)
    }

    pub(super) fn conflict(&mut self, table: &TableName, all: &Outputs, conflict: &OnConflict) -> Seen<()> {
        let OnConflict { conflict_target, action } = conflict;
        match conflict_target {
            None => {}
            Some(ConflictTarget::OnConstraint(_)) => return unsupported("names a constraint; name the columns"),
            Some(ConflictTarget::Columns { columns, predicate }) => {
                for column in columns {
                    let column = fold(column);
                    self.own_column(all, &column)?;
                    self.needs.add(Access::Select, table.clone(), Some(column));
                }
                predicate.iter().try_for_each(|predicate| self.expression(predicate))?;
            }
        }
        let DoUpdate { assignments, selection } = match action {
            OnConflictAction::DoNothing => return Ok(()),
            OnConflictAction::DoUpdate(update) => update,
        };
        // The row that was to be inserted holds what defaults and triggers set.
        self.push(Relation::new("excluded".to_owned(), Some(table.clone()), all.clone()))?;
        self.assignments(table, all, assignments)?;
        selection.iter().try_for_each(|condition| self.expression(condition))?;
        if let Some(level) = self.levels.last_mut() {
            level.relations.truncate(1);
        }
        Ok(())
    }

    pub(super) fn assignments(&mut self, table: &TableName, all: &Outputs, assignments: &[Assignment]) -> Seen<()> {
        for Assignment { target, value } in assignments {
            let targets = match target {
                AssignmentTarget::ColumnName(name) => std::slice::from_ref(name),
                AssignmentTarget::Tuple(names) => names.as_slice(),
            };
            for name in targets {
                let column = self.one_part(name, "a column")?;
                self.own_column(all, &column)?;
                self.needs.add(Access::Update, table.clone(), Some(column));
            }
            self.expression(value)?;
        }
        Ok(())
    }

    pub(super) fn own_column(&mut self, all: &Outputs, column: &str) -> Seen<()> {
        self.spend(all.names.len())?;
        if self.catalog.is_none() || all.names.iter().any(|name| name == column) {
            Ok(())
        } else {
            unknown(format!("there is no column `{column}` to be set"))
        }
    }

    pub(super) fn update(&mut self, update: &Update) -> Seen<Outputs> {
        let Update {
            update_token: _,
            optimizer_hints,
            table,
            on_cluster,
            assignments,
            from,
            selection,
            returning,
            output,
            or,
            order_by,
            limit,
            settings,
        } = update;
        let foreign = !optimizer_hints.is_empty()
            || on_cluster.is_some()
            || output.is_some()
            || or.is_some()
            || !order_by.is_empty()
            || limit.is_some()
            || settings.is_some();
        if foreign {
            return unsupported("has a clause that no update here has");
        }
        let (depth, target, all) = self.target(table)?;
        match from {
            None => {}
            Some(UpdateTableFromKind::AfterSet(tables)) => tables.iter().try_for_each(|table| self.from(table))?,
            Some(UpdateTableFromKind::BeforeSet(_)) => return unsupported("has `FROM` before `SET`"),
        }
        self.needs.add(Access::Update, target.clone(), None);
        self.assignments(&target, &all, assignments)?;
        self.finish(depth, selection.as_ref(), returning.as_deref())
    }

    pub(super) fn delete(&mut self, delete: &Delete) -> Seen<Outputs> {
        let Delete {
            delete_token: _,
            optimizer_hints,
            tables,
            from,
            on_cluster,
            using,
            selection,
            returning,
            output,
            order_by,
            limit,
            settings,
        } = delete;
        let foreign = !optimizer_hints.is_empty()
            || !tables.is_empty()
            || on_cluster.is_some()
            || output.is_some()
            || !order_by.is_empty()
            || limit.is_some()
            || settings.is_some();
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = from;
        let ([table], false) = (from.as_slice(), foreign) else {
            return unsupported("has a clause that no delete here has");
        };
        let (depth, target, _) = self.target(table)?;
        using.iter().flatten().try_for_each(|table| self.from(table))?;
        self.needs.add(Access::Delete, target, None);
        self.finish(depth, selection.as_ref(), returning.as_deref())
    }

    /// What is updated or deleted from. Reading is not among it.
    pub(super) fn target(&mut self, table: &TableWithJoins) -> Seen<(usize, TableName, Outputs)> {
        self.writes = true;
        let TableWithJoins { relation, joins } = table;
        let named = Named::of(relation)
            .filter(|named| joins.is_empty() && named.alias.is_none_or(|alias| alias.columns.is_empty()));
        let Some(Named { name, alias, arguments: None, numbered: false }) = named else {
            return unsupported("changes something else than a table");
        };
        let (name, table) = self.base(name)?;
        let all = self.columns_of(&name)?;
        let called = alias.map_or(name, |alias| fold(&alias.name));
        let depth = self.levels.len();
        let target = Relation::new(called, Some(table.clone()), all.clone());
        self.levels.push(Level { relations: vec![target], ..Level::default() });
        Ok((depth, table, all))
    }

    pub(super) fn finish(
        &mut self,
        depth: usize,
        condition: Option<&Expr>,
        returning: Option<&[SelectItem]>,
    ) -> Seen<Outputs> {
        condition.iter().try_for_each(|condition| self.expression(condition))?;
        let outputs = returning.map(|items| self.items(items)).transpose()?.unwrap_or_default();
        self.levels.truncate(depth);
        Ok(outputs)
    }
}
