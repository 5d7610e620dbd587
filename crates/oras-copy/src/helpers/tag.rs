use std::num::NonZeroUsize;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use oras_content::{
    Blob, BoxFuture, DEFAULT_METADATA_LIMIT, Descriptor, Error, ErrorKind, MediaType, Pusher, Result, Target,
};

/// How many references are set at once unless a caller says otherwise, as in oras-go.
pub const DEFAULT_TAG_CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

/// Lets `new_ref` stand for what `reference` stands for.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] when `reference` stands for nothing.
///
/// # Cancel safety
///
/// A dropped future leaves the old meaning of `new_ref`, or the new one.
pub async fn tag<T: Target>(target: &T, reference: &str, new_ref: &str) -> Result<Descriptor> {
    tag_n(target, reference, &[new_ref], NonZeroUsize::MIN).await
}

/// Lets each of `new_refs` stand for what `reference` stands for, `concurrency` of them at once.
///
/// A manifest is read once, and stored under each reference in one step.
///
/// # Errors
///
/// [`ErrorKind::MissingReference`] when there are no new references; [`ErrorKind::NotFound`] when `reference` stands
/// for nothing. After an error some of the references may be set.
///
/// # Cancel safety
///
/// A dropped future leaves the old meaning of each reference, or the new one.
pub async fn tag_n<T: Target>(
    target: &T,
    reference: &str,
    new_refs: &[&str],
    concurrency: NonZeroUsize,
) -> Result<Descriptor> {
    if new_refs.is_empty() {
        return Err(Error::new(ErrorKind::MissingReference, format!("no reference to be set to {reference:?}")));
    }
    let (desc, blob) = target.fetch_reference(reference).await?;
    if desc.media_type.is_manifest() && desc.size <= DEFAULT_METADATA_LIMIT {
        let bytes = blob.verify(&desc).bytes(desc.size).await?;
        push_all(target, &desc, &bytes, new_refs, concurrency).await?;
        return Ok(desc);
    }
    drop(blob);
    set_all(new_refs.iter().map(|new_ref| Box::pin(target.tag(&desc, new_ref)) as _), concurrency).await?;
    Ok(desc)
}

/// Describes bytes and stores them; an empty media type becomes `application/octet-stream`.
///
/// # Errors
///
/// [`ErrorKind::AlreadyExists`] when they are there, and whatever the target gives.
///
/// # Cancel safety
///
/// As [`Pusher::push`].
pub async fn push_bytes<T: Pusher>(target: &T, media_type: impl Into<MediaType>, bytes: Bytes) -> Result<Descriptor> {
    let desc = Descriptor::of(media_type, &bytes);
    target.push(&desc, described(&desc, bytes)).await?;
    Ok(desc)
}

/// Describes bytes, stores them, and lets a reference stand for them; that they are there is no error.
///
/// # Errors
///
/// Whatever the target gives.
///
/// # Cancel safety
///
/// A dropped future leaves the old meaning of the reference, or the new one.
pub async fn tag_bytes<T: Target>(
    target: &T,
    media_type: impl Into<MediaType>,
    bytes: Bytes,
    reference: &str,
) -> Result<Descriptor> {
    tag_bytes_n(target, media_type, bytes, &[reference], NonZeroUsize::MIN).await
}

/// Describes bytes, stores them, and lets each reference stand for them, `concurrency` of them at once. Without
/// references this is [`push_bytes`].
///
/// # Errors
///
/// Whatever the target gives. After an error some of the references may be set.
///
/// # Cancel safety
///
/// A dropped future leaves the old meaning of each reference, or the new one.
pub async fn tag_bytes_n<T: Target>(
    target: &T,
    media_type: impl Into<MediaType>,
    bytes: Bytes,
    references: &[&str],
    concurrency: NonZeroUsize,
) -> Result<Descriptor> {
    if references.is_empty() {
        return push_bytes(target, media_type, bytes).await;
    }
    let desc = Descriptor::of(media_type, &bytes);
    push_all(target, &desc, &bytes, references, concurrency).await?;
    Ok(desc)
}

async fn push_all<T: Target>(
    target: &T,
    desc: &Descriptor,
    bytes: &Bytes,
    references: &[&str],
    concurrency: NonZeroUsize,
) -> Result<()> {
    let push = |reference| Box::pin(target.push_reference(desc, described(desc, bytes.clone()), reference)) as _;
    set_all(references.iter().copied().map(push), concurrency).await
}

/// A blob of bytes that were hashed just now.
fn described(desc: &Descriptor, bytes: Bytes) -> Blob {
    Blob::from_bytes(bytes).trusted().verify(desc)
}

/// Does all of it, `concurrency` at once, until the first error.
async fn set_all<'a>(
    settings: impl Iterator<Item = BoxFuture<'a, Result<()>>>,
    concurrency: NonZeroUsize,
) -> Result<()> {
    // Collected, as the iterator's closure would make the future of the caller immovable between threads.
    let settings: Vec<_> = settings.collect();
    let mut settings = stream::iter(settings).buffer_unordered(concurrency.get());
    while let Some(set) = settings.next().await {
        set?;
    }
    Ok(())
}
