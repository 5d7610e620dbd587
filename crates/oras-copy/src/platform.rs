use std::collections::HashSet;

use oras_content::{BoxFuture, Descriptor, Digest, Error, ErrorKind, Fetcher, Result, select_platform};
use oras_descriptor::{Index, IndexEdit, Platform};

use crate::{
    engine::{CachedFetcher, Context},
    error::{CopyError, CopyOperation},
    options::IndexShape,
};

/// The annotation by which buildkit names the image that an attestation belongs to.
const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";

/// Which platforms of an index are copied.
#[derive(Clone, Debug)]
pub(crate) enum Platforms {
    All,
    One(Platform),
    Set(Vec<Platform>, IndexShape),
}

impl Platforms {
    /// The entries of an index that are copied where the index stays as it is.
    pub(crate) fn choose(&self, mut entries: Vec<Descriptor>) -> Vec<Descriptor> {
        if let Self::Set(wanted, IndexShape::Sparse) = self {
            let choice = Choice::new(wanted, &entries);
            entries.retain(|entry| choice.has(entry));
        }
        entries
    }
}

/// Which entries of one index are chosen: those of a wanted platform, nested indexes, and what belongs to a chosen image.
/// An index that names no platform at all is chosen whole.
struct Choice<'w> {
    wanted: &'w [Platform],
    images: HashSet<Digest>,
    is_whole: bool,
}

impl<'w> Choice<'w> {
    fn new(wanted: &'w [Platform], entries: &[Descriptor]) -> Self {
        let is_whole = entries.iter().all(|entry| entry.platform.is_none());
        let mut choice = Self { wanted, images: HashSet::new(), is_whole };
        let images = entries.iter().filter(|entry| choice.is_image(entry)).map(|entry| entry.digest.clone()).collect();
        choice.images = images;
        choice
    }

    fn is_image(&self, entry: &Descriptor) -> bool {
        let satisfies = |platform: &Platform| self.wanted.iter().any(|wanted| platform.satisfies(wanted));
        !entry.annotations.contains_key(REFERENCE_DIGEST) && entry.platform.as_ref().is_some_and(satisfies)
    }

    fn has(&self, entry: &Descriptor) -> bool {
        let of_chosen_image = || {
            let image = entry.annotations.get(REFERENCE_DIGEST).and_then(|digest| digest.parse().ok());
            image.is_some_and(|image: Digest| self.images.contains(&image))
        };
        self.is_whole
            || self.images.contains(&entry.digest)
            || entry.platform.is_none() && entry.media_type.is_index()
            || of_chosen_image()
    }
}

impl<S, D> Context<'_, S, D> {
    /// Refuses options that choose another root than the one that is given.
    pub(crate) fn keep_root(&self, root: &Descriptor) -> Result<(), CopyError> {
        match self.options.platforms {
            Platforms::All | Platforms::Set(_, IndexShape::Sparse) => Ok(()),
            Platforms::One(_) | Platforms::Set(_, IndexShape::Rewritten) => {
                let error = Error::unsupported("choosing another root where the root is given");
                Err(CopyError::source_at(CopyOperation::SelectPlatform, root, error))
            }
        }
    }
}

impl<S: Fetcher, D: Sync> Context<'_, S, D> {
    /// What is copied of `root`, by the platforms asked for.
    pub(crate) async fn choose_platforms(&self, root: Descriptor) -> Result<Descriptor, CopyError> {
        let fetcher = self.fetcher();
        let chosen = match &self.options.platforms {
            Platforms::All => return Ok(root),
            Platforms::One(wanted) => select_platform(&fetcher, &root, wanted).await,
            Platforms::Set(wanted, shape) => self.choose_set(&fetcher, &root, wanted, *shape).await,
        };
        chosen.map_err(|error| CopyError::source_at(CopyOperation::SelectPlatform, &root, error))
    }

    async fn choose_set(
        &self,
        fetcher: &CachedFetcher<'_>,
        root: &Descriptor,
        wanted: &[Platform],
        shape: IndexShape,
    ) -> Result<Descriptor> {
        let mut missing = None;
        let mut found = 0;
        for platform in wanted {
            match select_platform(fetcher, root, platform).await {
                Ok(_) => found += 1,
                Err(error) if error.kind() == ErrorKind::NotFound => missing = Some(error),
                Err(error) => return Err(error),
            }
        }
        // An image is of one platform; an index must have all that are wanted.
        let is_enough = if root.media_type.is_index() { missing.is_none() } else { found > 0 };
        match missing {
            Some(error) if !is_enough => Err(error),
            _ if root.media_type.is_index() && shape == IndexShape::Rewritten => self.rewrite(root, wanted).await,
            _ => Ok(root.clone()),
        }
    }

    /// Writes an index with the chosen entries alone, and those in it before it.
    fn rewrite<'a>(&'a self, desc: &'a Descriptor, wanted: &'a [Platform]) -> BoxFuture<'a, Result<Descriptor>> {
        Box::pin(async move {
            let bytes = self.fetcher().bytes(desc).await?;
            let invalid = |error| Error::from(error).with_descriptor(desc);
            let entries = Index::from_slice(&bytes).map_err(invalid)?.manifests;
            let choice = Choice::new(wanted, &entries);
            let mut edit = IndexEdit::from_slice(&bytes).map_err(invalid)?;
            edit.retain(|entry| choice.has(entry));
            for nested in entries.iter().filter(|entry| choice.has(entry) && entry.media_type.is_index()) {
                let written = self.rewrite(nested, wanted).await?;
                if written.digest != nested.digest {
                    edit.retain(|entry| entry.digest != nested.digest);
                    edit.push(&written);
                }
            }
            self.cache.release(desc);
            if !edit.is_changed() {
                return Ok(desc.clone());
            }
            let bytes = edit.to_bytes();
            let algorithm = desc.algorithm()?;
            let written =
                Descriptor { digest: algorithm.digest(&bytes), size: bytes.len() as u64, data: None, ..desc.clone() };
            self.cache.keep(&written, bytes);
            Ok(written)
        })
    }
}
