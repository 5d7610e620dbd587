//! The umbrella: its paths, files in one call, and every example.
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod examples;
mod files;
mod guides;
mod paths;
mod support;
mod threads;
