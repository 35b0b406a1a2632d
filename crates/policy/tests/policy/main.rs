//! What the policy promises, tested through its public face only.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod algebra;
mod budgets;
mod conditions;
mod data;
mod databases;
mod decisions;
mod details;
mod explanations;
mod findings;
mod manifests;
mod properties;
mod queries;
mod scopes;
mod terms;
mod tools;
mod world;
