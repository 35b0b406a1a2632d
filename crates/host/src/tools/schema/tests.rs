//! What fits, what does not, and what is not looked into for ever.

use serde_json::json;

use super::*;

#[test]
fn each_keyword_changes_the_answer() {
    for (schema, good, bad) in [
        (json!({"type": "string"}), json!("a"), json!(1)),
        (json!({"type": ["string", "null"]}), json!(null), json!(1)),
        (json!({"type": "integer"}), json!(2.0), json!(2.5)),
        (json!({"type": "number"}), json!(2.5), json!("2")),
        (json!({"type": "boolean"}), json!(true), json!(0)),
        (json!({"enum": [1, {"a": [1]}]}), json!({"a": [1.0]}), json!({"a": [2]})),
        (json!({"const": "x"}), json!("x"), json!("y")),
        (json!({"minimum": 1}), json!(1), json!(0.99)),
        (json!({"maximum": 1}), json!("not a number"), json!(1.01)),
        (json!({"exclusiveMinimum": 1}), json!(2), json!(1)),
        (json!({"exclusiveMaximum": 1}), json!(0), json!(1)),
        (json!({"minimum": 1, "exclusiveMinimum": true}), json!(2), json!(1)),
        (json!({"multipleOf": 0.1}), json!(0.3), json!(0.35)),
        (json!({"multipleOf": 3}), json!(9), json!(10)),
        (json!({"minLength": 2}), json!("äö"), json!("ä")),
        (json!({"maxLength": 2}), json!("äö"), json!("äöü")),
        (json!({"pattern": "^a+$"}), json!("aa"), json!("ab")),
        (json!({"items": {"type": "string"}}), json!(["a"]), json!(["a", 1])),
        (json!({"items": [{"type": "string"}], "additionalItems": false}), json!(["a"]), json!(["a", 1])),
        (json!({"prefixItems": [{"type": "string"}], "items": false}), json!(["a"]), json!(["a", 1])),
        (json!({"minItems": 1}), json!([1]), json!([])),
        (json!({"maxItems": 1}), json!([1]), json!([1, 2])),
        (json!({"uniqueItems": true}), json!([1, "1"]), json!([1, 1.0])),
        (json!({"contains": {"type": "string"}}), json!([1, "a"]), json!([1])),
        (json!({"contains": {"type": "string"}, "maxContains": 1}), json!(["a"]), json!(["a", "b"])),
        (json!({"contains": {"type": "string"}, "minContains": 0}), json!([]), json!(null)),
        (json!({"properties": {"a": {"type": "string"}}}), json!({"b": 1}), json!({"a": 1})),
        (json!({"required": ["a"]}), json!({"a": null}), json!({})),
        (json!({"properties": {"a": {}}, "additionalProperties": false}), json!({"a": 1}), json!({"b": 1})),
        (json!({"additionalProperties": {"type": "string"}}), json!({"a": "x"}), json!({"a": 1})),
        (json!({"patternProperties": {"^x": {"type": "string"}}}), json!({"a": 1}), json!({"xa": 1})),
        (json!({"propertyNames": {"maxLength": 1}}), json!({"a": 1}), json!({"ab": 1})),
        (json!({"minProperties": 1}), json!({"a": 1}), json!({})),
        (json!({"maxProperties": 1}), json!({"a": 1}), json!({"a": 1, "b": 1})),
        (json!({"dependentRequired": {"a": ["b"]}}), json!({"a": 1, "b": 1}), json!({"a": 1})),
        (json!({"dependentSchemas": {"a": {"required": ["b"]}}}), json!({"b": 1}), json!({"a": 1})),
        (json!({"dependencies": {"a": ["b"]}}), json!({}), json!({"a": 1})),
        (json!({"allOf": [{"minimum": 1}, {"maximum": 3}]}), json!(2), json!(4)),
        (json!({"anyOf": [{"type": "string"}, {"minimum": 3}]}), json!(3), json!(2)),
        (json!({"oneOf": [{"minimum": 1}, {"minimum": 3}]}), json!(2), json!(4)),
        (json!({"not": {"type": "string"}}), json!(1), json!("a")),
        (json!({"if": {"type": "string"}, "then": {"minLength": 1}}), json!(1), json!("")),
        (json!({"if": {"type": "string"}, "else": {"minimum": 1}}), json!(""), json!(0)),
        (json!({"$ref": "#/$defs/s", "$defs": {"s": {"type": "string"}}}), json!("a"), json!(1)),
        (
            json!({"definitions": {"a/b": false}, "properties": {"x": {"$ref": "#/definitions/a~1b"}}}),
            json!({}),
            json!({"x": 1}),
        ),
        (
            json!({"properties": {"next": {"$ref": "#"}}, "required": ["v"]}),
            json!({"v": 1, "next": {"v": 2}}),
            json!({"v": 1, "next": {}}),
        ),
        (json!(true), json!(1), json!(null)),
    ] {
        // `true` has no misfit, and numbers of items say nothing about other types.
        let has_misfit = schema != json!(true) && bad != json!(null);
        assert!(fits(&schema, &good), "{schema} {good}");
        assert!(!has_misfit || !fits(&schema, &bad), "{schema} {bad}");
        assert_eq!(problem(&schema), None, "{schema}");
    }
    assert!(!fits(&json!(false), &json!(1)));
}

