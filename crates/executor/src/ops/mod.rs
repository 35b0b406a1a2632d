//! What guests can ask for, in plain Rust: text of the guest becomes an action, or a refusal that is on record.
//!
//! Both faces of the host, the WIT interfaces and the core ABI, call these functions and nothing else, so that they
//! cannot differ in what they refuse. Each argument is bounded before it is parsed or copied.

mod crypto;
mod extension;
mod fetch;
mod files;
mod kv;
mod script;
mod secrets;
mod session;
mod sql;
mod tools;

pub(crate) use crypto::{decrypt, derive, encrypt, hash, hmac, parse_hash_algorithm, random, sign, verify};
pub(crate) use extension::{UNKNOWN, extension};
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub use fetch::StreamedBody;
pub(crate) use fetch::{fetch, open_fetch, parse_method};
pub(crate) use files::{delete, list, list_root, make_directory, read_file, rename, stat, write_file};
pub(crate) use kv::{kv_delete, kv_get, kv_increment, kv_list, kv_set, kv_swap};
pub(crate) use script::{LONGEST_SLEEP_MS, abilities};
pub(crate) use secrets::secret_placeholder;
pub(crate) use session::{MAX_RESULT_BYTES, set_result};
pub(crate) use sql::{sql_message, sql_query, sql_query_values};
pub(crate) use tools::{call_tool, callable_tools, parse_tool_arguments};
