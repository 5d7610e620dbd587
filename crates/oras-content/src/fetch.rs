use bytes::Bytes;
use oras_descriptor::{Descriptor, Links, links};

use crate::{
    error::{Error, ErrorKind, Result},
    roles::Fetcher,
};

/// The largest manifest that is read into memory unless a caller says otherwise, in bytes.
///
/// Registries must take manifests of 4 MiB, and few take larger ones (distribution specification, "Pushing Manifests").
pub const DEFAULT_METADATA_LIMIT: u64 = 4 << 20;

/// The whole content of a descriptor, verified.
///
/// Content that the descriptor carries itself is taken from there; when it does not agree with the descriptor, it is
/// fetched as if it were not there (image specification, "Embedded Content").
///
/// # Errors
///
/// [`ErrorKind::SizeExceedsLimit`] when the descriptor says more than `limit` bytes, and then nothing is fetched;
/// [`ErrorKind::Corrupt`] when the content is not the described one.
///
/// # Cancel safety
///
/// Dropping the future drops the fetch; nothing changes.
pub async fn fetch_all<F: Fetcher + ?Sized>(fetcher: &F, desc: &Descriptor, limit: u64) -> Result<Bytes> {
    if desc.size > limit {
        let message = format!("{} has {} bytes, more than the limit of {limit}", desc.digest, desc.size);
        return Err(Error::new(ErrorKind::SizeExceedsLimit, message).with_descriptor(desc));
    }
    if let Ok(Some(data)) = desc.embedded() {
        return Ok(data);
    }
    fetcher.fetch(desc).await?.verify(desc).bytes(limit).await
}

/// What a manifest points to and says about itself; content of other types is not fetched and says nothing.
///
/// # Errors
///
/// As [`fetch_all`] with [`DEFAULT_METADATA_LIMIT`]; [`ErrorKind::Corrupt`] when the manifest cannot be read.
///
/// # Cancel safety
///
/// As [`fetch_all`].
pub async fn fetch_links<F: Fetcher + ?Sized>(fetcher: &F, desc: &Descriptor) -> Result<Links> {
    if !desc.media_type.is_manifest() {
        return Ok(Links::default());
    }
    let bytes = fetch_all(fetcher, desc, DEFAULT_METADATA_LIMIT).await?;
    links(&desc.media_type, &bytes).map_err(|error| Error::from(error).with_descriptor(desc))
}

/// What a node points to: subject, configuration, then layers, entries or blobs.
///
/// # Errors
///
/// As [`fetch_links`].
///
/// # Cancel safety
///
/// As [`fetch_all`].
pub async fn successors<F: Fetcher + ?Sized>(fetcher: &F, desc: &Descriptor) -> Result<Vec<Descriptor>> {
    Ok(fetch_links(fetcher, desc).await?.successors())
}
