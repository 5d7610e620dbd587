//! Copying between stores in memory, told to misbehave where that is what a test is about.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by a panic")]

mod copy;
mod corrupt;
mod extended;
mod heal;
mod helpers;
mod hooks;
mod mount;
mod plan;
mod platform;
mod progress;
mod properties;
mod retry;
#[cfg(feature = "tracing")]
mod spans;
mod support;
mod walk;
