use bytes::Bytes;
use oras_content::{
    Blob, Descriptor, ErrorKind, Fetcher as _, LimitedStorage, Location, MediaType, Pusher as _, ReadOnlyStorage as _,
};
use oras_descriptor::Algorithm;
use oras_memory::MemoryStore;
use oras_testing::FaultySource;

#[tokio::test]
async fn refuses_more_than_its_limit_without_reading() {
    let store = LimitedStorage::new(MemoryStore::new(), 5);
    let source = FaultySource::builder("hello!".into()).build();
    let desc = Descriptor::of("a/b", b"hello!");
    let from = [Location::new("a", "b")];
    let errors = [
        store.push(&desc, source.blob(&desc)).await.unwrap_err(),
        store.push_deferred(&desc, source.blob(&desc)).await.unwrap_err(),
        store.mount(&desc, &from, source.blob(&desc)).await.unwrap_err(),
        store.ingest(&MediaType::OCTET_STREAM, Algorithm::Sha256, source.blob(&desc)).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
    }
    assert!(source.opens().is_empty());
}

#[tokio::test]
async fn a_blob_cannot_exceed_the_size_that_was_declared() {
    let store = LimitedStorage::new(MemoryStore::new(), 5);
    let desc = Descriptor::of("a/b", b"hello");
    let long = FaultySource::builder("hello and much more".into()).build();
    let error = store.push(&desc, Blob::from_stream(None, long.stream())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let lying = Blob::from_stream(Some(5), long.stream());
    let error = store.ingest(&MediaType::OCTET_STREAM, Algorithm::Sha256, lying).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let unknown = Blob::from_stream(None, long.stream());
    let error = store.ingest(&MediaType::OCTET_STREAM, Algorithm::Sha256, unknown).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn takes_and_gives_what_keeps_to_the_limit() {
    let store = LimitedStorage::new(MemoryStore::new(), 5);
    assert_eq!(store.push_limit(), 5);
    let desc = Descriptor::of("a/b", b"hello");
    store.push(&desc, Blob::from_bytes(Bytes::from_static(b"hello"))).await.unwrap();
    assert!(store.exists(&desc).await.unwrap());
    assert_eq!(store.fetch(&desc).await.unwrap().bytes(5).await.unwrap(), "hello");
}
