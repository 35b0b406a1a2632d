//! Queries: what they read, and the names of their columns.

use bailiwick_policy::TableName;
use sqlparser::ast::{
    Cte, Distinct, Expr, GroupByExpr, GroupByWithModifier, LimitClause, NamedWindowExpr, OrderByKind, Query, Select,
    SelectFlavor, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetQuantifier, WildcardAdditionalOptions, With,
};

use super::super::inspect::Access;
use super::names::{fold, names, renamed};
use super::visit::{Level, Outputs, Seen, Visitor, unsupported};

impl Visitor<'_> {
    /// Walks through a query, and gives the names of its columns.
    pub(super) fn query(&mut self, query: &Query) -> Seen<Outputs> {
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
        // What follows a query in brackets belongs to it, and finds its columns.
        if matches!(body.as_ref(), SetExpr::Query(_)) && (order_by.is_some() || !locks.is_empty()) {
            return unsupported("orders or locks a query in brackets; write that into the brackets");
        }
        // The level stays for what follows the body: it orders by the columns of a single `SELECT`.
        let depth = self.levels.len();
        let outputs = match body.as_ref() {
            SetExpr::Select(select) => self.select(select)?,
            other => {
                let outputs = self.set(other)?;
                self.levels.push(Level { outputs: outputs.names.clone(), ..Level::default() });
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

    pub(super) fn with(&mut self, With { recursive, cte_tables, .. }: &With) -> Seen<()> {
        let base = self.ctes.len();
        if *recursive {
            // Each sees all of them, those that come later, too.
            self.ctes.extend(cte_tables.iter().map(|cte| (fold(&cte.alias.name), None)));
        }
        for (at, Cte { alias, query, from, materialized: _, closing_paren_token: _ }) in cte_tables.iter().enumerate() {
            if from.is_some() {
                return unsupported("has a clause of another kind of database");
            }
            let at = base.saturating_add(at);
            if *recursive {
                // Its own columns are those of its first part, which names them; until then none is known by name.
                let own = match names(alias)? {
                    names if names.is_empty() => self.first_part(query)?,
                    names => Outputs { names, certain: false },
                };
                self.define(at, own);
            }
            // A common table sees no table around it.
            let around = std::mem::take(&mut self.levels);
            let outputs = self.query(query);
            self.levels = around;
            let outputs = renamed(outputs?, alias)?;
            if *recursive {
                self.define(at, outputs);
            } else {
                self.ctes.push((fold(&alias.name), Some(outputs)));
            }
        }
        Ok(())
    }

    fn define(&mut self, at: usize, outputs: Outputs) {
        if let Some((_, known)) = self.ctes.get_mut(at) {
            *known = Some(outputs);
        }
    }

    /// The columns of what comes before `UNION` in a recursive query.
    fn first_part(&mut self, query: &Query) -> Seen<Outputs> {
        let SetExpr::SetOperation { left, .. } = query.body.as_ref() else { return Ok(Outputs::default()) };
        if query.with.is_some() {
            return Ok(Outputs::default());
        }
        let around = std::mem::take(&mut self.levels);
        let outputs = self.set(left);
        self.levels = around;
        outputs
    }

    pub(super) fn set(&mut self, set: &SetExpr) -> Seen<Outputs> {
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
                Outputs { names: (1..=width).map(|at| format!("column{at}")).collect(), certain: true }
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
    pub(super) fn select(&mut self, select: &Select) -> Seen<Outputs> {
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
        self.set_outputs(outputs.names.clone());
        match distinct {
            None | Some(Distinct::All | Distinct::Distinct) => {}
            Some(Distinct::On(expressions)) => self.order_keys(expressions)?,
        }
        Ok(outputs)
    }

    pub(super) fn set_outputs(&mut self, outputs: Vec<String>) {
        if let Some(level) = self.levels.last_mut() {
            level.outputs = outputs;
        }
    }

    /// What stands between `SELECT` and `FROM`, or after `RETURNING`.
    pub(super) fn items(&mut self, items: &[SelectItem]) -> Seen<Outputs> {
        let mut outputs = Outputs { names: Vec::new(), certain: true };
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expression) => {
                    self.expression(expression)?;
                    outputs.names.push(name_of(expression).unwrap_or_default());
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    self.expression(expr)?;
                    let alias_name = fold(alias);
                    if alias.quote_style.is_none() && matches!(alias_name.as_str(), "isnull" | "notnull") {
                        return unsupported("asks `ISNULL`; write `IS NULL`, or the name in double quotes");
                    }
                    outputs.names.push(alias_name);
                }
                SelectItem::ExprWithAliases { .. } => return unsupported("names an expression more than once"),
                SelectItem::Wildcard(options) => {
                    plain(options)?;
                    outputs.extend(self.all()?);
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    plain(options)?;
                    let alias = self.one_part(name, "a table in the statement")?;
                    outputs.extend(self.star(&alias)?);
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(_), _) => {
                    return unsupported("takes a row apart");
                }
            }
        }
        Ok(outputs)
    }
}

/// Names that are given to outputs.
fn aliases(items: &[SelectItem]) -> Vec<String> {
    let alias = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        _ => None,
    };
    items.iter().filter_map(alias).collect()
}

/// The name that an output has without being given one, where it is certain.
fn name_of(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Identifier(name) => Some(fold(name)),
        Expr::CompoundIdentifier(parts) => parts.last().map(fold),
        Expr::Function(function) => function.name.0.last()?.as_ident().map(fold),
        Expr::Cast { expr, .. } | Expr::Nested(expr) | Expr::Collate { expr, .. } => name_of(expr),
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
