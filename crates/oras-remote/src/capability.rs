use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// What a registry was seen to do, or was said to do; `None` is not known.
///
/// Read it by [`Registry::capabilities`](crate::Registry::capabilities); what is set by
/// [`Registry::set_capabilities`](crate::Registry::set_capabilities) is taken for granted, until something else is seen; when
/// that is too long ago to be believed, it holds again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether blobs can be read in part.
    pub ranges: Option<bool>,
    /// Whether blobs can be mounted from another repository.
    pub mount: Option<bool>,
    /// Whether one request can set several tags.
    pub multi_tag: Option<bool>,
    /// Whether a blob can be uploaded in a body of unknown length.
    pub streamed_upload: Option<bool>,
    /// The fewest bytes that a chunk of an upload may have, the last one excepted.
    pub min_chunk: Option<u64>,
    /// The most bytes that a chunk of an upload may have.
    pub max_chunk: Option<u64>,
}

impl Capabilities {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether blobs can be read in part.
    #[must_use]
    pub fn with_ranges(mut self, ranges: bool) -> Self {
        self.ranges = Some(ranges);
        self
    }

    /// Sets whether blobs can be mounted from another repository.
    #[must_use]
    pub fn with_mount(mut self, mount: bool) -> Self {
        self.mount = Some(mount);
        self
    }

    /// Sets whether one request can set several tags.
    #[must_use]
    pub fn with_multi_tag(mut self, multi_tag: bool) -> Self {
        self.multi_tag = Some(multi_tag);
        self
    }

    /// Sets whether a blob can be uploaded in a body of unknown length.
    #[must_use]
    pub fn with_streamed_upload(mut self, streamed_upload: bool) -> Self {
        self.streamed_upload = Some(streamed_upload);
        self
    }

    /// Sets the bounds of a chunk of an upload in bytes.
    #[must_use]
    pub fn with_chunks(mut self, min: Option<u64>, max: Option<u64>) -> Self {
        (self.min_chunk, self.max_chunk) = (min, max);
        self
    }

    /// What is known, and where nothing is, what `other` says.
    fn or(self, other: Self) -> Self {
        Self {
            ranges: self.ranges.or(other.ranges),
            mount: self.mount.or(other.mount),
            multi_tag: self.multi_tag.or(other.multi_tag),
            streamed_upload: self.streamed_upload.or(other.streamed_upload),
            min_chunk: self.min_chunk.or(other.min_chunk),
            max_chunk: self.max_chunk.or(other.max_chunk),
        }
    }
}

/// Whether a repository answers the referrers API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReferrersCapability {
    /// Not known yet, or known too long ago.
    #[default]
    Unknown,
    /// The registry lists referrers.
    Supported,
    /// It does not: the client keeps an index of them under a tag. What may be lost there when several processes write is
    /// said at [the crate](crate#referrers-without-the-referrers-api).
    Unsupported,
}

/// What is known of a registry, shared by all handles of it.
#[derive(Debug)]
pub(crate) struct Memory {
    expiry: Duration,
    general: Mutex<General>,
    referrers: Mutex<HashMap<String, Dated<ReferrersCapability>>>,
}

/// What is known of the registry as a whole.
#[derive(Debug, Default)]
struct General {
    by_hand: Capabilities,
    seen: Dated<Capabilities>,
}

/// Something known since a time; without one it was set by hand and stays.
#[derive(Clone, Copy, Debug, Default)]
struct Dated<T> {
    value: T,
    since: Option<Instant>,
}

impl<T: Copy + Default> Dated<T> {
    fn current(&self, expiry: Duration) -> T {
        if self.since.is_some_and(|since| since.elapsed() >= expiry) { T::default() } else { self.value }
    }
}

impl Memory {
    pub(crate) fn new(expiry: Duration) -> Self {
        Self { expiry, general: Mutex::default(), referrers: Mutex::default() }
    }

    pub(crate) fn general(&self) -> Capabilities {
        let general = self.lock();
        general.seen.current(self.expiry).or(general.by_hand)
    }

    /// Sets all of it by hand; what was seen is forgotten.
    pub(crate) fn set_general(&self, by_hand: Capabilities) {
        *self.lock() = General { by_hand, seen: Dated::default() };
    }

    /// Notes what was seen.
    pub(crate) fn learn(&self, note: impl FnOnce(&mut Capabilities)) {
        let mut general = self.lock();
        let before = general.seen.current(self.expiry);
        let mut value = before;
        note(&mut value);
        if value != before {
            general.seen = Dated { value, since: Some(Instant::now()) };
        }
    }

    fn lock(&self) -> MutexGuard<'_, General> {
        self.general.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn referrers(&self, repository: &str) -> ReferrersCapability {
        let referrers = self.referrers.lock().unwrap_or_else(PoisonError::into_inner);
        referrers.get(repository).map(|known| known.current(self.expiry)).unwrap_or_default()
    }

    pub(crate) fn set_referrers(&self, repository: &str, value: ReferrersCapability) {
        self.note_referrers(repository, Dated { value, since: None });
    }

    pub(crate) fn learn_referrers(&self, repository: &str, value: ReferrersCapability) {
        if self.referrers(repository) != value {
            self.note_referrers(repository, Dated { value, since: Some(Instant::now()) });
        }
    }

    fn note_referrers(&self, repository: &str, known: Dated<ReferrersCapability>) {
        self.referrers.lock().unwrap_or_else(PoisonError::into_inner).insert(repository.to_owned(), known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn what_was_learned_expires_and_what_was_set_stays() {
        let memory = Memory::new(HOUR);
        memory.learn(|known| known.ranges = Some(true));
        memory.learn_referrers("a", ReferrersCapability::Unsupported);
        memory.set_referrers("b", ReferrersCapability::Supported);
        assert_eq!(memory.general().ranges, Some(true));
        assert_eq!(memory.referrers("a"), ReferrersCapability::Unsupported);
        tokio::time::advance(HOUR).await;
        assert_eq!(memory.general(), Capabilities::new());
        assert_eq!(memory.referrers("a"), ReferrersCapability::Unknown);
        assert_eq!(memory.referrers("b"), ReferrersCapability::Supported);
        memory.set_general(Capabilities::new().with_mount(false));
        tokio::time::advance(HOUR * 2).await;
        assert_eq!(memory.general().mount, Some(false));
        memory.learn(|known| known.ranges = Some(true));
        memory.learn(|known| known.mount = Some(true));
        assert_eq!((memory.general().mount, memory.general().ranges), (Some(true), Some(true)));
        tokio::time::advance(HOUR).await;
        assert_eq!(memory.general(), Capabilities::new().with_mount(false), "what was set holds again");
    }

    #[tokio::test]
    async fn repositories_of_one_registry_differ() {
        let memory = Memory::new(HOUR);
        memory.learn_referrers("a", ReferrersCapability::Supported);
        assert_eq!(memory.referrers("b"), ReferrersCapability::Unknown);
    }
}
