//! The umbrella: its paths, files in one call, and every example.

mod examples;
mod files;
mod paths;
mod support;
