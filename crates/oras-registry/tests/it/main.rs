//! Tests of the registry as its users see it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::duplicate_mod,
    clippy::print_stdout,
    reason = "tests fail by panicking, several clients run at once, both storages pass one suite, and the long tests say figures"
)]

mod auth;
mod client;
mod connection;
#[path = "protocol/mod.rs"]
mod disk;
mod faults;
mod free;
mod hostile;
mod layout;
#[path = "protocol/mod.rs"]
mod memory;
#[cfg(feature = "bin")]
mod program;
mod quirks;
mod tls;
