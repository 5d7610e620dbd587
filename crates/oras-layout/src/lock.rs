//! The lock under which the index is changed and content is collected, by one process at a time.

use std::{
    fs::{self, File, OpenOptions},
    path::Path,
};

use oras_content::{Result, fs::failed};

/// The lock file: one of its own, because each change gives `index.json` another inode.
pub(crate) const LOCK_FILE: &str = ".lock";

/// Holds the lock until it is dropped; the system frees it when the process dies.
#[derive(Debug)]
pub(crate) struct LayoutLock(#[expect(dead_code, reason = "closing the file frees the lock")] File);

impl LayoutLock {
    /// Waits for the lock; for blocking threads only.
    pub(crate) fn acquire(ingest: &Path) -> Result<Self> {
        let path = ingest.join(LOCK_FILE);
        let lock = || {
            fs::create_dir_all(ingest)?;
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map(Self).map_err(|error| failed("lock", &path, error))
    }
}
