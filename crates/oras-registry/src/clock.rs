use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// Where a registry takes the time from, for upload sessions and tokens.
///
/// A clock set by hand lets tests see a session or token expire without waiting.
///
/// ```
/// use std::time::Duration;
///
/// let clock = oras_registry::Clock::manual();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(clock.now(), before + Duration::from_secs(3600));
/// ```
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<Manual>>);

struct Manual {
    start: SystemTime,
    elapsed_ms: AtomicU64,
}

impl Clock {
    /// The clock of the system.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until it is [advanced](Self::advance). Clones share their time.
    pub fn manual() -> Self {
        Self(Some(Arc::new(Manual { start: SystemTime::now(), elapsed_ms: AtomicU64::new(0) })))
    }

    /// Moves a manual clock on, in whole milliseconds; the clock of the system cannot be moved.
    pub fn advance(&self, time: Duration) {
        if let Some(manual) = &self.0 {
            let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            manual.elapsed_ms.fetch_add(millis, Ordering::Relaxed);
        }
    }

    /// The time.
    pub fn now(&self) -> SystemTime {
        match &self.0 {
            Some(manual) => manual.start + Duration::from_millis(manual.elapsed_ms.load(Ordering::Relaxed)),
            None => SystemTime::now(),
        }
    }

    /// How long ago a moment was; nothing when it lies ahead.
    pub(crate) fn since(&self, moment: SystemTime) -> Duration {
        self.now().duration_since(moment).unwrap_or_default()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Clock(manual)" } else { "Clock(system)" })
    }
}
