//! Large files, which are pushed while they are described.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use oras::content::{Blob, Fetcher, Pusher, ReadOnlyStorage, ReadOnlyTarget, Resolver, Tagger, Target, fs::FileSource};
use oras::descriptor::Algorithm;
use oras::files::{self, PushOptions};
use oras::memory::MemoryStore;
use oras::{Descriptor, MediaType, Result};

/// From this size on a file is large.
const LARGE: u64 = 64 << 20;

/// Takes what is not described, and is never done with it.
#[derive(Default)]
struct Slow {
    store: MemoryStore,
    ingests: AtomicUsize,
    pushes: AtomicUsize,
}

impl Fetcher for Slow {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        self.store.fetch(desc).await
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

impl ReadOnlyTarget for Slow {}

impl Pusher for Slow {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        if desc.size >= LARGE {
            self.pushes.fetch_add(1, Ordering::Relaxed);
        }
        self.store.push(desc, content).await
    }

    async fn ingest(&self, _: &MediaType, _: Algorithm, content: Blob) -> Result<Descriptor> {
        self.ingests.fetch_add(1, Ordering::Relaxed);
        let _content = content;
        std::future::pending().await
    }
}

impl Tagger for Slow {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        self.store.tag(desc, reference).await
    }
}

impl Target for Slow {}

#[tokio::test]
async fn a_large_file_that_the_target_turns_out_to_have_is_not_sent_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large");
    fs::File::create(&path).unwrap().set_len(LARGE).unwrap();
    let target = Slow::default();
    let content = FileSource::new(&path).into_blob(Some(LARGE));
    let there = target.store.ingest(&MediaType::OCI_LAYER, Algorithm::Sha256, content).await.unwrap();

    let options = PushOptions::new().with_base(dir.path());
    let pushing = files::push(&target, "v1", ["large"], &options);
    let pushed = tokio::time::timeout(Duration::from_secs(60), pushing).await.expect("it gives up in time").unwrap();
    assert_eq!(pushed.layers()[0].digest, there.digest);
    assert_eq!(target.resolve("v1").await.unwrap().digest, pushed.root().digest);
    let counted = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    assert_eq!((counted(&target.ingests), counted(&target.pushes)), (1, 0), "begun once, and given up");
}
