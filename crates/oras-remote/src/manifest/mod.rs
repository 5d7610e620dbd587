//! Manifests: read, written, tagged.

mod fetch;
mod push;
mod tag;

pub(crate) use fetch::Fetched;
pub(crate) use push::{Accepted, Condition};
