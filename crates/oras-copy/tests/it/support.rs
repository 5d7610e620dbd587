//! Graphs, and a store that misbehaves as told.

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use oras_content::{
    Blob, Descriptor, Digest, Error, ErrorKind, Fetcher, Location, MediaType, MountOutcome, PredecessorFinder, Pusher,
    ReadOnlyStorage, ReadOnlyTarget, Resolver, Result, Tagger, Target, fetch_links,
};
use oras_descriptor::{Index, Manifest, canonical};
use oras_memory::MemoryStore;

pub(crate) fn count(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

pub(crate) async fn blob(store: &impl Pusher, text: &str) -> Descriptor {
    put(store, MediaType::OCTET_STREAM, Bytes::from(text.to_owned())).await
}

pub(crate) async fn put(store: &impl Pusher, media_type: MediaType, bytes: Bytes) -> Descriptor {
    let desc = Descriptor::of(media_type, &bytes);
    match store.push(&desc, Blob::from_bytes(bytes)).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        pushed => pushed.unwrap(),
    }
    desc
}

pub(crate) async fn put_manifest(store: &impl Pusher, manifest: &Manifest) -> Descriptor {
    put(store, MediaType::OCI_MANIFEST, canonical(manifest)).await
}

pub(crate) async fn put_index(store: &impl Pusher, entries: Vec<Descriptor>) -> Descriptor {
    put(store, MediaType::OCI_INDEX, canonical(&Index::new(entries))).await
}

/// An image with a configuration and two layers of its own.
pub(crate) async fn image(store: &impl Pusher, name: &str) -> Descriptor {
    let config = blob(store, &format!("config of {name}")).await;
    let layers =
        vec![blob(store, &format!("layer 1 of {name}")).await, blob(store, &format!("layer 2 of {name}")).await];
    put_manifest(store, &Manifest::new(config, layers)).await
}

/// A manifest of a type that refers to a subject.
pub(crate) async fn referrer(store: &impl Pusher, subject: &Descriptor, kind: &'static str) -> Descriptor {
    let layer = blob(store, &format!("{kind} of {}", subject.digest)).await;
    let config = put(store, MediaType::OCI_EMPTY, Bytes::from_static(b"{}")).await;
    let manifest = Manifest::new(config, vec![layer]).with_artifact_type(kind).with_subject(subject.plain());
    put_manifest(store, &manifest).await
}

/// Everything below a node, the node included.
pub(crate) async fn closure(store: &impl Fetcher, root: &Descriptor) -> Vec<Descriptor> {
    let (mut found, mut open) = (Vec::<Descriptor>::new(), vec![root.clone()]);
    while let Some(node) = open.pop() {
        if !found.iter().any(|known| known.same_content(&node)) {
            open.extend(fetch_links(store, &node).await.unwrap().successors());
            found.push(node);
        }
    }
    found
}

pub(crate) async fn assert_has_all(store: &impl ReadOnlyStorage, nodes: &[Descriptor]) {
    for node in nodes {
        assert!(store.exists(node).await.unwrap(), "{} ({}) is missing", node.digest, node.media_type);
    }
}

pub(crate) async fn has(store: &impl ReadOnlyStorage, desc: &Descriptor) -> bool {
    store.exists(desc).await.unwrap()
}

/// A store in memory that can misbehave, and that knows how many things it does at once.
#[derive(Default)]
pub(crate) struct Odd {
    pub(crate) store: MemoryStore,
    /// It says that it has these, and has not.
    pub(crate) claims: Mutex<HashSet<Digest>>,
    /// It has a manifest as soon as it has the same bytes as a layer.
    pub(crate) knows_digests_alone: bool,
    /// It refuses manifests whose successors it does not have.
    pub(crate) is_strict: bool,
    /// It gives these errors, one at each push of the digest.
    pub(crate) push_errors: Mutex<HashMap<Digest, Vec<Error>>>,
    /// It gives these errors, one at each fetch of the digest.
    pub(crate) fetch_errors: Mutex<HashMap<Digest, Vec<Error>>>,
    /// It never answers a fetch of these.
    pub(crate) stalls: Mutex<HashSet<Digest>>,
    pub(crate) location: Option<Location>,
    pub(crate) max_concurrency: Option<NonZeroUsize>,
    /// What it mounts.
    pub(crate) mountable: Option<MemoryStore>,
    pub(crate) predecessors: Mutex<HashMap<Digest, Vec<Descriptor>>>,
    pub(crate) pushing: Gauge,
    pub(crate) fetching: Gauge,
}

