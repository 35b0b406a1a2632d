//! What expressions name. Everything that is not listed is refused.

use sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, BinaryOperator, CastKind, DataType, DateTimeField, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList, FunctionArguments, InTarget, Interval,
    ObjectNamePart, OrderByExpr, OrderByOptions, OrderBySort, Subscript, TypedString, UnaryOperator, Value,
    WindowFrameBound, WindowSpec, WindowType,
};

use super::functions::{is_grammar, is_harmless, is_type};
use super::names::fold;
use super::visit::{Misfit, Seen, Visitor, unsupported};

impl Visitor<'_> {
    pub(super) fn expressions(&mut self, expressions: &[Expr]) -> Seen<()> {
        expressions.iter().try_for_each(|expression| self.expression(expression))
    }

    pub(super) fn expression(&mut self, expression: &Expr) -> Seen<()> {
        self.spend(1)?;
        match expression {
            // A keyword that no column can have as its name without quotes.
            Expr::Identifier(name) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("default") => {
                Ok(())
            }
            Expr::Identifier(name) => self.column(&fold(name)),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, column] => self.column_of(&fold(table), &fold(column)),
                _ => unsupported("names a column by more than its table"),
            },
            Expr::Value(value) => literal(&value.value),
            Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }) => {
                literal(&value.value)?;
                cast(data_type)
            }
            Expr::Interval(Interval {
                value,
                leading_field,
                leading_precision: None,
                last_field: None,
                fractional_seconds_precision: None,
            }) => {
                leading_field.iter().try_for_each(field)?;
                self.expression(value)
            }
            Expr::IsFalse(one)
            | Expr::IsNotFalse(one)
            | Expr::IsTrue(one)
            | Expr::IsNotTrue(one)
            | Expr::IsNull(one)
            | Expr::IsNotNull(one)
            | Expr::IsUnknown(one)
            | Expr::IsNotUnknown(one)
            | Expr::Nested(one) => self.expression(one),
            Expr::IsDistinctFrom(one, two) | Expr::IsNotDistinctFrom(one, two) => {
                self.uses(&["="])?;
                self.both(one, two)
            }
            Expr::In { expr, target, negated: _, global: false } => {
                self.uses(&["=", "<>"])?;
                self.expression(expr)?;
                match target {
                    InTarget::List(list) => self.expressions(list),
                    InTarget::Subquery(query) => self.query(query).map(drop),
                    InTarget::Unnest(_) | InTarget::Table { .. } => {
                        unsupported("has an `IN` of another kind of database")
                    }
                }
            }
            Expr::Between { expr, negated: _, low, high } => {
                self.uses(&["<", ">", "<=", ">="])?;
                self.expression(expr)?;
                self.both(low, high)
            }
            Expr::BinaryOp { left, op, right } => {
                self.operator(op)?;
                self.both(left, right)
            }
            Expr::Like { negated: _, any: false, expr, pattern, escape_char }
            | Expr::ILike { negated: _, any: false, expr, pattern, escape_char }
            | Expr::SimilarTo { negated: _, expr, pattern, escape_char } => {
                self.uses(&["~~", "!~~", "~~*", "!~~*", "~", "!~"])?;
                self.both(expr, pattern)?;
                escape_char.iter().try_for_each(|escape| self.expression(escape))
            }
            Expr::AnyOp { left, compare_op, right, is_some: _ } | Expr::AllOp { left, compare_op, right } => {
                self.operator(compare_op)?;
                self.both(left, right)
            }
            Expr::UnaryOp { op, expr } => match op {
                UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not | UnaryOperator::BitwiseNot => {
                    self.uses(&["+", "-", "~"])?;
                    self.expression(expr)
                }
                _ => unsupported(&format!("uses the operator `{op}`")),
            },
            Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, format: None } => {
                cast(data_type)?;
                self.expression(expr)
            }
            Expr::AtTimeZone { timestamp, time_zone } => self.both(timestamp, time_zone),
            Expr::Extract { field: wanted, syntax: _, expr } => {
                field(wanted)?;
                self.expression(expr)
            }
            Expr::Position { expr, r#in } => self.both(expr, r#in),
            // With commas it is a function like others, and comes as one.
            Expr::Substring { substring_from: None, substring_for: None, .. }
            | Expr::Substring { special: true, .. } => unsupported("has an odd `substring`"),
            Expr::Substring { expr, substring_from, substring_for, special: false, shorthand: _ } => {
                self.expression(expr)?;
                substring_from.iter().chain(substring_for).try_for_each(|part| self.expression(part))
            }
            Expr::Trim { trim_where: _, trim_what, expr, trim_characters } => {
                self.expression(expr)?;
                trim_what.iter().try_for_each(|what| self.expression(what))?;
                trim_characters.iter().try_for_each(|characters| self.expressions(characters))
            }
            Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                self.both(expr, overlay_what)?;
                self.expression(overlay_from)?;
                overlay_for.iter().try_for_each(|length| self.expression(length))
            }
            Expr::Collate { expr, collation } => {
                self.one_part(collation, "a collation")?;
                self.expression(expr)
            }
            Expr::Case { case_token: _, end_token: _, operand, conditions, else_result } => {
                self.uses(if operand.is_some() { &["="] } else { &[] })?;
                operand.iter().chain(else_result).try_for_each(|part| self.expression(part))?;
                conditions.iter().try_for_each(|when| self.both(&when.condition, &when.result))
            }
            Expr::Exists { subquery, negated: _ } => self.query(subquery).map(drop),
            Expr::Subquery(query) => self.query(query).map(drop),
            Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                sets.iter().try_for_each(|set| self.expressions(set))
            }
            Expr::Tuple(parts) => self.expressions(parts),
            Expr::Array(array) => self.expressions(&array.elem),
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.expression(root)?;
                access_chain.iter().try_for_each(|access| match access {
                    AccessExpr::Subscript(Subscript::Index { index }) => self.expression(index),
                    AccessExpr::Subscript(Subscript::Slice { .. }) => unsupported("takes a slice of an array"),
                    AccessExpr::Dot(_) => unsupported("takes a row apart"),
                })
            }
            Expr::Function(function) => self.function(function),
            _ => unsupported("has an expression that is not among those that are understood"),
        }
    }

    fn both(&mut self, one: &Expr, two: &Expr) -> Seen<()> {
        self.expression(one)?;
        self.expression(two)
    }

    /// Keys by which rows are ordered or grouped: the name of an output, alone, is not a column's.
    pub(super) fn order_keys(&mut self, keys: &[Expr]) -> Seen<()> {
        keys.iter().try_for_each(|key| match key {
            // Grouping takes the column first, so that it counts as one where a table has it.
            Expr::Identifier(name) => self.column(&fold(name)),
            other => self.expression(other),
        })
    }

    /// `outermost` is the `ORDER BY` of a query, which finds outputs before columns.
    pub(super) fn order(&mut self, keys: &[OrderByExpr], outermost: bool) -> Seen<()> {
        for OrderByExpr { expr, options, with_fill } in keys {
            let OrderByOptions { sort, nulls_first: _ } = options;
            match (sort, with_fill) {
                (None | Some(OrderBySort::Asc | OrderBySort::Desc), None) => {}
                (Some(OrderBySort::Using(_)), _) | (_, Some(_)) => {
                    return unsupported("orders by an operator of its own");
                }
            }
            match expr {
                Expr::Identifier(name) if outermost => self.column(&fold(name))?,
                other => self.expression(other)?,
            }
        }
        Ok(())
    }

    pub(super) fn window(&mut self, window: &WindowSpec) -> Seen<()> {
        let WindowSpec { window_name: _, partition_by, order_by, window_frame } = window;
        self.expressions(partition_by)?;
        self.order(order_by, false)?;
        let bounds = window_frame.iter().flat_map(|frame| [Some(&frame.start_bound), frame.end_bound.as_ref()]);
        for bound in bounds.flatten() {
            match bound {
                WindowFrameBound::CurrentRow
                | WindowFrameBound::Preceding(None)
                | WindowFrameBound::Following(None) => {}
                WindowFrameBound::Preceding(Some(by)) | WindowFrameBound::Following(Some(by)) => self.expression(by)?,
            }
        }
        Ok(())
    }

    fn function(&mut self, function: &Function) -> Seen<()> {
        let Function { name, uses_odbc_syntax, parameters, args, within_group, filter, null_treatment, over } =
            function;
        let [ObjectNamePart::Identifier(word)] = name.0.as_slice() else {
            return unsupported("names a function by more than its name");
        };
        let name = fold(word);
        if !is_harmless(&name) {
            return unsupported(&format!("uses the function `{name}`"));
        }
        if word.quote_style.is_some() || !is_grammar(&name) {
            self.call(word)?;
        }
        if name == "nullif" {
            self.uses(&["="])?;
        }
        if *uses_odbc_syntax || *parameters != FunctionArguments::None || null_treatment.is_some() {
            return unsupported("has a clause of another kind of database");
        }
        match args {
            FunctionArguments::None => {}
            FunctionArguments::Subquery(query) => {
                self.query(query)?;
            }
            FunctionArguments::List(FunctionArgumentList { duplicate_treatment: _, args, clauses }) => {
                self.arguments(args)?;
                for clause in clauses {
                    match clause {
                        FunctionArgumentClause::OrderBy(keys) => self.order(keys, false)?,
                        _ => return unsupported("has a clause of another kind of database"),
                    }
                }
            }
        }
        self.order(within_group, false)?;
        filter.iter().try_for_each(|filter| self.expression(filter))?;
        match over {
            None | Some(WindowType::NamedWindow(_)) => Ok(()),
            Some(WindowType::WindowSpec(window)) => self.window(window),
        }
    }

    fn operator(&self, operator: &BinaryOperator) -> Seen<()> {
        use BinaryOperator::*;
        match operator {
            And | Or | Overlaps => Ok(()),
            Plus | Minus | Multiply | Divide | Modulo | StringConcat | Gt | Lt | GtEq | LtEq | Eq | NotEq
            | BitwiseOr | BitwiseAnd | PGBitwiseXor | PGBitwiseShiftLeft | PGBitwiseShiftRight | PGExp | PGOverlap
            | PGRegexMatch | PGRegexIMatch | PGRegexNotMatch | PGRegexNotIMatch | Arrow | LongArrow | HashArrow
            | HashLongArrow | AtArrow | ArrowAt => self.uses(&[operator.to_string().as_str()]),
            other => unsupported(&format!("uses the operator `{other}`")),
        }
    }

    pub(super) fn arguments(&mut self, arguments: &[FunctionArg]) -> Seen<()> {
        arguments.iter().try_for_each(|argument| {
            let (FunctionArg::Unnamed(argument) | FunctionArg::Named { arg: argument, .. }) = argument else {
                return unsupported("names an argument by an expression");
            };
            match argument {
                FunctionArgExpr::Expr(expression) => self.expression(expression),
                FunctionArgExpr::Wildcard => Ok(()),
                FunctionArgExpr::QualifiedWildcard(name) => {
                    let alias = self.one_part(name, "a table in the statement")?;
                    self.row(&alias)
                }
                FunctionArgExpr::WildcardWithOptions(_) => unsupported("has a `*` of another kind of database"),
            }
        })
    }
}

