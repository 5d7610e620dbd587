use bytes::Bytes;
use oras_content::{Blob, DEFAULT_METADATA_LIMIT, Descriptor, Fetcher as _, ReadOnlyTarget, Result, select_platform};
use oras_descriptor::Platform;

use crate::engine::{Cache, CachedFetcher};

/// How to find what a reference stands for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResolveOptions {
    platform: Option<Platform>,
    max_metadata_bytes: u64,
}

impl ResolveOptions {
    /// No platform, and manifests of at most 4 MiB.
    pub fn new() -> Self {
        Self { platform: None, max_metadata_bytes: DEFAULT_METADATA_LIMIT }
    }

    /// Chooses the manifest of a platform.
    #[must_use]
    pub fn with_platform(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }

    /// Sets how many bytes a manifest may have that is read to choose a platform (4 MiB).
    #[must_use]
    pub fn with_max_metadata_bytes(mut self, limit: u64) -> Self {
        self.max_metadata_bytes = limit;
        self
    }
}

impl Default for ResolveOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// The descriptor of what a reference stands for, or of the manifest of a platform below it.
///
/// # Errors
///
/// [`ErrorKind::NotFound`](oras_content::ErrorKind::NotFound) when the reference stands for nothing or there is no such
/// platform; [`ErrorKind::Unsupported`](oras_content::ErrorKind::Unsupported) when no platform can be chosen of it.
///
/// # Cancel safety
///
/// A dropped future leaves nothing.
pub async fn resolve<T: ReadOnlyTarget>(target: &T, reference: &str, options: &ResolveOptions) -> Result<Descriptor> {
    match &options.platform {
        None => target.resolve(reference).await,
        Some(platform) => {
            let cache = Cache::new(options.max_metadata_bytes, u64::MAX);
            choose(&CachedFetcher::new(target, &cache), &cache, target, reference, platform).await
        }
    }
}

/// The content of what a reference stands for, or of the manifest of a platform below it.
///
/// # Errors
///
/// As [`resolve`].
///
/// # Cancel safety
///
/// As [`resolve`].
pub async fn fetch<T: ReadOnlyTarget>(
    target: &T,
    reference: &str,
    options: &ResolveOptions,
) -> Result<(Descriptor, Blob)> {
    let Some(platform) = &options.platform else {
        let (desc, blob) = target.fetch_reference(reference).await?;
        let blob = blob.verify(&desc);
        return Ok((desc, blob));
    };
    let cache = Cache::new(options.max_metadata_bytes, u64::MAX);
    let fetcher = CachedFetcher::new(target, &cache);
    let desc = choose(&fetcher, &cache, target, reference, platform).await?;
    let blob = fetcher.fetch(&desc).await?.verify(&desc);
    Ok((desc, blob))
}

/// The bytes of what a reference stands for, or of the manifest of a platform below it, verified.
///
/// # Errors
///
/// As [`resolve`]; [`ErrorKind::SizeExceedsLimit`](oras_content::ErrorKind::SizeExceedsLimit) when there are more than
/// `limit`; [`ErrorKind::Corrupt`](oras_content::ErrorKind::Corrupt) when they are not what the descriptor says.
///
/// # Cancel safety
///
/// As [`resolve`].
pub async fn fetch_bytes<T: ReadOnlyTarget>(
    target: &T,
    reference: &str,
    options: &ResolveOptions,
    limit: u64,
) -> Result<(Descriptor, Bytes)> {
    let (desc, blob) = fetch(target, reference, options).await?;
    let bytes = blob.bytes(limit).await?;
    Ok((desc, bytes))
}

async fn choose<T: ReadOnlyTarget>(
    fetcher: &CachedFetcher<'_>,
    cache: &Cache,
    target: &T,
    reference: &str,
    platform: &Platform,
) -> Result<Descriptor> {
    let (root, blob) = target.fetch_reference(reference).await?;
    if root.media_type.is_manifest() {
        cache.admit(&root)?;
        cache.put(&root, blob.verify(&root).bytes(root.size).await?);
    }
    select_platform(fetcher, &root, platform).await
}
