//! Cross-crate tests, end to end over the embedded registry.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails; peers run beside it, and what is written is no content"
)]

mod bad_input;
mod contract;
mod deadlock;
mod downloads;
mod memory;
mod myclient;
mod pairs;
mod promises;
mod properties;
mod referrers;
mod remote;
mod requests;
mod safety;
mod secrets;
mod shared_layout;
mod storms;
mod support;
mod tls;
mod uploads;
