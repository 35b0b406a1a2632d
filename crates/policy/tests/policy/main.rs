//! What the policy promises, tested through its public face only.

mod algebra;
mod decisions;
mod explanations;
mod manifests;
mod properties;
mod scopes;
mod terms;
mod world;
