//! The client over the embedded registry: the contract of the roles, deviations of real registries, broken connections.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod contract;
mod downloads;
mod harness;
mod manifests;
mod referrers;
mod uploads;
