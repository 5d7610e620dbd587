use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    task::Poll,
};

use bytes::Bytes;
use futures_util::stream;
use oras_content::{
    Blob, Deleter as _, Error, ErrorKind, Fetcher as _, Pusher as _, ReadOnlyStorage as _, Resolver as _, Tagger as _,
    fetch_all,
};
use oras_descriptor::{Algorithm, Descriptor, MediaType};
use oras_layout::{BlobDir, OciLayout};
use oras_testing::FaultySource;

use crate::support::{artifact, blob_path, content, fresh, leftovers, overwrite, push};

#[tokio::test]
async fn pushed_content_is_fetched_verified() {
    let (_dir, layout) = fresh().await;
    let desc = push(&layout, content("hello")).await.unwrap();
    assert!(layout.exists(&desc).await.unwrap());
    assert_eq!(fetch_all(&layout, &desc, 100).await.unwrap(), "hello");
    assert_eq!(fs::read(blob_path(&layout, &desc)).unwrap(), b"hello");
}

#[cfg(unix)]
#[tokio::test]
async fn blobs_are_read_only_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, layout) = fresh().await;
    for (desc, bytes) in [content("small"), content(&"large".repeat(100_000))] {
        layout.push(&desc, Blob::from_bytes(bytes)).await.unwrap();
        assert_eq!(fs::metadata(blob_path(&layout, &desc)).unwrap().permissions().mode() & 0o777, 0o444);
    }
}

