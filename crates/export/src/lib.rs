//! What is on record, in the words of others: events of [OCSF](ocsf), traces and metrics of [OpenTelemetry](otel).
//!
//! Pure functions of log entries. Whoever reads the log and whoever sends what comes out are elsewhere.

pub mod ocsf;
pub mod otel;
