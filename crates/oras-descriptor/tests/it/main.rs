//! Tests of the public API of `oras-descriptor`.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod index_edit;
mod oci_spec;
mod properties;
mod vectors;
