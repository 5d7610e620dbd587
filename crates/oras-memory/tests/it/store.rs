use bytes::Bytes;
use oras_content::{
    Blob, Deleter as _, Descriptor, ErrorKind, Fetcher as _, MediaType, PredecessorFinder as _, Pusher as _,
    ReadOnlyStorage as _, Resolver as _, Tagger as _,
};
use oras_descriptor::{Algorithm, Manifest, canonical};
use oras_memory::MemoryStore;
use oras_testing::{FaultySource, GraphGenerator};

fn blob(text: &'static str) -> (Descriptor, Blob) {
    (Descriptor::of("text/plain", text.as_bytes()), Blob::from_bytes(text.into()))
}

#[tokio::test]
async fn knows_content_by_its_digest_under_any_media_type() {
    let store = MemoryStore::new();
    let (desc, content) = blob("hello");
    store.push(&desc, content).await.unwrap();
    let other = Descriptor::of("another/type", b"hello");
    assert!(store.exists(&other).await.unwrap());
    assert_eq!(store.fetch(&other).await.unwrap().bytes(5).await.unwrap(), "hello");
    let again = store.push(&other, blob("hello").1).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn bytes_that_came_as_a_layer_exist_as_a_manifest_once_they_come_as_one() {
    let store = MemoryStore::new();
    let bytes = canonical(&Manifest::new(Descriptor::empty(), Vec::new()));
    let layer = Descriptor::of(MediaType::OCI_LAYER, &bytes);
    let manifest = Descriptor::of(MediaType::OCI_MANIFEST, &bytes);
    store.push(&layer, Blob::from_bytes(bytes.clone())).await.unwrap();
    assert!(store.exists(&layer).await.unwrap() && !store.exists(&manifest).await.unwrap());
    let pushed = store.push(&manifest, Blob::from_bytes(bytes)).await;
    assert_eq!(pushed.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert!(store.exists(&layer).await.unwrap() && store.exists(&manifest).await.unwrap());
}

#[tokio::test]
async fn a_known_digest_with_another_size_is_corrupt_and_not_read() {
    let store = MemoryStore::new();
    let (desc, content) = blob("hello");
    store.push(&desc, content).await.unwrap();
    let source = FaultySource::builder("hello!".into()).build();
    let wrong = Descriptor { size: 6, ..desc };
    assert_eq!(store.push(&wrong, source.blob(&wrong)).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(source.opens().is_empty());
    assert!(!store.exists(&wrong).await.unwrap());
    assert_eq!(store.delete(&wrong).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.tag(&wrong, "v1").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn resolves_the_descriptor_exactly_as_it_was_tagged() {
    let store = MemoryStore::new();
    let (desc, content) = blob("hello");
    store.push(&desc, content).await.unwrap();
    let tagged = Descriptor::of("another/type", b"hello").with_annotation("k", "v").with_artifact_type("t/t");
    store.tag(&tagged, "any reference: even this one").await.unwrap();
    assert_eq!(store.resolve("any reference: even this one").await.unwrap(), tagged);
    assert_eq!(store.resolve(desc.digest.as_str()).await.unwrap(), desc);
}

#[tokio::test]
async fn a_digest_stands_for_nothing_but_its_content() {
    let store = MemoryStore::new();
    let (desc, content) = blob("hello");
    store.push(&desc, content).await.unwrap();
    store.tag(&desc, desc.digest.as_str()).await.unwrap();
    let other = blob("other").0.digest;
    assert_eq!(store.tag(&desc, other.as_str()).await.unwrap_err().kind(), ErrorKind::InvalidReference);
    assert_eq!(store.resolve(other.as_str()).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read_is_refused() {
    let store = MemoryStore::new();
    let desc = Descriptor::of(MediaType::OCI_MANIFEST, b"<html>");
    let refused = store.push(&desc, Blob::from_bytes("<html>".into())).await.unwrap_err();
    assert_eq!((refused.kind(), refused.is_from_blob()), (ErrorKind::Corrupt, false));
    assert!(!store.exists(&desc).await.unwrap());
}

#[tokio::test]
async fn bytes_that_came_as_a_blob_become_a_manifest_when_they_come_as_one() {
    let store = MemoryStore::new();
    let (layer, _) = blob("layer");
    let bytes = canonical(&Manifest::new(Descriptor::empty(), vec![layer.clone()]).with_artifact_type("t/t"));
    let as_blob = Descriptor::of(MediaType::OCTET_STREAM, &bytes);
    let as_manifest = Descriptor::of(MediaType::OCI_MANIFEST, &bytes);
    store.push(&as_blob, Blob::from_bytes(bytes.clone())).await.unwrap();
    assert!(store.predecessors(&layer).await.unwrap().is_empty());
    let known = store.push(&as_manifest, Blob::from_bytes(bytes)).await.unwrap_err();
    assert_eq!(known.kind(), ErrorKind::AlreadyExists);
    assert_eq!(store.predecessors(&layer).await.unwrap(), std::slice::from_ref(&as_manifest));
    assert_eq!(store.resolve(as_blob.digest.as_str()).await.unwrap(), as_manifest);
}

#[tokio::test]
async fn takes_in_content_and_manifests_that_are_not_described() {
    let store = MemoryStore::new();
    let (layer, _) = blob("layer");
    let bytes = canonical(&Manifest::new(Descriptor::empty(), vec![layer.clone()]).with_artifact_type("t/t"));
    let blob = Blob::from_bytes(bytes.clone());
    let desc = store.ingest(&MediaType::OCI_MANIFEST, Algorithm::Sha512, blob).await.unwrap();
    assert_eq!(desc, Descriptor::of_with(Algorithm::Sha512, MediaType::OCI_MANIFEST, &bytes));
    assert_eq!(store.predecessors(&layer).await.unwrap(), [desc]);
}

#[tokio::test]
async fn a_size_beyond_all_memory_costs_nothing() {
    let store = MemoryStore::new();
    let desc = Descriptor { size: 1 << 62, ..blob("hello").0 };
    let chunks = ["hel", "lo"].map(|chunk| Ok(Bytes::from(chunk)));
    let short = Blob::from_stream(None, futures_util::stream::iter(chunks));
    assert_eq!(store.push(&desc, short).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn clones_share_their_content() {
    let store = MemoryStore::new();
    let graph = GraphGenerator::new().generate(7);
    graph.push_into(&store.clone()).await.unwrap();
    graph.assert_closed(&store).await;
    for node in graph.nodes() {
        assert_eq!(store.fetch(&node.desc).await.unwrap().bytes(u64::MAX).await.unwrap(), node.bytes);
    }
}

#[tokio::test]
async fn predecessors_are_those_of_the_graph() {
    let store = MemoryStore::new();
    for seed in 0..50 {
        let graph = GraphGenerator::new().generate(seed);
        graph.push_into(&store).await.unwrap();
        for parent in graph.nodes() {
            for child in parent.successors() {
                let found = store.predecessors(&child).await.unwrap();
                assert!(found.iter().any(|desc| desc.same_content(&parent.desc)), "seed {seed}");
            }
        }
    }
}
