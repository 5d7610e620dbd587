use std::fs::Metadata;

/// A change within this time of the last one may leave no trace: clocks of file systems tick every 10 ms, some every 2 s.
#[cfg(unix)]
const GRAIN: std::time::Duration = std::time::Duration::from_secs(2);

/// What tells whether a file was changed: which file it is, its size, and the times of its last changes.
///
/// Only Unix tells when a file was changed whatever anybody sets its time to; elsewhere there are no stamps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of a file; none when it changed so recently that another change would not show.
    #[cfg(unix)]
    pub fn of(found: &Metadata) -> Option<Self> {
        use std::{os::unix::fs::MetadataExt as _, time::SystemTime};

        let stamp = Self {
            file: (found.dev(), found.ino()),
            size: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let settled = i64::try_from(now.saturating_sub(GRAIN).as_secs()).unwrap_or_default();
        (found.mtime().max(found.ctime()) < settled).then_some(stamp)
    }

    /// None.
    #[cfg(not(unix))]
    pub fn of(_: &Metadata) -> Option<Self> {
        None
    }

    /// The size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}
