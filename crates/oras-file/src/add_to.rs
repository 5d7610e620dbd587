//! A file that is described while it is pushed.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::{
    StreamExt as _,
    future::{Either, select},
};
use oras_content::{
    Error, ErrorKind, Result, Storage,
    fs::{FileSource, Stamp, blocking, failed},
};
use oras_descriptor::{Algorithm, Descriptor, MediaType};

use crate::store::{FileStore, Held};

/// How long a file is on its way before it is described ahead of it, to find out whether the target has it. A target that
/// takes it faster than it can be read is left alone.
const PATIENCE: Duration = Duration::from_secs(2);

impl<F: Send + Sync + 'static> FileStore<F> {
    /// Adds a file as [`add`](Self::add) does, and gives its content to `target` on the way, in one pass over the file.
    ///
    /// Whether the target has it already is not known before the file is described. One that is still on its way after two
    /// seconds is described ahead of that, in a second pass, and when the target has it, no more is given. A directory is
    /// added alone, and so is every file where the target takes no content that is not described.
    ///
    /// The runtime needs its timers.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add), and what the target gives.
    ///
    /// # Cancel safety
    ///
    /// A dropped future adds nothing; the target may keep what it was given until it forgets it.
    pub async fn add_to<T: Storage>(
        &self,
        target: &T,
        name: &str,
        media_type: Option<MediaType>,
        path: impl AsRef<Path>,
    ) -> Result<Descriptor> {
        let (claim, found) = self.inner.begin(name, path.as_ref())?;
        let metadata = look_at(found.clone()).await?;
        if metadata.is_file() {
            match give(target, media_type.as_ref().unwrap_or(&MediaType::OCI_LAYER), &found, metadata.len()).await {
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

/// Gives a file to a target that does not turn out to have it, and describes it.
async fn give<T: Storage>(target: &T, media_type: &MediaType, path: &Path, size: u64) -> Result<Descriptor> {
    let content = FileSource::new(path).into_blob(Some(size));
    let giving = Box::pin(target.ingest(media_type, Algorithm::Sha256, content));
    let looking = Box::pin(look_ahead(target, media_type, path));
    match select(giving, looking).await {
        Either::Left((given, _)) => given,
        Either::Right((Ok(Some(desc)), _)) => Ok(desc),
        // Whatever kept the look from an answer keeps nothing from being given.
        Either::Right((_, giving)) => giving.await,
    }
}

/// Describes a file after a while; nothing if the target does not have it.
async fn look_ahead<T: Storage>(target: &T, media_type: &MediaType, path: &Path) -> Result<Option<Descriptor>> {
    tokio::time::sleep(PATIENCE).await;
    let (mut content, sum) = FileSource::new(path).into_blob(None).summed(Algorithm::Sha256)?;
    while content.next().await.transpose()?.is_some() {}
    let unknown = || Error::new(ErrorKind::Other, "a file was not described");
    let (digest, size) = sum.described().ok_or_else(unknown)?;
    let desc = Descriptor::new(media_type.clone(), digest, size);
    Ok(target.exists(&desc).await?.then_some(desc))
}

async fn look_at(path: PathBuf) -> Result<fs::Metadata> {
    blocking(move || fs::metadata(&path).map_err(|error| failed("read", &path, error))).await
}
