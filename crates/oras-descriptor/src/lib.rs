//! Descriptors, digests, manifests and indexes of the OCI specifications, without any I/O.
//!
//! A [`Descriptor`] names content by [`MediaType`], [`Digest`] and size. A [`Verifier`] checks bytes against it while
//! they flow. A [`Manifest`] or an [`Index`] is read tolerantly from bytes and written by exactly one function,
//! [`canonical`], whose output is byte-equal to that of Go's encoder; a document of somebody else is changed through
//! [`IndexEdit`], which leaves what it does not touch as it was.
//!
//! Tolerant means: unknown members are skipped, and a null or absent member is the empty value where the specifications do
//! not require it. A member that occurs twice is an error, and so is an array where an object is expected, because two
//! parsers could see two documents in them.
//!
//! ```
//! use oras_descriptor::{Descriptor, MediaType, Verifier};
//!
//! let content = b"hello";
//! let desc = Descriptor::of(MediaType::OCTET_STREAM, content);
//! assert_eq!(desc.size, 5);
//!
//! let mut verifier = Verifier::new(&desc)?;
//! verifier.update(b"hel")?;
//! verifier.update(b"lo")?;
//! verifier.finish()?;
//! # Ok::<(), oras_descriptor::VerifyError>(())
//! ```
//!
//! # Features
//!
//! - `oci-spec-0-10`: conversions from and to the types of the `oci-spec` crate, version 0.10.
//!
//! # Errors
//!
//! Every parser has an exact error: [`DigestError`], [`MediaTypeError`], [`DocumentError`]; a check of content fails
//! with [`VerifyError`], one of inline data with [`EmbeddedDataError`].

mod algorithm;
pub mod annotation;
mod artifact;
mod canonical;
mod descriptor;
mod digest;
mod document;
mod index;
mod index_edit;
mod links;
mod manifest;
mod media_type;
#[cfg(feature = "oci-spec-0-10")]
mod oci_spec;
mod platform;
mod raw_object;
mod verifier;
mod wire;

pub use algorithm::{Algorithm, Hasher, hashed_bytes};
pub use annotation::Annotations;
pub use artifact::ArtifactManifest;
pub use canonical::{Canonical, canonical};
pub use descriptor::{Descriptor, EmbeddedDataError};
pub use digest::{Digest, DigestError};
pub use document::{DocumentError, SCHEMA_VERSION};
pub use index::Index;
pub use index_edit::IndexEdit;
pub use links::{Links, links};
pub use manifest::Manifest;
pub use media_type::{MediaType, MediaTypeError};
#[cfg(feature = "oci-spec-0-10")]
pub use oci_spec::FromOciSpecError;
pub use platform::Platform;
pub use verifier::{Verifier, VerifyError};
