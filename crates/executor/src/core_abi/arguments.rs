//! The arguments of operations and their replies, as JSON. The members' order is part of the contract.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Encoding {
    #[default]
    Utf8,
    Base64,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stream {
    #[default]
    Stdout,
    Stderr,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    Create,
    #[default]
    Truncate,
    Append,
}

macro_rules! arguments {
    ($($name:ident { $($(#[$attribute:meta])* $field:ident: $ty:ty),* $(,)? })+) => {$(
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name { $($(#[$attribute])* pub(super) $field: $ty),* }
    )+};
}

arguments! {
    Nothing {}
    Result_ { value: Value }
    Print { text: String, #[serde(default)] stream: Stream }
    Path { path: String }
    Read {
        path: String,
        #[serde(default)] encoding: Encoding,
        #[serde(default)] offset: u64,
        length: Option<u64>,
    }
    Write {
        path: String,
        content: String,
        #[serde(default)] encoding: Encoding,
        #[serde(default)] mode: Mode,
    }
    Rename { from: String, to: String }
    Hash { algorithm: String, data: String, #[serde(default)] encoding: Encoding }
    Random { length: u64 }
    OneKey { store: String, key: String }
    Key { store: String, key: String, #[serde(default)] encoding: Encoding }
    SetKey { store: String, key: String, value: String, #[serde(default)] encoding: Encoding, ttl_ms: Option<u64> }
    ListKeys { store: String, #[serde(default)] prefix: String, after: Option<String>, limit: Option<u32> }
    Increment { store: String, key: String, by: i64 }
    Swap {
        store: String,
        key: String,
        expected: Option<String>,
        value: Option<String>,
        #[serde(default)] encoding: Encoding,
    }
    Query { database: String, statement: String, #[serde(default)] parameters: Value }
    Secret { name: String }
    Tool { server: String, tool: String, #[serde(default)] arguments: Map<String, Value> }
    Extension {
        kind: String, action: String, resource: String,
        #[serde(default)] arguments: Map<String, Value>,
    }
    Keyed { key: String, data: String, #[serde(default)] encoding: Encoding }
    Verify { key: String, data: String, signature: String, #[serde(default)] encoding: Encoding }
    Encrypt { key: String, data: String, #[serde(default)] aad: String, #[serde(default)] encoding: Encoding }
    Decrypt { key: String, sealed: String, #[serde(default)] aad: String, #[serde(default)] encoding: Encoding }
    Derive { key: String, info: String, length: u64, #[serde(default)] salt: String }
    Fetch {
        url: String,
        #[serde(default = "get")] method: String,
        #[serde(default)] headers: Vec<(String, String)>,
        #[serde(default)] body: String,
        #[serde(default)] encoding: Encoding,
    }
    ReadBody { handle: u32, length: Option<u64>, #[serde(default = "base64")] encoding: Encoding }
    CloseBody { handle: u32 }
}

fn get() -> String {
    "GET".to_owned()
}

/// Pieces of a text are no texts: they may end within a character.
fn base64() -> Encoding {
    Encoding::Base64
}

macro_rules! replies {
    ($($name:ident $(<$life:lifetime>)? { $($(#[$attribute:meta])* $field:ident: $ty:ty),* $(,)? })+) => {$(
        #[derive(Serialize)]
        pub(super) struct $name $(<$life>)? { $($(#[$attribute])* pub(super) $field: $ty),* }
    )+};
}

replies! {
    Done {}
    Args<'a> { args: &'a [String] }
    Time { unix_ms: u64 }
    Content { content: String, eof: bool }
    Written { written: usize }
    Entries { entries: Vec<Entry> }
    Entry { name: String, kind: &'static str }
    Stat {
        kind: &'static str,
        size: u64,
        #[serde(skip_serializing_if = "Option::is_none")] modified: Option<String>,
    }
    Digest { digest: String, hex: String }
    Bytes { bytes: String }
    Tag { tag: String }
    Signature { signature: String }
    Valid { valid: bool }
    Sealed { sealed: String }
    Data { data: String }
    Found { value: Option<String> }
    Deleted { deleted: bool }
    Names { names: Vec<String> }
    Sum { value: i64 }
    Swapped { swapped: bool }
    Placeholder { placeholder: String }
    Response { status: u16, headers: Vec<(String, String)>, body: String, encoding: Encoding }
    Opened { status: u16, headers: Vec<(String, String)>, handle: u32 }
    Piece { body: String, end: bool }
    Failure { error: Error }
    Error { kind: &'static str, code: &'static str }
}
