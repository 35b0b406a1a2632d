//! One binary for all tests of the effects: linking costs more than running.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(unreachable_pub, reason = "a binary of tests has no outside")]
#![allow(clippy::disallowed_methods, reason = "tests set up and observe the world that effects act on")]

mod crypto;
mod crypto_vectors;
mod fetch;
mod fetch_limits;
mod fetch_proxy;
mod fetch_redirects;
mod fetch_stream;
mod files;
mod files_attacks;
mod files_budgets;
mod files_memory;
mod files_mounts;
mod files_staged;
mod key_import;
mod key_store;
mod key_versions;
mod kv;
mod replays;
mod secrets;
mod secrets_answers;
mod sql;
mod sql_limits;
mod support;
mod tools_http;
mod tools_program;
