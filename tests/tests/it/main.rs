//! Cross-crate tests, end to end over the embedded registry.

mod bad_input;
mod contract;
mod support;
mod tls;
