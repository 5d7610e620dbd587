//! Layouts as their users see them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod archive;
mod collect;
mod contract;
mod index;
mod processes;
mod size;
mod store;
mod support;
