//! Cross-crate tests, end to end over the embedded registry.

mod bad_input;
mod contract;
mod deadlock;
mod downloads;
mod requests;
mod safety;
mod secrets;
mod storms;
mod support;
mod tls;
mod uploads;
