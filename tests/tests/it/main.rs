//! Cross-crate tests, end to end over the embedded registry.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod contract;
mod remote;