fn literal(value: &Value) -> Seen<()> {
    match value {
        Value::Number(..) | Value::SingleQuotedString(_) | Value::Boolean(_) | Value::Null | Value::Placeholder(_) => {
            Ok(())
        }
        _ => Err(Misfit::NotUnderstood("a value is a number, a string in single quotes, or a parameter".to_owned())),
    }
}

/// A part of a date, by a name of its own.
fn field(field: &DateTimeField) -> Seen<()> {
    use DateTimeField::*;
    match field {
        Custom(_) | Week(Some(_)) => unsupported("names an odd part of a date"),
        Year | Years | Month | Months | Week(None) | Weeks | Day | DayOfWeek | DayOfYear | Days | Date | Datetime
        | Hour | Hours | Minute | Minutes | Second | Seconds | Century | Decade | Dow | Doy | Epoch | Isodow
        | Isoyear | IsoWeek | Julian | Microsecond | Microseconds | Millenium | Millennium | Millisecond
        | Milliseconds | Nanosecond | Nanoseconds | Quarter | Time | Timezone | TimezoneAbbr | TimezoneHour
        | TimezoneMinute | TimezoneRegion | NoDateTime => Ok(()),
    }
}

/// Types that only say how a value is read.
fn cast(data_type: &DataType) -> Seen<()> {
    use DataType::*;
    match data_type {
        Character(_)
        | Char(_)
        | CharacterVarying(_)
        | CharVarying(_)
        | Varchar(_)
        | Uuid
        | Numeric(_)
        | Decimal(_)
        | Dec(_)
        | Float(_)
        | SmallInt(_)
        | Int(_)
        | Int2(_)
        | Int4(_)
        | Int8(_)
        | Integer(_)
        | BigInt(_)
        | Float4
        | Float8
        | Real
        | DoublePrecision
        | Bool
        | Boolean
        | Date
        | Time(..)
        | Timestamp(..)
        | JSON
        | JSONB
        | Text
        | Bytea
        | Interval { .. } => Ok(()),
        Array(ArrayElemTypeDef::SquareBracket(of, _)) => cast(of),
        Custom(name, modifiers) if modifiers.is_empty() => match name.0.as_slice() {
            [ObjectNamePart::Identifier(name)] if is_type(&fold(name)) => Ok(()),
            _ => unsupported(&format!("casts to `{data_type}`")),
        },
        other => unsupported(&format!("casts to `{other}`")),
    }
}
