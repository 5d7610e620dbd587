//! What was found a moment ago, so that finding it again need not wait for a blocking thread.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use oras_descriptor::Digest;

/// How long a file that was looked at counts as known to the system: far less than it takes to be forgotten there.
const FRESH: Duration = Duration::from_secs(1);

/// How much is remembered. What is asked for again and again is a configuration or two that many manifests share.
const KEPT: usize = 16;

/// Content that was found within the last second, in files whose system answers from memory.
///
/// This does not say that content is there: it says that looking is cheap enough to be done where a future is polled.
/// The look itself is never left out, so content that anybody deletes is gone at once. A local file system has the
/// names and attributes of a file that was just looked at in memory, where a look takes a microsecond or two, and a
/// hand-over to another thread and back takes tens of them. A file system behind a network or a daemon may ask again
/// at any time and answer late, so that none of its content comes in here.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<VecDeque<(Digest, Instant)>>);

impl Recent {
    fn found(&self) -> MutexGuard<'_, VecDeque<(Digest, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers content that was found in a file just now; for blocking threads only.
    pub(crate) fn note(&self, digest: &Digest, path: &Path) {
        if is_local(path) {
            self.renew(digest);
        }
    }

    /// Whether the file of a digest may be looked at without leaving the thread.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.found().iter().any(|(found, at)| found == digest && at.elapsed() < FRESH)
    }

    /// Remembers content that was found once more.
    pub(crate) fn renew(&self, digest: &Digest) {
        let mut found = self.found();
        found.retain(|(other, _)| other != digest);
        found.truncate(KEPT - 1);
        found.push_front((digest.clone(), Instant::now()));
    }
}

/// Whether a file lies in one of the common file systems of this machine; one that is not known counts as far away.
#[cfg(target_os = "linux")]
fn is_local(path: &Path) -> bool {
    // From linux/magic.h, and XFS from its own header: ext2 to ext4, XFS, Btrfs, F2FS, tmpfs, overlayfs.
    const LOCAL: [i128; 6] = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994, 0x794C_7630];
    // The field has another width on some machines, and a sign on some.
    rustix::fs::statfs(path).is_ok_and(|found| LOCAL.contains(&(i128::from(found.f_type) & 0xFFFF_FFFF)))
}

/// Elsewhere the file system does not tell in words that can be relied on.
#[cfg(not(target_os = "linux"))]
fn is_local(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: usize) -> Digest {
        Digest::of(number.to_string().as_bytes())
    }

    #[test]
    fn remembers_the_last_few() {
        let recent = Recent::default();
        for number in 0..=KEPT {
            recent.renew(&digest(number));
        }
        assert!(!recent.has(&digest(0)));
        assert!((1..=KEPT).all(|number| recent.has(&digest(number))));
        assert_eq!(recent.found().len(), KEPT);
    }

    #[test]
    fn forgets_after_a_while() {
        let recent = Recent::default();
        let past = Instant::now().checked_sub(FRESH).unwrap();
        recent.found().push_front((digest(0), past));
        assert!(!recent.has(&digest(0)));
        recent.renew(&digest(0));
        assert!(recent.has(&digest(0)));
        assert_eq!(recent.found().len(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn takes_only_files_of_local_file_systems() {
        // `/proc` stands for those that are not known; what is not there is nowhere.
        for path in ["/proc/self/status", "/no/such/file"] {
            let recent = Recent::default();
            recent.note(&digest(0), Path::new(path));
            assert!(!recent.has(&digest(0)), "{path}");
        }
    }
}
