//! What a memory store promises beside the roles' documentation.

mod contract;
mod store;
