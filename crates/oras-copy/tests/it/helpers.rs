//! One thing at a time on any target.

use oras_content::{Descriptor, ErrorKind, Fetcher as _, MediaType, Resolver as _, Tagger as _};
use oras_copy::{
    DEFAULT_TAG_CONCURRENCY, ResolveOptions, fetch, fetch_bytes, push_bytes, tag, tag_bytes, tag_bytes_n, tag_n,
};
use oras_descriptor::Platform;
use oras_memory::MemoryStore;
use oras_testing::{Method, Recording};

use crate::support::{blob, image, put_index};

async fn tagged() -> (Recording<MemoryStore>, Descriptor) {
    let store = Recording::new(MemoryStore::new());
    let root = image(store.target(), "a").await;
    store.target().tag(&root, "v1").await.unwrap();
    (store, root)
}

#[tokio::test]
async fn tags_a_manifest_by_reading_it_once_and_storing_it_under_the_reference() {
    let (store, root) = tagged().await;
    assert_eq!(tag(&store, "v1", "v2").await.unwrap(), root);
    assert_eq!(store.target().resolve("v2").await.unwrap(), root);
    let methods = [Method::FetchReference, Method::PushReference, Method::Tag].map(|method| store.count(method));
    assert_eq!(methods, [1, 1, 0]);
}

#[tokio::test]
async fn tags_what_is_no_manifest_without_reading_it() {
    let store = Recording::new(MemoryStore::new());
    let root = blob(store.target(), "alone").await;
    store.target().tag(&root, "v1").await.unwrap();
    tag(&store, "v1", "v2").await.unwrap();
    assert_eq!(store.target().resolve("v2").await.unwrap(), root);
    assert_eq!((store.count(Method::PushReference), store.count(Method::Tag)), (0, 1));
}

#[tokio::test]
async fn tags_many_references_and_reads_once() {
    let (store, root) = tagged().await;
    let names: Vec<String> = (0..20).map(|n| format!("n{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(tag_n(&store, "v1", &names, DEFAULT_TAG_CONCURRENCY).await.unwrap(), root);
    for name in &names {
        assert_eq!(store.target().resolve(name).await.unwrap(), root);
    }
    assert_eq!((store.count(Method::FetchReference), store.count(Method::PushReference)), (1, 20));
    assert_eq!(DEFAULT_TAG_CONCURRENCY.get(), 5);
}

#[tokio::test]
async fn no_reference_to_set_is_a_missing_reference() {
    let (store, _) = tagged().await;
    let error = tag_n(&store, "v1", &[], DEFAULT_TAG_CONCURRENCY).await.unwrap_err();
    assert_eq!((error.kind(), store.calls().len()), (ErrorKind::MissingReference, 0));
    assert_eq!(tag(&store, "gone", "v2").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn tagging_goes_on_on_another_task() {
    let (store, root) = tagged().await;
    #[expect(clippy::disallowed_methods, reason = "the future must be able to move to another thread")]
    let tagged = tokio::spawn(async move {
        tag_n(&store, "v1", &["v2", "v3"], DEFAULT_TAG_CONCURRENCY).await?;
        store.target().resolve("v3").await
    });
    assert_eq!(tagged.await.unwrap().unwrap(), root);
}

#[tokio::test]
async fn fetches_content_whole_or_of_a_platform_under_a_limit() {
    let store = MemoryStore::new();
    let child = image(&store, "a").await.with_platform(Platform::new("linux", "arm64"));
    let root = put_index(&store, vec![child.clone()]).await;
    store.tag(&root, "v1").await.unwrap();
    let arm = ResolveOptions::new().with_platform(Platform::new("linux", "arm64"));
    let expected = oras_content::fetch_all(&store, &child, 1 << 20).await.unwrap();

    let (desc, bytes) = fetch_bytes(&store, "v1", &arm, 1 << 20).await.unwrap();
    assert_eq!((desc, &bytes), (child.clone(), &expected));
    let (desc, content) = fetch(&store, "v1", &ResolveOptions::new()).await.unwrap();
    assert_eq!((desc, content.size()), (root.clone(), Some(root.size)));
    let error = fetch_bytes(&store, "v1", &ResolveOptions::new(), root.size - 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
}

#[tokio::test]
async fn pushes_bytes_and_describes_them() {
    let store = MemoryStore::new();
    let desc = push_bytes(&store, "", "hello".into()).await.unwrap();
    assert_eq!(desc, Descriptor::of(MediaType::OCTET_STREAM, b"hello"));
    assert_eq!(store.fetch(&desc).await.unwrap().bytes(9).await.unwrap(), "hello");
    assert_eq!(push_bytes(&store, "", "hello".into()).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let tagged = tag_bytes(&store, "", "hello".into(), "v1").await.unwrap();
    assert_eq!(store.resolve("v1").await.unwrap(), tagged, "what is there can be tagged");
}

#[tokio::test]
async fn tags_bytes_under_many_references_at_once() {
    let store = MemoryStore::new();
    let names: Vec<String> = (0..50).map(|n| format!("n{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let desc = tag_bytes_n(&store, "a/b", "x".into(), &names, DEFAULT_TAG_CONCURRENCY).await.unwrap();
    for name in names {
        assert_eq!(store.resolve(name).await.unwrap(), desc);
    }
    let alone = tag_bytes_n(&store, "a/b", "y".into(), &[], DEFAULT_TAG_CONCURRENCY).await.unwrap();
    assert!(crate::support::has(&store, &alone).await);
}

#[cfg(feature = "spool")]
mod ingest {
    use bytes::Bytes;
    use oras_content::Blob;
    use oras_copy::ingest;
    use oras_descriptor::Algorithm;

    use super::*;
    use crate::support::Odd;

    fn once(chunks: &'static [&'static str]) -> Blob {
        Blob::from_stream(
            None,
            futures_util::stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes())))),
        )
    }

    #[tokio::test]
    async fn content_that_is_not_described_goes_in_one_pass_where_the_store_can() {
        let store = Recording::new(MemoryStore::new());
        let desc = ingest(&store, "a/b", Algorithm::Sha512, once(&["hel", "lo"])).await.unwrap();
        assert_eq!(desc, Descriptor::of_with(Algorithm::Sha512, "a/b", b"hello"));
        assert_eq!((store.count(Method::Ingest), store.count(Method::Push)), (1, 0));
    }

    #[tokio::test]
    async fn elsewhere_it_goes_by_way_of_a_temporary_file() {
        let store = Odd::default();
        for _ in 0..2 {
            let desc = ingest(&store, "", Algorithm::Sha256, once(&["hel", "lo"])).await.unwrap();
            assert_eq!(desc, Descriptor::of(MediaType::OCTET_STREAM, b"hello"));
            assert_eq!(store.fetch(&desc).await.unwrap().bytes(9).await.unwrap(), "hello");
        }
        let empty = ingest(&store, "a/b", Algorithm::Sha256, once(&[])).await.unwrap();
        assert_eq!(empty, Descriptor::of("a/b", b""));
    }

    #[tokio::test]
    async fn an_error_of_the_content_comes_out_and_nothing_is_stored() {
        let store = Odd::default();
        let broken = futures_util::stream::iter([Ok(Bytes::from_static(b"hel")), Err(crate::support::reset())]);
        let error = ingest(&store, "a/b", Algorithm::Sha256, Blob::from_stream(None, broken)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(!crate::support::has(&store, &Descriptor::of("a/b", b"hel")).await);
    }
}
