//! `tables` of a rule for `sql`: one scope for each table.

use super::diagnostic::DiagnosticCode;
use super::fields::{Fields, wrong_type};
use super::rules::Reader;
use super::tree::{Entry, Place, Value};
use crate::actions::Actions;
use crate::kind::Kind;
use crate::rule::Effect;
use crate::scope::{Scope, known};
use crate::text::Printable;

impl<'a> Reader<'a> {
    /// What a rule for `sql` covers, and where to point. A deny rule without `tables` denies them all.
    pub(super) fn tables(
        &mut self,
        fields: &Fields<'a>,
        effect: Effect,
        database: &'a Entry,
        rule: &Place,
    ) -> Option<Vec<(Scope, Place)>> {
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
                return Some(vec![(all, rule.clone())]);
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
                (Some(_), Some(scope)) => scopes.push((scope, entry.place.clone())),
                _ => complete = false,
            }
        }
        complete.then_some(scopes)
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
