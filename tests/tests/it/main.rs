//! Cross-crate tests, end to end over the embedded registry.

mod contract;
