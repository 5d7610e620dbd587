//! An OCI registry to embed in tests, tools and edge devices, with faults on demand.
//!
//! Requests flow from a socket, or from any tower stack, into one registry, and content flows into memory or into a
//! directory, where each repository is an ordinary image layout.
//! A [`Server`] serves on a socket; a [`RegistryService`] answers requests without one. [`Behaviour`] makes either of
//! them deviate as real registries do, or fail at an exact byte, so that clients can be tested against what they will
//! meet.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! use oras_registry::{RequestKind, Server};
//!
//! let server = Server::builder().start().await?;
//! println!("push to {}/hello:latest", server.host());
//! assert_eq!(server.counters().requests(RequestKind::ManifestPut), 0);
//! server.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! # Features
//!
//! - `bin`: the program `oras-registry`.
//!
//! # Errors
//!
//! Starting fails with [`std::io::Error`]. A registry answers what a client does wrong with the codes of the distribution
//! specification, and never fails by itself.

mod auth;
mod behaviour;
mod blobs;
mod body;
mod call;
mod clock;
mod counters;
mod dispatch;
mod error;
mod finish;
mod limits;
mod lists;
mod manifests;
mod query;
mod range;
mod record;
mod registry;
mod reply;
mod routes;
mod second_origin;
mod server;
mod service;
mod storage;
mod tls;
mod uploads;

pub use auth::{Accounts, AuthScheme, Permission};
pub use behaviour::{
    Action, Behaviour, BlobQuirks, ChallengeScope, DigestHeader, EmptyRange, Fault, ListQuirks, LocationStyle,
    ManifestQuirks, RangeQuirk, ReachedRange, Redirect, ReferrersQuirk, TokenFields, TokenQuirks, UploadQuirks,
};
pub use body::Body;
pub use clock::Clock;
pub use counters::{Counters, RequestKind};
pub use limits::Limits;
pub use record::RequestRecord;
pub use server::{Builder, Server};
pub use service::RegistryService;
