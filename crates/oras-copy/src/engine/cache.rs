use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use oras_content::{Blob, BoxFuture, Descriptor, Error, ErrorKind, Fetcher, Location, Result};
use oras_descriptor::{Digest, MediaType};

/// What the engine knows a node by. The same bytes under two media types are two nodes, as a registry may route them to
/// two places.
pub(crate) type Key = (MediaType, Digest);

pub(crate) fn key(desc: &Descriptor) -> Key {
    (desc.media_type.clone(), desc.digest.clone())
}

/// Manifests in memory, between their reading and their pushing, under a cap for each and one for all.
pub(crate) struct Cache {
    per_object: u64,
    total: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<Key, Entry>,
    used: u64,
    /// Documents written here, which no source has.
    written: HashMap<Key, Bytes>,
    /// A root that was opened when its reference was resolved.
    opened: Option<(Key, Blob)>,
}

enum Entry {
    Reserved(u64),
    Held(Bytes),
}

impl Entry {
    fn len(&self) -> u64 {
        match self {
            Self::Reserved(size) => *size,
            Self::Held(bytes) => bytes.len() as u64,
        }
    }
}

impl Cache {
    pub(crate) fn new(per_object: u64, total: u64) -> Self {
        Self { per_object, total, state: Mutex::default() }
    }

    // A panic under the lock is not possible halfway through a change.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, desc: &Descriptor) -> Option<Bytes> {
        let state = self.lock();
        let key = key(desc);
        match state.entries.get(&key) {
            Some(Entry::Held(bytes)) => Some(bytes.clone()),
            _ => state.written.get(&key).cloned(),
        }
    }

    /// Sets room aside for content that will be read, and says whether there is any.
    pub(crate) fn reserve(&self, desc: &Descriptor) -> bool {
        let mut state = self.lock();
        let key = key(desc);
        if state.entries.contains_key(&key) || state.written.contains_key(&key) {
            return true;
        }
        if state.used.saturating_add(desc.size) > self.total {
            return false;
        }
        state.used += desc.size;
        state.entries.insert(key, Entry::Reserved(desc.size));
        true
    }

    /// Checks that content may be read into memory at all.
    pub(crate) fn check(&self, desc: &Descriptor) -> Result<()> {
        if desc.size <= self.per_object {
            return Ok(());
        }
        let (size, limit) = (desc.size, self.per_object);
        let message = format!("{} has {size} bytes, more than max_metadata_bytes, {limit}", desc.digest);
        Err(Error::new(ErrorKind::SizeExceedsLimit, message).with_descriptor(desc))
    }

    /// Checks that there is room for content, and sets it aside.
    pub(crate) fn admit(&self, desc: &Descriptor) -> Result<()> {
        self.check(desc)?;
        if self.reserve(desc) {
            return Ok(());
        }
        let message = format!(
            "{} has {} bytes, and with those that wait for it, manifests have more than max_total_metadata_bytes, {}",
            desc.digest, desc.size, self.total
        );
        Err(Error::new(ErrorKind::SizeExceedsLimit, message).with_descriptor(desc))
    }

    /// Keeps content for which room was set aside; other content only in the first half of the room, so that whoever
    /// reads ahead takes nothing from the walk.
    pub(crate) fn put(&self, desc: &Descriptor, bytes: Bytes) {
        let mut state = self.lock();
        let key = key(desc);
        let reserved = state.entries.get(&key).map(Entry::len);
        let used = state.used - reserved.unwrap_or_default() + bytes.len() as u64;
        if reserved.is_none() && used > self.total / 2 {
            return;
        }
        state.used = used;
        state.entries.insert(key, Entry::Held(bytes));
    }

    /// Gives the room of content back.
    pub(crate) fn release(&self, desc: &Descriptor) {
        let mut state = self.lock();
        if let Some(entry) = state.entries.remove(&key(desc)) {
            state.used -= entry.len();
        }
    }

    /// Keeps a document as long as the copy runs, outside the cap.
    pub(crate) fn keep(&self, desc: &Descriptor, bytes: Bytes) {
        self.lock().written.insert(key(desc), bytes);
    }

    /// A document that was [kept](Self::keep).
    pub(crate) fn written(&self, desc: &Descriptor) -> Option<Bytes> {
        self.lock().written.get(&key(desc)).cloned()
    }

    pub(crate) fn put_opened(&self, desc: &Descriptor, blob: Blob) {
        self.lock().opened = Some((key(desc), blob));
    }

    pub(crate) fn take_opened(&self, desc: &Descriptor) -> Option<Blob> {
        let mut state = self.lock();
        state.opened.take_if(|(opened, _)| *opened == key(desc)).map(|(_, blob)| blob)
    }
}

