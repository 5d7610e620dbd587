//! Tests of the public API of `oras-reference`.

mod properties;