#[tokio::test]
async fn content_that_is_here_is_not_read_again() {
    let (_dir, layout) = fresh().await;
    let desc = push(&layout, content("hello")).await.unwrap();
    let never = Blob::from_stream(Some(5), stream::poll_fn(|_| panic!("the blob was read")));
    assert_eq!(layout.push(&desc, never).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_failed_push_leaves_no_file_behind() {
    let (_dir, layout) = fresh().await;
    for size in [10, 1_000_000] {
        let (desc, _) = content(&"a".repeat(size));
        for wrong in ["b".repeat(size), "a".repeat(size - 1), "a".repeat(size + 1)] {
            let blob = Blob::from_stream(None, stream::iter([Ok(Bytes::from(wrong))]));
            assert_eq!(layout.push(&desc, blob).await.unwrap_err().kind(), ErrorKind::Corrupt);
        }
        assert!(!layout.exists(&desc).await.unwrap());
    }
    assert!(leftovers(layout.root()).is_empty());
}

#[tokio::test]
async fn a_push_that_broke_off_is_continued_where_it_broke() {
    let (_dir, layout) = fresh().await;
    let (desc, bytes) = content(&"0123456789".repeat(100_000));
    let lost = Error::new(ErrorKind::Timeout, "gone");
    let broken = Blob::from_stream(None, stream::iter([Ok(bytes.slice(..300_000)), Err(lost)]));
    assert_eq!(layout.push(&desc, broken).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(leftovers(layout.root()).len(), 1);

    let source = FaultySource::builder(bytes.clone()).build();
    layout.push(&desc, source.blob(&desc)).await.unwrap();
    assert_eq!(source.opens(), [300_000], "only the rest was asked for");
    assert_eq!(fetch_all(&layout, &desc, u64::MAX).await.unwrap(), bytes);
    assert!(leftovers(layout.root()).is_empty());
}

#[tokio::test]
async fn wrong_bytes_of_an_earlier_push_are_thrown_away() {
    let (_dir, layout) = fresh().await;
    let (desc, bytes) = content(&"0123456789".repeat(100_000));
    let part = layout.root().join("ingest").join(format!("sha256-{}.part", desc.digest.encoded()));
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    for wrong in ["x".repeat(1000), "x".repeat(1_000_000), "x".repeat(2_000_000)] {
        fs::write(&part, wrong).unwrap();
        layout.push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
        assert_eq!(fetch_all(&layout, &desc, u64::MAX).await.unwrap(), bytes);
        layout.delete(&desc).await.unwrap();
    }
    assert!(leftovers(layout.root()).is_empty());
}

#[tokio::test]
async fn one_blob_pushed_many_times_at_once_lands_once() {
    let (_dir, layout) = fresh().await;
    let (desc, bytes) = content(&"0123456789".repeat(100_000));
    let pushes = (0..8).map(|_| {
        let (layout, desc, bytes) = (layout.clone(), desc.clone(), bytes.clone());
        async move { layout.push(&desc, Blob::from_bytes(bytes)).await }
    });
    let results = futures_util::future::join_all(pushes).await;
    assert!(results.iter().any(Result::is_ok));
    for error in results.into_iter().filter_map(Result::err) {
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    }
    assert_eq!(fetch_all(&layout, &desc, u64::MAX).await.unwrap(), bytes);
    assert_eq!(leftovers(layout.root()), Vec::<String>::new());
}

#[tokio::test]
async fn corrupt_content_fails_to_be_fetched_and_is_replaced_by_a_push() {
    let (_dir, layout) = fresh().await;
    let (desc, bytes) = content("hello");
    push(&layout, (desc.clone(), bytes.clone())).await.unwrap();
    overwrite(&layout, &desc, "hallo");
    assert_eq!(fetch_all(&layout, &desc, 100).await.unwrap_err().kind(), ErrorKind::Corrupt);
    overwrite(&layout, &desc, "hell");
    assert!(!layout.exists(&desc).await.unwrap(), "another size is another content");
    push(&layout, (desc.clone(), bytes)).await.unwrap();
    assert_eq!(fetch_all(&layout, &desc, 100).await.unwrap(), "hello");
}

#[tokio::test]
async fn missing_content_is_not_found() {
    let (_dir, layout) = fresh().await;
    let (desc, _) = content("nowhere");
    assert!(!layout.exists(&desc).await.unwrap());
    assert_eq!(layout.fetch(&desc).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(layout.delete(&desc).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(layout.tag(&desc, "v1").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_unknown_algorithm_is_kept_and_cannot_be_verified() {
    let (_dir, layout) = fresh().await;
    let digest: oras_descriptor::Digest = format!("blake3:{}", "0f".repeat(32)).parse().unwrap();
    let desc = Descriptor::new("a/b", digest, 5);
    let dir = layout.root().join("blobs/blake3");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("0f".repeat(32)), "hello").unwrap();
    assert!(layout.exists(&desc).await.unwrap());
    assert_eq!(fetch_all(&layout, &desc, 100).await.unwrap_err().kind(), ErrorKind::Unsupported);
    let pushed = layout.push(&desc, Blob::from_bytes("hello".into())).await;
    assert_eq!(pushed.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn every_known_algorithm_has_its_directory() {
    let (_dir, layout) = fresh().await;
    for algorithm in Algorithm::ALL {
        let desc = layout.ingest(&"a/b".into(), algorithm, Blob::from_bytes("hello".into())).await.unwrap();
        assert_eq!(desc, Descriptor::of_with(algorithm, "a/b", b"hello"));
        assert!(layout.root().join("blobs").join(algorithm.name()).join(desc.digest.encoded()).is_file());
        let again = layout.ingest(&"a/b".into(), algorithm, Blob::from_bytes("hello".into())).await.unwrap();
        assert_eq!(again, desc);
    }
    assert!(leftovers(layout.root()).is_empty());
}

#[tokio::test]
async fn an_ingested_manifest_is_listed() {
    let (_dir, layout) = fresh().await;
    let (desc, bytes) = crate::support::manifest("m", Vec::new(), None);
    let ingested = layout.ingest(&MediaType::OCI_MANIFEST, Algorithm::Sha256, Blob::from_bytes(bytes)).await.unwrap();
    assert_eq!(ingested.digest, desc.digest);
    let reopened = OciLayout::open(layout.root()).await.unwrap();
    assert_eq!(reopened.resolve(desc.digest.as_str()).await.unwrap(), desc.plain());
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read_or_is_too_large_is_refused() {
    let (_dir, layout) = fresh().await;
    let desc = Descriptor::of(MediaType::OCI_MANIFEST, b"<html>");
    let pushed = layout.push(&desc, Blob::from_bytes("<html>".into())).await;
    assert_eq!(pushed.unwrap_err().kind(), ErrorKind::Corrupt);
    let large = Descriptor::new(MediaType::OCI_MANIFEST, desc.digest, 5 << 20);
    let pushed = layout.push(&large, Blob::from_stream(None, stream::empty())).await;
    assert_eq!(pushed.unwrap_err().kind(), ErrorKind::SizeExceedsLimit);
}

#[tokio::test]
async fn blobs_without_an_index_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (BlobDir::new(dir.path()), BlobDir::new(dir.path()));
    let desc = push(&one, content("hello")).await.unwrap();
    assert_eq!(fetch_all(&two, &desc, 100).await.unwrap(), "hello");
    two.delete(&desc).await.unwrap();
    assert!(!one.exists(&desc).await.unwrap());
    assert!(!dir.path().join("index.json").exists());
}

#[tokio::test]
async fn a_dropped_push_can_be_repeated() {
    let (_dir, layout) = fresh().await;
    let (desc, bytes) = content(&"0123456789".repeat(100_000));
    let stalled = Blob::from_stream(
        None,
        futures_util::StreamExt::chain(stream::iter([Ok(bytes.slice(..400_000))]), stream::pending()),
    );
    let pushing = layout.push(&desc, stalled);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(50), pushing).await.is_err());
    assert!(!layout.exists(&desc).await.unwrap());
    layout.push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
    assert_eq!(fetch_all(&layout, &desc, u64::MAX).await.unwrap(), bytes);
    artifact(&layout, "still works", None).await;
}

#[tokio::test]
async fn a_push_right_after_a_dropped_one_waits_for_its_writer_and_goes_on_there() {
    let (_dir, layout) = fresh().await;
    let (chunk, chunks) = (vec![b'x'; 8 << 20], 3);
    let (desc, bytes) = content(&"x".repeat(chunk.len() * chunks + 1000));
    let mut left = chunks;
    let (stalled, is_stalled) = (std::sync::Arc::new(AtomicBool::new(false)), |flag: &AtomicBool| flag.load(Relaxed));
    let stalling = stalled.clone();
    let stream = stream::poll_fn(move |_| match left {
        0 => {
            stalling.store(true, Relaxed);
            Poll::Pending
        }
        _ => {
            left -= 1;
            Poll::Ready(Some(Ok(Bytes::from(chunk.clone()))))
        }
    });
    {
        let mut pushing = std::pin::pin!(layout.push(&desc, Blob::from_stream(None, stream)));
        while !is_stalled(&stalled) {
            assert!(futures_util::FutureExt::now_or_never(pushing.as_mut()).is_none());
            tokio::task::yield_now().await;
        }
    }
    // The thread of the dropped push has chunks to write yet.
    let source = FaultySource::builder(bytes.clone()).build();
    layout.push(&desc, source.blob(&desc)).await.unwrap();
    assert_eq!(source.opens(), [bytes.len() as u64 - 1000], "all that was given to the first was kept");
    assert_eq!(fetch_all(&layout, &desc, u64::MAX).await.unwrap(), bytes);
    assert!(leftovers(layout.root()).is_empty());
}