/// The source of a copy, as hooks see it: what the copy has read already is not read again.
///
/// Manifests read here are held to the copy's caps, and stay in memory until they are copied.
pub struct CachedFetcher<'a> {
    source: &'a dyn Source,
    cache: &'a Cache,
}

impl<'a> CachedFetcher<'a> {
    pub(crate) fn new<S: Fetcher>(source: &'a S, cache: &'a Cache) -> Self {
        Self { source, cache }
    }

    /// The whole content of a node, verified.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SizeExceedsLimit`] when it has more bytes than a manifest may have; else what the source gives.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the fetch; nothing is remembered of it.
    pub async fn bytes(&self, desc: &Descriptor) -> Result<Bytes> {
        if let Some(bytes) = self.cache.get(desc) {
            return Ok(bytes);
        }
        self.cache.check(desc)?;
        let blob = self.source.fetch_dyn(desc).await?;
        let bytes = blob.verify(desc).bytes(desc.size).await?;
        self.cache.put(desc, bytes.clone());
        Ok(bytes)
    }
}

impl Fetcher for CachedFetcher<'_> {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        if desc.media_type.is_manifest() {
            return Ok(verified(desc, self.bytes(desc).await?));
        }
        self.source.fetch_dyn(desc).await
    }

    fn location(&self) -> Option<Location> {
        self.source.location_dyn()
    }
}

impl fmt::Debug for CachedFetcher<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedFetcher").field("location", &self.location()).finish_non_exhaustive()
    }
}

/// A blob of bytes that were verified when they were read.
pub(crate) fn verified(desc: &Descriptor, bytes: Bytes) -> Blob {
    Blob::from_bytes(bytes).trusted().verify(desc)
}

/// A [`Fetcher`] behind a pointer, so that hooks need not know its type.
trait Source: Send + Sync {
    fn fetch_dyn<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<Blob>>;
    fn location_dyn(&self) -> Option<Location>;
}

impl<F: Fetcher> Source for F {
    fn fetch_dyn<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<Blob>> {
        Box::pin(self.fetch(desc))
    }

    fn location_dyn(&self) -> Option<Location> {
        self.location()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(size: usize) -> (Descriptor, Bytes) {
        let bytes = Bytes::from(vec![b'x'; size]);
        (Descriptor::of(MediaType::OCI_MANIFEST, &bytes), bytes)
    }

    #[test]
    fn room_is_set_aside_and_given_back() {
        let cache = Cache::new(100, 100);
        let ((a, bytes), (b, _)) = (node(60), node(50));
        assert!(cache.reserve(&a) && cache.reserve(&a), "room for the same content is taken once");
        assert!(!cache.reserve(&b));
        cache.put(&a, bytes.clone());
        assert_eq!(cache.get(&a), Some(bytes));
        cache.release(&a);
        assert!(cache.reserve(&b));
    }

    #[test]
    fn caps_name_the_option_that_raises_them() {
        let cache = Cache::new(50, 60);
        let ((large, _), (small, _)) = (node(51), node(40));
        let error = cache.admit(&large).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
        assert!(error.to_string().contains("max_metadata_bytes"));
        cache.admit(&small).unwrap();
        let error = cache.admit(&node(41).0).unwrap_err();
        assert!(error.to_string().contains("max_total_metadata_bytes"));
    }

    #[test]
    fn reading_ahead_takes_at_most_half() {
        let cache = Cache::new(100, 100);
        let ((a, a_bytes), (b, b_bytes)) = (node(40), node(20));
        cache.put(&a, a_bytes);
        cache.put(&b, b_bytes);
        assert!(cache.get(&a).is_some() && cache.get(&b).is_none());
    }
}
