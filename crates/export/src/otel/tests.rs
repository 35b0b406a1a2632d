use bailiwick_guard::Timestamp;
use bailiwick_guard::audit::{Calls, Entry};

use super::*;

const RUN: &str = "01a2073c-98c0-71fc-a73f-61b2a372d2f7";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn entries(trace: &str) -> Vec<Entry> {
    let line = |at: u64, own: &str| {
        let at = Timestamp(1_795_417_741_000 + at);
        let context = format!(r#"{{"run":"{RUN}","agent":"bot","issuer":"i","subject":"s"{trace}}}"#);
        Entry::parse(format!(r#"{{"seq":0,"at":"{at}","context":{context},{own}}}"#).as_bytes()).unwrap()
    };
    vec![
        line(0, r#""type":"run_started""#),
        line(
            1,
            r#""type":"intent","call":1,"action":"file.read","resource":"/a","decision":"allow","code":"allow","rule":"r""#,
        ),
        line(31, r#""type":"outcome","call":1,"outcome":"done""#),
        line(
            32,
            r#""type":"intent","call":2,"action":"sql.select","resource":"d/t","decision":"deny","code":"deny.x""#,
        ),
        line(40, r#""type":"run_ended","stop":"finished","calls":2,"fuel":20000"#),
    ]
}

fn export(trace: &str) -> (Vec<Value>, Option<Value>) {
    let (mut traces, mut metrics, mut calls) = (Traces::default(), Metrics::default(), Calls::default());
    for entry in entries(trace) {
        let intent = calls.follow(&entry);
        traces.follow(&entry, intent.as_ref());
        metrics.follow(&entry, intent.as_ref());
    }
    let request = traces.take();
    assert!(traces.is_empty());
    (request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone(), metrics.request())
}

#[test]
fn a_run_is_a_span_and_its_calls_are_below_it() {
    let (spans, _) = export("");
    let [read, select, run] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(
        (&read["name"], &select["name"], &run["name"]),
        (&"file.read".into(), &"sql.select".into(), &"bailiwick.run".into())
    );
    for call in [read, select] {
        assert_eq!(call["parentSpanId"], run["spanId"]);
        assert_eq!(call["traceId"], RUN.replace('-', ""));
    }
    assert!(run.get("parentSpanId").is_none());
    assert_eq!(
        (&read["startTimeUnixNano"], &read["endTimeUnixNano"]),
        (&"1795417741001000000".into(), &"1795417741031000000".into())
    );
    assert_eq!(
        (&run["startTimeUnixNano"], &run["endTimeUnixNano"]),
        (&"1795417741000000000".into(), &"1795417741040000000".into())
    );
    assert_eq!((&read["status"], &select["status"]["message"]), (&json!({}), &"deny.x".into()));
    assert_eq!(export("").0, spans, "the same entries give the same spans");
}

#[test]
fn a_run_joins_the_trace_of_what_started_it() {
    let (spans, _) = export(&format!(r#","traceparent":"{PARENT}""#));
    for span in &spans {
        assert_eq!(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    }
    assert_eq!((&spans[2]["parentSpanId"], &spans[2]["flags"]), (&"00f067aa0ba902b7".into(), &1.into()));
    let (bad, _) = export(r#","traceparent":"00-zz""#);
    assert_eq!(bad, export("").0, "one that is not well-formed is none");
}

#[test]
fn metrics_count_calls_and_measure_runs() {
    let request = export("").1.unwrap();
    let metrics = request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    let names: Vec<_> = metrics.iter().map(|metric| metric["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["bailiwick.calls", "bailiwick.call.duration", "bailiwick.run.duration", "bailiwick.run.fuel"]);
    let counts: Vec<_> =
        metrics[0]["sum"]["dataPoints"].as_array().unwrap().iter().map(|point| &point["asInt"]).collect();
    assert_eq!(counts, ["1", "1"]);
    let duration = &metrics[1]["histogram"]["dataPoints"][0];
    assert_eq!((&duration["count"], &duration["sum"]), (&1.into(), &0.03.into()));
    let buckets = duration["bucketCounts"].as_array().unwrap();
    assert_eq!(buckets.len(), duration["explicitBounds"].as_array().unwrap().len() + 1);
    assert_eq!(buckets[3], 1, "30 ms are above 25 and not above 50");
    assert_eq!(metrics[3]["histogram"]["dataPoints"][0]["sum"], 20_000.0);
    assert!(Metrics::default().request().is_none());
}