#[test]
fn what_is_not_understood_fits_nothing() {
    for schema in [
        json!({"$ref": "https://a.example/schema"}),
        json!({"$ref": "other.json#/x"}),
        json!({"$ref": "#/missing"}),
        json!({"$ref": "#anchor"}),
        json!({"unevaluatedProperties": false}),
        json!({"properties": {"a": {"$dynamicRef": "#x"}}}),
    ] {
        assert!(problem(&schema).is_some(), "{schema}");
        assert!(!fits(&schema, &json!({"a": 1})), "{schema}");
    }
    for schema in
        [json!(1), json!({"type": "text"}), json!({"minimum": "1"}), json!({"required": [1]}), json!({"anyOf": {}})]
    {
        assert!(!fits(&schema, &json!({"a": 1})) || !fits(&schema, &json!(1)), "{schema}");
    }
}

#[test]
fn hostile_schemas_end() {
    assert!(!fits(&json!({"$ref": "#"}), &json!(1)));
    assert!(!fits(&json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}), &json!(1)));
    // Two ways at each of 100 levels.
    let child = json!({"anyOf": [{"$ref": "#"}, {"$ref": "#", "title": "again"}]});
    let branching = json!({"properties": {"x": child}, "maxProperties": 1});
    let deep = (0..100).fold(json!({"a": 1, "b": 1}), |inner, _| json!({"x": inner}));
    assert!(!fits(&branching, &deep));
    let many: Vec<_> = (0..5000).collect();
    assert!(!fits(&json!({"uniqueItems": true}), &json!(many)));
    let pattern = json!({"pattern": "(a|aa|aaa|aaaa)*b"});
    assert!(!fits(&pattern, &json!("a".repeat(10_000))));
    assert!(fits(&json!({"pattern": "(?=look)around"}), &json!("not checked")));
    let many = json!({"allOf": vec![json!({"pattern": "a"}); 201]});
    assert!(problem(&many).is_some_and(|problem| problem.contains("more patterns")));
    // Different ones, that would all be compiled.
    let many: Vec<_> = (1..1000).map(|n| json!({"pattern": format!("^a{{{n}}}")})).collect();
    assert!(!fits(&json!({"anyOf": many}), &json!("b")));
    // One that is met again and again is compiled once.
    let items = json!({"items": {"pattern": r"^\w{1,64}$"}});
    assert!(fits(&items, &json!(vec!["name"; 1000])));
}

#[test]
fn patterns_that_cannot_be_matched_do_not_let_everything_in() {
    let (large, around) = ("(((a{1000}){1000}){1000})", "(?=look)around");
    let names = |pattern: &str| json!({"patternProperties": {pattern: {}}, "additionalProperties": false});
    assert!(fits(&names("^a$"), &json!({"a": 1})) && problem(&names("^a$")).is_none());
    for (schema, value, why) in [
        (json!({"pattern": large}), json!("a"), "too large"),
        (json!({"not": {"pattern": large}}), json!("a"), "too large"),
        (names(large), json!({"a": 1}), "too large"),
        (names(around), json!({"around": 1}), "look-around"),
        (names("("), json!({"(": 1}), "a mistake"),
    ] {
        assert!(!fits(&schema, &value), "{schema}");
        assert!(problem(&schema).is_some_and(|problem| problem.contains(why)), "{schema}");
    }
    assert_eq!(problem(&json!({"pattern": around})), None);
    // What servers write.
    for usual in [r"^\w{1,64}$", r"^[\w.-]{1,128}$", "^[a-zA-Z0-9_-]{1,1000}$", "^.{1,1000}$", r"^\S{1,255}$"] {
        assert_eq!(problem(&json!({"pattern": usual})), None, "{usual}");
    }
}
