//! A client of OCI registries: blobs, manifests, tags, referrers and mirrors over HTTP.
//!
//! A [`Registry`] is a host, a [`Repository`] one name on it; both are cheap handles. A repository has every role of a store,
//! so whatever copies, packs or walks works on it. Requests go through an
//! [`HttpClient`](oras_transport::HttpClient), which retries them, inside a layer that answers challenges
//! ([`oras_auth`]). A blob flows from the registry when its first byte is asked for, goes on where its connection broke,
//! and is verified; it flows to the registry in one request, in chunks, or in a body of unknown length
//! ([`UploadStrategy`]).
//!
//! ```
//! use oras_content::{Descriptor, Fetcher as _, ReadOnlyStorage as _};
//! use oras_remote::{RegistryOptions, Repository};
//! # use oras_testing::{Expected, Reply, ScriptedService};
//! # use oras_transport::HttpClient;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> oras_content::Result<()> {
//! # let blob = format!("/v2/acme/rocket/blobs/{}", Descriptor::of("text/plain", b"to the moon").digest);
//! # let registry = ScriptedService::new()
//! #     .expect(Expected::head(&blob), Reply::status(200).header("content-length", "11"))
//! #     .expect(Expected::get(&blob), Reply::status(200).body("to the moon"));
//! let options = RegistryOptions::new();
//! # let options = options.with_transport(HttpClient::from_service(registry));
//! let repository = Repository::new("registry.example/acme/rocket", options)?;
//!
//! let rocket = Descriptor::of("text/plain", b"to the moon");
//! assert!(repository.exists(&rocket).await?);
//! let blob = repository.fetch(&rocket).await?;
//! assert_eq!(blob.bytes(1024).await?, "to the moon");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `tracing`: a span for each request and retry, with secrets removed, and events for old indexes that stay.
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
mod odds;
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
