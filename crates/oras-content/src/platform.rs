use std::collections::HashSet;

use futures_core::future::BoxFuture;
use oras_descriptor::{Descriptor, Digest, Index, Manifest, Platform};

use crate::{
    error::{Error, ErrorKind, Result},
    fetch::{DEFAULT_METADATA_LIMIT, fetch_all},
    roles::Fetcher,
};

/// How deep indexes may be nested before a search gives up: real ones have one or two levels.
const MAX_INDEX_DEPTH: usize = 8;

/// How many indexes a search reads before it gives up, so that a hostile index cannot keep it busy.
const MAX_INDEXES: usize = 256;

/// The annotation by which buildkit marks what belongs to an image and is none, such as an attestation.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";

/// The manifest of a platform at or below `root`.
///
/// In an index the first match wins, nested indexes are searched depth-first, and entries that are no images are passed
/// over. An image manifest is asked for the platform of its configuration (image specification, "OCI Image Index").
///
/// # Errors
///
/// [`ErrorKind::NotFound`] when nothing matches; [`ErrorKind::Unsupported`] when `root` is neither an index nor a
/// manifest with an image configuration, or when indexes are nested too deep or too many.
///
/// # Cancel safety
///
/// Dropping the future drops the fetch it is at; nothing changes.
pub async fn select_platform<F: Fetcher + ?Sized>(
    fetcher: &F,
    root: &Descriptor,
    wanted: &Platform,
) -> Result<Descriptor> {
    let found = if root.media_type.is_index() {
        search(fetcher, root, wanted, &mut HashSet::new(), 0).await?
    } else if root.media_type.is_image_manifest() {
        let platform = platform_of(fetcher, root).await?;
        platform.satisfies(wanted).then(|| root.clone())
    } else {
        return Err(
            Error::unsupported(format_args!("choosing a platform of a {}", root.media_type)).with_descriptor(root)
        );
    };
    found.ok_or_else(|| {
        let message = format!("no manifest for platform {wanted} in {}", root.digest);
        Error::new(ErrorKind::NotFound, message).with_descriptor(root)
    })
}

fn search<'a, F: Fetcher + ?Sized>(
    fetcher: &'a F,
    desc: &'a Descriptor,
    wanted: &'a Platform,
    seen: &'a mut HashSet<Digest>,
    depth: usize,
) -> BoxFuture<'a, Result<Option<Descriptor>>> {
    Box::pin(async move {
        if !seen.insert(desc.digest.clone()) {
            return Ok(None);
        }
        if depth >= MAX_INDEX_DEPTH || seen.len() > MAX_INDEXES {
            let what = format_args!("searching more than {MAX_INDEX_DEPTH} levels or {MAX_INDEXES} indexes");
            return Err(Error::unsupported(what).with_descriptor(desc));
        }
        let bytes = fetch_all(fetcher, desc, DEFAULT_METADATA_LIMIT).await?;
        let index = Index::from_slice(&bytes).map_err(|error| Error::from(error).with_descriptor(desc))?;
        for entry in index.manifests.into_iter().filter(|entry| !is_attached(entry)) {
            match &entry.platform {
                Some(platform) if platform.satisfies(wanted) => return Ok(Some(entry)),
                None if entry.media_type.is_index() => {
                    if let Some(found) = search(fetcher, &entry, wanted, seen, depth + 1).await? {
                        return Ok(Some(found));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    })
}

fn is_attached(entry: &Descriptor) -> bool {
    let is_unknown = |platform: &Platform| platform.os == "unknown" && platform.architecture == "unknown";
    entry.annotations.contains_key(REFERENCE_TYPE) || entry.platform.as_ref().is_some_and(is_unknown)
}

async fn platform_of<F: Fetcher + ?Sized>(fetcher: &F, desc: &Descriptor) -> Result<Platform> {
    let bytes = fetch_all(fetcher, desc, DEFAULT_METADATA_LIMIT).await?;
    let manifest = Manifest::from_slice(&bytes).map_err(|error| Error::from(error).with_descriptor(desc))?;
    if !manifest.config.media_type.is_image_config() {
        let what = format_args!("choosing a platform by a configuration of type {}", manifest.config.media_type);
        return Err(Error::unsupported(what).with_descriptor(desc));
    }
    let config = fetch_all(fetcher, &manifest.config, DEFAULT_METADATA_LIMIT).await?;
    Platform::from_config(&config).map_err(|error| Error::from(error).with_descriptor(&manifest.config))
}
