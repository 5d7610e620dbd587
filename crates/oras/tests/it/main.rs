//! The umbrella: its paths, files in one call, and every example.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by a panic")]

mod examples;
mod files;
mod guides;
mod large_files;
mod paths;
mod support;
mod threads;
mod v1;
