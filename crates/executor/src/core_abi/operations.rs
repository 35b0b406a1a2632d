//! From an operation's name and JSON argument to its JSON reply.

use bailiwick_guard::{Attempt, CallError, StopCause};
use bailiwick_policy::{Arguments, Code};
use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::arguments::{self as a, Encoding};
use super::bodies::Bodies;
use super::operation::{Named, Operation, Own};
use crate::ops;
use crate::run::{Door, GuestIo, Stream, Told};

/// Bytes that one `files.read` gives, and of a response that is given as text. In JSON a byte may take six.
pub(super) const MAX_READ: u64 = 1 << 20;

/// What goes back to the guest.
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    pub(super) is_error: bool,
}

pub(super) type Answer = Result<Vec<u8>, CallError>;

/// An operation with its argument, on its way through the door.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) door: &'a Door,
    operation: Operation,
    argument: &'a str,
}

/// Performs one operation.
///
/// # Errors
/// When the run must end. Every other error is a reply.
pub(super) async fn perform(
    door: &Door,
    io: &GuestIo,
    bodies: &Bodies,
    name: &str,
    argument: &str,
) -> Result<Reply, StopCause> {
    let answer = match Named::find(name) {
        Some(Named::Own(operation)) => own(io, door.told(), operation, argument),
        Some(Named::Asked(operation)) => Asked { door, operation, argument }.perform(bodies).await,
        None => Err(CallError::Failed(Code::UnknownOperation)),
    };
    let failure = |kind, code| Ok(failure(kind, code));
    match answer {
        Ok(bytes) => Ok(Reply { bytes, is_error: false }),
        Err(CallError::Denied(denied)) => failure("denied", denied.code()),
        Err(CallError::Failed(code)) => failure("failed", code),
        Err(CallError::Limit(code)) => failure("limit", code),
        Err(CallError::Stopped(cause)) => Err(cause),
    }
}

/// The reply to an argument that is longer than any may be. Nothing of it was read.
pub(super) fn too_large() -> Reply {
    failure("limit", Code::ArgumentBytes)
}

fn failure(kind: &'static str, code: Code) -> Reply {
    let bytes = serialise(&a::Failure { error: a::Error { kind, code: code.as_str() } }).unwrap_or_default();
    Reply { bytes, is_error: true }
}

/// The run's own operations, which touch nothing outside and need no rule.
fn own(io: &GuestIo, told: &Told, operation: Own, argument: &str) -> Answer {
    fn parse<T: DeserializeOwned>(argument: &str) -> Result<T, CallError> {
        serde_json::from_str(argument).map_err(|_| CallError::Failed(Code::MalformedArgument))
    }
    match operation {
        Own::Input => {
            let a::Nothing {} = parse(argument)?;
            Ok(format!("{{\"input\":{}}}", io.input).into_bytes())
        }
        Own::Args => {
            let a::Nothing {} = parse(argument)?;
            serialise(&a::Args { args: &io.args })
        }
        Own::Time => {
            let a::Nothing {} = parse(argument)?;
            serialise(&a::Time { unix_ms: u64::try_from(told.wall()?.as_millis()).unwrap_or(u64::MAX) })
        }
        Own::Print => {
            let a::Print { text, stream } = parse(argument)?;
            let stream = match stream {
                a::Stream::Stdout => Stream::Stdout,
                a::Stream::Stderr => Stream::Stderr,
            };
            io.output.write(stream, text.as_bytes())?;
            serialise(&a::Done {})
        }
        Own::Result => {
            if argument.len() > ops::MAX_RESULT_BYTES {
                return Err(CallError::Limit(Code::ArgumentBytes));
            }
            let a::Result_ { value } = parse(argument)?;
            io.output.set_result(value, argument.len())?;
            serialise(&a::Done {})
        }
    }
}

impl Asked<'_> {
    async fn perform(self, bodies: &Bodies) -> Answer {
        match self.operation {
            Operation::Files(operation) => self.files(operation).await,
            Operation::Crypto(operation) => self.crypto(operation).await,
            Operation::Kv(operation) => self.kv(operation).await,
            Operation::Fetch(operation) => self.fetch(operation, bodies).await,
            Operation::Sql => self.sql().await,
            Operation::Secret => self.secret().await,
            Operation::Tool => self.tool().await,
            Operation::Extension => self.extension().await,
        }
    }

    async fn tool(self) -> Answer {
        let a::Tool { server, tool, arguments } = self.parse()?;
        serialise(&ops::call_tool(self.door, &server, &tool, Arguments::new(arguments)).await?)
    }

    async fn extension(self) -> Answer {
        let a::Extension { kind, action, resource, arguments } = self.parse()?;
        let arguments = serde_json::to_string(&arguments).map_err(|_| CallError::Failed(Code::Internal))?;
        serialise(&ops::extension(self.door, &kind, &action, &resource, &arguments).await?)
    }

    async fn sql(self) -> Answer {
        let a::Query { database, statement, parameters } = self.parse()?;
        Ok(ops::sql_query_values(self.door, &database, &statement, parameters).await?.into_bytes())
    }

    async fn secret(self) -> Answer {
        let a::Secret { name } = self.parse()?;
        serialise(&a::Placeholder { placeholder: ops::secret_placeholder(self.door, &name).await? })
    }

    /// Reads the argument; one that is not as described is a refusal on record.
    pub(super) fn parse<T: DeserializeOwned>(self) -> Result<T, CallError> {
        serde_json::from_str(self.argument).map_err(|_| self.malformed(self.argument))
    }

    pub(super) fn decode(self, text: String, encoding: Encoding) -> Result<Bytes, CallError> {
        match encoding {
            Encoding::Utf8 => Ok(text.into()),
            Encoding::Base64 => BASE64.decode(text.as_bytes()).map(Bytes::from).map_err(|_| self.malformed(&text)),
        }
    }

    /// The argument may hold what was to be encrypted, or a URL's query: the record has its length and hash alone.
    fn malformed(self, argument: &str) -> CallError {
        let hash = HEXLOWER.encode(&Sha256::digest(argument));
        let resource = format!("(argument of {} bytes, sha256 {hash})", argument.len());
        let (kind, action) = self.operation.recorded_as();
        self.door.refuse(Attempt { kind, action, resource: &resource, code: Code::Malformed })
    }
}

pub(super) fn encode(bytes: Bytes, encoding: Encoding) -> Result<String, CallError> {
    match encoding {
        Encoding::Utf8 => String::from_utf8(bytes.into()).map_err(|_| CallError::Failed(Code::NotUtf8)),
        Encoding::Base64 => Ok(BASE64.encode(&bytes)),
    }
}

pub(super) fn serialise(reply: &impl Serialize) -> Answer {
    serde_json::to_vec(reply).map_err(|_| CallError::Failed(Code::Internal))
}
