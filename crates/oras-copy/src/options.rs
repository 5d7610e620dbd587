use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use oras_content::DEFAULT_METADATA_LIMIT;
use oras_descriptor::Platform;

use crate::{hooks::CopyHooks, platform::Platforms};

/// How many blobs move at once by default, as in oras-go.
const DEFAULT_CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// How much metadata is held at once by default: a chain of eight manifests of the largest size.
const DEFAULT_TOTAL_METADATA_LIMIT: u64 = 8 * DEFAULT_METADATA_LIMIT;

/// How often a node tells its progress by default.
const DEFAULT_PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// How to copy; `Default` is what oras-go does by default.
#[derive(Clone)]
#[non_exhaustive]
pub struct CopyOptions {
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) metadata_concurrency: Option<NonZeroUsize>,
    pub(crate) max_metadata_bytes: u64,
    pub(crate) max_total_metadata_bytes: u64,
    pub(crate) platforms: Platforms,
    pub(crate) foreign_layers: bool,
    pub(crate) manifests_only: bool,
    pub(crate) missing_entries: bool,
    pub(crate) verify_children: bool,
    pub(crate) mount_from_source: bool,
    pub(crate) trusted_source: bool,
    pub(crate) retries: NodeRetries,
    pub(crate) progress_interval: Duration,
    pub(crate) hooks: Option<Arc<dyn CopyHooks>>,
}

impl CopyOptions {
    /// The default options.
    pub fn new() -> Self {
        Self {
            concurrency: DEFAULT_CONCURRENCY,
            metadata_concurrency: None,
            max_metadata_bytes: DEFAULT_METADATA_LIMIT,
            max_total_metadata_bytes: DEFAULT_TOTAL_METADATA_LIMIT,
            platforms: Platforms::All,
            foreign_layers: false,
            manifests_only: false,
            missing_entries: false,
            verify_children: false,
            mount_from_source: true,
            trusted_source: false,
            retries: NodeRetries::default(),
            progress_interval: DEFAULT_PROGRESS_INTERVAL,
            hooks: None,
        }
    }

    /// Sets how many blobs move at once (3). Manifests, small blobs and questions whether content is there have places of
    /// their own, twice as many, so that none of them waits behind a large blob.
    #[must_use]
    pub fn with_concurrency(mut self, concurrency: NonZeroUsize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// How many blobs move at once.
    pub fn concurrency(&self) -> NonZeroUsize {
        self.concurrency
    }

    /// Sets how many small requests are under way at once, beside the blobs (twice the concurrency).
    #[must_use]
    pub fn with_metadata_concurrency(mut self, concurrency: NonZeroUsize) -> Self {
        self.metadata_concurrency = Some(concurrency);
        self
    }

    /// Sets how many bytes a manifest may have (4 MiB).
    #[must_use]
    pub fn with_max_metadata_bytes(mut self, limit: u64) -> Self {
        self.max_metadata_bytes = limit;
        self
    }

    /// Sets how many bytes of manifests may be held in memory at once (32 MiB).
    ///
    /// The walk holds back where it would pass the limit; the copy fails only when a node and those above it do not fit.
    #[must_use]
    pub fn with_max_total_metadata_bytes(mut self, limit: u64) -> Self {
        self.max_total_metadata_bytes = limit;
        self
    }

    /// Copies only the manifest of a platform, which becomes the root: the first match of an index, or the manifest
    /// itself.
    #[must_use]
    pub fn with_platform(mut self, platform: Platform) -> Self {
        self.platforms = Platforms::One(platform);
        self
    }

    /// Copies only the manifests of these platforms, and keeps the index as it is or rewrites it.
    #[must_use]
    pub fn with_platforms(mut self, platforms: impl IntoIterator<Item = Platform>, shape: IndexShape) -> Self {
        self.platforms = Platforms::Set(platforms.into_iter().collect(), shape);
        self
    }

    /// Sets whether layers that are not to be distributed are copied too (no).
    #[must_use]
    pub fn with_foreign_layers(mut self, copied: bool) -> Self {
        self.foreign_layers = copied;
        self
    }

    /// Sets whether only manifests are copied, and none of their blobs (no). Registries refuse such manifests.
    #[must_use]
    pub fn with_manifests_only(mut self, only: bool) -> Self {
        self.manifests_only = only;
        self
    }

    /// Sets whether an index may have entries that the source does not have, and is copied without them (no).
    ///
    /// A subject that the source does not have is never an error.
    #[must_use]
    pub fn with_missing_entries(mut self, allowed: bool) -> Self {
        self.missing_entries = allowed;
        self
    }

    /// Sets whether what an existing manifest points to is looked for too (no).
    ///
    /// Without it a manifest that is there stands for all that it points to, which is wrong after interrupted copies
    /// and for caches that fill on demand. With it, a manifest with a subject is pushed again even though it exists, so
    /// that it is listed among the referrers.
    #[must_use]
    pub fn with_verify_children(mut self, verified: bool) -> Self {
        self.verify_children = verified;
        self
    }

    /// Sets whether blobs are mounted where source and destination share a registry (yes).
    #[must_use]
    pub fn with_mount_from_source(mut self, mounted: bool) -> Self {
        self.mount_from_source = mounted;
        self
    }

    /// Sets whether the digests of blobs are taken on trust (no). Sizes are checked always, manifests wholly.
    #[must_use]
    pub fn with_trusted_source(mut self, trusted: bool) -> Self {
        self.trusted_source = trusted;
        self
    }

    /// Sets how often a node is tried again.
    #[must_use]
    pub fn with_retries(mut self, retries: NodeRetries) -> Self {
        self.retries = retries;
        self
    }

    /// Sets how often a node tells its progress (250 ms).
    #[must_use]
    pub fn with_progress_interval(mut self, interval: Duration) -> Self {
        self.progress_interval = interval;
        self
    }

    /// Sets who decides and hears.
    #[must_use]
    pub fn with_hooks(mut self, hooks: Arc<dyn CopyHooks>) -> Self {
        self.hooks = Some(hooks);
        self
    }

    /// Whether somebody decides or hears.
    pub fn has_hooks(&self) -> bool {
        self.hooks.is_some()
    }
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CopyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyOptions")
            .field("concurrency", &self.concurrency)
            .field("platforms", &self.platforms)
            .field("verify_children", &self.verify_children)
            .field("retries", &self.retries)
            .field("hooks", &self.hooks.is_some())
            .finish_non_exhaustive()
    }
}

/// What happens to an index of which only some platforms are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexShape {
    /// It stays as it is, digest included, and points to manifests that are not copied.
    Sparse,
    /// It is written anew with the entries that are copied, and gets another digest.
    Rewritten,
}

/// How often nodes are tried again that failed in a way that may pass.
///
/// What a store spent on its own repetitions of an attempt counts, so that the two do not multiply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct NodeRetries {
    pub(crate) per_node: u32,
    pub(crate) in_all: u32,
}

impl NodeRetries {
    /// At most `per_node` repetitions of one node, and `in_all` of a whole copy.
    pub const fn new(per_node: u32, in_all: u32) -> Self {
        Self { per_node, in_all }
    }

    /// None.
    pub const fn none() -> Self {
        Self::new(0, 0)
    }
}

impl Default for NodeRetries {
    /// Two of a node, 32 in all.
    fn default() -> Self {
        Self::new(2, 32)
    }
}
