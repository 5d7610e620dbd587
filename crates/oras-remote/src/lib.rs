//! A client of OCI registries: blobs, manifests, tags, referrers and mirrors over HTTP.
//!
//! A [`Registry`] is a host, a [`Repository`] one name on it; both are cheap handles. A repository has every role of a store,
//! so whatever copies, packs or walks works on it. Requests go through an
//! [`HttpClient`](oras_transport::HttpClient), which retries them, inside a layer that answers challenges
//! ([`oras_auth`]). A blob flows from the registry when its first byte is asked for, goes on where its connection broke,
//! and is verified; it flows to the registry in one request, in chunks, or in a body of unknown length
//! ([`UploadStrategy`]).
//!
//! ```no_run
//! use oras_content::{Blob, Descriptor, Fetcher, MediaType, Pusher, Target};
//! use oras_descriptor::{Manifest, canonical};
//! use oras_remote::{RegistryOptions, Repository};
//!
//! # async fn example() -> oras_content::Result<()> {
//! let repository = Repository::new("localhost:5000/acme/rocket", RegistryOptions::new().with_plain_http(true))?;
//!
//! let layer = bytes::Bytes::from_static(b"to the moon");
//! let layer_desc = Descriptor::of("text/plain", &layer);
//! repository.push(&layer_desc, Blob::from_bytes(layer)).await?;
//! let empty = Descriptor::empty();
//! repository.push(&empty, Blob::from_bytes("{}".into())).await?;
//!
//! let manifest = Manifest::new(empty, vec![layer_desc.clone()]).with_artifact_type("application/vnd.acme.rocket");
//! let bytes = canonical(&manifest);
//! let desc = Descriptor::of(MediaType::OCI_MANIFEST, &bytes);
//! repository.push_reference(&desc, Blob::from_bytes(bytes), "v1").await?;
//!
//! assert_eq!(repository.fetch(&layer_desc).await?.bytes(1024).await?, "to the moon");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `tracing`: events for each request and retry, with secrets removed, and for old indexes that cannot be deleted.
//!
//! # Errors
//!
//! Everything fails with [`oras_content::Error`]; what the registry said is below it: `error.find::<ResponseError>()`
//! gives status, codes and messages ([`ResponseError`]).
//!
//! # Referrers without the referrers API
//!
//! Where a registry does not list referrers, this client keeps an index of them under a tag. Within a process changes of
//! one index are gathered. Between processes an index is written under the condition that nobody changed it, where the
//! registry gives an `ETag` and heeds `If-Match`: then nothing is lost. Elsewhere it is read again after it was written,
//! as much later as writing it took (a second at most), and an entry that is gone is added again; only a change that another
//! process read before the write and writes after that second look can be lost.

mod access;
mod blob;
mod capability;
mod client;
mod delete;
mod error;
mod location;
mod login;
mod manifest;
mod mirror;
mod options;
mod pages;
mod range;
mod referrers;
mod registry;
mod repository;
mod roles;
mod tags;
mod upload;
mod url;
mod views;

pub use blob::{BlobPart, ParallelRanges, SeekableBlob};
pub use capability::{Capabilities, ReferrersCapability};
pub use error::{ErrorCode, RegistryError, ResponseError};
pub use login::{login, logout};
pub use mirror::Mirror;
pub use options::RegistryOptions;
pub use registry::Registry;
pub use repository::Repository;
pub use upload::{Upload, UploadSession, UploadState, UploadStrategy};
pub use views::{Blobs, Manifests};
