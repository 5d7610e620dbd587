//! A content store in memory, with a tag index and a predecessor graph that other stores reuse.
//!
//! Content flows in through [`MemoryStore`]'s `push` or `ingest`, is verified on the way, and flows out as often as
//! asked; nothing touches a disk or the network. The store has every role of `oras-content`, and its clones share
//! their content. Its parts, [`TagIndex`] and [`PredecessorGraph`], are plain values for stores that keep content
//! elsewhere.
//!
//! ```
//! use oras_content::{Blob, Descriptor, ReadOnlyTarget as _, Target as _};
//! use oras_memory::MemoryStore;
//!
//! # fn main() -> oras_content::Result<()> {
//! # futures_util::FutureExt::now_or_never(async {
//! let store = MemoryStore::new();
//! let desc = Descriptor::of("text/plain", b"hello");
//! store.push_reference(&desc, Blob::from_bytes("hello".into()), "greeting").await?;
//!
//! let (found, blob) = store.fetch_reference("greeting").await?;
//! assert_eq!(found, desc);
//! assert_eq!(blob.bytes(1024).await?, "hello");
//! # Ok(()) }).expect("memory is always ready")
//! # }
//! ```
//!
//! # Features
//!
//! None.
//!
//! # Errors
//!
//! Those of the roles; [`MemoryStore`] says which ones it gives when.

mod graph;
mod store;
mod tags;

pub use graph::PredecessorGraph;
pub use store::MemoryStore;
pub use tags::TagIndex;
