//! Cross-crate tests, end to end over the embedded registry.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_input;
mod contract;
mod remote;
mod support;
mod tls;
