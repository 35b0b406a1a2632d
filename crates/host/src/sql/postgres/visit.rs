//! What a statement needs: every table and column that it names, found in its tree.
//!
//! Only what is listed here is understood; everything else is refused. A name that is not qualified counts for every table
//! around it that has such a column, also where PostgreSQL would take the nearest.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_policy::TableName;
use sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, Cte, Delete, Distinct, DoUpdate, Expr, FromTable, GroupByExpr,
    GroupByWithModifier, Ident, Insert, JoinConstraint, JoinOperator, LimitClause, NamedWindowExpr, ObjectName,
    ObjectNamePart, OnConflict, OnConflictAction, OnInsert, OrderByKind, Query, Select, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetQuantifier, Statement, TableAlias, TableFactor, TableFunctionArgs,
    TableObject, TableWithJoins, Update, UpdateTableFromKind, WildcardAdditionalOptions, With,
};

use super::super::inspect::{Access, Needs};
use super::functions::table_columns;

/// The columns of the tables of a schema, as far as a statement names them.
pub(super) type Catalog = BTreeMap<String, BTreeSet<String>>;

/// Most steps of a walk.
const MAX_STEPS: usize = 100_000;

/// Words that PostgreSQL takes for values of the session wherever a column could stand.
const SESSION: [&str; 8] = [
    "current_catalog",
    "current_role",
    "current_schema",
    "current_user",
    "session_user",
    "system_user",
    "user",
    "localtime",
];

/// Columns that every table has.
const SYSTEM: [&str; 6] = ["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

/// Why a statement is not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// No rule could allow it.
    Unsupported(String),
    /// It is not understood, or names what is not there.
    NotUnderstood(String),
}

pub(super) type Seen<T> = Result<T, Misfit>;

/// Collects needs while it walks through a statement.
pub(super) struct Visitor<'c> {
    database: &'c str,
    schema: &'c str,
    /// `None` while only the tables are looked for.
    catalog: Option<&'c Catalog>,
    pub(super) needs: Needs,
    pub(super) tables: BTreeSet<String>,
    /// Names of `WITH`, with their columns, innermost last.
    ctes: Vec<(String, Vec<String>)>,
    levels: Vec<Level>,
    pub(super) writes: bool,
    /// Steps that are left: a recursive `WITH` in another is walked through twice, and so on.
    steps: usize,
}

/// One `FROM` with what surrounds it.
#[derive(Default)]
struct Level {
    relations: Vec<Relation>,
    /// Names that `ORDER BY` finds before columns.
    outputs: Vec<String>,
}

struct Relation {
    alias: String,
    /// Of the database; a subquery or function has none.
    table: Option<TableName>,
    columns: BTreeSet<String>,
}

pub(super) fn unsupported<T>(what: &str) -> Seen<T> {
    Err(Misfit::Unsupported(format!("it {what}, which no rule can allow")))
}

fn unknown<T>(what: String) -> Seen<T> {
    Err(Misfit::NotUnderstood(what))
}

