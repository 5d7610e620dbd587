//! What is told while bytes move.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use oras_content::{Blob, Descriptor, Fetcher, MediaType, ReadOnlyStorage, Resolver, Result};
use oras_copy::{CopyEvent, CopyHooks, CopyOptions, copy_graph};
use oras_descriptor::Manifest;
use oras_memory::MemoryStore;
use oras_testing::FaultySource;

use crate::support::{closure, image, put, put_index, put_manifest};

#[derive(Default)]
struct Events(Mutex<Vec<String>>);

impl CopyHooks for Events {
    fn event(&self, event: &CopyEvent<'_>) {
        let line = match event {
            CopyEvent::Discovered { nodes, bytes } => format!("discovered {nodes} {bytes}"),
            CopyEvent::Started { desc } => format!("started {}", desc.digest),
            CopyEvent::Progress { position, .. } => format!("progress {position}"),
            CopyEvent::Copied { desc } => format!("copied {}", desc.digest),
            CopyEvent::Skipped { desc } => format!("skipped {}", desc.digest),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

impl Events {
    fn with(&self, prefix: &str) -> Vec<String> {
        self.0.lock().unwrap().iter().filter_map(|line| line.strip_prefix(prefix)).map(str::to_owned).collect()
    }
}

/// A source whose one blob comes in chunks, each after a while.
struct Slow {
    store: MemoryStore,
    large: Descriptor,
    source: FaultySource,
    wait: Duration,
}

impl Fetcher for Slow {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        use futures_util::StreamExt as _;
        if desc.digest != self.large.digest {
            return self.store.fetch(desc).await;
        }
        let wait = self.wait;
        let chunks = self.source.stream().then(move |chunk| async move {
            tokio::time::sleep(wait).await;
            chunk
        });
        Ok(Blob::from_stream(Some(desc.size), chunks))
    }
}

impl ReadOnlyStorage for Slow {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        self.store.exists(desc).await
    }
}

impl Resolver for Slow {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.store.resolve(reference).await
    }
}

async fn slow(chunks: usize, wait: Duration) -> (Slow, Descriptor) {
    let store = MemoryStore::new();
    let content = bytes::Bytes::from(vec![7; chunks * 1000]);
    let large = put(&store, MediaType::OCI_LAYER, content.clone()).await;
    let config = put(&store, MediaType::OCI_EMPTY, "{}".into()).await;
    let root = put_manifest(&store, &Manifest::new(config, vec![large.clone()])).await;
    let source = FaultySource::builder(content).chunk_size(NonZeroUsize::new(1000).unwrap()).build();
    (Slow { store, large, source, wait }, root)
}

#[tokio::test(start_paused = true)]
async fn progress_comes_at_most_once_in_each_interval() {
    for (wait, interval, expected) in [(10, 100, 10), (10, 1000, 1), (500, 100, 100)] {
        let (src, root) = slow(100, Duration::from_millis(wait)).await;
        let events = Arc::new(Events::default());
        let options = CopyOptions::new()
            .with_progress_interval(Duration::from_millis(interval))
            .with_hooks(Arc::clone(&events) as _);
        copy_graph(&src, &MemoryStore::new(), &root, &options).await.unwrap();
        let positions: Vec<u64> = events.with("progress ").iter().map(|position| position.parse().unwrap()).collect();
        assert_eq!(positions.len(), expected, "a chunk each {wait} ms, told each {interval} ms");
        assert!(positions.is_sorted() && positions.iter().all(|position| *position <= 100_000));
    }
}

#[tokio::test]
async fn totals_grow_while_the_walk_discovers_and_end_at_all_nodes() {
    let src = MemoryStore::new();
    let images = vec![image(&src, "a").await, image(&src, "b").await];
    let root = put_index(&src, images).await;
    let events = Arc::new(Events::default());
    let options = CopyOptions::new().with_hooks(Arc::clone(&events) as _);
    copy_graph(&src, &MemoryStore::new(), &root, &options).await.unwrap();
    let nodes = closure(&src, &root).await;
    let bytes: u64 = nodes.iter().map(|node| node.size).sum();
    let told = events.with("discovered ");
    assert_eq!(told.first().unwrap(), &format!("1 {}", root.size));
    assert_eq!(told.last().unwrap(), &format!("{} {bytes}", nodes.len()));
    assert_eq!((events.with("started ").len(), events.with("copied ").len()), (nodes.len(), nodes.len()));

    let dst = MemoryStore::new();
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    let events = Arc::new(Events::default());
    copy_graph(&src, &dst, &root, &CopyOptions::new().with_hooks(Arc::clone(&events) as _)).await.unwrap();
    assert_eq!(events.with("skipped "), [root.digest.to_string()]);
}
