use bytes::Bytes;
use oras_content::{
    Blob, Descriptor, ErrorKind, Fetcher, MediaType, Pusher as _, Result, fetch_all, fetch_links, successors,
};
use oras_descriptor::{Manifest, canonical};
use oras_memory::MemoryStore;
use oras_testing::{FaultySource, Method, Recording};

/// Gives whatever its source gives, unchecked.
struct Careless(FaultySource);

impl Fetcher for Careless {
    async fn fetch(&self, _: &Descriptor) -> Result<Blob> {
        Ok(Blob::from_stream(None, self.0.stream()))
    }
}

#[tokio::test]
async fn short_long_and_wrong_content_is_corrupt_even_from_a_careless_store() {
    let desc = Descriptor::of("a/b", b"hello");
    for content in ["hell", "hello!", "hallo"] {
        let store = Careless(FaultySource::builder(content.into()).build());
        assert_eq!(fetch_all(&store, &desc, 100).await.unwrap_err().kind(), ErrorKind::Corrupt, "{content}");
    }
    let store = Careless(FaultySource::builder("hello".into()).build());
    assert_eq!(fetch_all(&store, &desc, 5).await.unwrap(), "hello");
    let unknown = Descriptor::new("a/b", "md5:00".parse().unwrap(), 5);
    assert_eq!(fetch_all(&store, &unknown, 5).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn content_over_the_limit_is_not_even_fetched() {
    let store = Recording::new(MemoryStore::new());
    let desc = Descriptor::of("a/b", b"hello");
    assert_eq!(fetch_all(&store, &desc, 4).await.unwrap_err().kind(), ErrorKind::SizeExceedsLimit);
    assert_eq!(store.count(Method::Fetch), 0);
    assert_eq!(fetch_all(&store, &desc, 5).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn embedded_data_spares_the_fetch() {
    let store = Recording::new(MemoryStore::new());
    let desc = Descriptor::of("a/b", b"hello").with_data(Bytes::from_static(b"hello"));
    assert_eq!(fetch_all(&store, &desc, 5).await.unwrap(), "hello");
    assert_eq!(store.count(Method::Fetch), 0);
}

#[tokio::test]
async fn embedded_data_that_lies_is_fetched_instead() {
    let store = Recording::new(MemoryStore::new());
    let desc = Descriptor::of("a/b", b"hello");
    store.push(&desc, Blob::from_bytes("hello".into())).await.unwrap();
    for data in ["hallo", "hell", "hello!"] {
        let lying = desc.clone().with_data(data.into());
        assert_eq!(fetch_all(&store, &lying, 5).await.unwrap(), "hello", "{data}");
    }
    assert_eq!(store.count(Method::Fetch), 3);
}

#[tokio::test]
async fn successors_of_a_manifest_are_read_and_of_a_blob_not_even_fetched() {
    let store = Recording::new(MemoryStore::new());
    let child = |text: &str| Descriptor::of("a/b", text.as_bytes());
    let manifest = Manifest::new(child("config"), vec![child("1"), child("2")]).with_subject(child("subject"));
    let bytes = canonical(&manifest);
    let desc = Descriptor::of(MediaType::OCI_MANIFEST, &bytes);
    store.push(&desc, Blob::from_bytes(bytes)).await.unwrap();
    let expected = ["subject", "config", "1", "2"].map(child);
    assert_eq!(successors(&store, &desc).await.unwrap(), expected);
    assert!(successors(&store, &child("config")).await.unwrap().is_empty());
    assert_eq!(store.count(Method::Fetch), 1);
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read_is_corrupt_and_named() {
    let store = Careless(FaultySource::builder("<html>".into()).build());
    let desc = Descriptor::of(MediaType::OCI_INDEX, b"<html>");
    let error = fetch_links(&store, &desc).await.unwrap_err();
    assert_eq!((error.kind(), error.descriptor()), (ErrorKind::Corrupt, Some(&desc)));
}
