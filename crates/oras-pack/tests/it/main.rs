//! Packing, over a store in memory.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod pack;
mod vectors;
