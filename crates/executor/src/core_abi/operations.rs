//! From an operation's name and JSON argument to its JSON reply.

use std::time::UNIX_EPOCH;

use bailiwick_guard::{Attempt, CallError, StopCause, Timestamp};
use bailiwick_host::files::{FileKind, Removal, WriteMode};
use bailiwick_policy::{ActionName, Arguments, Code, Kind};
use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::arguments::{self as a, Encoding};
use super::bodies::Bodies;
use crate::ops;
use crate::run::{Door, GuestIo, Outside, Stream};

/// Bytes that one `files.read` gives, and of a response that is given as text. In JSON a byte may take six.
const MAX_READ: u64 = 1 << 20;

/// What goes back to the guest.
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    pub(super) is_error: bool,
}

type Answer = Result<Vec<u8>, CallError>;

/// Performs one operation.
///
/// # Errors
/// When the run must end. Every other error is a reply.
pub(super) async fn perform(
    door: &Door,
    io: &GuestIo,
    bodies: &Bodies,
    outside: &dyn Outside,
    name: &str,
    argument: &str,
) -> Result<Reply, StopCause> {
    let answer = match name {
        "input" | "args" | "result" | "print" | "time" => own(io, outside, name, argument),
        _ => match Operation::named(name) {
            Some(operation) => operation.perform(door, bodies, argument).await,
            None => Err(CallError::Failed(Code::UnknownOperation)),
        },
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
fn own(io: &GuestIo, outside: &dyn Outside, name: &str, argument: &str) -> Answer {
    fn parse<T: DeserializeOwned>(argument: &str) -> Result<T, CallError> {
        serde_json::from_str(argument).map_err(|_| CallError::Failed(Code::MalformedArgument))
    }
    match name {
        "input" => {
            let a::Nothing {} = parse(argument)?;
            serialise(&a::Input { input: &io.input })
        }
        "args" => {
            let a::Nothing {} = parse(argument)?;
            serialise(&a::Args { args: &io.args })
        }
        "time" => {
            let a::Nothing {} = parse(argument)?;
            serialise(&a::Time { unix_ms: u64::try_from(outside.wall().as_millis()).unwrap_or(u64::MAX) })
        }
        "print" => {
            let a::Print { text, stream } = parse(argument)?;
            let stream = match stream {
                a::Stream::Stdout => Stream::Stdout,
                a::Stream::Stderr => Stream::Stderr,
            };
            io.output.write(stream, text.as_bytes())?;
            serialise(&a::Done {})
        }
        _ => {
            if argument.len() > ops::MAX_RESULT_BYTES {
                return Err(CallError::Limit(Code::ArgumentBytes));
            }
            let a::Result_ { value } = parse(argument)?;
            io.output.set_result(value, argument.len())?;
            serialise(&a::Done {})
        }
    }
}

/// An operation that goes through the door, with what a refusal of its argument is recorded as.
#[derive(Clone, Copy)]
struct Operation {
    name: &'static str,
    kind: Kind,
    action: ActionName,
}

impl Operation {
    const ALL: &'static [Operation] = &[
        Operation::new("files.read", Kind::File, ActionName::Read),
        Operation::new("files.write", Kind::File, ActionName::Write),
        Operation::new("files.list", Kind::File, ActionName::List),
        Operation::new("files.stat", Kind::File, ActionName::Read),
        Operation::new("files.delete", Kind::File, ActionName::Delete),
        Operation::new("files.make_directory", Kind::File, ActionName::Write),
        Operation::new("files.rename", Kind::File, ActionName::Delete),
        Operation::new("crypto.hash", Kind::Crypto, ActionName::Hash),
        Operation::new("crypto.random", Kind::Crypto, ActionName::Random),
        Operation::new("crypto.hmac", Kind::Crypto, ActionName::Hmac),
        Operation::new("crypto.sign", Kind::Crypto, ActionName::Sign),
        Operation::new("crypto.verify", Kind::Crypto, ActionName::Verify),
        Operation::new("crypto.encrypt", Kind::Crypto, ActionName::Encrypt),
        Operation::new("crypto.decrypt", Kind::Crypto, ActionName::Decrypt),
        Operation::new("crypto.derive", Kind::Crypto, ActionName::Derive),
        Operation::new("kv.get", Kind::Kv, ActionName::Get),
        Operation::new("kv.set", Kind::Kv, ActionName::Set),
        Operation::new("kv.delete", Kind::Kv, ActionName::Delete),
        Operation::new("kv.list", Kind::Kv, ActionName::List),
        Operation::new("kv.increment", Kind::Kv, ActionName::Set),
        Operation::new("kv.swap", Kind::Kv, ActionName::Set),
        Operation::new("sql.query", Kind::Sql, ActionName::Select),
        Operation::new("fetch", Kind::Fetch, ActionName::Get),
        Operation::new("fetch.open", Kind::Fetch, ActionName::Get),
        Operation::new("fetch.read", Kind::Fetch, ActionName::Get),
        Operation::new("fetch.close", Kind::Fetch, ActionName::Get),
        Operation::new("secrets.placeholder", Kind::Secret, ActionName::Use),
        Operation::new("tools.call", Kind::Tool, ActionName::Call),
        Operation::new("extension.call", ops::UNKNOWN.0, ops::UNKNOWN.1),
    ];

    const fn new(name: &'static str, kind: Kind, action: ActionName) -> Operation {
        Operation { name, kind, action }
    }

    fn named(name: &str) -> Option<Operation> {
        Operation::ALL.iter().copied().find(|operation| operation.name == name)
    }

    async fn perform(self, door: &Door, bodies: &Bodies, argument: &str) -> Answer {
        match self.kind {
            Kind::File => self.file(door, argument).await,
            Kind::Crypto => self.crypto(door, argument).await,
            Kind::Tool => self.tool(door, argument).await,
            Kind::Kv => self.kv(door, argument).await,
            Kind::Sql => self.sql(door, argument).await,
            Kind::Custom(_) => self.extension(door, argument).await,
            Kind::Secret => self.secret(door, argument).await,
            _ => self.fetch(door, bodies, argument).await,
        }
    }

    async fn file(self, door: &Door, argument: &str) -> Answer {
        match self.name {
            "files.read" => {
                let a::Read { path, encoding, offset, length } = self.parse(door, argument)?;
                let length = length.unwrap_or(MAX_READ).min(MAX_READ);
                // One byte more tells whether this was the end.
                let bytes = ops::read_file(door, &path, offset, length.saturating_add(1)).await?;
                let kept = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
                let (eof, bytes) = (kept == bytes.len(), bytes.slice(..kept));
                serialise(&a::Content { content: encode(bytes, encoding)?, eof })
            }
            "files.write" => {
                let a::Write { path, content, encoding, mode } = self.parse(door, argument)?;
                let bytes = self.decode(door, content, encoding)?;
                let written = bytes.len();
                let mode = match mode {
                    a::Mode::Create => WriteMode::New,
                    a::Mode::Truncate => WriteMode::Replace,
                    a::Mode::Append => WriteMode::Append,
                };
                ops::write_file(door, &path, bytes, mode).await?;
                serialise(&a::Written { written })
            }
            "files.list" => {
                let a::Path { path } = self.parse(door, argument)?;
                let entries = ops::list(door, &path).await?.into_iter();
                let entries = entries.map(|entry| a::Entry { name: entry.name, kind: kind_word(entry.kind) });
                serialise(&a::Entries { entries: entries.collect() })
            }
            "files.stat" => {
                let a::Path { path } = self.parse(door, argument)?;
                let stat = ops::stat(door, &path).await?;
                let modified = stat.modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                let modified = modified.and_then(|since| u64::try_from(since.as_millis()).ok());
                let modified = modified.map(|ms| Timestamp(ms).to_string());
                serialise(&a::Stat { kind: kind_word(stat.kind), size: stat.len, modified })
            }
            "files.delete" => {
                let a::Path { path } = self.parse(door, argument)?;
                match ops::delete(door, &path, Removal::File).await {
                    Err(CallError::Failed(Code::IsDirectory)) => {
                        ops::delete(door, &path, Removal::EmptyDirectory).await?;
                    }
                    other => other?,
                }
                serialise(&a::Done {})
            }
            "files.make_directory" => {
                let a::Path { path } = self.parse(door, argument)?;
                ops::make_directory(door, &path).await?;
                serialise(&a::Done {})
            }
            _ => {
                let a::Rename { from, to } = self.parse(door, argument)?;
                ops::rename(door, &from, &to).await?;
                serialise(&a::Done {})
            }
        }
    }

    async fn crypto(self, door: &Door, argument: &str) -> Answer {
        match self.name {
            "crypto.hash" => {
                let a::Hash { algorithm, data, encoding } = self.parse(door, argument)?;
                let algorithm = ops::parse_hash_algorithm(door, &algorithm)?;
                let digest = ops::hash(door, algorithm, self.decode(door, data, encoding)?).await?;
                serialise(&a::Digest { digest: BASE64.encode(&digest), hex: HEXLOWER.encode(&digest) })
            }
            "crypto.random" => {
                let a::Random { length } = self.parse(door, argument)?;
                serialise(&a::Bytes { bytes: BASE64.encode(&ops::random(door, length).await?) })
            }
            "crypto.hmac" => {
                let a::Keyed { key, data, encoding } = self.parse(door, argument)?;
                let tag = ops::hmac(door, &key, self.decode(door, data, encoding)?).await?;
                serialise(&a::Tag { tag: BASE64.encode(&tag) })
            }
            "crypto.sign" => {
                let a::Keyed { key, data, encoding } = self.parse(door, argument)?;
                let signature = ops::sign(door, &key, self.decode(door, data, encoding)?).await?;
                serialise(&a::Signature { signature: BASE64.encode(&signature) })
            }
            "crypto.verify" => {
                let a::Verify { key, data, signature, encoding } = self.parse(door, argument)?;
                let signature = self.decode(door, signature, Encoding::Base64)?;
                let valid = ops::verify(door, &key, self.decode(door, data, encoding)?, signature).await?;
                serialise(&a::Valid { valid })
            }
            "crypto.encrypt" => {
                let a::Encrypt { key, data, aad, encoding } = self.parse(door, argument)?;
                let sealed = ops::encrypt(door, &key, self.decode(door, data, encoding)?, aad.into()).await?;
                serialise(&a::Sealed { sealed: BASE64.encode(&sealed) })
            }
            "crypto.decrypt" => {
                let a::Decrypt { key, sealed, aad, encoding } = self.parse(door, argument)?;
                let sealed = self.decode(door, sealed, Encoding::Base64)?;
                let data = ops::decrypt(door, &key, sealed, aad.into()).await?;
                serialise(&a::Data { data: encode(data.into(), encoding)? })
            }
            _ => {
                let a::Derive { key, info, length, salt } = self.parse(door, argument)?;
                let bytes = ops::derive(door, &key, salt.into(), info.into(), length).await?;
                serialise(&a::Bytes { bytes: BASE64.encode(&bytes) })
            }
        }
    }

    async fn fetch(self, door: &Door, bodies: &Bodies, argument: &str) -> Answer {
        match self.name {
            "fetch.read" => {
                let a::ReadBody { handle, length, encoding } = self.parse(door, argument)?;
                let length = usize::try_from(length.unwrap_or(MAX_READ).min(MAX_READ)).unwrap_or(usize::MAX);
                let mut body = bodies.take(handle).ok_or(CallError::Failed(Code::MalformedArgument))?;
                let read = body.read(door, length).await;
                bodies.put_back(handle, body);
                let bytes = read?;
                let end = bytes.is_empty() && length > 0;
                return serialise(&a::Piece { body: encode(bytes, encoding)?, end });
            }
            "fetch.close" => {
                let a::CloseBody { handle } = self.parse(door, argument)?;
                bodies.take(handle).ok_or(CallError::Failed(Code::MalformedArgument))?;
                return serialise(&a::Done {});
            }
            _ => {}
        }
        let a::Fetch { url, method, headers, body, encoding } = self.parse(door, argument)?;
        let verb = ops::parse_method(door, &method, &url)?;
        let headers = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        let body = self.decode(door, body, encoding)?;
        let plain = |fields: Vec<(String, Vec<u8>)>| {
            let plain = |(name, value): (String, Vec<u8>)| (name, String::from_utf8_lossy(&value).into_owned());
            fields.into_iter().map(plain).collect()
        };
        if self.name == "fetch.open" {
            let response = ops::open_fetch(door, verb, &url, headers, body).await?;
            let handle = bodies.keep(ops::StreamedBody::new(verb, &url, response.body));
            return serialise(&a::Opened { status: response.status, headers: plain(response.headers), handle });
        }
        let response = ops::fetch(door, verb, &url, headers, body).await?;
        let headers = plain(response.headers);
        let is_small = response.body.len() as u64 <= MAX_READ;
        let (body, encoding) = match encode(response.body.clone(), Encoding::Utf8) {
            Ok(text) if is_small => (text, Encoding::Utf8),
            _ => (BASE64.encode(&response.body), Encoding::Base64),
        };
        serialise(&a::Response { status: response.status, headers, body, encoding })
    }

    async fn tool(self, door: &Door, argument: &str) -> Answer {
        let a::Tool { server, tool, arguments } = self.parse(door, argument)?;
        serialise(&ops::call_tool(door, &server, &tool, Arguments::new(arguments)).await?)
    }

    async fn extension(self, door: &Door, argument: &str) -> Answer {
        let a::Extension { kind, action, resource, arguments } = self.parse(door, argument)?;
        let arguments = serde_json::to_string(&arguments).map_err(|_| CallError::Failed(Code::Internal))?;
        serialise(&ops::extension(door, &kind, &action, &resource, &arguments).await?)
    }

    async fn kv(self, door: &Door, argument: &str) -> Answer {
        match self.name {
            "kv.get" => {
                let a::Key { store, key, encoding } = self.parse(door, argument)?;
                let value = ops::kv_get(door, &store, &key).await?;
                let value = value.map(|value| encode(value.into(), encoding)).transpose()?;
                serialise(&a::Found { value })
            }
            "kv.set" => {
                let a::SetKey { store, key, value, encoding, ttl_ms } = self.parse(door, argument)?;
                let value = self.decode(door, value, encoding)?;
                ops::kv_set(door, &store, &key, value.into(), ttl_ms).await?;
                serialise(&a::Done {})
            }
            "kv.delete" => {
                let a::OneKey { store, key } = self.parse(door, argument)?;
                serialise(&a::Deleted { deleted: ops::kv_delete(door, &store, &key).await? })
            }
            "kv.list" => {
                let a::ListKeys { store, prefix, after, limit } = self.parse(door, argument)?;
                let limit = limit.unwrap_or(u32::MAX);
                serialise(&a::Names { names: ops::kv_list(door, &store, &prefix, after.as_deref(), limit).await? })
            }
            "kv.increment" => {
                let a::Increment { store, key, by } = self.parse(door, argument)?;
                serialise(&a::Sum { value: ops::kv_increment(door, &store, &key, by).await? })
            }
            _ => {
                let a::Swap { store, key, expected, value, encoding } = self.parse(door, argument)?;
                let expected = expected.map(|text| self.decode(door, text, encoding)).transpose()?.map(Into::into);
                let value = value.map(|text| self.decode(door, text, encoding)).transpose()?.map(Into::into);
                serialise(&a::Swapped { swapped: ops::kv_swap(door, &store, &key, expected, value).await? })
            }
        }
    }

    async fn sql(self, door: &Door, argument: &str) -> Answer {
        let a::Query { database, statement, parameters } = self.parse(door, argument)?;
        Ok(ops::sql_query_values(door, &database, &statement, parameters).await?.into_bytes())
    }

    async fn secret(self, door: &Door, argument: &str) -> Answer {
        let a::Secret { name } = self.parse(door, argument)?;
        serialise(&a::Placeholder { placeholder: ops::secret_placeholder(door, &name).await? })
    }

    /// Reads the argument; one that is not as described is a refusal on record.
    fn parse<T: DeserializeOwned>(self, door: &Door, argument: &str) -> Result<T, CallError> {
        serde_json::from_str(argument).map_err(|_| self.malformed(door, argument))
    }

    fn decode(self, door: &Door, text: String, encoding: Encoding) -> Result<Bytes, CallError> {
        match encoding {
            Encoding::Utf8 => Ok(text.into()),
            Encoding::Base64 => {
                BASE64.decode(text.as_bytes()).map(Bytes::from).map_err(|_| self.malformed(door, &text))
            }
        }
    }

    /// The argument may hold what was to be encrypted, or a URL's query: the record has its length and hash alone.
    fn malformed(self, door: &Door, argument: &str) -> CallError {
        let hash = HEXLOWER.encode(&Sha256::digest(argument));
        let resource = format!("(argument of {} bytes, sha256 {hash})", argument.len());
        door.refuse(Attempt { kind: self.kind, action: self.action, resource: &resource, code: Code::Malformed })
    }
}

fn encode(bytes: Bytes, encoding: Encoding) -> Result<String, CallError> {
    match encoding {
        Encoding::Utf8 => String::from_utf8(bytes.into()).map_err(|_| CallError::Failed(Code::NotUtf8)),
        Encoding::Base64 => Ok(BASE64.encode(&bytes)),
    }
}

fn kind_word(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "file",
        FileKind::Directory => "directory",
        _ => "other",
    }
}

fn serialise(reply: &impl Serialize) -> Answer {
    serde_json::to_vec(reply).map_err(|_| CallError::Failed(Code::Internal))
}
