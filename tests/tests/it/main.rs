//! Cross-crate tests, end to end over the embedded registry.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_input;
mod contract;
mod deadlock;
mod downloads;
mod memory;
mod pairs;
mod properties;
mod referrers;
mod remote;
mod requests;
mod safety;
mod secrets;
mod storms;
mod support;
mod tls;
mod uploads;
