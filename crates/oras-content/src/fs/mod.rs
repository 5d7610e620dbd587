//! Blobs from files and into files.
//!
//! Files are read and written on tokio's blocking threads behind bounded channels: reading and hashing overlap with what
//! the other side does, memory stays below a few MiB a blob, and dropping the blob or the future ends the thread within
//! one chunk. A blob on its way into a file takes two of those threads at once, so a runtime that has fewer would wait for
//! itself. Small files, of which there are many, share a thread: see [`Lane`].

mod lane;
mod lock;
mod partial;
mod sink;
mod source;
mod stamp;

pub use lane::Lane;
pub use lock::lock_abandoned;
pub use partial::fill;
pub use sink::{FileSink, rehash, write_and_hash, write_blob};
pub use source::FileSource;
pub use stamp::Stamp;

use std::{io, path::Path};

use tokio::task::JoinHandle;

use crate::error::{Error, ErrorKind, Result};

/// How many chunks that were read wait to be taken.
const CHANNEL_DEPTH: usize = 4;

/// An error of the system about a path, `cannot VERB PATH`; one of ours that travelled inside it comes out again.
///
/// Its kind is [`ErrorKind::NotFound`] where there is nothing at the path, else [`ErrorKind::Io`].
pub fn failed(verb: &str, path: &Path, error: io::Error) -> Error {
    if let Some(ours) = Error::find_in(&error) {
        return ours.clone();
    }
    let kind = if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Io };
    Error::new(kind, format!("cannot {verb} {}", path.display())).with_source(error)
}

/// Runs blocking work; a panic in it becomes an error here.
///
/// # Errors
///
/// What the work gives, or [`ErrorKind::Other`] when it did not come to an end.
///
/// # Cancel safety
///
/// The work goes on to its end on its thread, and is begun there even if it had not been; its result is lost.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    joined(tokio::task::spawn_blocking(work)).await
}

pub(crate) async fn joined<T>(task: JoinHandle<Result<T>>) -> Result<T> {
    match task.await {
        Ok(result) => result,
        Err(error) => Err(Error::new(ErrorKind::Other, "blocking work did not end").with_source(error)),
    }
}
