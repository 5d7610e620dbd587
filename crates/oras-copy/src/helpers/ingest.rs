use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use oras_content::{
    Blob, BlobSource, BoxFuture, ByteStream, Descriptor, Error, ErrorKind, MediaType, Pusher, Result,
    fs::{FileSink, FileSource, blocking, failed, write_and_hash},
};
use oras_descriptor::Algorithm;

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
    let (file, path) = blocking(|| {
        let temp = tempfile::NamedTempFile::new();
        let temp = temp.map_err(|error| failed("create a file in", &std::env::temp_dir(), error))?;
        let (file, path) = temp.into_parts();
        Ok((FileSink::new(file, &*path), path))
    })
    .await?;
    let (_, digest, size) = write_and_hash(content, file, algorithm).await?;
    let media_type = if media_type.is_empty() { MediaType::OCTET_STREAM } else { media_type };
    let desc = Descriptor::new(media_type, digest, size);
    let blob = FileSource::new(&*path).into_blob(Some(size)).verify(&desc);
    match target.push(&desc, blob).await {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(desc),
    }
}
