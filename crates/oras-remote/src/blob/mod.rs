//! Blobs: what is there, and how it is read.

mod download;
mod fetch;
mod parallel;
mod part;
mod seek;

pub use parallel::ParallelRanges;
pub use part::BlobPart;
pub use seek::SeekableBlob;
