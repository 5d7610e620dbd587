//! What the roles, blobs and errors promise.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

mod blob;
mod error;
mod fetch;
#[cfg(feature = "fs")]
mod files;
mod limited;
#[cfg(feature = "fs")]
mod one_hash;
mod platform;
mod properties;
mod reopening;
mod roles;
