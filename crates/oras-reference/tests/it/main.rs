//! Tests of the public API of `oras-reference`.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by a panic")]

mod properties;
mod vectors;
