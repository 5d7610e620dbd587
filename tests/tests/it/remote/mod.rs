//! The client over the embedded registry: the contract of the roles, deviations of real registries, broken connections.

mod bad_input;
mod contract;
mod downloads;
mod harness;
mod killed;
mod lists;
mod manifests;
mod memory;
mod mounts;
mod referrers;
mod referrers_index;
mod scopes;
mod sessions;
mod soak;
mod uploads;
