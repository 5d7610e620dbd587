//! Packing content as OCI artifacts.
//!
//! Layers that are already stored, a type and annotations go in; an image manifest is written, pushed, and its
//! descriptor comes out. What the manifest needs and the target lacks, the empty JSON object, is pushed before it. The
//! same input gives the bytes, and so the digest, that oras-go gives.
//!
//! ```
//! use oras_content::{Blob, Descriptor, Pusher as _};
//! use oras_memory::MemoryStore;
//! use oras_pack::{PackManifestOptions, PackManifestVersion, pack_manifest};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> oras_content::Result<()> {
//! let store = MemoryStore::new();
//! let layer = Descriptor::of("text/plain", b"hello");
//! store.push(&layer, Blob::from_bytes("hello".into())).await?;
//!
//! let options = PackManifestOptions::new().with_layers(vec![layer]);
//! let kind = "application/vnd.example.greeting";
//! let root = pack_manifest(&store, PackManifestVersion::V1_1, kind, &options).await?;
//! assert_eq!(root.artifact_type, Some(kind.into()));
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! None.
//!
//! # Errors
//!
//! [`pack_manifest`] fails with [`oras_content::Error`]; where the input is to blame, its source is a [`PackError`].

mod datetime;
mod error;
mod options;
mod pack;
mod version;

pub use error::PackError;
pub use options::PackManifestOptions;
pub use pack::pack_manifest;
pub use version::PackManifestVersion;
