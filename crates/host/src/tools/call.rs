//! Calling a tool.

use std::time::Duration;

use bailiwick_guard::journal::{Crossed, Fingerprint, Place, Unwritable};
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Arguments, Code, Resource, ToolName};
use rmcp::model::CallToolResult;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::embedded::{Function, Given};
use super::server::CALL;
use super::{Source, Tools, schema};

/// Most bytes of a call's arguments, as JSON text.
pub const MAX_ARGUMENTS: usize = 1 << 20;
/// Most bytes of a result, as JSON text, that a rule can allow.
pub const MAX_RESULT: usize = 4 << 20;
/// Most bytes of a result unless the rule says otherwise.
const USUAL_RESULT: usize = 1 << 20;
/// No call may take longer, whatever the manifest says.
const LONGEST: Duration = Duration::from_secs(600);

/// Calls a tool. No `Debug`: its arguments belong in no log.
pub struct CallTool {
    pub tool: ToolName,
    pub arguments: Arguments,
}

/// What a tool answered. All of it is data from elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToolResult {
    /// Blocks of content.
    content: Vec<Value>,
    /// The structured result; `null` when there is none.
    structured: Value,
    /// The tool itself says that it failed.
    is_error: bool,
}

impl Action for CallTool {
    const NAME: ActionName = ActionName::Call;
    /// Whatever the tool says of itself: what is passed to it leaves the host.
    const EFFECT: Effect = Effect::World;
    type Output = ToolResult;

    fn resource(&self) -> Resource {
        Resource::Tool(self.tool.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("call-tool");
    }

    fn arguments(&self) -> Arguments {
        self.arguments.clone()
    }

    /// Starting the server, and the call itself, have deadlines of their own.
    fn deadline(&self) -> Duration {
        LONGEST
    }
}

impl Perform<CallTool> for Tools {
    async fn perform(&self, permit: Permit<'_, CallTool>) -> Result<ToolResult, HostError> {
        let CallTool { tool, arguments } = permit.action();
        let source = self.sources.get(tool.server()).ok_or(HostError::Failed(Code::NoTool))?;
        let shown = match source {
            Source::Upstream(server) => server.tool(tool.tool())?,
            Source::Embedded { functions, .. } => {
                functions.get(tool.tool()).map(Function::shown).ok_or(HostError::Failed(Code::NoTool))?
            }
        };
        let cap = |rule: Option<std::num::NonZeroU64>, usual, most| {
            rule.map_or(usual, |bytes| usize::try_from(bytes.get()).unwrap_or(usize::MAX)).min(most)
        };
        let arguments = arguments.members();
        if serde_json::to_vec(arguments).map_or(usize::MAX, |text| text.len())
            > cap(permit.terms().request, MAX_ARGUMENTS, MAX_ARGUMENTS)
        {
            return Err(HostError::Limit(Code::RequestBytes));
        }
        if !schema::fits(shown.input_schema(), &Value::Object(arguments.clone())) {
            return Err(HostError::Failed(Code::ToolArguments));
        }
        let max = cap(permit.terms().response, USUAL_RESULT, MAX_RESULT);
        let answer = match source {
            Source::Upstream(server) => server.call(shown, arguments, max).await.map(ToolResult::read),
            Source::Embedded { functions, timeout } => match functions.get(tool.tool()) {
                Some(function) => {
                    let within = timeout.unwrap_or(CALL);
                    function.call(arguments.clone(), permit.principal(), within).await.map(|given| Some(given.into()))
                }
                None => return Err(HostError::Failed(Code::NoTool)),
            },
        };
        let result = answer.map_err(|failure| {
            if let Some(why) = failure.why {
                permit.explain(why);
            }
            failure.error
        })?;
        let result = result.ok_or(HostError::Failed(Code::ToolResult))?;
        if result.to_json().len() > max {
            return Err(HostError::Limit(Code::ResponseBytes));
        }
        match shown.output_schema() {
            Some(output) if !result.is_error && !schema::fits(output, &result.structured) => {
                Err(HostError::Failed(Code::ToolResult))
            }
            _ => Ok(result),
        }
    }
}

impl Crossed for ToolResult {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        let ToolResult { content, structured, is_error } = self.clone();
        Value::from(vec![content.into(), structured, is_error.into()]).write()
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<ToolResult> {
        let Value::Array(members) = Value::read(bytes, place)? else { return None };
        match <[Value; 3]>::try_from(members) {
            Ok([Value::Array(content), structured, Value::Bool(is_error)]) => {
                Some(ToolResult { content, structured, is_error })
            }
            _ => None,
        }
    }
}

impl From<Given> for ToolResult {
    fn from(given: Given) -> ToolResult {
        match given {
            Given::Value(structured) => ToolResult { content: Vec::new(), structured, is_error: false },
            Given::Error(error) => ToolResult {
                content: vec![json!({ "type": "text", "text": error.to_string() })],
                structured: Value::Null,
                is_error: true,
            },
        }
    }
}

impl ToolResult {
    /// `{"content": […], "structured": …, "is_error": …}`.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Takes what a server answered; `None` if a block of it cannot be written.
    fn read(answer: CallToolResult) -> Option<ToolResult> {
        let content = answer.content.iter().map(|one| block(serde_json::to_value(one).ok()?)).collect::<Option<_>>()?;
        let structured = answer.structured_content.unwrap_or(Value::Null);
        Some(ToolResult { content, structured, is_error: answer.is_error == Some(true) })
    }
}

/// A block of content. Text, images and sounds have these members; other kinds are passed on as they are.
fn block(block: Value) -> Option<Value> {
    let Value::Object(mut members) = block else { return None };
    members.remove("_meta");
    let text = |members: &Map<String, Value>, key: &str| members.get(key)?.as_str().map(str::to_owned);
    let kind = text(&members, "type")?;
    match kind.as_str() {
        "text" => Some(json!({ "type": kind, "text": text(&members, "text")? })),
        "image" | "audio" => {
            let (mime, data) = (text(&members, "mimeType")?, text(&members, "data")?);
            Some(json!({ "type": kind, "mime_type": mime, "data": data }))
        }
        _ => Some(Value::Object(members)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_strictly() {
        let read = |value: Value| ToolResult::read(serde_json::from_value(value).ok()?).map(|result| result.to_json());
        assert_eq!(
            read(json!({"content": [
                {"type": "text", "text": "a", "annotations": {}},
                {"type": "image", "mimeType": "image/png", "data": "AA=="},
                {"type": "resource_link", "uri": "file:///x", "name": "x", "_meta": {}},
            ], "_meta": {}}))
            .unwrap(),
            "{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image\",\"mime_type\":\"image/png\",\"data\":\"AA==\"},\
             {\"type\":\"resource_link\",\"uri\":\"file:///x\",\"name\":\"x\"}],\"structured\":null,\"is_error\":false}"
        );
        assert_eq!(
            read(json!({"structuredContent": {"n": 1}, "isError": true})).unwrap(),
            "{\"content\":[],\"structured\":{\"n\":1},\"is_error\":true}"
        );
        for value in [
            json!(null),
            json!([]),
            json!({}),
            json!({"content": "x"}),
            json!({"content": ["x"]}),
            json!({"content": [{"text": "no type"}]}),
            json!({"content": [{"type": "text"}]}),
            json!({"content": [{"type": "image", "data": ""}]}),
            json!({"content": [], "isError": "no"}),
        ] {
            assert_eq!(read(value.clone()), None, "{value}");
        }
    }
}
