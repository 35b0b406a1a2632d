//! Servers of tools that are programs: one that does what it should and what it must not, `tests/mcp/server.py`.

use std::path::Path;
use std::sync::Arc;

use bailiwick_guard::{CallError, Guard};
use bailiwick_host::tools::{Acceptances, CallTool, ServerError, ToolResult, inspect};
use bailiwick_host::{Host, Services};
use bailiwick_policy::{Arguments, Code, Manifest, ToolName};

use crate::support::{code, guard};

/// A run whose server's tools were accepted.
struct Run {
    guard: Guard,
    host: Host,
    _folder: tempfile::TempDir,
}

fn rules(arguments: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/mcp/server.py");
    let script = script.canonicalize().unwrap();
    format!(
        "[tools.bad]\ncommand = [\"/usr/bin/python3\", \"-I\", {script:?}{arguments}]\n[[allow]]\nid = \"r\"\ntool = \"bad/*\"\n"
    )
}

fn manifest(rules: &str) -> Manifest {
    Manifest::parse(&format!("schema = 1\nid = \"test\"\nagents = [\"bot\"]\n{rules}"), "m.toml").unwrap()
}

impl Run {
    async fn new(arguments: &str) -> Run {
        let folder = tempfile::tempdir().unwrap();
        let rules = rules(arguments);
        let manifest = manifest(&rules);
        let all = Acceptances::open(&folder.path().join("accepted")).unwrap();
        let services = Services::default();
        let launch = services.launch(manifest.tools().first().unwrap(), folder.path()).unwrap();
        let mut acceptance = all.read("test", "bad").unwrap();
        let found = inspect(&launch, &acceptance).await.unwrap();
        acceptance.accept(&launch, found.acceptable(None));
        all.write("test", "bad", &acceptance).unwrap();
        let host = services.with_accepted(Arc::new(all)).open(&manifest, folder.path()).unwrap();
        Run { guard: guard(&rules), host, _folder: folder }
    }

    async fn call(&self, tool: &str, arguments: &str) -> Result<ToolResult, CallError> {
        let tool = ToolName::parse(&format!("bad/{tool}")).unwrap();
        let arguments = Arguments::parse(arguments).unwrap();
        self.guard.call(&self.host.tools, CallTool { tool, arguments }).await
    }

    /// The explanation of the call that ended last, for the operator.
    fn explained(&self) -> String {
        self.guard.records().last().unwrap().explanation.clone().unwrap_or_default()
    }
}

#[tokio::test]
async fn what_a_program_answers_is_kept_as_it_said_it() {
    let run = Run::new("").await;
    let said = run.call("echo", "{\"text\": \"h\\u00e9\"}").await.unwrap().to_json();
    assert_eq!(said, r#"{"content":[{"type":"text","text":"hé"}],"structured":null,"is_error":false}"#);
    let sum = run.call("add", "{\"a\": 2, \"b\": 3}").await.unwrap().to_json();
    assert_eq!(sum, r#"{"content":[],"structured":{"sum":5},"is_error":false}"#);
    let failed = run.call("says_it_failed", "{}").await.unwrap().to_json();
    assert!(failed.contains("no such city") && failed.contains("\"is_error\":true"), "{failed}");
    // A request of the server's is refused, but for a ping.
    let told = run.call("asks", "{}").await.unwrap().to_json();
    assert_eq!(told.matches("-32601").count(), 3, "{told}");
    run.host.tools.close().await;
}

#[tokio::test]
async fn what_a_program_does_wrong_has_a_code_and_an_explanation() {
    // One run for a few of them: a server is started four times in a run.
    for wrongs in [
        &[
            ("error", Code::ToolError, "error"),
            ("wrong_structure", Code::ToolResult, ""),
            ("die", Code::ToolServer, "it ended"),
        ][..],
        &[("garbage", Code::ToolServer, "broke the protocol"), ("other_id", Code::ToolServer, "broke the protocol")],
        &[("both", Code::ToolServer, "broke the protocol"), ("deep", Code::ToolServer, "broke the protocol")],
        &[
            ("endless_line", Code::ResponseBytes, "more than was asked for"),
            ("endless_noise", Code::ToolServer, "without end"),
        ],
        &[
            ("endless_notifications", Code::ToolServer, "without end"),
            ("endless_requests", Code::ToolServer, "without end"),
        ],
    ] {
        let run = Run::new("").await;
        for (tool, expected, why) in wrongs {
            assert_eq!(code(run.call(tool, "{}").await), *expected, "{tool}");
            let explained = run.explained();
            assert!(explained.contains(why), "{tool}: {explained}");
        }
        run.call("echo", "{\"text\": \"again\"}").await.unwrap();
        run.host.tools.close().await;
    }
}

#[tokio::test]
async fn what_changed_or_was_not_accepted_is_not_called() {
    let run = Run::new(", \"--from\", \"0\", \"meanwhile\"").await;
    run.call("echo", "{\"text\": \"x\"}").await.unwrap();
    assert_eq!(code(run.call("echo", "{\"text\": \"x\"}").await), Code::ToolChanged);
    assert_eq!(code(run.call("no_such_tool", "{}").await), Code::ToolUnaccepted);
    assert_eq!(code(run.call("echo", "{}").await), Code::ToolArguments);
    run.host.tools.close().await;
}

#[tokio::test]
async fn a_program_of_no_use_says_why() {
    for (wrong, said) in [
        ("exit", "before it answered"),
        ("flood-at-start", "sent more than was asked for"),
        ("version", "speaks version `1999-01-01`"),
        ("twice", "two tools of the same name"),
        ("pages", "more than 1000 tools"),
        ("many", "more than 1000 tools"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let manifest = manifest(&rules(&format!(", \"--from\", \"0\", \"{wrong}\"")));
        let launch = Services::default().launch(&manifest.tools()[0], folder.path()).unwrap();
        let error = inspect(&launch, &Default::default()).await.unwrap_err();
        assert!(error.to_string().contains(said), "{wrong}: {error}");
        assert_eq!(
            matches!(error, ServerError::Closed { ref stderr } if stderr.contains("a traceback")),
            wrong == "exit"
        );
    }
}
