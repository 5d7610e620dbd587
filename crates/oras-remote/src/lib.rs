//! A client of OCI registries.

mod access;
mod blob;
mod capability;
mod client;
mod delete;
mod error;
mod location;
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
pub use mirror::Mirror;
pub use options::RegistryOptions;
pub use registry::Registry;
pub use repository::Repository;
pub use upload::{Upload, UploadSession, UploadState, UploadStrategy};
pub use views::{Blobs, Manifests};
