//! Cross-crate tests, end to end over the embedded registry.

mod bad_input;
mod contract;
mod safety;
mod secrets;
mod storms;
mod support;
mod tls;
