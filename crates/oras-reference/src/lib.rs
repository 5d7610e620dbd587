//! References to content in registries: parsed, validated and printed, without any I/O.
//!
//! A [`Reference`] is `registry/repository`, then perhaps `:tag`, then perhaps `@digest`. It is valid by construction:
//! text comes in through [`FromStr`](std::str::FromStr) or one of the parsers of [`Reference`], and whoever holds the
//! value need not look at the grammar again. Nothing is guessed: no host, no `library/`, no `latest`.
//!
//! ```
//! use oras_reference::Reference;
//!
//! let reference: Reference = "ghcr.io/acme/rocket:v1".parse()?;
//! assert_eq!(reference.registry(), "ghcr.io");
//! assert_eq!(reference.repository(), Some("acme/rocket"));
//! assert_eq!(reference.identifier(), Some("v1"));
//!
//! // Within a repository, a tag or a digest is enough.
//! assert_eq!(reference.parse_relative("v2")?.to_string(), "ghcr.io/acme/rocket:v2");
//! # Ok::<(), oras_reference::ReferenceError>(())
//! ```
//!
//! # Errors
//!
//! Every parser fails with [`ReferenceError`], which names the part that is wrong and holds its text.

mod error;
mod grammar;
mod reference;
mod referrers;
mod relative;

pub use error::ReferenceError;
pub use grammar::{TAG_MAX_LEN, validate_registry, validate_repository, validate_tag};
pub use reference::{DEFAULT_TAG, RECOMMENDED_MAX_LEN, Reference};
pub use referrers::referrers_tag;
