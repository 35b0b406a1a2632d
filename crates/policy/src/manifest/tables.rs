//! `tables` of a rule for `sql`: one scope for each table, or for each action in it that has columns of its own.

use super::diagnostic::DiagnosticCode;
use super::fields::{Fields, Schema, wrong_type};
use super::rules::Reader;
use super::tree::{Entry, Place, Value};
use crate::actions::Actions;
use crate::columns::{Within, is_column};
use crate::kind::{ActionName, Kind};
use crate::rule::Effect;
use crate::scope::{Scope, known};
use crate::text::Printable;

/// Most columns that one action is left.
const MAX_COLUMNS: usize = 1000;

const TABLE: Schema =
    Schema { what: "a table with columns", known: &["select", "insert", "update", "delete"], later: &[] };

/// What a rule says of one thing, and where to point.
type Covered = (Scope, Within, Place);

impl<'a> Reader<'a> {
    /// What a rule for `sql` covers, and where to point. A deny rule without `tables` denies them all.
    pub(super) fn tables(
        &mut self,
        fields: &Fields<'a>,
        effect: Effect,
        database: &'a Entry,
        rule: &Place,
    ) -> Option<Vec<Covered>> {
        self.misplaced(fields, &["actions", "methods"], "do not belong to rules for `sql`, which say it in `tables`");
        let Value::Text(name) = &database.node.value else {
            return wrong_type(&database.node, "sql", "the name of a database", self.report);
        };
        if name.contains('/') {
            let message = format!("`{}` is not the name of a database; tables stand in `tables`", Printable(name));
            let help = "write `sql = \"ledger\"` and `tables = { expenses = [\"select\"] }`".to_owned();
            self.report.error_with(DiagnosticCode::BadResource, &database.node.place, message, help);
            return None;
        }
        // The wildcard is there for its database alone: an unknown one is reported once, with or without tables.
        let all = self.table(name, "*", Actions::all(Kind::Sql), &database.node.place)?;
        self.declared.check(&all, effect, &database.node.place, self.report);
        let Some(tables) = fields.get("tables") else {
            if effect == Effect::Deny {
                return Some(vec![(all, Within::All, rule.clone())]);
            }
            let message = "an allow rule for `sql` names its `tables`".to_owned();
            let help = format!("add `tables = {{ NAME = […] }}` with some of {}", known(Kind::Sql));
            self.report.error_with(DiagnosticCode::MissingField, rule, message, help);
            return None;
        };
        let Value::Table(entries) = &tables.node.value else {
            return wrong_type(&tables.node, "tables", "a table such as `{ expenses = [\"select\"] }`", self.report);
        };
        if entries.is_empty() {
            let message = "`tables` is empty; such a rule says nothing".to_owned();
            self.report.error(DiagnosticCode::BadAction, &tables.node.place, message);
            return None;
        }
        let mut scopes = Vec::with_capacity(entries.len());
        let mut complete = true;
        let listed = Fields::unchecked(entries);
        for entry in entries {
            if let Value::Table(columns) = &entry.node.value {
                match self.actions_with_columns(name, entry, columns, effect) {
                    Some(found) => scopes.extend(found),
                    None => complete = false,
                }
                continue;
            }
            let actions = listed.texts(&entry.key, self.report).and_then(|items| {
                if items.is_empty() {
                    let message = format!("`{}` has no actions; such a rule says nothing", Printable(&entry.key));
                    self.report.error(DiagnosticCode::BadAction, &entry.node.place, message);
                    return None;
                }
                self.action_list(Kind::Sql, items)
            });
            // Every error at once, as for other resources.
            let scope = self.table(name, &entry.key, actions.unwrap_or(Actions::all(Kind::Sql)), &entry.place);
            match (actions, scope) {
                (Some(_), Some(scope)) => scopes.push((scope, Within::All, entry.place.clone())),
                _ => complete = false,
            }
        }
        complete.then_some(scopes)
    }

    /// `{ select = ["id", "name"], insert = true }`: an entry for each action.
    fn actions_with_columns(
        &mut self,
        database: &str,
        table: &'a Entry,
        entries: &'a [Entry],
        effect: Effect,
    ) -> Option<Vec<Covered>> {
        if effect == Effect::Deny {
            let message = "a deny rule denies a table whatever the columns".to_owned();
            let help = "write a list of actions; allow rules name the columns that they leave".to_owned();
            self.report.error_with(DiagnosticCode::MisplacedField, &table.node.place, message, help);
            return None;
        }
        if entries.is_empty() {
            let message = format!("`{}` has no actions; such a rule says nothing", Printable(&table.key));
            self.report.error(DiagnosticCode::BadAction, &table.node.place, message);
        }
        let fields = Fields::check(entries, &TABLE, self.report);
        let mut found = Vec::with_capacity(entries.len());
        // Every error at once: the table's name is looked at even where no action can be used.
        let mut complete =
            !entries.is_empty() && self.table(database, &table.key, Actions::all(Kind::Sql), &table.place).is_some();
        for entry in entries {
            let Some(action) = Kind::Sql.action(&entry.key) else {
                complete = false;
                continue;
            };
            let columns = match &entry.node.value {
                Value::Boolean(true) => Some(Within::All),
                Value::List(_) if matches!(action, ActionName::Insert | ActionName::Delete) => {
                    let message = format!("`{action}` is about whole rows; it takes `true`, not a list");
                    self.report.error(DiagnosticCode::BadColumn, &entry.node.place, message);
                    None
                }
                Value::List(_) => fields
                    .texts(&entry.key, self.report)
                    .and_then(|names| self.columns(&entry.node.place, database, names)),
                _ => {
                    let expected = match action {
                        ActionName::Insert | ActionName::Delete => "`true`; without the right, leave it out",
                        _ => "a list of columns, or `true` for all of them",
                    };
                    wrong_type(&entry.node, &entry.key, expected, self.report)
                }
            };
            let scope = self.table(database, &table.key, Actions::one(action), &table.place);
            match (columns, scope) {
                (Some(columns), Some(scope)) => found.push((scope, columns, entry.place.clone())),
                _ => complete = false,
            }
        }
        complete.then_some(found)
    }

    fn columns(&mut self, list: &Place, database: &str, names: Vec<(&str, &Place)>) -> Option<Within> {
        if names.is_empty() || names.len() > MAX_COLUMNS {
            let message = format!("name 1 to {MAX_COLUMNS} columns, or write `true` for all of them");
            self.report.error(DiagnosticCode::BadColumn, list, message);
            return None;
        }
        let caseless = self.declared.caseless.contains(database);
        let mut columns: Vec<String> = Vec::with_capacity(names.len());
        let mut complete = true;
        for (name, place) in names {
            let message = if !is_column(name) {
                format!("`{}` is not the name of a column; all columns are `true`", Printable(name))
            } else if caseless && name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                format!("`{}`: SQLite compares names without regard to case; write it in lower case", Printable(name))
            } else if columns.iter().any(|column| column == name) {
                format!("`{}` is listed twice", Printable(name))
            } else {
                columns.push(name.to_owned());
                continue;
            };
            self.report.error(DiagnosticCode::BadColumn, place, message);
            complete = false;
        }
        columns.sort();
        complete.then_some(Within::These(columns))
    }

    fn table(&mut self, database: &str, table: &str, actions: Actions, place: &Place) -> Option<Scope> {
        match Scope::from_text(Kind::Sql, actions, &format!("{database}/{table}")) {
            Ok(scope) => Some(scope),
            Err(error) => {
                self.report.error(DiagnosticCode::BadResource, place, error.to_string());
                None
            }
        }
    }
}
