//! File stores as their users see them.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod add_to;
mod added;
mod advisories;
mod contract;
mod pack;
mod properties;
mod store;
mod support;
mod unpack;
