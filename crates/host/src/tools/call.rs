//! Calling a tool.

use std::fmt;

use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, Resource, ToolName};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Tools;

/// Most bytes of a call's arguments, as JSON text.
pub const MAX_ARGUMENTS: usize = 1 << 20;

/// Calls a tool. No `Debug`: its arguments belong in no log.
pub struct CallTool {
    pub tool: ToolName,
    pub arguments: Map<String, Value>,
}

/// What a tool answered. Its `Display` is JSON. All of it is data from elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToolResult {
    /// Blocks of content.
    pub content: Vec<Value>,
    /// The structured result; `null` when there is none.
    pub structured: Value,
    /// The tool itself says that it failed.
    pub is_error: bool,
}

impl Action for CallTool {
    const NAME: ActionName = ActionName::Call;
    const EFFECT: Effect = Effect::World;
    type Output = ToolResult;

    fn resource(&self) -> Resource {
        Resource::Tool(self.tool.clone())
    }
}

impl Perform<CallTool> for Tools {
    async fn perform(&self, _permit: Permit<'_, CallTool>) -> Result<ToolResult, HostError> {
        Err(HostError::Failed(Code::NotFound))
    }
}

impl fmt::Display for ToolResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}