/// How many are inside at once, and how many were at most.
#[derive(Default)]
pub(crate) struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let _inside = Inside(&self.now);
        // Give the others the time to come in.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        work.await
    }

    pub(crate) fn now(&self) -> usize {
        self.now.load(Ordering::SeqCst)
    }

    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn next_error(errors: &Mutex<HashMap<Digest, Vec<Error>>>, digest: &Digest) -> Result<()> {
    let mut errors = errors.lock().unwrap();
    match errors.get_mut(digest).filter(|errors| !errors.is_empty()) {
        Some(errors) => Err(errors.remove(0)),
        None => Ok(()),
    }
}

impl Odd {
    pub(crate) fn strict() -> Self {
        Self { is_strict: true, ..Self::default() }
    }

    pub(crate) fn at(registry: &str, repository: &str) -> Self {
        Self { location: Some(Location::new(registry, repository)), ..Self::default() }
    }

    pub(crate) fn claim(&self, nodes: &[Descriptor]) {
        self.claims.lock().unwrap().extend(nodes.iter().map(|node| node.digest.clone()));
    }

    pub(crate) fn fail_push(&self, desc: &Descriptor, errors: impl IntoIterator<Item = Error>) {
        self.push_errors.lock().unwrap().insert(desc.digest.clone(), errors.into_iter().collect());
    }

    pub(crate) fn fail_fetch(&self, desc: &Descriptor, errors: impl IntoIterator<Item = Error>) {
        self.fetch_errors.lock().unwrap().insert(desc.digest.clone(), errors.into_iter().collect());
    }

    async fn check_children(&self, desc: &Descriptor, content: Blob) -> Result<Blob> {
        if !self.is_strict || !desc.media_type.is_manifest() {
            return Ok(content);
        }
        let bytes = content.verify(desc).bytes(desc.size).await?;
        let links = oras_descriptor::links(&desc.media_type, &bytes)?;
        for child in links.config.iter().chain(&links.children) {
            if !self.store.exists(child).await? {
                let message = format!("{} is unknown", child.digest);
                return Err(Error::new(ErrorKind::MissingContent, message).with_descriptor(desc));
            }
        }
        Ok(Blob::from_bytes(bytes))
    }
}

pub(crate) fn reset() -> Error {
    Error::new(ErrorKind::Io, "connection reset").with_retryable(true)
}

impl Fetcher for Odd {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        next_error(&self.fetch_errors, &desc.digest)?;
        let stalls = self.stalls.lock().unwrap().contains(&desc.digest);
        if stalls {
            self.fetching.around(std::future::pending::<()>()).await;
        }
        self.store.fetch(desc).await
    }

    fn location(&self) -> Option<Location> {
        self.location.clone()
    }
}

impl ReadOnlyStorage for Odd {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        let claimed = self.claims.lock().unwrap().contains(&desc.digest);
        let held = self.knows_digests_alone && self.store.resolve(desc.digest.as_str()).await.is_ok();
        Ok(claimed || held || self.store.exists(desc).await?)
    }
}

impl Pusher for Odd {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        next_error(&self.push_errors, &desc.digest)?;
        let content = self.check_children(desc, content).await?;
        self.pushing.around(self.store.push(desc, content)).await
    }

    async fn mount(&self, desc: &Descriptor, from: &[Location], content: Blob) -> Result<MountOutcome> {
        assert!(!from.is_empty());
        if let Some(other) = &self.mountable
            && let Ok(mounted) = other.fetch(desc).await
        {
            self.store.push(desc, mounted).await?;
            return Ok(MountOutcome::Mounted);
        }
        self.push(desc, content).await.map(|()| MountOutcome::Pushed)
    }

    fn max_concurrency(&self) -> Option<NonZeroUsize> {
        self.max_concurrency
    }
}

impl Resolver for Odd {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.store.resolve(reference).await
    }
}

impl Tagger for Odd {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        self.store.tag(desc, reference).await
    }
}

impl ReadOnlyTarget for Odd {}

impl Target for Odd {}

impl PredecessorFinder for Odd {
    async fn predecessors(&self, desc: &Descriptor) -> Result<Vec<Descriptor>> {
        let told = self.predecessors.lock().unwrap().get(&desc.digest).cloned();
        match told {
            Some(predecessors) => Ok(predecessors),
            None => self.store.predecessors(desc).await,
        }
    }
}
