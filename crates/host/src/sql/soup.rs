//! What SQLite makes of odd texts, compared with what [`tokens`](super::tokens) makes of them.
#![expect(clippy::disallowed_methods, reason = "SQLite itself, to compare with")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::tokens::{Token, outline, replaces, tokens};

/// What SQLite is given: words, mostly of statements that it understands, and odd things between and within them.
fn soup() -> impl Strategy<Value = String> {
    let statements = [
        "insert or replace into t values ( 1 , 'hidden' )",
        "replace into t values ( 1 , 4111111 )",
        "update or replace t set a = 1 where a = 2",
        "with c as ( select 1 ) insert or replace into t select 1 , 'hidden' from c",
        "insert into t values ( 3 , replace ( 'hidden' , 'x' , 4111111 ) )",
        "insert or ignore into t values ( 1 , x'ab' ) on conflict do nothing",
        "insert or replace into t ( \"a\" , [b] ) values ( ?1 , $b ) returning `a` + 1.5e0",
    ];
    let odd = [
        "\u{feff}",
        "\u{feff}\u{feff}",
        " ",
        "\n",
        "\t",
        "\r",
        "\x0b",
        "\x0c",
        " \x0b",
        "/**/",
        "/*'*/",
        "/*/ */",
        "/* -- */",
        "--\n",
        "--'\n",
        "-- /*\n",
        "",
        "/*",
        "--",
        "*/",
        "'",
        "''",
        "'x'",
        "\"",
        "\"x\"",
        "`",
        "[",
        "]",
        "[x]",
        "(",
        ")",
        ";",
        "::",
        ":",
        "$a",
        "$a::b",
        "$a(')",
        "@a",
        "#",
        "?",
        "?1x",
        "x'",
        "x'ab'",
        "x'a'''",
        "1e5",
        "1.",
        ".5",
        "0x1f",
        "1_0",
        "1replace",
        "\0",
        "\u{a0}",
        "\u{200b}",
        "\u{fec0}",
        "\u{2028}",
        "é",
        "replace",
        "or",
        "explain",
        "4111111",
    ];
    let between = prop::collection::vec((any::<u8>(), prop::sample::select(odd.to_vec())), 32);
    (prop::sample::select(statements.to_vec()), between, 0_u8..200).prop_map(|(statement, between, share)| {
        let mut text = String::new();
        for (word, (chance, odd)) in statement.split(' ').zip(between) {
            text.push_str(if chance < share { odd } else { " " });
            text.push_str(word);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Whatever SQLite takes for a statement that removes rows and does not tell is one that we say so of; and values do
    /// not get into records.
    #[test]
    fn sqlite_replaces_nothing_that_is_not_seen(text in soup()) {
        let seen = Arc::new(Mutex::new(BTreeSet::new()));
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'kept'), (2, 'kept')").unwrap();
        let watch = Arc::clone(&seen);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            watch.lock().unwrap().insert(match context.action {
                AuthAction::Delete { .. } => "delete",
                AuthAction::Update { .. } => "update",
                _ => "other",
            });
            Authorization::Allow
        }));
        let (done, explains) = match connection.prepare(&text) {
            Ok(mut statement) => {
                let explains = statement.is_explain() != 0;
                (statement.raw_query().next().is_ok(), explains)
            }
            Err(_) => (false, false),
        };
        connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>);
        let left = |rows: &str| connection.query_row(&format!("SELECT count(*) FROM t {rows}"), [], |row| row.get::<_, i64>(0)).unwrap();
        let seen = seen.lock().unwrap();
        let removed = left("") < 2 || (left("WHERE b = 'kept'") < 2 && !seen.contains("update"));
        if done && removed && !seen.contains("delete") {
            prop_assert!(tokens(&text).map_or(true, |tokens| replaces(&tokens)), "unseen: {text:?}");
        }
        if done && !explains {
            // A name is no value, whatever it is made of.
            let names = tokens(&text).unwrap_or_default();
            let names = names.iter().any(|token| match token {
                Token::Variable(name) => name.contains("411111"),
                Token::Word(word) => word.contains("411111") && !word.starts_with(|c: char| c.is_ascii_digit()),
                _ => false,
            });
            let outline = if names { String::new() } else { outline(&text) };
            prop_assert!(!outline.contains("hidden") && !outline.contains("411111"), "{text:?} -> {outline:?}");
        }
    }
}
