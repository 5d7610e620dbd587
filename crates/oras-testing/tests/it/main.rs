//! The tools of this crate at work, and what they prove about the shapes of `oras-content`.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

mod contract;
mod deferred;
mod graph;
mod outside;
mod push_again;
mod scripted;
mod walk;
