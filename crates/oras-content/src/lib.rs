//! The roles of content stores, verified blobs on the move, and the error they share.
//!
//! Content flows one way: a [`Fetcher`] gives a [`Blob`], a [`Pusher`] takes it. A blob cannot hand out its last byte
//! before size and digest are checked, and it starts again at the byte where it was when its source can give the bytes
//! again. Everything that stores or moves content speaks the roles of this crate: [`ReadOnlyTarget`] to copy from,
//! [`Target`] to copy to. [`AnyTarget`] holds any of them behind one type.
//!
//! ```
//! use oras_content::{Blob, Descriptor};
//!
//! # fn main() -> oras_content::Result<()> {
//! # futures_util::FutureExt::now_or_never(async {
//! let desc = Descriptor::of("text/plain", b"hello");
//! let blob = Blob::from_bytes("hello".into()).verify(&desc);
//! assert_eq!(blob.bytes(1024).await?, "hello");
//!
//! let wrong = Blob::from_bytes("hallo".into()).verify(&desc);
//! let error = wrong.bytes(1024).await.expect_err("one byte differs");
//! assert_eq!(error.kind(), oras_content::ErrorKind::Corrupt);
//! # Ok(()) }).expect("bytes are always ready")
//! # }
//! ```
//!
//! # Features
//!
//! - `fs`: blobs from files and into files, on tokio's blocking threads ([`fs`]).
//!
//! # Errors
//!
//! Everything fails with [`Error`]; its [`kind`](Error::kind) tells what a caller can do about it, and a [`Report`] tells a
//! person.

mod any;
mod blob;
mod error;
mod fetch;
#[cfg(feature = "fs")]
pub mod fs;
mod limited;
mod location;
mod platform;
mod report;
mod roles;

pub use any::{AnyReadOnlyTarget, AnyTarget};
pub use blob::{Blob, BlobReader, BlobSource, ByteStream, RawStream, Sum};
pub use error::{Error, ErrorKind, Result};
pub use fetch::{DEFAULT_METADATA_LIMIT, fetch_all, fetch_links, successors};
pub use limited::LimitedStorage;
pub use location::Location;
pub use platform::select_platform;
pub use report::Report;
pub use roles::{
    Deleter, Fetcher, GraphTarget, MountOutcome, PredecessorFinder, Pusher, ReadOnlyGraphTarget, ReadOnlyStorage,
    ReadOnlyTarget, Resolver, Storage, TagLister, Tagger, Target, Untagger,
};

pub use futures_core::{future::BoxFuture, stream::BoxStream};
pub use oras_descriptor::{Descriptor, Digest, MediaType};
