use std::{path::PathBuf, time::Duration};

use oras_content::DEFAULT_METADATA_LIMIT;

/// How long content that nothing points to yet is safe from collection: the time that a slow copy may take between a
/// blob and the manifest that points to it.
pub(crate) const DEFAULT_LEASE: Duration = Duration::from_secs(60 * 60);

/// The most bytes that a compressed archive may be unpacked to: more than any layout of models, less than a disk array.
pub const DEFAULT_MAX_SIZE: u64 = 256 << 30;
/// How many times larger than its file the content of a compressed archive may be. Layers that are compressed themselves
/// stay at 1, plain ones below 20, text reaches 50, and what gzip can do at most is 1,030.
pub const DEFAULT_MAX_RATIO: u64 = 100;
/// Below this size the ratio means nothing: an archive of little but padding has a large one.
const RATIO_FLOOR: u64 = 16 << 20;

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

/// How a layout in a tar archive is opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TarOptions {
    pub(crate) metadata_limit: u64,
    max_size: u64,
    max_ratio: u64,
    temp_dir: Option<PathBuf>,
}

impl TarOptions {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            metadata_limit: DEFAULT_METADATA_LIMIT,
            max_size: DEFAULT_MAX_SIZE,
            max_ratio: DEFAULT_MAX_RATIO,
            temp_dir: None,
        }
    }

    /// The largest manifest that is read, in bytes; 4 MiB by default.
    #[must_use]
    pub const fn with_metadata_limit(mut self, limit: u64) -> Self {
        self.metadata_limit = limit;
        self
    }

    /// Sets how many bytes a compressed archive may be unpacked to; 256 GiB by default.
    #[must_use]
    pub const fn with_max_size(mut self, max_size: u64) -> Self {
        self.max_size = max_size;
        self
    }

    /// Sets how many times larger than its file the content of a compressed archive may be; 100 by default. Below 16 MiB
    /// it does not count.
    #[must_use]
    pub const fn with_max_ratio(mut self, max_ratio: u64) -> Self {
        self.max_ratio = max_ratio;
        self
    }

    /// Sets where compressed archives are unpacked to; the system's directory for temporary files by default.
    #[must_use]
    pub fn with_temp_dir(mut self, temp_dir: impl Into<PathBuf>) -> Self {
        self.temp_dir = Some(temp_dir.into());
        self
    }
}

#[cfg_attr(not(feature = "gzip"), expect(dead_code, reason = "nothing is unpacked"))]
impl TarOptions {
    /// How many bytes may come out of a compressed archive.
    pub(crate) fn max_unpacked(&self, packed: u64) -> u64 {
        packed.saturating_mul(self.max_ratio).max(RATIO_FLOOR).min(self.max_size)
    }

    /// Where compressed archives are unpacked to.
    pub(crate) fn unpack_dir(&self) -> PathBuf {
        self.temp_dir.clone().unwrap_or_else(std::env::temp_dir)
    }
}

impl Default for TarOptions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_come_out_of_an_archive_grows_with_it_between_a_floor_and_a_ceiling() {
        let default = TarOptions::new();
        for (packed, unpacked) in [
            (0, RATIO_FLOOR),
            (100 << 10, RATIO_FLOOR),
            (1 << 20, 100 << 20),
            // Models of 40 GB that do not compress at all.
            (40 << 30, DEFAULT_MAX_SIZE),
            (u64::MAX, DEFAULT_MAX_SIZE),
        ] {
            assert_eq!(default.max_unpacked(packed), unpacked, "{packed}");
        }
        assert_eq!(default.clone().with_max_ratio(20).max_unpacked(1 << 20), 20 << 20);
        assert_eq!(default.with_max_size(1000).max_unpacked(1 << 20), 1000);
    }
}
