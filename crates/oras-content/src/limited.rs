use std::num::NonZeroUsize;

use oras_descriptor::{Algorithm, Descriptor, MediaType};

use crate::{
    blob::Blob,
    error::{Error, ErrorKind, Result},
    location::Location,
    roles::{Fetcher, MountOutcome, Pusher, ReadOnlyStorage},
};

/// A storage that takes only content up to a limit.
#[derive(Clone, Debug)]
pub struct LimitedStorage<S> {
    storage: S,
    push_limit: u64,
}

impl<S> LimitedStorage<S> {
    /// Limits each push to `push_limit` bytes.
    pub const fn new(storage: S, push_limit: u64) -> Self {
        Self { storage, push_limit }
    }

    /// The limit in bytes.
    pub const fn push_limit(&self) -> u64 {
        self.push_limit
    }

    fn check(&self, desc: &Descriptor) -> Result<()> {
        if desc.size <= self.push_limit {
            return Ok(());
        }
        let message = format!("{} has {} bytes, more than the limit of {}", desc.digest, desc.size, self.push_limit);
        Err(Error::new(ErrorKind::SizeExceedsLimit, message).with_descriptor(desc))
    }
}

impl<S: Fetcher> Fetcher for LimitedStorage<S> {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        self.storage.fetch(desc).await
    }

    fn location(&self) -> Option<Location> {
        self.storage.location()
    }
}

impl<S: ReadOnlyStorage> ReadOnlyStorage for LimitedStorage<S> {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        self.storage.exists(desc).await
    }
}

impl<S: Pusher> Pusher for LimitedStorage<S> {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.check(desc)?;
        self.storage.push(desc, content.verify(desc)).await
    }

    async fn push_deferred(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.check(desc)?;
        self.storage.push_deferred(desc, content.verify(desc)).await
    }

    async fn flush(&self) -> Result<()> {
        self.storage.flush().await
    }

    /// Refused when the blob does not know its size: there would be nothing to hold against the limit.
    async fn ingest(&self, media_type: &MediaType, algorithm: Algorithm, content: Blob) -> Result<Descriptor> {
        let Some(size) = content.size() else {
            return Err(Error::unsupported("storing content of unknown size under a limit"));
        };
        if size > self.push_limit {
            let message = format!("content has {size} bytes, more than the limit of {}", self.push_limit);
            return Err(Error::new(ErrorKind::SizeExceedsLimit, message));
        }
        self.storage.ingest(media_type, algorithm, content).await
    }

    async fn mount(&self, desc: &Descriptor, from: &[Location], content: Blob) -> Result<MountOutcome> {
        self.check(desc)?;
        self.storage.mount(desc, from, content.verify(desc)).await
    }

    fn presumes_absent(&self, desc: &Descriptor) -> bool {
        self.storage.presumes_absent(desc)
    }

    fn max_concurrency(&self) -> Option<NonZeroUsize> {
        self.storage.max_concurrency()
    }
}
