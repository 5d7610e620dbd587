//! What the stores promise, over files in new directories and helpers that are scripts.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod docker;
mod helper;
mod support;
mod system;
