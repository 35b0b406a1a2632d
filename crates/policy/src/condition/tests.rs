use bytes::Bytes;

use super::expression::{MAX_EXPRESSION, MAX_MATCHED};
use super::*;

fn passed(text: &str) -> Passed {
    Passed::Arguments(Arguments::parse(text).unwrap())
}

fn body(text: &str) -> Passed {
    let headers = [("content-type", &b"application/json"[..])];
    Passed::Arguments(Arguments::of_body(headers, Bytes::copy_from_slice(text.as_bytes())))
}

fn on(part: Part, argument: &str, test: Test) -> Conditions {
    Conditions { part, list: vec![Condition { argument: argument.into(), optional: false, tests: vec![test] }] }
}

/// Both parts see the same.
fn check(test: impl Fn() -> Test, value: &str) -> bool {
    let text = format!("{{\"a\":{value}}}");
    let seen = [
        on(Part::Arguments, "a", test()).check(&passed(&text)).is_ok(),
        on(Part::Body, "a", test()).check(&body(&text)).is_ok(),
    ];
    assert_eq!(seen[0], seen[1], "{value}");
    seen[0]
}

#[test]
fn numbers_are_compared_exactly() {
    for (value, at_most) in [
        ("5", true),
        ("5.0", true),
        ("6", false),
        ("5.0000000001", false),
        ("-1", true),
        ("-1e300", true),
        ("1e300", false),
        ("18446744073709551615", false),
        ("99999999999999999999", false),
        ("\"5\"", false),
        ("null", false),
        ("true", false),
        ("[5]", false),
    ] {
        assert_eq!(check(|| Test::Max(5), value), at_most, "{value}");
    }
    for (value, at_least) in [("5", true), ("4", false), ("4.99", false), ("-5", false), ("1e300", true)] {
        assert_eq!(check(|| Test::Min(5), value), at_least, "{value}");
    }
    // A body goes out as it was written, and not as a float would have it.
    for (value, at_most) in [("5.00000000000000000001", false), ("1e400", false), ("-1e-400", true)] {
        assert_eq!(on(Part::Body, "a", Test::Max(5)).check(&body(&format!("{{\"a\":{value}}}"))).is_ok(), at_most);
    }
    assert!(on(Part::Body, "a", Test::Min(0)).check(&body(r#"{"a":-1e-400}"#)).is_err());
}

#[test]
fn a_number_that_cannot_be_read_is_there_and_meets_nothing() {
    for text in ["0x10", "1_000", "NaN", "01", "1e", ""] {
        let found = Some(Seen::of_number(text));
        for optional in [false, true] {
            for tests in [vec![], vec![Test::Type(Type::Number)], vec![Test::Max(5)]] {
                let condition = Condition { argument: "a".into(), optional, tests };
                assert_eq!(condition.check_value(found), Err(Why::Number("a")), "{text}");
                assert_eq!(condition.check_value(None).is_ok(), optional);
            }
        }
        let tests = [Test::In(vec![Literal::Integer(0)]), Test::Min(0), Test::MinLength(0), Test::Amount];
        assert!(
            Type::ALL.map(Test::Type).iter().chain(&tests).all(|test| !test.holds(Seen::of_number(text))),
            "{text}"
        );
    }
    let mismatch = Mismatch { part: Part::Arguments, why: Why::Number("a") };
    assert_eq!(
        (mismatch.to_string().as_str(), mismatch.code()),
        ("argument `a` is a number that cannot be read", None)
    );
}

#[test]
fn lengths_count_characters_and_items() {
    for (value, fits) in [("\"ÄÖÜ\"", true), ("\"ÄÖÜx\"", false), ("[1,2,3]", true), ("[1,2,3,4]", false)] {
        assert_eq!(check(|| Test::MaxLength(3), value), fits, "{value}");
    }
    for (value, fits) in [("\"ÄÖÜ\"", true), ("\"ÄÖ\"", false), ("[1,2,3]", true), ("[1,2]", false)] {
        assert_eq!(check(|| Test::MinLength(3), value), fits, "{value}");
    }
    for value in ["1", "null", "{}"] {
        assert!(!check(|| Test::MaxLength(3), value) && !check(|| Test::MinLength(0), value), "{value}");
    }
}

#[test]
fn literals_are_equal_by_type_and_value() {
    let literals = || Test::In(vec![Literal::Text("EUR".into()), Literal::Integer(7), Literal::Boolean(false)]);
    for (value, is_one) in [
        ("\"EUR\"", true),
        ("\"eur\"", false),
        ("7", true),
        ("7.0", true),
        ("7.5", false),
        ("\"7\"", false),
        ("false", true),
        ("0", false),
        ("[\"EUR\"]", false),
    ] {
        assert_eq!(check(literals, value), is_one, "{value}");
    }
}

#[test]
fn prefixes_are_of_strings() {
    for (value, starts) in
        [("\"DE12\"", true), ("\"DE\"", true), ("\"de12\"", false), ("[\"DE\"]", false), ("1", false)]
    {
        assert_eq!(check(|| Test::Prefix("DE".into()), value), starts, "{value}");
    }
}

#[test]
fn patterns_match_whole_strings() {
    let cases = [
        ("a|b", "\"a\"", true),
        ("a|b", "\"ab\"", false),
        ("a|ab", "\"ab\"", true),
        ("[A-Z]{2}", "\"XY\"", true),
        ("[A-Z]{2}", "\"XYZ\"", false),
        ("[A-Z]{2}", "\"XY\\n\"", false),
        ("(?m)^a$", "\"x\\na\"", false),
        ("(?i)abc", "\"ABC\"", true),
        ("^a$", "\"a\"", true),
        (".*", "\"a\\nb\"", false),
        ("(?s).*", "\"a\\nb\"", true),
        ("", "\"\"", true),
        ("", "\"a\"", false),
        ("5", "5", false),
    ];
    for (pattern, value, matches) in cases {
        let test = || Test::Pattern(Expression::new(pattern).unwrap());
        assert_eq!(check(test, value), matches, "{pattern} {value}");
    }
    let long =
        |length: usize| check(|| Test::Pattern(Expression::new("a*").unwrap()), &format!("\"{}\"", "a".repeat(length)));
    assert!(long(MAX_MATCHED) && !long(MAX_MATCHED + 1));
}

#[test]
fn patterns_cannot_escape_their_anchors_or_take_the_host_down() {
    for pattern in ["a)|(b", "(", "[", "(?P<n", "a{1000}{1000}", "\\w{9999}", "(?x)a #", "\\1", "(?=a)", "*"] {
        let why = Expression::new(pattern).expect_err(pattern);
        assert!(!why.is_empty() && !why.contains('\n'), "{pattern}: {why}");
    }
    assert!(Expression::new(&"(".repeat(200)).is_err());
    assert!(Expression::new(&"a".repeat(MAX_EXPRESSION + 1)).is_err());
}

#[test]
fn types_are_those_of_json() {
    let values = [
        ("\"5\"", "string"),
        ("5", "number integer"),
        ("5.0", "number integer"),
        ("5.5", "number"),
        ("true", "boolean"),
        ("[]", "array"),
        ("{}", "object"),
        ("null", "null"),
    ];
    for (value, types) in values {
        for kind in Type::ALL {
            assert_eq!(
                check(|| Test::Type(kind), value),
                types.split(' ').any(|name| name == kind.as_str()),
                "{value}"
            );
        }
    }
}

#[test]
fn an_argument_may_be_missing_only_if_it_is_optional() {
    let conditions = |optional| Conditions {
        part: Part::Arguments,
        list: vec![Condition { argument: "a".into(), optional, tests: vec![Test::Max(1)] }],
    };
    let none = passed("{}");
    assert_eq!(conditions(false).check(&none).unwrap_err().to_string(), "argument `a` is missing");
    assert_eq!(conditions(true).check(&none), Ok(()));
    let over = passed(r#"{"a":2}"#);
    assert!(conditions(true).check(&over).is_err());
    assert_eq!(Conditions::default().check(&over), Ok(()));
    assert_eq!(conditions(false).check(&Passed::Anything), Ok(()));
}

#[test]
fn paths_lead_into_objects_and_nowhere_else() {
    for part in [Part::Arguments, Part::Body] {
        let given = |text: &str| if part == Part::Body { body(text) } else { passed(text) };
        let conditions = on(part, "payment.amount", Test::Max(5));
        let message = |text: &str| conditions.check(&given(text)).map_err(|mismatch| mismatch.to_string());
        assert_eq!(message(r#"{"payment":{"amount":5},"x":1}"#), Ok(()));
        assert!(message(r#"{"payment":{"amount":6}}"#).unwrap_err().contains("at most 5"));
        for missing in [r#"{"payment":5}"#, r#"{"payment":[{"amount":5}]}"#, r#"{"payment":{}}"#, "{}"] {
            assert!(message(missing).unwrap_err().contains("is missing"), "{missing}");
        }
        for alike in [
            r#"{"payment":{"amount":5},"Payment":{"amount":500}}"#,
            r#"{"payment":{"amount":5,"AMOUNT":500}}"#,
            r#"{"payment":{"amount":5},"payment.amount":500}"#,
            r#"{"Payment.Amount":500,"payment":{"amount":5}}"#,
        ] {
            assert!(message(alike).unwrap_err().contains("alike"), "{alike}");
        }
    }
}

#[test]
fn names_that_others_read_alike_are_refused() {
    let conditions = || {
        let optional = Condition { argument: "kind".into(), optional: true, tests: vec![Test::Prefix("x".into())] };
        Conditions { part: Part::Body, list: vec![optional] }
    };
    assert_eq!(conditions().check(&body(r#"{"kinds":"y"}"#)), Ok(()));
    // The sign for kelvin is a `k` to who folds case.
    for text in [r#"{"Kind":"y"}"#, r#"{"KIND":"y"}"#, "{\"\u{212a}ind\":\"y\"}", r#"{"k\u0131nd":"y"}"#] {
        assert!(conditions().check(&body(text)).is_err(), "{text}");
    }
}

#[test]
fn a_body_that_cannot_be_read_fails_every_condition() {
    let conditions = Conditions {
        part: Part::Body,
        list: vec![Condition { argument: "a".into(), optional: true, tests: vec![Test::Max(1)] }],
    };
    for text in ["", "[]", "{\"a\":1", r#"{"a":1,"a":1}"#] {
        let mismatch = conditions.check(&body(text)).unwrap_err();
        assert_eq!(mismatch.code(), Some(Code::RequestBody), "{text}");
    }
    assert_eq!(conditions.check(&passed("{}")).unwrap_err().code(), Some(Code::RequestBody));
    assert_eq!(conditions.check(&body("{\"a\":2}")).unwrap_err().code(), None);
}
