//! Layouts as their users see them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests, and figures of the long ones"
)]

mod archive;
mod collect;
#[cfg(feature = "gzip")]
mod compressed;
mod contract;
mod index;
mod processes;
mod read_only;
mod recent;
mod size;
mod store;
mod support;
