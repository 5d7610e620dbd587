use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use oras_content::{
    Blob, BoxStream, Deleter, Descriptor, Fetcher, Location, MediaType, MountOutcome, PredecessorFinder, Pusher,
    ReadOnlyStorage, ReadOnlyTarget, Resolver, Result, TagLister, Tagger, Target, Untagger,
};
use oras_descriptor::Algorithm;

/// A method of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the method of the same name")]
pub enum Method {
    Fetch,
    Location,
    Exists,
    Push,
    PushDeferred,
    Flush,
    Ingest,
    Mount,
    PresumesAbsent,
    MaxConcurrency,
    Delete,
    Resolve,
    Tag,
    Untag,
    Tags,
    FetchReference,
    PushReference,
    Predecessors,
    Referrers,
}

/// A call of a method: which one, and on what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The digest or reference that was given, or nothing.
    pub subject: String,
}

/// A store that records each call and hands it on to the same method of another store.
///
/// To look at the calls while something else owns the store, share it in an `Arc`, which has the roles too.
#[derive(Debug, Default)]
pub struct Recording<T> {
    target: T,
    calls: Mutex<Vec<Call>>,
}

impl<T> Recording<T> {
    /// Records the calls of `target`.
    pub const fn new(target: T) -> Self {
        Self { target, calls: Mutex::new(Vec::new()) }
    }

    /// The store below.
    pub const fn target(&self) -> &T {
        &self.target
    }

    /// All calls so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.recorded().clone()
    }

    /// How often a method was called.
    pub fn count(&self, method: Method) -> usize {
        self.recorded().iter().filter(|call| call.method == method).count()
    }

    /// How often a method was called on a digest or reference.
    pub fn count_of(&self, method: Method, subject: &str) -> usize {
        self.recorded().iter().filter(|call| call.method == method && call.subject == subject).count()
    }

    fn record(&self, method: Method, subject: &(impl ToString + ?Sized)) -> &T {
        self.recorded().push(Call { method, subject: subject.to_string() });
        &self.target
    }

    fn recorded(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Fetcher> Fetcher for Recording<T> {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        self.record(Method::Fetch, &desc.digest).fetch(desc).await
    }

    fn location(&self) -> Option<Location> {
        self.record(Method::Location, "").location()
    }
}

impl<T: ReadOnlyStorage> ReadOnlyStorage for Recording<T> {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        self.record(Method::Exists, &desc.digest).exists(desc).await
    }
}

impl<T: Pusher> Pusher for Recording<T> {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.record(Method::Push, &desc.digest).push(desc, content).await
    }

    async fn push_deferred(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.record(Method::PushDeferred, &desc.digest).push_deferred(desc, content).await
    }

    async fn flush(&self) -> Result<()> {
        self.record(Method::Flush, "").flush().await
    }

    async fn ingest(&self, media_type: &MediaType, algorithm: Algorithm, content: Blob) -> Result<Descriptor> {
        self.record(Method::Ingest, "").ingest(media_type, algorithm, content).await
    }

    async fn mount(&self, desc: &Descriptor, from: &[Location], content: Blob) -> Result<MountOutcome> {
        self.record(Method::Mount, &desc.digest).mount(desc, from, content).await
    }

    fn presumes_absent(&self, desc: &Descriptor) -> bool {
        self.record(Method::PresumesAbsent, &desc.digest).presumes_absent(desc)
    }

    fn max_concurrency(&self) -> Option<NonZeroUsize> {
        self.record(Method::MaxConcurrency, "").max_concurrency()
    }
}

impl<T: Deleter> Deleter for Recording<T> {
    async fn delete(&self, desc: &Descriptor) -> Result<()> {
        self.record(Method::Delete, &desc.digest).delete(desc).await
    }
}

impl<T: Resolver> Resolver for Recording<T> {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.record(Method::Resolve, reference).resolve(reference).await
    }
}

impl<T: Tagger> Tagger for Recording<T> {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        self.record(Method::Tag, reference).tag(desc, reference).await
    }
}

impl<T: Untagger> Untagger for Recording<T> {
    async fn untag(&self, reference: &str) -> Result<()> {
        self.record(Method::Untag, reference).untag(reference).await
    }
}

impl<T: TagLister> TagLister for Recording<T> {
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
        self.record(Method::Tags, last.unwrap_or_default()).tags(last)
    }
}

impl<T: ReadOnlyTarget> ReadOnlyTarget for Recording<T> {
    async fn fetch_reference(&self, reference: &str) -> Result<(Descriptor, Blob)> {
        self.record(Method::FetchReference, reference).fetch_reference(reference).await
    }
}

impl<T: Target> Target for Recording<T> {
    async fn push_reference(&self, desc: &Descriptor, content: Blob, reference: &str) -> Result<()> {
        self.record(Method::PushReference, reference).push_reference(desc, content, reference).await
    }
}

impl<T: PredecessorFinder> PredecessorFinder for Recording<T> {
    async fn predecessors(&self, desc: &Descriptor) -> Result<Vec<Descriptor>> {
        self.record(Method::Predecessors, &desc.digest).predecessors(desc).await
    }

    async fn referrers(&self, desc: &Descriptor, artifact_type: Option<&MediaType>) -> Result<Vec<Descriptor>> {
        self.record(Method::Referrers, &desc.digest).referrers(desc, artifact_type).await
    }
}
