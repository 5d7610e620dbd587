//! Copying graphs of content between any two targets.
//!
//! A reference is resolved at the source, what it stands for is walked from there, and each node flows as a verified
//! [`Blob`](oras_content::Blob) into the destination: children before parents, the reference last. What is there already
//! is passed over. The walk runs in the caller's task, so that dropping its future stops all work; the engine knows the
//! roles of `oras-content` alone, and no store by name.
//!
//! ```
//! use oras_content::{Blob, Descriptor, MediaType, Resolver as _, Target as _};
//! use oras_copy::{CopyOptions, copy};
//! use oras_memory::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (src, dst) = (MemoryStore::new(), MemoryStore::new());
//! let desc = Descriptor::of("text/plain", b"hello");
//! src.push_reference(&desc, Blob::from_bytes("hello".into()), "greeting").await?;
//!
//! let root = copy(&src, "greeting", &dst, "", &CopyOptions::new()).await?;
//! assert_eq!(dst.resolve("greeting").await?, root);
//! # Ok(())
//! # }
//! ```
//!
//! [`extended_copy`] takes along what points to the root, such as signatures and SBOMs. [`plan`] shows what a copy would
//! do. [`CopyHooks`] decides about nodes and hears of progress. The other functions do one thing on one target: [`tag`],
//! [`resolve`], [`fetch`], [`push_bytes`] and their kin.
//!
//! # Features
//!
//! - `spool`: `ingest`, which stores content that is not described yet, by way of a temporary file where a target needs
//!   that.
//! - `tracing`: a span for each node, target `oras::copy`, with its media type and size, the hosts it moves between, how it
//!   ended and how long that took.
//!
//! # Errors
//!
//! A copy fails with [`CopyError`], which says who is to blame: the source, the destination or a hook. Everything else
//! fails with [`oras_content::Error`].

mod copy;
mod engine;
mod error;
mod event;
mod extended;
mod helpers;
mod hooks;
mod options;
mod plan;
mod platform;

pub use copy::{copy, copy_graph};
pub use engine::CachedFetcher;
pub use error::{CopyError, CopyOperation, CopyOrigin};
pub use event::CopyEvent;
pub use extended::{ExtendedCopyOptions, extended_copy, extended_copy_graph};
#[cfg(feature = "spool")]
pub use helpers::ingest;
pub use helpers::{
    DEFAULT_TAG_CONCURRENCY, ResolveOptions, fetch, fetch_bytes, push_bytes, resolve, tag, tag_bytes, tag_bytes_n,
    tag_n,
};
pub use hooks::{CopyHooks, Decision};
pub use options::{CopyOptions, IndexShape, NodeRetries};
pub use plan::{Plan, PlannedAccess, PlannedAction, PlannedNode, PlannedVerb, plan};
