//! The client over the embedded registry: the contract of the roles, deviations of real registries, broken connections.

mod contract;
mod downloads;
mod harness;
mod lists;
mod manifests;
mod mounts;
mod referrers;
mod sessions;
mod uploads;
