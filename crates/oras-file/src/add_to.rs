//! A file that is described while it is pushed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oras_content::{
    ErrorKind, Pusher, Result,
    fs::{FileSource, Stamp, blocking, failed},
};
use oras_descriptor::{Algorithm, Descriptor, MediaType};

use crate::store::{FileStore, Held};

impl<F: Send + Sync + 'static> FileStore<F> {
    /// Adds a file as [`add`](Self::add) does, and gives its content to `target` on the way, in one pass over the file.
    ///
    /// Whether the target has it already is not asked: without the digest nobody could. A directory is added alone, and so
    /// is every file where the target takes no content that is not described.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add), and what the target gives.
    ///
    /// # Cancel safety
    ///
    /// A dropped future adds nothing; the target may keep what it was given until it forgets it.
    pub async fn add_to<T: Pusher>(
        &self,
        target: &T,
        name: &str,
        media_type: Option<MediaType>,
        path: impl AsRef<Path>,
    ) -> Result<Descriptor> {
        let (claim, found) = self.inner.begin(name, path.as_ref())?;
        let metadata = look_at(found.clone()).await?;
        if metadata.is_file() {
            let content = FileSource::new(&found).into_blob(Some(metadata.len()));
            let layer = media_type.clone().unwrap_or(MediaType::OCI_LAYER);
            match target.ingest(&layer, Algorithm::Sha256, content).await {
                Err(error) if error.kind() == ErrorKind::Unsupported => {}
                Err(error) => return Err(error),
                Ok(desc) => {
                    let desc = self.inner.named(desc, name, &metadata);
                    // As it was before it was read: a change on the way shows.
                    claim.keep(&desc, Held { path: found, stamp: Stamp::of(&metadata) });
                    return Ok(desc);
                }
            }
        }
        drop(claim);
        self.add(name, media_type, path).await
    }
}

async fn look_at(path: PathBuf) -> Result<fs::Metadata> {
    blocking(move || fs::metadata(&path).map_err(|error| failed("read", &path, error))).await
}
