//! Functions of the orchestrator as tools of its guests.
//!
//! `cargo run -p bailiwick --example closures`
#![expect(clippy::print_stdout, reason = "a program that shows something")]

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use bailiwick::guard::{AuditLog, Life, Timestamp};
use bailiwick::host::Services;
use bailiwick::host::tools::{ToolContext, ToolError};
use bailiwick::policy::{Authority, Grant, Manifest, Principal};
use bailiwick::{Executor, Guest, Job, Report};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The arguments of a tool: what their types and comments say, guests and models see.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateInvoice {
    /// Who pays.
    customer: String,
    /// In cents.
    amount: u64,
}

/// Its result.
#[derive(Serialize)]
struct Invoice {
    number: u32,
    text: String,
}

/// What guests may call, if their manifests say so.
pub(crate) fn services() -> Result<Services, Box<dyn Error>> {
    let create = |invoice: CreateInvoice, context: ToolContext| async move {
        if invoice.amount == 0 {
            return Err(ToolError::new("an invoice needs an amount"));
        }
        let text = format!("{} owes {} (asked by {})", invoice.customer, invoice.amount, context.principal().agent);
        Ok(Invoice { number: 7, text })
    };
    Ok(Services::builder().tool("billing", "create_invoice", "Creates an invoice.", create)?.build())
}

pub(crate) const MANIFEST: &str = r#"
schema = 1
id = "billing"
agents = ["billing-bot"]

[tools.billing]
embedded = true

[[allow]]
id = "small-invoices"
tool = "billing/create_invoice"
args = { amount = { max = 5000 } }
"#;

/// A guest that calls it with more and more, and prints the replies.
const GUEST: &str = r#"
(module
  (import "bailiwick" "call" (func $call (param i32 i32 i32 i32) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "tools.call")
  (data (i32.const 100) "{\"server\":\"billing\",\"tool\":\"create_invoice\",\"arguments\":{\"customer\":\"Ada\",\"amount\":4200}}")
  (data (i32.const 300) "{\"server\":\"billing\",\"tool\":\"create_invoice\",\"arguments\":{\"customer\":\"Ada\",\"amount\":9000}}")
  (func (export "run")
    (drop (call $call (i32.const 0) (i32.const 10) (i32.const 100) (i32.const 89)))
    (drop (call $call (i32.const 0) (i32.const 10) (i32.const 300) (i32.const 89)))))
"#;

/// Runs a guest under the manifest, on the word of this program.
pub(crate) async fn run(executor: &Executor, guest: Guest) -> Result<Report, Box<dyn Error>> {
    let manifest = Manifest::parse(MANIFEST, "billing.toml").map_err(|findings| format!("{findings:?}"))?;
    let agent = "billing-bot".to_owned();
    let principal = Principal { issuer: "orchestrator".into(), subject: agent.clone(), agent };
    let scopes = manifest.scopes(); // `tool:call:billing/create_invoice`
    let authority = Authority { principal, token: scopes.clone(), details: Vec::new(), registry: scopes, task: None };
    let grant = Grant::new(Arc::new(manifest), None, authority);
    Ok(executor.run(Job::new(guest, grant, ".").life(Life::until(Timestamp(u64::MAX)))).await?)
}

pub(crate) fn main() -> ExitCode {
    if let Some(code) = bailiwick::compile_child() {
        return code;
    }
    match show() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn show() -> Result<(), Box<dyn Error>> {
    let (log, _entries) = AuditLog::in_memory()?;
    let executor = Executor::builder(log).services(services()?).build()?;
    let report = run(&executor, Guest::from_bytes(GUEST.as_bytes().to_vec())?).await?;
    println!("{}", report.stop);
    for call in &report.calls {
        println!("{} {} -> {}", call.action, call.resource, call.code);
    }
    Ok(())
}
