//! Layouts as their users see them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod collect;
mod contract;
mod index;
mod store;
mod support;