impl<'c> Visitor<'c> {
    pub(super) fn new(database: &'c str, schema: &'c str, catalog: Option<&'c Catalog>) -> Visitor<'c> {
        Visitor {
            database,
            schema,
            catalog,
            needs: Needs::default(),
            tables: BTreeSet::new(),
            ctes: Vec::new(),
            levels: Vec::new(),
            writes: false,
            steps: MAX_STEPS,
        }
    }

    /// Pays for work, in expressions, queries and columns that are looked at.
    pub(super) fn spend(&mut self, steps: usize) -> Seen<()> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(Misfit::Unsupported(format!(
                "it takes more than {MAX_STEPS} steps to understand; make it smaller, or nest less"
            ))),
        }
    }

    /// Pays for a look at every relation and output that a name can mean.
    fn spend_on_name(&mut self) -> Seen<()> {
        let outputs = self.levels.last().map_or(0, |level| level.outputs.len());
        let relations = self.levels.iter().map(|level| level.relations.len()).sum::<usize>();
        self.spend(outputs.saturating_add(relations))
    }

    /// Walks through a statement; its outputs are not needed.
    pub(super) fn statement(&mut self, statement: &Statement) -> Seen<Vec<String>> {
        match statement {
            Statement::Query(query) => self.query(query),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            _ => unsupported("does something else than reading and changing rows"),
        }
    }

    /// Walks through a query, and gives the names of its columns.
    pub(super) fn query(&mut self, query: &Query) -> Seen<Vec<String>> {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        if for_clause.is_some() || settings.is_some() || format_clause.is_some() || !pipe_operators.is_empty() {
            return unsupported("has a clause of another kind of database");
        }
        self.spend(1)?;
        let known = self.ctes.len();
        if let Some(with) = with {
            self.with(with)?;
        }
        // The level stays for what follows the body: it orders by the columns of a single `SELECT`.
        let depth = self.levels.len();
        let outputs = match body.as_ref() {
            SetExpr::Select(select) => self.select(select)?,
            other => {
                let outputs = self.set(other)?;
                self.levels.push(Level { relations: Vec::new(), outputs: outputs.clone() });
                outputs
            }
        };
        if let Some(order) = order_by {
            if order.interpolate.is_some() {
                return unsupported("has a clause of another kind of database");
            }
            match &order.kind {
                OrderByKind::All(_) => return unsupported("orders by all columns"),
                OrderByKind::Expressions(expressions) => self.order(expressions, true)?,
            }
        }
        match limit_clause {
            None => {}
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
                limit.iter().try_for_each(|limit| self.expression(limit))?;
                offset.iter().try_for_each(|offset| self.expression(&offset.value))?;
            }
            Some(_) => return unsupported("has a `LIMIT` of another kind of database"),
        }
        if let Some(fetch) = fetch {
            if fetch.percent {
                return unsupported("has a `FETCH` of another kind of database");
            }
            fetch.quantity.iter().try_for_each(|quantity| self.expression(quantity))?;
        }
        if !locks.is_empty() {
            // Locking rows keeps others from changing them: who may not update may not do that either.
            self.writes = true;
            let level = self.levels.last().map(|level| level.relations.as_slice()).unwrap_or_default();
            let locked: Vec<TableName> = level.iter().filter_map(|relation| relation.table.clone()).collect();
            if locked.is_empty() || level.iter().any(|relation| relation.table.is_none()) {
                return unsupported("locks rows of something else than tables");
            }
            locked.into_iter().for_each(|table| self.needs.add(Access::Update, table, None));
        }
        self.levels.truncate(depth);
        self.ctes.truncate(known);
        Ok(outputs)
    }

    fn with(&mut self, With { recursive, cte_tables, .. }: &With) -> Seen<()> {
        for Cte { alias, query, from, materialized: _, closing_paren_token: _ } in cte_tables {
            if from.is_some() {
                return unsupported("has a clause of another kind of database");
            }
            let name = fold(&alias.name);
            let known = self.ctes.len();
            if *recursive {
                // Its own columns are those of its first part, which names them; until then none is known by name.
                let own = if alias.columns.is_empty() { self.first_part(query)? } else { names(alias)? };
                self.ctes.push((name.clone(), own));
            }
            // A common table sees no table around it.
            let around = std::mem::take(&mut self.levels);
            let outputs = self.query(query);
            self.levels = around;
            let outputs = renamed(outputs?, alias)?;
            self.ctes.truncate(known);
            self.ctes.push((name, outputs));
        }
        Ok(())
    }

    /// The columns of what comes before `UNION` in a recursive query.
    fn first_part(&mut self, query: &Query) -> Seen<Vec<String>> {
        let SetExpr::SetOperation { left, .. } = query.body.as_ref() else { return Ok(Vec::new()) };
        let around = std::mem::take(&mut self.levels);
        let outputs = self.set(left);
        self.levels = around;
        outputs
    }

    fn set(&mut self, set: &SetExpr) -> Seen<Vec<String>> {
        self.spend(1)?;
        let depth = self.levels.len();
        let outputs = match set {
            SetExpr::Select(select) => self.select(select)?,
            SetExpr::Query(query) => self.query(query)?,
            SetExpr::SetOperation { left, op: _, set_quantifier, right } => {
                if !matches!(set_quantifier, SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None) {
                    return unsupported("combines queries by name");
                }
                let outputs = self.set(left)?;
                self.set(right)?;
                outputs
            }
            SetExpr::Values(values) => {
                let rows: Vec<&Vec<Expr>> = values.rows.iter().map(|row| &row.content).collect();
                rows.iter().try_for_each(|row| self.expressions(row))?;
                let width = rows.first().map_or(0, |row| row.len());
                (1..=width).map(|at| format!("column{at}")).collect()
            }
            SetExpr::Insert(statement) | SetExpr::Update(statement) | SetExpr::Delete(statement) => {
                self.statement(statement)?
            }
            SetExpr::Merge(_) => return unsupported("merges tables"),
            SetExpr::Table(_) => return unsupported("takes a table whole; write `SELECT … FROM` it"),
        };
        self.levels.truncate(depth);
        Ok(outputs)
    }

    /// Leaves its level for what follows.
    fn select(&mut self, select: &Select) -> Seen<Vec<String>> {
        let Select {
            select_token: _,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        if into.is_some() {
            return unsupported("makes a table (`SELECT INTO`)");
        }
        let foreign = !optimizer_hints.is_empty()
            || select_modifiers.is_some()
            || top.is_some()
            || exclude.is_some()
            || !lateral_views.is_empty()
            || prewhere.is_some()
            || !connect_by.is_empty()
            || !cluster_by.is_empty()
            || !distribute_by.is_empty()
            || !sort_by.is_empty()
            || qualify.is_some()
            || value_table_mode.is_some()
            || *flavor != SelectFlavor::Standard;
        if foreign {
            return unsupported("has a clause of another kind of database");
        }
        self.levels.push(Level::default());
        from.iter().try_for_each(|table| self.from(table))?;
        selection.iter().try_for_each(|condition| self.expression(condition))?;
        match group_by {
            GroupByExpr::All(_) => return unsupported("groups by all columns"),
            GroupByExpr::Expressions(expressions, modifiers) => {
                // `GROUP BY` takes the name of an output where no column has it.
                self.set_outputs(aliases(projection));
                self.order_keys(expressions)?;
                self.set_outputs(Vec::new());
                for modifier in modifiers {
                    match modifier {
                        GroupByWithModifier::GroupingSets(expression) => self.expression(expression)?,
                        _ => return unsupported("has a clause of another kind of database"),
                    }
                }
            }
        }
        having.iter().try_for_each(|condition| self.expression(condition))?;
        for window in named_window {
            match &window.1 {
                NamedWindowExpr::NamedWindow(_) => return unsupported("names a window by another"),
                NamedWindowExpr::WindowSpec(window) => self.window(window)?,
            }
        }
        let outputs = self.items(projection)?;
        self.set_outputs(outputs.clone());
        match distinct {
            None | Some(Distinct::All | Distinct::Distinct) => {}
            Some(Distinct::On(expressions)) => self.order_keys(expressions)?,
        }
        Ok(outputs)
    }

    fn set_outputs(&mut self, outputs: Vec<String>) {
        if let Some(level) = self.levels.last_mut() {
            level.outputs = outputs;
        }
    }

    /// What stands between `SELECT` and `FROM`, or after `RETURNING`.
    fn items(&mut self, items: &[SelectItem]) -> Seen<Vec<String>> {
        let mut outputs = Vec::new();
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expression) => {
                    self.expression(expression)?;
                    outputs.push(name_of(expression).unwrap_or_else(|| "?column?".to_owned()));
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    self.expression(expr)?;
                    outputs.push(fold(alias));
                }
                SelectItem::ExprWithAliases { .. } => return unsupported("names an expression more than once"),
                SelectItem::Wildcard(options) => {
                    plain(options)?;
                    let level = self.levels.last().map(|level| level.relations.as_slice()).unwrap_or_default();
                    let all: Vec<String> = level.iter().map(|relation| relation.alias.clone()).collect();
                    for alias in all {
                        outputs.extend(self.whole(&alias, true)?);
                    }
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    plain(options)?;
                    let alias = self.one_part(name, "a table in the statement")?;
                    outputs.extend(self.whole(&alias, true)?);
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(_), _) => {
                    return unsupported("takes a row apart");
                }
            }
        }
        Ok(outputs)
    }

    fn from(&mut self, table: &TableWithJoins) -> Seen<()> {
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

    fn relation(&mut self, factor: &TableFactor) -> Seen<()> {
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

    fn push(&mut self, relation: Relation) -> Seen<()> {
        self.spend(self.levels.last().map_or(0, |level| level.relations.len()))?;
        let Some(level) = self.levels.last_mut() else { return unsupported("has a table without a `FROM`") };
        if level.relations.iter().any(|other| other.alias == relation.alias && !other.alias.is_empty()) {
            return unknown(format!("`{}` is there twice; give one of them another name", relation.alias));
        }
        level.relations.push(relation);
        Ok(())
    }

    fn function_table(&mut self, name: &ObjectName, alias: Option<&TableAlias>, numbered: bool) -> Seen<()> {
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
    fn named_table(&mut self, name: &ObjectName, alias: Option<&TableAlias>) -> Seen<()> {
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
    fn base(&mut self, name: &ObjectName) -> Seen<(String, TableName)> {
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

    fn columns_of(&mut self, table: &str) -> Seen<BTreeSet<String>> {
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

    fn insert(&mut self, insert: &Insert) -> Seen<Vec<String>> {
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
        let target = Relation { alias: called, table: Some(table.clone()), columns: all.clone() };
        let depth = self.levels.len();
        self.levels.push(Level { relations: vec![target], outputs: Vec::new() });
        match on {
            None => {}
            Some(OnInsert::OnConflict(conflict)) => self.conflict(&table, &all, conflict)?,
            Some(_) => return unsupported("has a clause of another kind of database"),
        }
        let outputs = returning.as_ref().map(|items| self.items(items)).transpose()?.unwrap_or_default();
        self.levels.truncate(depth);
        Ok(outputs)
    }

    fn conflict(&mut self, table: &TableName, all: &BTreeSet<String>, conflict: &OnConflict) -> Seen<()> {
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
        // `excluded` is the row that was to be inserted: it tells nobody anything, but for defaults.
        self.push(Relation { alias: "excluded".to_owned(), table: None, columns: all.clone() })?;
        self.assignments(table, all, assignments)?;
        selection.iter().try_for_each(|condition| self.expression(condition))?;
        if let Some(level) = self.levels.last_mut() {
            level.relations.truncate(1);
        }
        Ok(())
    }

    fn assignments(&mut self, table: &TableName, all: &BTreeSet<String>, assignments: &[Assignment]) -> Seen<()> {
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

    fn own_column(&self, all: &BTreeSet<String>, column: &str) -> Seen<()> {
        if self.catalog.is_none() || all.contains(column) {
            Ok(())
        } else {
            unknown(format!("there is no column `{column}` to be set"))
        }
    }

    fn update(&mut self, update: &Update) -> Seen<Vec<String>> {
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

    fn delete(&mut self, delete: &Delete) -> Seen<Vec<String>> {
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
    fn target(&mut self, table: &TableWithJoins) -> Seen<(usize, TableName, BTreeSet<String>)> {
        self.writes = true;
        let TableWithJoins {
            relation:
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
                },
            joins,
        } = table
        else {
            return unsupported("changes something else than a table");
        };
        let plain = with_hints.is_empty() && partitions.is_empty() && index_directives.is_empty() && joins.is_empty();
        if !plain || alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
            return unsupported("changes something else than a table");
        }
        let (name, table) = self.base(name)?;
        let all = self.columns_of(&name)?;
        let called = alias.as_ref().map_or(name, |alias| fold(&alias.name));
        let depth = self.levels.len();
        let target = Relation { alias: called, table: Some(table.clone()), columns: all.clone() };
        self.levels.push(Level { relations: vec![target], outputs: Vec::new() });
        Ok((depth, table, all))
    }

    fn finish(
        &mut self,
        depth: usize,
        condition: Option<&Expr>,
        returning: Option<&[SelectItem]>,
    ) -> Seen<Vec<String>> {
        condition.iter().try_for_each(|condition| self.expression(condition))?;
        let outputs = returning.map(|items| self.items(items)).transpose()?.unwrap_or_default();
        self.levels.truncate(depth);
        Ok(outputs)
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

fn names(alias: &TableAlias) -> Seen<Vec<String>> {
    if alias.at.is_some() || alias.columns.iter().any(|column| column.data_type.is_some()) {
        return unsupported("defines the columns of a table");
    }
    Ok(alias.columns.iter().map(|column| fold(&column.name)).collect())
}

/// The columns of a query under an alias, which may name the first of them.
fn renamed(mut outputs: Vec<String>, alias: &TableAlias) -> Seen<Vec<String>> {
    let names = names(alias)?;
    let kept = outputs.split_off(names.len().min(outputs.len()));
    Ok(names.into_iter().chain(kept).collect())
}

/// Names that are given to outputs.
fn aliases(items: &[SelectItem]) -> Vec<String> {
    let alias = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        _ => None,
    };
    items.iter().filter_map(alias).collect()
}

/// The name that an output has without being given one, where it is that of something in the statement.
fn name_of(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Identifier(name) => Some(fold(name)),
        Expr::CompoundIdentifier(parts) => parts.last().map(fold),
        Expr::Function(function) => function.name.0.last()?.as_ident().map(fold),
        Expr::Cast { expr, .. } | Expr::Nested(expr) | Expr::Collate { expr, .. } => name_of(expr),
        Expr::Case { .. } => Some("case".to_owned()),
        Expr::Exists { .. } => Some("exists".to_owned()),
        _ => None,
    }
}

fn plain(options: &WildcardAdditionalOptions) -> Seen<()> {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    let is_plain = opt_ilike.is_none()
        && opt_exclude.is_none()
        && opt_except.is_none()
        && opt_replace.is_none()
        && opt_rename.is_none()
        && opt_alias.is_none();
    if is_plain { Ok(()) } else { unsupported("has a `*` of another kind of database") }
}
