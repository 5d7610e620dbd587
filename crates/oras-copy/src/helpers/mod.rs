//! One thing at a time on any target.

mod fetch;
#[cfg(feature = "spool")]
mod ingest;
mod tag;

pub use fetch::{ResolveOptions, fetch, fetch_bytes, resolve};
#[cfg(feature = "spool")]
pub use ingest::ingest;
pub use tag::{DEFAULT_TAG_CONCURRENCY, push_bytes, tag, tag_bytes, tag_bytes_n, tag_n};
