//! Tests of the registry as its users see it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and several clients run at once"
)]

mod auth;
mod client;
mod connection;
mod delete;
mod faults;
mod lists;
mod manifests;
mod pull;
mod quirks;
mod uploads;
