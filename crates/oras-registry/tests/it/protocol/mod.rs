//! What the protocol asks. These modules are compiled once for each storage, under the name of the storage.

mod delete;
mod lists;
mod manifests;
mod pull;
pub(crate) mod setup;
mod uploads;
