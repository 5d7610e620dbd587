use std::time::Duration;

use oras_content::DEFAULT_METADATA_LIMIT;

/// How long content that nothing points to yet is safe from collection: the time that a slow copy may take between a
/// blob and the manifest that points to it.
pub(crate) const DEFAULT_LEASE: Duration = Duration::from_secs(60 * 60);

/// How an [`OciLayout`](crate::OciLayout) behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LayoutOptions {
    pub(crate) auto_gc: bool,
    pub(crate) sync_index: bool,
    pub(crate) sync_blobs: bool,
    pub(crate) lease: Duration,
    pub(crate) metadata_limit: u64,
}

impl LayoutOptions {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            auto_gc: true,
            sync_index: true,
            sync_blobs: false,
            lease: DEFAULT_LEASE,
            metadata_limit: DEFAULT_METADATA_LIMIT,
        }
    }

    /// Whether deleting a manifest also deletes what it alone pointed to, and its referrers; on by default.
    #[must_use]
    pub const fn with_auto_gc(mut self, auto_gc: bool) -> Self {
        self.auto_gc = auto_gc;
        self
    }

    /// Whether `index.json` is on the disk before an operation ends; on by default.
    #[must_use]
    pub const fn with_sync_index(mut self, sync_index: bool) -> Self {
        self.sync_index = sync_index;
        self
    }

    /// Whether each blob is on the disk before its push ends; off by default, as it costs more than the writing.
    ///
    /// Without it, a blob survives the end of the process, but perhaps not that of the machine within seconds.
    #[must_use]
    pub const fn with_sync_blobs(mut self, sync_blobs: bool) -> Self {
        self.sync_blobs = sync_blobs;
        self
    }

    /// For how long content is safe from collection after it was last pushed or found; one hour by default.
    #[must_use]
    pub const fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// The largest manifest that is taken and read, in bytes; 4 MiB by default.
    #[must_use]
    pub const fn with_metadata_limit(mut self, limit: u64) -> Self {
        self.metadata_limit = limit;
        self
    }
}

impl Default for LayoutOptions {
    fn default() -> Self {
        Self::new()
    }
}
