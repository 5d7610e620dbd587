//! Entries that may wait are written once for many.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use oras_content::{
    AnyTarget, Blob, Descriptor, Fetcher, Pusher, ReadOnlyStorage, ReadOnlyTarget, Resolver, Result, Tagger, Target,
};
use oras_memory::MemoryStore;
use oras_testing::{GraphGenerator, Method, Recording, contract};

/// A store whose index is written by a flush, as that of a layout is.
#[derive(Default)]
struct Batching {
    content: MemoryStore,
    waiting: Mutex<Vec<Descriptor>>,
    index: Mutex<Vec<Descriptor>>,
    index_writes: AtomicUsize,
}

impl Fetcher for Batching {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        self.content.fetch(desc).await
    }
}

impl ReadOnlyStorage for Batching {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        self.content.exists(desc).await
    }
}

impl Pusher for Batching {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.push_deferred(desc, content).await?;
        self.flush().await
    }

    async fn push_deferred(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.content.push(desc, content).await?;
        if desc.media_type.is_manifest() {
            self.waiting.lock().unwrap().push(desc.clone());
        }
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap());
        if !waiting.is_empty() {
            self.index.lock().unwrap().extend(waiting);
            self.index_writes.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Resolver for Batching {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.content.resolve(reference).await
    }
}

impl Tagger for Batching {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        self.content.tag(desc, reference).await
    }
}

impl ReadOnlyTarget for Batching {}

impl Target for Batching {}

/// What an engine does: every node, then one flush, then the tag.
async fn fill<T: Target>(target: &T, seed: u64) -> usize {
    let generator = GraphGenerator::new().with_manifests(40).with_foreign_layers(false).with_sparse_indexes(false);
    let graph = generator.generate(seed);
    for node in graph.nodes() {
        if !target.exists(&node.desc).await.unwrap() {
            target.push_deferred(&node.desc, Blob::from_bytes(node.bytes.clone())).await.unwrap();
        }
    }
    target.flush().await.unwrap();
    let root = graph.roots().pop().unwrap();
    target.tag(&root, "latest").await.unwrap();
    graph.manifests().count()
}

#[tokio::test]
async fn many_deferred_pushes_are_flushed_once_before_the_tag() {
    let store = std::sync::Arc::new(Recording::new(Batching::default()));
    let manifests = fill(&AnyTarget::new(std::sync::Arc::clone(&store)), 11).await;
    assert!(manifests > 3, "the graph has something to gather");
    let calls = store.calls();
    let methods: Vec<_> = calls.iter().map(|call| call.method).filter(|method| *method != Method::Exists).collect();
    let (last, pushes) = methods.split_at(methods.len() - 2);
    assert_eq!(last.len() + pushes.len(), methods.len());
    assert!(methods[..methods.len() - 2].iter().all(|method| *method == Method::PushDeferred));
    assert_eq!(methods[methods.len() - 2..], [Method::Flush, Method::Tag]);
    let store = store.target();
    assert_eq!(store.index_writes.load(Ordering::Relaxed), 1);
    assert_eq!(store.index.lock().unwrap().len(), manifests);
}

#[tokio::test]
async fn what_is_not_flushed_is_not_listed_and_nothing_is_torn() {
    let store = Batching::default();
    let bytes = oras_descriptor::canonical(&oras_descriptor::Index::new(Vec::new()));
    let desc = Descriptor::of(oras_content::MediaType::OCI_INDEX, &bytes);
    store.push_deferred(&desc, Blob::from_bytes(bytes)).await.unwrap();
    assert!(store.exists(&desc).await.unwrap());
    assert!(store.index.lock().unwrap().is_empty());
    store.flush().await.unwrap();
    store.flush().await.unwrap();
    assert_eq!(*store.index.lock().unwrap(), [desc]);
    assert_eq!(store.index_writes.load(Ordering::Relaxed), 1, "an empty flush writes nothing");
}

#[tokio::test]
async fn a_store_that_defers_keeps_the_contract() {
    let fresh = async |_| AnyTarget::new(Batching::default());
    contract::check("Batching", &contract::Capabilities::target(), fresh).await;
}
