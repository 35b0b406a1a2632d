//! Tools of upstream servers that speak the Model Context Protocol.

mod call;

pub use call::{CallTool, MAX_ARGUMENTS, ToolResult};

/// The tool servers of one run.
#[derive(Debug, Default)]
pub struct Tools {}
