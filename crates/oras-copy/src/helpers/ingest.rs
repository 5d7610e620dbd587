use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::StreamExt as _;
use oras_content::{
    Blob, BlobSource, BoxFuture, ByteStream, Descriptor, Error, ErrorKind, MediaType, Pusher, Result,
    fs::{FileSource, blocking, write_blob},
};
use oras_descriptor::{Algorithm, Hasher};

/// Stores content that is not described yet, and describes it: in one pass where the target can, else by way of a
/// temporary file.
///
/// # Errors
///
/// [`ErrorKind::Io`] when the temporary file cannot be written; else what the content or the target gives. Content that
/// is there already is no error.
///
/// # Cancel safety
///
/// A dropped future leaves nothing; the temporary file goes with it.
pub async fn ingest<T: Pusher>(
    target: &T,
    media_type: impl Into<MediaType>,
    algorithm: Algorithm,
    content: Blob,
) -> Result<Descriptor> {
    let media_type = media_type.into();
    let size = content.size();
    let lent = Arc::new(Lent(Mutex::new(Some(content))));
    match target.ingest(&media_type, algorithm, Blob::from_source(size, Arc::clone(&lent) as _)).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => match lent.take() {
            Some(content) => spool(target, media_type, algorithm, content).await,
            None => Err(error),
        },
        ingested => ingested,
    }
}

/// Content that is lent to a target, and taken back if the target did not touch it.
struct Lent(Mutex<Option<Blob>>);

impl Lent {
    fn take(&self) -> Option<Blob> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl BlobSource for Lent {
    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
        let opened = match self.take() {
            Some(content) if offset == 0 => Ok(content.boxed()),
            _ => Err(Error::unsupported("reading content again that is not described")),
        };
        Box::pin(std::future::ready(opened))
    }
}

async fn spool<T: Pusher>(
    target: &T,
    media_type: MediaType,
    algorithm: Algorithm,
    content: Blob,
) -> Result<Descriptor> {
    let (path, file) = blocking(|| {
        let (file, path) = tempfile::NamedTempFile::new()?.into_parts();
        Ok((path, file))
    })
    .await?;
    let hasher = Arc::new(Mutex::new(Some(algorithm.hasher())));
    write_blob(hashed(content, Arc::clone(&hasher)), file).await?;
    let hasher = hasher.lock().unwrap_or_else(PoisonError::into_inner).take();
    let digest = hasher.unwrap_or_else(|| algorithm.hasher()).finish();
    let size = file_size(&path).await?;
    let media_type = if media_type.is_empty() { MediaType::OCTET_STREAM } else { media_type };
    let desc = Descriptor::new(media_type, digest, size);
    let blob = FileSource::new(&*path).into_blob(Some(size)).verify(&desc);
    match target.push(&desc, blob).await {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(desc),
    }
}

/// The content, hashed on its way.
fn hashed(content: Blob, hasher: Arc<Mutex<Option<Hasher>>>) -> Blob {
    let size = content.size();
    let chunks = content.map(move |chunk| {
        if let (Ok(chunk), Some(hasher)) = (&chunk, &mut *hasher.lock().unwrap_or_else(PoisonError::into_inner)) {
            hasher.update(chunk);
        }
        chunk
    });
    Blob::from_stream(size, chunks)
}

async fn file_size(path: &Path) -> Result<u64> {
    let path = path.to_owned();
    blocking(move || Ok(std::fs::metadata(path)?.len())).await
}
