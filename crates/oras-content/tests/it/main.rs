//! What the roles, blobs and errors promise.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

#[cfg(feature = "fs")]
mod aside;
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

/// How many cases run, unless the environment asks for more.
const CASES: u32 = 2_000;

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(CASES, |text| text.parse().unwrap())
}
