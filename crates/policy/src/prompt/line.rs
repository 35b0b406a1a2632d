//! What is granted, a line each.

use super::quantities::{duration, size};
use super::{Grant, MAX_LINES};
use crate::columns::Within;
use crate::condition::{Condition, Test};
use crate::kind::{ActionName, Kind};
use crate::rule::SecretPlace;
use crate::scope::Scope;
use crate::text::Printable;

/// One granted thing, in a line.
pub(super) fn line(grant: &Grant<'_>) -> String {
    let scope = &grant.scope;
    let resource = shown(scope);
    let actions = actions(scope);
    let mut line = match scope.kind() {
        Kind::Crypto if resource == "-" => format!("without a key: {actions}"),
        Kind::Tool => code(&resource),
        _ => format!("{}: {actions}", code(&resource)),
    };
    let terms = &grant.terms;
    if scope.kind() == Kind::Fetch {
        line += if terms.redirects { "; redirects are followed" } else { "; redirects are not followed" };
        if !terms.headers.is_empty() && terms.headers != crate::rule::DEFAULT_HEADERS {
            let headers: Vec<String> = terms.headers.iter().map(|header| code(header)).collect();
            line += &format!("; request headers: {}", headers.join(", "));
        }
    }
    for secret in &terms.secrets {
        let name = code(&secret.name.to_string());
        line += &match &secret.place {
            SecretPlace::Header(header) => format!("; secret {name} in the header {}", code(header)),
            SecretPlace::Query(key) => format!("; secret {name} as the query parameter {}", code(key)),
            SecretPlace::Body(member) => format!("; secret {name} as the member {} of the JSON body", code(member)),
        };
    }
    for (what, bytes) in [("request", terms.request), ("response", terms.response)] {
        if let Some(bytes) = bytes {
            line += &format!("; {what} up to {}", size(bytes.get()));
        }
    }
    if let Some(time) = terms.timeout {
        line += &format!("; at most {}", duration(time));
    }
    if terms.sensitive {
        line += "; only with a fresh token that is bound to a key";
    }
    if let Some(query) = &grant.query {
        let parameters: Vec<String> = query.iter().map(|condition| demand(condition)).collect();
        line += &match parameters.as_slice() {
            [] => "; without a query".to_owned(),
            some => format!("; in the query only {}", some.join(", ")),
        };
    }
    for allowance in &grant.allowances {
        line += &format!("; at most {allowance}, all calls under the rule together");
    }
    let conditions: Vec<String> = grant.conditions.iter().map(|condition| demand(condition)).collect();
    if let Within::These(columns) = &grant.columns {
        let more = if columns.len() > MAX_LINES { ", …" } else { "" };
        let columns: Vec<String> = columns.iter().take(MAX_LINES).map(|column| code(column)).collect();
        line += &format!("; only the columns {}{more}, also in conditions", columns.join(", "));
    }
    if !conditions.is_empty() {
        line += &format!("; {}", conditions.join("; "));
    }
    line
}

pub(super) fn actions(scope: &Scope) -> String {
    let upper = scope.kind() == Kind::Fetch;
    let name = |action: ActionName| if upper { action.as_str().to_ascii_uppercase() } else { action.to_string() };
    scope.actions().map(name).collect::<Vec<_>>().join(", ")
}

fn demand(condition: &Condition) -> String {
    let name = code(&condition.argument);
    let tests = condition.tests.iter().map(|test| match test {
        Test::In(literals) => {
            let shown: Vec<String> = literals.iter().take(20).map(ToString::to_string).collect();
            let more = if literals.len() > 20 { ", …" } else { "" };
            format!("one of {}{more}", shown.join(", "))
        }
        Test::Min(bound) => format!("at least {bound}"),
        Test::Max(bound) => format!("at most {bound}"),
        Test::MinLength(least) => format!("of length {least} or more"),
        Test::MaxLength(most) => format!("of length {most} or less"),
        Test::Prefix(prefix) => format!("a text that starts with {}", code(prefix)),
        Test::Pattern(expression) => {
            format!("a text that the regular expression {} matches whole", code(&expression.to_string()))
        }
        Test::Type(kind) => format!("of the JSON type `{}`", kind.as_str()),
        Test::Amount => "a number from 0 with at most six digits after the point".to_owned(),
    });
    let tests: Vec<String> = tests.collect();
    let optional = if condition.optional { " (may be left out)" } else { "" };
    if tests.is_empty() {
        return if optional.is_empty() { format!("{name} must be given") } else { format!("{name}{optional}") };
    }
    format!("{name}{optional} must be {}", tests.join(" and "))
}

/// A scope's resource as people write it.
pub(super) fn shown(scope: &Scope) -> String {
    let resource = scope.resource().to_string();
    match scope.kind() {
        Kind::File => format!("/{resource}"),
        Kind::Fetch if !resource.starts_with("http://") => format!("https://{resource}"),
        _ => resource,
    }
}

/// Text as code within a line: nothing in it is Markdown, and nothing in it is hidden.
pub(super) fn code(text: &str) -> String {
    let text = Printable(text).to_string();
    if !text.contains('`') {
        return format!("`{text}`");
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    format!("{fence} {text} {fence}")
}
