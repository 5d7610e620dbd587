//! Blobs on their way in.

mod chunk;
mod chunked;
mod chunks;
mod driver;
mod mount;
mod put;
mod session;
mod state;
mod stream;

pub use driver::Upload;
pub use session::UploadSession;
pub use state::UploadState;

/// How many bytes a chunk has unless somebody says otherwise: GHCR refuses more than 4 MiB.
pub(crate) const DEFAULT_CHUNK: u64 = 4 << 20;

/// The largest chunk that is held in memory, so that it can be sent again.
pub(crate) const MAX_CHUNK: u64 = 64 << 20;

/// How a blob is uploaded.
///
/// Each way falls back where a registry does not go along: a single request to two, two requests to chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UploadStrategy {
    /// `POST`, then one `PUT` with the whole blob. Every registry takes it.
    #[default]
    PostPut,
    /// One `POST` with the whole blob: nothing is left behind when it fails. Some registries answer as to a `POST` without
    /// any content, and then it is sent again by `PUT`.
    Post,
    /// `PATCH` requests of so many bytes, between 1 byte and 64 MiB: what breaks goes on behind the last chunk that arrived.
    /// The registry's own bounds come first. One chunk is held in memory.
    Chunked(u64),
    /// One `PATCH` with the whole blob, in a body of unknown length, as it is done for content that is not described.
    Stream,
}

impl UploadStrategy {
    /// Chunks of 4 MiB, the largest that all registries take that take chunks.
    pub const CHUNKED: Self = Self::Chunked(DEFAULT_CHUNK);
}
