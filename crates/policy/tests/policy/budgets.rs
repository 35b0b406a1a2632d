//! Budgets of rules: how they are written, and what a call is charged.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_policy::{Amount, Calls, Code, Decision, DiagnosticCode, Grant, Manifest, Rate, Request, Window};

use crate::world::{authority, grant, manifest};

const HEAD: &str = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\ntools.s.command = [\"s\"]\nmounts.m = \"m\"\n";

fn tool(args: &str, limits: &str) -> String {
    format!("{HEAD}[[allow]]\nid = \"a\"\ntool = \"s/t\"\nargs = {args}\nlimits = {limits}\n")
}

fn request(call: &str) -> Request {
    Request::parse(call).unwrap()
}

/// What a call is charged, as (agent, manifest, rule, amount).
fn charges(grant: &Grant, call: &str) -> Vec<(String, String, String, String)> {
    let verdict = grant.decide(&request(call));
    let charges = verdict.charges().iter().map(|charge| {
        let manifest = charge.rule().allowance().unwrap().manifest().to_owned();
        (charge.agent().to_owned(), manifest, charge.rule().id().to_owned(), Amount(charge.amount()).to_string())
    });
    charges.collect()
}

fn row(manifest: &str, rule: &str, amount: &str) -> (String, String, String, String) {
    ("bot".into(), manifest.into(), rule.into(), amount.into())
}

#[test]
fn budgets_arrive_as_they_are_written() {
    let text = tool(
        "{ amount = { max = 5000 } }",
        "{ calls = \"60/min\", rate = \"5/s\", sum = { arg = \"amount\", max = 20000, per = \"24h\" }, timeout = \"5s\" }",
    );
    let manifest = manifest(&text);
    let allowance = manifest.rule("a").unwrap().allowance().unwrap();
    let calls = |max, per| Some(Calls { max: NonZeroU64::new(max).unwrap(), per });
    assert_eq!(allowance.calls(), calls(60, Window::Last(Duration::from_secs(60))));
    assert_eq!(allowance.rate(), Some(Rate { calls: NonZeroU64::new(5).unwrap(), per: Duration::from_secs(1) }));
    let sum = allowance.sum().unwrap();
    assert_eq!((sum.argument(), sum.max().get(), sum.per().to_string().as_str()), ("amount", 20_000_000_000, "24h"));
    assert_eq!(allowance.to_string(), "calls 60/min, rate 5/s, sum of `amount` 20000/24h");
    let per_run = self::manifest(&tool("{}", "{ calls = 100 }"));
    assert_eq!(per_run.rule("a").unwrap().allowance().unwrap().calls(), calls(100, Window::Run));
    let none = self::manifest(&tool("{}", "{ timeout = 1 }"));
    assert_eq!(none.rule("a").unwrap().allowance(), None);
}

#[test]
fn every_kind_counts_calls_and_has_a_rate() {
    let limits = "limits = { calls = \"5/min\", rate = \"1/s\" }\n";
    let text = format!(
        "{HEAD}stores.s = \"private\"\ndatabases.d = \"sqlite:d\"\n\
         [[allow]]\nid = \"f\"\nfetch = \"a.example\"\n{limits}\
         [[allow]]\nid = \"k\"\nkv = \"s/**\"\nactions = [\"get\"]\n{limits}\
         [[allow]]\nid = \"c\"\ncrypto = \"-\"\nactions = [\"hash\"]\n{limits}\
         [[allow]]\nid = \"p\"\nfile = \"m/**\"\nactions = [\"read\"]\n{limits}\
         [[allow]]\nid = \"q\"\nsql = \"d\"\ntables = {{ a = [\"select\"], b = [\"select\"] }}\n{limits}"
    );
    let grant = grant(&text);
    for (call, rule) in [
        ("fetch GET https://a.example/", "f"),
        ("kv get s/a", "k"),
        ("crypto hash -", "c"),
        ("file read /m/a", "p"),
        ("sql select d/a", "q"),
        ("sql select d/b", "q"),
    ] {
        assert_eq!(charges(&grant, call), [row("m", rule, "0")], "{call}");
    }
}

#[test]
fn a_call_is_charged_what_it_says() {
    let text =
        tool("{ \"p.amount\" = { max = 5000 } }", "{ sum = { arg = \"p.amount\", max = 20000, per = \"run\" } }");
    let grant = grant(&text);
    for (amount, charged) in
        [("5", "5"), ("0.10", "0.1"), ("1e3", "1000"), ("0", "0"), ("-0.0", "0"), ("0.000001", "0.000001")]
    {
        let call = format!("tool call s/t {{\"p\": {{\"amount\": {amount}}}}}");
        assert_eq!(charges(&grant, &call), [row("m", "a", charged)], "{amount}");
    }
    for amount in ["-1", "-0.000001", "0.0000001", "5000.1", "\"5\"", "null", "[5]"] {
        let verdict = grant.decide(&request(&format!("tool call s/t {{\"p\": {{\"amount\": {amount}}}}}")));
        assert_eq!((verdict.code(), verdict.charges().len()), (Code::ManifestArgument, 0), "{amount}");
    }
    assert!(grant.allows_some(&request("tool call s/t")), "some arguments would do");
    let text = grant.explain(&request("tool call s/t {\"p\": {\"amount\": -1}}")).to_string();
    assert!(text.contains("argument `p.amount` is added up, and is not a number from 0"), "{text}");
    let text = grant.explain(&request("tool call s/t {\"p\": {\"amount\": 1}}")).to_string();
    assert!(text.contains("\n  note: budget of rule `a`, m.toml:6: sum of `p.amount` 20000/run"), "{text}");
}

#[test]
fn the_rules_that_decide_are_charged_and_no_others() {
    let calls = "limits = { calls = 5 }\n";
    let text = format!(
        "ceiling = \"c.toml\"\n{HEAD}\
         [[allow]]\nid = \"first\"\ntool = \"s/t\"\nargs = {{ n = {{ max = 5 }} }}\n{calls}\
         [[allow]]\nid = \"second\"\ntool = \"s/*\"\n{calls}[[allow]]\nid = \"third\"\ntool = \"s/t\"\n{calls}"
    );
    let outer = "schema = 1\nid = \"org\"\ntools.s.command = [\"s\"]\n[[allow]]\nid = \"all\"\ntool = \"s/*\"\nlimits = { calls = 9 }\n";
    let outer = Arc::new(Manifest::parse(outer, "c.toml").unwrap());
    let scope = "tool:call:s/*";
    let new = || Grant::new(manifest(&text), Some(Arc::clone(&outer)), authority(scope, scope, None));
    let parent = new();
    assert_eq!(charges(&parent, "tool call s/t {\"n\": 5}"), [row("m", "first", "0"), row("org", "all", "0")]);
    assert_eq!(charges(&parent, "tool call s/t {\"n\": 6}"), [row("m", "second", "0"), row("org", "all", "0")]);
    // A run that another started takes of the other's, too.
    let plain = format!("{HEAD}[[allow]]\nid = \"a\"\ntool = \"s/*\"\n");
    let child = Grant::new(manifest(&plain), None, authority(scope, scope, None)).within(Arc::new(parent));
    assert_eq!(charges(&child, "tool call s/t {\"n\": 5}"), [row("m", "first", "0"), row("org", "all", "0")]);
    let denied = child.decide(&request("tool call x/t"));
    assert_eq!((denied.decision(), denied.charges().len()), (Decision::Deny, 0));
}

#[test]
fn mistakes_are_found() {
    let bounded = "{ amount = { max = 5 } }";
    let sum = |rest: &str| format!("{{ sum = {{ {rest} }} }}");
    for (args, limits, code, says) in [
        ("{}", "{ calls = 0 }".to_owned(), DiagnosticCode::BadQuantity, "write `calls`"),
        ("{}", "{ calls = -1 }".to_owned(), DiagnosticCode::BadQuantity, "write `calls`"),
        ("{}", "{ calls = \"60\" }".to_owned(), DiagnosticCode::BadQuantity, "write `calls`"),
        ("{}", "{ calls = \"0/min\" }".to_owned(), DiagnosticCode::BadQuantity, "write `calls`"),
        ("{}", "{ calls = \"60/fortnight\" }".to_owned(), DiagnosticCode::BadQuantity, "write `calls`"),
        ("{}", "{ calls = \"+6/min\" }".to_owned(), DiagnosticCode::BadQuantity, "write `calls`"),
        ("{}", "{ calls = \"6/0s\" }".to_owned(), DiagnosticCode::BadQuantity, "write `calls`"),
        ("{}", "{ calls = true }".to_owned(), DiagnosticCode::WrongType, "60/min"),
        ("{}", "{ rate = 5 }".to_owned(), DiagnosticCode::WrongType, "5/s"),
        ("{}", "{ rate = \"5/run\" }".to_owned(), DiagnosticCode::BadQuantity, "write `rate`"),
        ("{}", "{ sum = 5 }".to_owned(), DiagnosticCode::WrongType, "24h"),
        (bounded, sum("arg = \"amount\", max = 5"), DiagnosticCode::MissingField, "no `per`"),
        (bounded, sum("arg = \"amount\", max = 0, per = \"h\""), DiagnosticCode::BadQuantity, "zero"),
        (bounded, sum("arg = \"amount\", max = 9000000000001, per = \"h\""), DiagnosticCode::BadQuantity, "at most"),
        (bounded, sum("arg = \"amount\", max = 5, per = \"day\""), DiagnosticCode::BadQuantity, "is no time"),
        (bounded, sum("arg = \"amuont\", max = 5, per = \"h\""), DiagnosticCode::BadCondition, "has no condition"),
        (bounded, sum("arg = \"amount\", max = 5, per = \"h\", x = 1"), DiagnosticCode::UnknownField, "`sum`"),
        ("{ a = { min = 1 } }", sum("arg = \"a\", max = 5, per = \"h\""), DiagnosticCode::BadCondition, "with a bound"),
        (
            "{ a = { max = 1, optional = true } }",
            sum("arg = \"a\", max = 5, per = \"h\""),
            DiagnosticCode::BadCondition,
            "with a bound",
        ),
        (
            "{ a = { in = [1, \"x\"] } }",
            sum("arg = \"a\", max = 5, per = \"h\""),
            DiagnosticCode::BadCondition,
            "with a bound",
        ),
        ("{}", "{ concurrent = 1 }".to_owned(), DiagnosticCode::NotSupported, "concurrent"),
    ] {
        let errors = Manifest::parse(&tool(args, &limits), "m.toml").unwrap_err();
        let found = errors.iter().any(|error| {
            error.code == code
                && (error.message.contains(says) || error.help.as_ref().is_some_and(|help| help.contains(says)))
        });
        assert!(found, "{args} {limits}: {errors:#?}");
    }
    let file = |line: &str| format!("{HEAD}[[allow]]\nid = \"a\"\nfile = \"m/**\"\nactions = [\"read\"]\n{line}\n");
    for (text, says) in [
        (file("limits = { response = 5 }"), "belong to rules for `fetch` and `tool`"),
        (file("limits = { sum = { arg = \"a\", max = 1, per = \"h\" } }"), "needs conditions"),
        (file("calls = 5"), "stand in `limits`"),
        (file("rate = \"5/s\""), "stand in `limits`"),
        (format!("{HEAD}[[deny]]\nid = \"a\"\nfile = \"m/**\"\nlimits = {{ calls = 5 }}\n"), "a deny rule has none"),
    ] {
        let errors = Manifest::parse(&text, "m.toml").unwrap_err();
        assert!(
            errors.iter().any(|error| error.code == DiagnosticCode::MisplacedField && error.message.contains(says)),
            "{text}\n{errors:#?}"
        );
    }
}

#[test]
fn a_sum_that_no_call_fits_is_doubtful_and_budgets_make_no_rule_redundant() {
    let warnings = |text: &str| manifest(text).warnings().iter().map(|finding| finding.code).collect::<Vec<_>>();
    let sum = "{ sum = { arg = \"a\", max = 5, per = \"h\" } }";
    assert_eq!(warnings(&tool("{ a = { min = 6, max = 9 } }", sum)), [DiagnosticCode::Impossible]);
    assert_eq!(warnings(&tool("{ a = { in = [6, 7] } }", sum)), [DiagnosticCode::Impossible]);
    assert_eq!(warnings(&tool("{ a = { in = [5, 7] } }", sum)), []);
    let two = |limits: &str| {
        format!("{HEAD}[[allow]]\nid = \"a\"\ntool = \"s/t\"\n{limits}[[allow]]\nid = \"b\"\ntool = \"s/*\"\n")
    };
    assert_eq!(warnings(&two("")), [DiagnosticCode::Shadowed]);
    assert_eq!(warnings(&two("limits = { calls = 1 }\n")), []);
}
