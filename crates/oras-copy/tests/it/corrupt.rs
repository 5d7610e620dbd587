//! A source that gives other bytes than it should.

use std::collections::HashMap;

use bytes::Bytes;
use oras_content::{Blob, Descriptor, Digest, ErrorKind, Fetcher, ReadOnlyStorage, Result};
use oras_copy::{CopyOperation, CopyOptions, CopyOrigin, copy_graph};
use oras_descriptor::Manifest;
use oras_memory::MemoryStore;
use oras_testing::FaultySource;

use crate::support::{blob, has, put_manifest};

/// Gives blobs that do not check themselves, and for some digests the wrong ones.
struct Lying {
    store: MemoryStore,
    lies: HashMap<Digest, &'static str>,
}

impl Fetcher for Lying {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        let bytes = match self.lies.get(&desc.digest) {
            Some(lie) => Bytes::from_static(lie.as_bytes()),
            None => self.store.fetch(desc).await?.bytes(desc.size).await?,
        };
        Ok(Blob::from_stream(None, FaultySource::builder(bytes).build().stream()))
    }
}

impl ReadOnlyStorage for Lying {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        self.store.exists(desc).await
    }
}

/// A manifest of a layer, and the source that lies about it.
async fn lying_about_layer(lie: &'static str) -> (Lying, Descriptor, Descriptor) {
    let store = MemoryStore::new();
    let layer = Descriptor::of("a/b", b"layer");
    let root = put_manifest(&store, &Manifest::new(blob(&store, "config").await, vec![layer.clone()])).await;
    let lies = HashMap::from([(layer.digest.clone(), lie)]);
    (Lying { store, lies }, root, layer)
}

#[tokio::test]
async fn content_that_is_not_what_its_descriptor_says_blames_the_source() {
    for lie in ["laser", "lay", "layers"] {
        let (src, root, layer) = lying_about_layer(lie).await;
        let dst = MemoryStore::new();
        let error = copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.origin()), (ErrorKind::Corrupt, CopyOrigin::Source), "{lie}");
        assert_eq!((error.operation(), error.descriptor()), (CopyOperation::Fetch, Some(&layer)));
        assert!(!has(&dst, &root).await && !has(&dst, &layer).await);
    }
}

#[tokio::test]
async fn a_trusted_source_is_believed_about_the_bytes_of_blobs_but_not_their_size() {
    let trusting = CopyOptions::new().with_trusted_source(true);
    let (src, root, layer) = lying_about_layer("laser").await;
    let dst = MemoryStore::new();
    copy_graph(&src, &dst, &root, &trusting).await.unwrap();
    assert_eq!(dst.fetch(&layer).await.unwrap().bytes(9).await.unwrap_err().kind(), ErrorKind::Corrupt);

    let (src, root, _) = lying_about_layer("lay").await;
    assert!(copy_graph(&src, &MemoryStore::new(), &root, &trusting).await.is_err());
}

#[tokio::test]
async fn a_trusted_source_is_not_believed_about_manifests() {
    let (mut src, root, _) = lying_about_layer("layer").await;
    let text = oras_content::fetch_all(&src.store, &root, 1 << 20).await.unwrap();
    let lie = String::from_utf8(text.to_vec()).unwrap().replace("a/b", "a/c");
    src.lies.insert(root.digest.clone(), lie.leak());
    let trusting = CopyOptions::new().with_trusted_source(true);
    let error = copy_graph(&src, &MemoryStore::new(), &root, &trusting).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (ErrorKind::Corrupt, CopyOrigin::Source));
}
