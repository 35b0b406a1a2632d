//! Tools of upstream servers.

use bailiwick_guard::{Attempt, CallError};
use bailiwick_host::tools::{CallTool, MAX_ARGUMENTS, ToolResult};
use bailiwick_policy::{ActionName, Arguments, Code, Kind, Request, Resource, ToolName};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::run::Door;

/// Calls a tool.
pub(crate) async fn call_tool(
    door: &Door,
    server: &str,
    tool: &str,
    arguments: Arguments,
) -> Result<ToolResult, CallError> {
    let resource = format!("{server}/{tool}");
    let tool = ToolName::parse(&resource).map_err(|error| refuse(door, &resource, error.code()))?;
    door.guard().call(&door.host().tools, CallTool { tool, arguments }).await
}

/// The arguments of a call: a JSON object of at most [`MAX_ARGUMENTS`] bytes, or a recorded refusal.
pub(crate) fn parse_tool_arguments(door: &Door, server: &str, tool: &str, text: &str) -> Result<Arguments, CallError> {
    if text.len() > MAX_ARGUMENTS {
        return Err(CallError::Limit(Code::ArgumentBytes));
    }
    Arguments::parse(text).map_err(|_| {
        // Arguments may hold what nobody else should read: the record has their length and hash alone.
        let hash = HEXLOWER.encode(&Sha256::digest(text));
        let resource = format!("{server}/{tool} (arguments of {} bytes, sha256 {hash})", text.len());
        refuse(door, &resource, Code::Malformed)
    })
}

/// The tools that this run may call and the operator accepted, as JSON: `{"server", "tool", "description", "schema"}`.
pub(crate) fn callable_tools(door: &Door) -> Vec<Value> {
    let grant = door.guard().grant();
    let accepted = door.host().tools.accepted();
    let callable = accepted.filter(|(server, tool)| {
        let name = ToolName::parse(&format!("{server}/{}", tool.name()));
        let request = name.and_then(|name| Request::new(ActionName::Call, Resource::Tool(name)));
        request.is_ok_and(|request| grant.allows_some(&request))
    });
    let shown = callable.map(|(server, tool)| {
        json!({
            "server": server,
            "tool": tool.name(),
            "description": tool.description(),
            "schema": tool.input_schema(),
        })
    });
    shown.collect()
}

fn refuse(door: &Door, resource: &str, code: Code) -> CallError {
    door.refuse(Attempt { kind: Kind::Tool, action: ActionName::Call, resource, code })
}
